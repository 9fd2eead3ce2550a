"""The main job through the real processes, from the customer's words to the bank's books; and what happens when the bank is late or binding is killed."""

from __future__ import annotations

import pytest
import requests

from tests.e2e.customer import Customer, open_account, until
from tools.stack import Stack

CARDS = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}]
WORDS: dict[str, dict] = {
    "zh": {
        "ask": "帮我解绑尾号1234的招行卡",
        "yes": "确认",
        "done": ("已解绑", "已经解绑"),
        "working": "银行还在处理",
        "status": "我的解绑办得怎么样了",
    },
    "en": {
        "ask": "please unbind my CMB card ending 1234",
        "yes": "yes",
        "done": ("is unbound", "has been unbound"),
        "working": "still working",
        "status": "how far is my unbinding request?",
    },
}


def set_bank(url: str, mode: str) -> None:
    """Sets the sandbox bank's mode."""
    assert requests.put(f"{url}/sandbox/bank", json={"mode": mode}, timeout=30).ok


def done(language: str, text: str) -> bool:
    """Tells whether a reply says that the card is unbound."""
    return any(words in text for words in WORDS[language]["done"])


def terminations(stack: Stack, operation: str) -> list[dict]:
    """Returns what the bank's own books hold for an operation."""
    headers = {"Authorization": f"Bearer {stack.env['BANK_TOKEN']}"}
    books = requests.get(f"{stack.env['BANK_URL']}/bank/v1/requests", headers=headers, timeout=30).json()["items"]
    return [entry for entry in books if operation in str(entry)]


@pytest.fixture(autouse=True)
def calm_bank(url: str):
    """Leaves the bank as it was found."""
    set_bank(url, "ok")
    yield
    set_bank(url, "ok")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_customer_unbinds_a_card_with_a_code(stack: Stack, language: str) -> None:
    """The card is gone in the database, at the bank, and in the reply; not a moment earlier."""
    words = WORDS[language]
    account = open_account(stack.url, language=language, cards=CARDS, agreements=[{"merchant": "iQIYI", "card": "1234"}])
    customer = Customer(stack.url, account=account, language=language)
    confirmation = customer.says(words["ask"])
    assert "1234" in confirmation and ("爱奇艺" in confirmation or "iQIYI" in confirmation)
    assert customer.phone() == []
    assert "****" in customer.says(words["yes"])
    assert sorted(customer.tails()) == ["1234", "5678"]
    assert done(language, customer.says(customer.code()))
    state = customer.state()
    assert [card["tail"] for card in state["cards"]] == ["5678"] and state["agreements"] == []
    operation = state["operations"][0]
    assert operation["kind"] == "card.unbind" and operation["status"] == "succeeded"
    assert len(terminations(stack, operation["id"])) == 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_bank_answers_late_and_the_customer_hears_of_it(stack: Stack, language: str) -> None:
    """Nothing is claimed while the bank works; the end is told in the same conversation without being asked."""
    words = WORDS[language]
    account = open_account(stack.url, language=language, cards=CARDS)
    customer = Customer(stack.url, account=account, language=language)
    customer.says(words["ask"])
    customer.says(words["yes"])
    set_bank(stack.url, "pending")
    answer = customer.says(customer.code())
    assert not done(language, answer)
    assert "1234" in customer.tails() or customer.state()["cards"][0]["state"] == "unbinding"
    assert not done(language, customer.says(words["status"]))
    assert requests.post(f"{stack.url}/sandbox/bank/settle", timeout=30).ok
    until(lambda: any(done(language, message["text"]) for message in customer.history()))
    assert customer.tails() == ["5678"]


def test_binding_is_killed_after_the_code_was_accepted(stack: Stack) -> None:
    """After kill -9 and a restart the card is unbound exactly once, and the customer can ask what became of it."""
    words = WORDS["zh"]
    account = open_account(stack.url, language="zh", cards=CARDS)
    customer = Customer(stack.url, account=account, language="zh")
    customer.says(words["ask"])
    customer.says(words["yes"])
    set_bank(stack.url, "slow")
    customer.says(customer.code())
    stack.kill("binding")
    down = customer.says("我的解绑办得怎么样了")
    assert not done("zh", down)
    set_bank_after_restart(stack)
    until(lambda: customer.tails() == ["5678"], seconds=40)
    operation = customer.state()["operations"][0]
    assert operation["status"] == "succeeded"
    assert len(terminations(stack, operation["id"])) == 1
    assert done("zh", customer.says("我的解绑办得怎么样了"))


def set_bank_after_restart(stack: Stack) -> None:
    """Starts binding again and lets the bank finish what it holds."""
    stack.restart("binding")
    assert requests.post(f"{stack.url}/sandbox/bank/settle", timeout=30).ok
