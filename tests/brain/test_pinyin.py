"""Typed pinyin becomes characters, homophone slips become the usual word, English stays."""

import pytest

from brain.pinyin import Speller, looks_typed, reading, split

SENTENCES = ["我要解绑银行卡", "怎么解绑银行卡", "帮我取消快捷支付", "绑定招商银行的卡", "解绑要多久", "我的验证码收不到", "把卡解绑了", "解绑失败怎么办"] * 8


@pytest.fixture(scope="module")
def speller():
    return Speller.learn(SENTENCES)


@pytest.mark.parametrize(
    ("typed", "read"),
    [("wo yao jiebang yinhangka", "我要解绑银行卡"), ("woyaojiebang", "我要解绑"), ("zenme jiebang", "怎么解绑"), ("jie bang yao duo jiu", "解绑要多久"), ("我要jiebang", "我要解绑"), ("wo yao jieban yinhanka", "我要解绑银行卡")],
)
def test_decoding(speller, typed, read):
    assert speller.decode(typed) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("yan zheng ma shou bu dao sad", "验证码收不到 sad"),  # what an emoji says stands beside it
        ("yinhangka jiebang please", "银行卡解绑 please"),
        ("close kuaijie zhifu please", "close 快捷支付 please"),  # pinyin words in English
        ("simply remove the zhaoshang one", "simply remove the zhaoshang one"),  # a name that English writes so
        ("yin hang ka zen me jie bang", "银行卡怎么解绑"),
    ],
)
def test_pinyin_beside_other_words(typed, read):
    slips = ["怎么结绑呀"] * 2  # a slip that some wrote must not become what pinyin means
    assert Speller.learn(SENTENCES + slips, ["zhaoshang"]).decode(typed) == read


@pytest.mark.parametrize("text", ["unbind my card", "how long does it take", "delete the binding", "change my name", "can he remove it", "我的 vip 会员", "用 apple pay"])
def test_english_stays(speller, text):
    assert speller.decode(text) == text


@pytest.mark.parametrize(("typed", "read"), [("我要节绑银行卡", "我要解绑银行卡"), ("姐绑要多久", "解绑要多久"), ("我要解绑银行卡", "我要解绑银行卡")])
def test_homophones(speller, typed, read):
    assert speller.repair(typed) == read


@pytest.mark.parametrize("text", ["直接绑我的新卡", "我姐绑的卡", "春节绑卡"])
def test_what_ends_a_word_is_no_slip(speller, text):
    assert speller.repair(text) == text


def test_state_survives(speller):
    again = Speller(**speller.state())
    assert again.decode("wo yao jiebang") == speller.decode("wo yao jiebang")


def test_syllables():
    assert split("yinhangka") == ("yin", "hang", "ka")
    assert split("hello") is None
    assert reading("银行卡") == ("yin", "hang", "ka")
    assert looks_typed("ni hao") and not looks_typed("remove my card")
