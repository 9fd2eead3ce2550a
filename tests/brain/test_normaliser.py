"""Every way to write a thing becomes the way the training sentences write it, and positions lead back to what was typed."""

import pytest

from brain.normaliser import normalise


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("我要解綁銀行卡", "我要解绑银行卡"),
        ("簡訊收不到", "短信收不到"),
        ("点解解绑唔到", "为什么解绑不到"),
        ("点解绑唔到卡", "为什么绑不到卡"),
        ("我点解绑它弹错误", "我点解绑它弹错误"),
        ("算了你直接绑了吧", "算了你直接绑了吧"),  # not 解绑: that would be the opposite
        ("接绑银行卡", "解绑银行卡"),
        ("我姐绑的卡", "我姐绑的卡"),
        ("绑卡列表要怎么看", "绑卡列表要怎么看"),
        ("幫我除咗個 Apple Pay 嘅綁定", "帮我去掉个 apple pay 的绑定"),
        ("yhk怎么解绑", "银行卡怎么解绑"),
        ("连接AlipayHK", "连接alipayhk"),
        ("１２３４", "1234"),
        ("ＵＮＢＩＮＤ", "unbind"),
        ("解\u200b绑", "解绑"),
        ("怎么还没好！！！！？？", "怎么还没好!?"),
        ("plsssss help", "pls help"),
        ("哈哈哈哈哈", "哈哈"),
        ("0000", "0000"),
        ("我 要 解 绑 这 张 卡", "我要解绑这张卡"),
        ("榜定银行卡", "绑定银行卡"),
        ("𝐮𝐧𝐛𝐢𝐧𝐝", "unbind"),
        ("解绑[card ending 7890]", "解绑尾号7890的卡"),
        ("remove [card ending 7890] please", "remove card ending 7890 please"),
        ("code is [code]", "code is [code]"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_writing(typed, read):
    assert normalise(typed).text == read


def test_emoji_speak_the_language_around_them():
    assert normalise("👍").text == "yes ok"
    assert normalise("就这张👍👍").text == "就这张好的"
    assert normalise("thanks 🙏").text == "thanks thank you"
    assert normalise("解绑🌈").text == "解绑"


def test_a_message_of_silent_emoji_keeps_something():
    assert normalise("🦄").text


def test_simplified_text_is_left_alone():
    for text in ("支援一下", "我要解绑银行卡", "著名的乾隆"):
        assert normalise(text).text == text


@pytest.mark.parametrize("typed", ["我要解綁「招商銀行」的卡，簡訊收不到！！", "Unbind  my [card ending 7890] 👍", "１２３４那張", "解\u200b绑"])
def test_positions_lead_back(typed):
    normal = normalise(typed)
    assert len(normal.spans) == len(normal.text)
    assert all(0 <= start < end <= len(typed) for start, end in normal.spans)
    assert [s for s, _ in normal.spans] == sorted(s for s, _ in normal.spans)
