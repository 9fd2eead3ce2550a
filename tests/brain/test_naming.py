"""What the assistant hears a customer name."""

from __future__ import annotations

import pytest

from brain.naming import _decoys, extract
from brain.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.read()


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("帮我把招行卡解绑", "bank=cmb"),
        ("解绑其中信用卡", "card_type=credit"),
        ("信佣卡 尾号一二三四", "card_type=credit card_tail=1234"),
        ("[card ending 7890] 这张解绑", "card_tail=7890"),
        ("take the one ending in six six seven eight off", "card_tail=6678"),
        # the sort of thing
        ("解绑银行卡", "object=card"),
        ("解绑卡", "object=card"),
        ("解绑錢包", "object=wallet"),
        ("unlink my e-wallet", "object=wallet"),
        ("remove the card", "object=card"),
        ("页面卡住了", ""),
        ("my gift card", ""),
        ("my CM Bank card", "bank=cmb object=card"),
        ("支付宝钱包解绑", "wallet=alipay"),
        ("支付", ""),
        ("怎么取消快捷支付", ""),
        ("🍎支付解绑", "wallet=apple_pay"),
        # words that are names elsewhere
        ("第二个月还扣钱吗", ""),
        ("第二个", "ordinal=second"),
        ("for the first time", ""),
        ("the first, please", "ordinal=first"),
        ("it keeps paying the second I hit the button", ""),
        ("一路平安", ""),
        ("我去工商投诉", ""),
        ("去工商银行办的卡", "bank=icbc object=card"),
        ("what's my credit score", ""),
        ("Cancel the iQiyi debit on my card ending 1234", "merchant=iqiyi object=card card_tail=1234"),
        ("Bank of China debit", "bank=boc card_type=debit"),
        ("debit", "card_type=debit"),
        ("取消微信读书会员", "merchant=weread"),
        ("the apple one", "wallet=apple_pay"),
        ("stop the Apple One subscription", "merchant=apple_services"),
        # ruled out, kept, corrected
        ("除了工行那张，其他的卡都解掉", "object=card"),
        ("remove all cards except the ICBC one", ""),
        ("只留招行的，中信和光大清掉", "bank=citic bank=ceb"),
        ("我想解除微信支付", "wallet=wechat_pay"),
        ("招行卡留着，快捷支付关掉", "bank=cmb"),
        ("不是招行，是工行", "bank=icbc"),
        ("是兴业不是光大", "bank=cib"),
        ("不是招行", "bank=cmb"),
        ("not the first, the second", "ordinal=second"),
        ("不是1234，是4321", "card_tail=4321"),
    ],
)
def test_names(vocabulary, said, heard):
    assert " ".join(f"{e['entity']}={e['value']}" for e in extract(said, vocabulary)) == heard


def test_positions_are_those_of_the_raw_message(vocabulary):
    said = "請幫我解綁  農業銀行 尾號 １２３４"
    assert [said[e["start"] : e["end"]] for e in extract(said, vocabulary)] == ["農業銀行", "１２３４"]


def test_every_name_keeps_what_sets_it_apart(vocabulary):
    generic = {"支付", "付款", "pay", "卡", "bank", "银行", "会员", "music", "one"}
    for entity, names in vocabulary.names.items():
        assert not generic & set(names) or entity == "object", f"{entity}: {generic & set(names)}"


def test_no_name_is_swallowed_as_a_decoy(vocabulary):
    swallowed = {name for names in vocabulary.names.values() for name in names if _decoys().fullmatch(name)}
    assert not swallowed
