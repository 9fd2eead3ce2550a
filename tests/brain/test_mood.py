"""The morphemes on which doing or asking turns."""

import re
import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.mood import _PATTERNS, MOODS, clauses, doubtful, features, moods, unmeant

# What the patterns are made of, and what may stand between.
WORDS = sorted({word for pattern in _PATTERNS.values() for word in re.findall("[\u3400-\u9fff]+|[a-z']+", pattern)}) + [" ", " ", ",", ".", "?", '"', "'", "的", "3", "-"] * 9


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("怎么解绑银行卡", "how"), ("how do i remove it", "how"), ("为什么解绑失败", "why"), ("解绑要多久", "long"), ("帮我解绑", "request"), ("不要解绑", "not"),
        ("don't remove it", "not"), ("如果我解绑了", "if"), ("suppose i unbind it", "if"), ('我朋友说"解绑"', "quote"), ("my friend said unbind", "quote"), ("解绑我老婆的卡", "other"),
        ("绑定失败", "fail"), ("怎么还没好", "late"),
    ],
)  # fmt: skip
def test_moods(text, mood):
    assert mood in moods(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=9))
def test_reading_one_script_alone_misses_nothing(words):
    text = "".join(words)
    assert moods(text) == {name for name, pattern in MOODS.items() if pattern.search(text)}


def test_binding_is_not_unbinding():
    assert "bind" not in moods("解绑银行卡") and "unbind" in moods("解绑银行卡")
    assert "unbind" not in moods("绑定银行卡") and "bind" in moods("绑定银行卡")
    assert "bind" not in moods("unbind my card") and "bind" in moods("bind my card")


def test_the_last_clause():
    assert clauses("先别解,告诉我怎么弄")[-1] == "告诉我怎么弄"
    assert clauses("how do i remove it, actually just do it")[-1].startswith("just")
    assert "l:how" in features("先别解,告诉我怎么弄")


@pytest.mark.parametrize("text", ["不要解绑", "如果我解绑", '我朋友说"解绑"', "先别解,告诉我怎么弄", "don't unbind my card", "what happens if i unbind"])
def test_doubts(text):
    assert doubtful(text)


@pytest.mark.parametrize("text", ["i don't want quick pay any more, close it", "这个快捷不想用了,帮我关掉", "解绑招行卡", "帮我把这张卡删了", "please unbind my card", "remove the icbc card", "would you kindly remove the icbc card"])
def test_no_doubt(text):
    assert not doubtful(text)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("不要解绑", "unbind"), ("别给我解绑", "unbind"), ("don't unbind my card", "unbind"), ("please do not turn off quick pay", "close"), ("i never asked you to remove my card", "unbind"),
        ("如果我解绑了卡,会员还能用吗", "unbind"), ("what happens if i unbind my card", "unbind"), ('我朋友说"解绑"', "unbind"), ("昨天我已经把工行卡解绑了", "unbind"),
        ("先别解,告诉我怎么弄", "unbind"), ("我没说要关闭快捷支付", "close"), ("不要绑定新卡", "bind"),
        ("取消喜马拉雅续费,想了下继续扣吧", "close"), ("不要cut那个自动续费", "close"), ("再催我就把卡全解绑了", "unbind"), ("谢谢你帮忙解绑", "unbind"),
        ("过完年我再找你把那张工行的解掉,现在先放着", "unbind"), ("nvm adding the card, cba", "bind"), ("i wanted to link alipay, forget i said it", "bind"), ("the uncle upstairs keeps telling me to switch off quick payment", "close"),
        ("哪天不看优酷了,再说取消续费的事", "close"), ("免密我自己关掉啦,真快", "close"), ("i'd rather leave quick pay on for now", "close"), ("昨天说要关免密,今天反悔了,就让它开着吧", "close"), ("take the credit card off my uber", "unbind"), ("delete the card from my steam account", "unbind"),
        ("remove my card? nope, still in use", "unbind"), ("i will bind the card once it arrives", "bind"), ("thank you for unlinking it", "unbind"),
        ("我姐去年就把卡解绑了,现在老抱怨付款不方便", "unbind"), ("老爸上周把免密关了,嫌输密码麻烦", "close"), ("表弟上个月把建行卡解绑了,现在又后悔", "unbind"),
        ("我媳妇昨天把支付宝绑上了,现在天天用,一点不麻烦", "bind"),
        ("please don't unbind我的工行card", "unbind"), ("请勿停用我的快捷支付", "close"), ("你可别稀里糊涂把我那张卡给解绑咯", "unbind"), ("取消刚才的解绑", "unbind"), ("call off the unbinding", "unbind"),
        ("给我把云闪付移除,不对,先放着", "unbind"), ("turn quick pay off, nah i'm kidding lol", "close"), ("把卡都解了,逗你的啦", "unbind"), ("再不理我,当心我把卡全给解了", "unbind"),
        ("早上你同事帮我把云闪付连上了,你不用再连一次", "bind"), ("公司门禁卡录错人了,帮我解绑", "unbind"), ("服了,解绑张卡害我排了两小时,干脆把我也解绑吧", "unbind"), ("免密太香了,省得老输密码", "close"),
        ("以后要是没有免密,付小额是不是得输密码", "close"), ("they always tell people to bind card bind card", "bind"),
        ("iqiyi renewal cancelled, finally", "close"), ("我的快捷关着呢", "close"), ("千万甭一着急就把我那张卡给解了", "unbind"), ("昨天骗子来电话,开口就是:请立即关闭快捷支付", "close"), ("the scammer goes: please remove your card now", "unbind"),
        ("干脆把全国人民的卡都解绑了得了", "unbind"), ("谢谢小王,是他帮我把免密关掉的", "close"),
        ("小李,你写一下,第一步打开京东,第二步解绑银行卡", "unbind"), ("我不太赞成把免密关掉", "close"), ("i'm not really in favour of removing the card", "unbind"), ("sing along, link the wallet, link the wallet", "bind"),
        ("等过了元宵,我再来把免密关掉", "close"), ("the last thing i need is my card getting removed", "unbind"), ("grandpa would always yell at the screen, remove the card, remove the card", "unbind"), ("我爷爷以前天天念叨,把卡解绑", "unbind"),
    ],
)  # fmt: skip
def test_an_act_that_is_taken_back(text, act):
    assert act in unmeant(text)


