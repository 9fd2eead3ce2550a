"""Small stand-ins so that no test needs a full training: a vocabulary, a handful of labelled sentences, Rasa's storage in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rasa", reason="the understanding runs in Rasa's environment (.venvs/rasa)")

from rasa.engine.graph import ExecutionContext, GraphSchema  # noqa: E402
from rasa.engine.storage.local_model_storage import LocalModelStorage  # noqa: E402
from rasa.engine.storage.resource import Resource  # noqa: E402

from brain import status  # noqa: E402
from brain.vocabulary import Vocabulary  # noqa: E402

SENTENCES = {
    "unbind_card": ["解绑招行卡", "帮我把银行卡解绑", "我要解绑这张卡", "把这张卡删了", "请解除银行卡绑定", "取消绑定我的卡", "unbind my card", "please remove my bank card", "take this card off", "delete my card now", "remove the card for me"],
    "faq/unbind_card_howto": ["怎么解绑银行卡", "如何删除银行卡", "解绑的步骤是什么", "在哪里解绑卡", "银行卡解绑怎么操作", "解绑流程", "how do i unbind my card", "how to remove a bank card", "where do i remove a card", "steps to unlink a card", "what is the way to unbind"],
    "greet": ["你好", "您好呀", "在吗", "早上好", "喂", "哈喽", "hello", "hi there", "good morning", "hey", "good evening"],
    "out_of_scope": ["今天天气怎么样", "给我讲个笑话", "帮我订机票", "股票涨了吗", "周末看什么电影", "附近有什么餐厅", "what is the weather", "tell me a joke", "book me a flight", "who won the game", "how tall is everest"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def healthy():
    """Forget what earlier tests reported as degraded."""
    status.clear()
    yield
    status.clear()


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary.read()


@pytest.fixture
def storage(tmp_path: Path) -> LocalModelStorage:
    folder = tmp_path / "storage"
    folder.mkdir()
    return LocalModelStorage(folder)


@pytest.fixture
def context() -> ExecutionContext:
    return ExecutionContext(GraphSchema({}), "test")


@pytest.fixture
def resource() -> Resource:
    return Resource("understanding")
