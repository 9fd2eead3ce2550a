"""What a message names, with one value however it is written, at the place where it was typed."""

import pytest

from brain.entities import extract


def found(text, vocabulary):
    """List entities; the plain word for a card or a wallet (`object`) is left out, for nearly every sentence has one."""
    return [(e["entity"], e["value"]) for e in extract(text, vocabulary) if e["entity"] != "object"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("解绑招行尾号1234那张", [("bank", "cmb"), ("card_tail", "1234")]),
        ("unbind my BOC card ending in 5678", [("bank", "boc"), ("card_tail", "5678")]),
        ("我要解綁中國工商銀行的信用卡", [("bank", "icbc"), ("card_type", "credit")]),
        ("Agricultural Bank of China", [("bank", "abc")]),
        ("Bank of China", [("bank", "boc")]),
        ("中行和中信", [("bank", "boc"), ("bank", "citic")]),
        ("zhaohang jiebang", [("bank", "cmb")]),
        ("1234", [("card_tail", "1234")]),
        ("１２３４", [("card_tail", "1234")]),
        ("尾号一二三四", [("card_tail", "1234")]),
        ("ending in one two three four", [("card_tail", "1234")]),
        ("last four digits are 9876", [("card_tail", "9876")]),
        ("解绑[card ending 7890]", [("card_tail", "7890")]),
        ("解除apple pay", [("wallet", "apple_pay")]),
        ("云闪付和微信支付", [("wallet", "unionpay_quickpass"), ("wallet", "wechat_pay")]),
        ("取消爱奇艺自动续费", [("merchant", "iqiyi")]),
        ("第二张", [("ordinal", "second")]),
        ("the second one", [("ordinal", "second")]),
        ("JB12345678 到哪了", [("request_ref", "JB12345678")]),
        ("jb-12345678?", [("request_ref", "JB12345678")]),
        ("op_AbC123xyz status", [("request_ref", "op_AbC123xyz")]),
    ],
)
def test_names(text, expected, vocabulary):
    assert found(text, vocabulary) == expected


@pytest.mark.parametrize(
    "text",
    ["bocce ball", "apple", "abcdef", "2023年绑的卡", "since 2021", "扣了1200元", "余额 1500", "¥3000", "12345", "950618", "95118", "1500 yuan", "13800138000", "集中银行卡解绑", "平安夜快乐", "工商局在哪", "加个微信群", "1,234", "2024/05/12"],
)  # fmt: skip
def test_what_only_looks_like_a_name(text, vocabulary):
    assert found(text, vocabulary) == []


def test_positions_are_those_of_the_typed_text(vocabulary):
    text = "我要解綁「招商銀行」尾號１２３４ 👍"
    spans = {e["entity"]: text[e["start"] : e["end"]] for e in extract(text, vocabulary) if e["entity"] != "object"}
    assert spans == {"bank": "招商銀行", "card_tail": "１２３４"}


def test_every_name_of_the_vocabulary_is_found_as_itself(vocabulary):
    missed = []
    for entity, names in vocabulary.names.items():
        for name, value in names.items():
            if entity != "object" and (entity, value) not in found(name, vocabulary):
                missed.append((entity, name, value, found(name, vocabulary)))
    assert missed == []


def test_the_model_keeps_the_vocabulary(storage, context, resource):
    from rasa.shared.nlu.training_data.message import Message
    from rasa.shared.nlu.training_data.training_data import TrainingData

    from brain.entities import VocabularyEntityExtractor

    component = VocabularyEntityExtractor.create({}, storage, resource, context)
    component.train(TrainingData())
    loaded = VocabularyEntityExtractor.load({}, storage, resource, context)
    message = Message(data={"text": "解绑工行卡"})
    loaded.process([message])
    assert [e["value"] for e in message.get("entities")] == ["icbc"]
    assert message.get("entities")[0]["extractor"] == "VocabularyEntityExtractor"