@pytest.mark.parametrize(
    "text",
    [
        "帮我解绑招行卡", "上个月绑上了,现在给解绑了吧", "昨天关了没关成,麻烦你把快捷支付关掉", "麻烦解绑一下", "我现在就解绑这张卡", "不想用了,帮我解绑", "这张卡不要了解绑吧", "先不绑支付宝,给我绑张银行卡", "unbind my card", "i don't need this card, please remove it", "why don't you just remove my card",
        "how do i remove it, actually just remove it for me", "关闭快捷支付", "把昨天绑的那张卡解绑", "quit asking whether i am certain and just unlink it", "keep the wallet, only the renewal has to be cancelled", "can't you just take it off", "never mind explaining, just remove it", "帮我unbind我的card", "别磨蹭了,把卡给我解绑", "my pals keep teasing me, remove the wallet", "i swore i'd never part with alipay, here we are, unlink it",
        "等不及了,再帮我解绑一次", "card removed please", "get my card removed", "i need it unlinked", "if it hasn't gone through yet, hurry and cancel my youku renewal", "手机卡换了,帮我把招行卡解绑", "支付宝真方便,给我绑上", "解绑工行的,不用管别的", "call me a fool, remove it", "i want to grab my discount so link the card", "解绑",
    ],
)  # fmt: skip
def test_an_act_that_is_meant(text):
    assert not unmeant(text) & {"unbind", "close"} and "bind" not in unmeant(text.replace("先不绑支付宝,", ""))


@pytest.fixture
def patience():
    """Ends what takes longer than anybody waits; a pattern that tries every way to cut a text up never ends."""

    def give_up(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("unit", ["的", "冲", "ha", "ha ", "的我", " the", " my", "把我", "别", "第一步", "不", "说", "you all ", "is ", "了", "等,再", " keep", "kidding ", "先放着", "a:", "为什么"])
@pytest.mark.parametrize(("before", "after"), [("取消", "x解绑"), ("以前天天", "x,解绑"), ("unbind it, just kidding ", " x"), ("cancel", " x unbinding"), ("", "解绑"), ("remove the card ", "")])
def test_no_message_takes_long_to_read(before, unit, after):
    text = before + unit * (1900 // len(unit)) + after
    unmeant(text), doubtful(text), features(text)
