"""The guard, by properties and by examples."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.guard import TextEmpty, TextTooLong, guard, redact
from gateway.guard.clean import clean
from gateway.guard.mask import luhn
from gateway.guard.seal import CodeGone, Sealer
from gateway.guard.slash import neutralise

SPACES = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF and chr(code).isspace()]
INTENTS = ["unbind_card", "restart", "session_start", "back", "EXTERNAL_operation_event", "nlu_fallback"]


def passed(text: str) -> tuple[str, list[str]]:
    """Returns the guarded text and the codes that were sealed."""
    codes: list[str] = []
    found = guard(text, seal=lambda code: codes.append(code) or "code_" + str(len(codes)))
    return found.text, codes


def forces_an_intent(text: str) -> bool:
    """The rule of Rasa 3.6's parser: a text whose strip() starts with a slash is a command."""
    return text.strip().startswith("/")


def payload(chance: random.Random) -> str:
    """Returns a text that may try to be a command."""
    before = "".join(
        chance.choice([*SPACES, "/", "\u200b", "／", "\ufeff", "\u202e", "\x00", "\ud800", ""])
        for _ in range(chance.randrange(6))
    )
    tail = chance.choice(
        ["", "@1.0", ' {"card_id":"x"}', '{"card_id":"x"}', '@0.1{"card_id":["a"]}', "\n", " 你好", " 123456"]
    )
    return (
        before
        + chance.choice(["/", "//", "", "/ ", "/123456/"])
        + chance.choice(INTENTS)
        + tail
        + chance.choice(["", "\u3000", "\t"])
    )


def test_no_text_forces_an_intent() -> None:
    chance = random.Random(3)
    forced = changed = raw = 0
    for _ in range(30_000):
        text = payload(chance)
        raw += forces_an_intent(text)
        forced += forces_an_intent(neutralise(clean(text)))
        changed += not forces_an_intent(text) and neutralise(text) != text
    assert raw > 7_500 and forced == 0 and changed == 0
    for _ in range(1_200):
        text, _ = passed(payload(chance))
        assert not forces_an_intent(text)


@given(st.text(alphabet=st.characters(codec=None), max_size=300))
@settings(max_examples=600, deadline=None)
def test_any_text_at_all_passes_clean_or_is_refused(text: str) -> None:
    try:
        safe, _ = passed(text)
    except TextEmpty:
        return
    safe.encode("utf-8")
    assert (
        safe.strip()
        and not forces_an_intent(safe)
        and "\x00" not in safe
        and "\u202e" not in safe
        and "\u200b" not in safe
    )
    assert passed(safe)[0] == safe


@given(
    st.text(alphabet=st.characters(categories=("Ll", "Lo", "Lu", "Po", "So", "Zs")), min_size=1, max_size=100).filter(
        lambda text: text.strip() and not text.strip().startswith("/")
    )
)
@settings(max_examples=500, deadline=None)
def test_innocent_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text and neutralise(text) == text


def test_size_counts_code_points_before_trimming() -> None:
    assert passed("字" * 2000)[0] == "字" * 2000
    for text in ("字" * 2001, " " * 2001, "\u200b" * 2001):
        with pytest.raises(TextTooLong):
            passed(text)


FULL = str.maketrans("0123456789", "０１２３４５６７８９")


@given(
    st.integers(0, 999_999).map(lambda number: f"{number:06d}").filter(lambda code: code != "950618"),
    st.sampled_from(
        [
            "{}",
            "验证码{}",
            "验证码是{}。",
            "{}吧",
            "我的码{}谢谢",
            "code is {} thanks",
            "the code: {}",
            "【京东】{}，5分钟内有效",
            "({})",
            "{}?",
            "好的 {}",
            "尾号1234 {}",
            "/{}",
            "code{}",
            "{} 和 1234",
            "是{}还是什么",
            "otp={}",
        ]
    ),
    st.sampled_from(
        [
            lambda c: c,
            lambda c: c.translate(FULL),
            lambda c: c[:3] + " " + c[3:],
            lambda c: c[:3] + "-" + c[3:],
            lambda c: " ".join(c),
            lambda c: c[:3] + "\u200b" + c[3:],
        ]
    ),
)
@settings(max_examples=800, deadline=None)
def test_every_six_digit_group_is_sealed(code: str, frame: str, style) -> None:
    text, codes = passed(frame.format(style(code)))
    assert codes == [code], (frame, text)
    assert code not in re.sub(r"\D", "", text.replace("1234", "")) and "[code]" in text


@pytest.mark.parametrize(
    "text",
    [
        "尾号1234的招行卡",
        "ending 1234 and 5678",
        "订单JB123456789012",
        "order JB-123456",
        "ref 20231123AB",
        "转了150000元",
        "￥123456",
        "123,456.00 yuan",
        "消费123456.78",
        "1234567",
        "12345678",
        "12345678901234567890123",
        "2024-11-22 12:30",
        "950618没人接",
        "打95118",
        "密码忘了怎么办",
        "password is wrong",
        "my password is not working",
        "忘记支付密码",
        "I changed my password yesterday",
        "op_01J8ZQ4T5N6Y7R8S9A0BCDEFGH",
        "4 cards, 3 wallets, 2 renewals",
        "3.14159265",
        "第1，第2，第3",
        "👨‍👩‍👧 ok",
        "五六七八",
        "5000块",
        "2023\n2024\n2025\n2026",
        "1234\n5678\n1234\n5678",
        "11/12/13",
        "12.11.24",
        "493.817元",
        "10:20:30",
        "①开通 ②关闭 ③查询",
        "二〇二六年十一月二十九日",
        "从一二三四五六七八九十里选",
        "spinning 1234 times",
        "parcel SF4111111111111111",
        "order XABC4111111111111111",
        "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert passed(text) == (text, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我的卡号6222021234567890123要解绑", "我的卡号[card ending 0123]要解绑"),
        ("4111 1111 1111 1111", "[card ending 1111]"),
        ("卡4111-1111-1111-1111", "卡[card ending 1111]"),
        ("４１１１１１１１１１１１１１１１", "[card ending 1111]"),
        ("卡号 6222 0212 3456 7890 12", "卡号 [card ending 9012]"),
        ("card number is 1234567890123", "card number is [card ending 0123]"),
        ("6222021234567890 4111111111111111", "[card ending 7890] [card ending 1111]"),
        ("身份证11010519491231002X", "身份证[id number]"),
        ("id 110105194912310021", "id [id number]"),
        ("110105 19491231 0021", "[id number]"),
        ("手机13812345634换号了", "手机[phone ending 34]换号了"),
        ("+86 138 1234 5634", "[phone ending 34]"),
        ("138-1234-5634", "[phone ending 34]"),
        ("call +1 415 555 2671", "call [phone ending 71]"),
        ("密码是abc123", "密码是[password]"),
        ("支付密码123456", "支付密码[password]"),
        ("收不到短信 密码是Tr0ub4dor&3x", "收不到短信 密码是[password]"),
        ("my token jbc_DD2PJ03WG73x-g6kFJnXTCcGRlofdAJcpQgrNh18L7s", "my token [password]"),
        ("短信密码 493-817", "短信密码 [code]"),
        ("my password is Hunter2!", "my password is [password]"),
        ("密码：123456，帮我解绑", "密码：[password]，帮我解绑"),
        ("pwd=s3cret!", "pwd=[password]"),
        ("cvv 123", "cvv [password]"),
        ("pin 1234", "pin [password]"),
        ("我的PIN码是 1234", "我的PIN码是 [password]"),
        ("mima shi abc123", "mima shi [password]"),
        # Read from the card line by line, dictated, spoken digit by digit.
        ("4111\n1111\n1111\n1111", "[card ending 1111]"),
        ("4111111111\n111111", "[card ending 1111]"),
        ("卡号4111，1111，1111，1111。", "卡号[card ending 1111]。"),
        ("4111   1111   1111   1111", "[card ending 1111]"),
        ("卡号是六二二五八八零一二三四五六七八九", "卡号是[card ending 6789]"),
        ("四一一一 一一一一 一一一一 一一一一", "[card ending 1111]"),
        ("身份证一一零一零五一九四九一二三一零零二一", "身份证[id number]"),
        ("1 3 8 1 2 3 4 5 6 3 4", "[phone ending 34]"),
        ("138.1234.5634", "[phone ending 34]"),
        ("4,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "[card ending 1111]"),
        ("卡号\n" + "\n".join("4111111111111111"), "卡号\n[card ending 1111]"),
        ("\u0301".join("4111111111111111"), "[card ending 1111]"),
        # Behind the name of a bank or a brand.
        ("ICBC4111111111111111要解绑", "ICBC[card ending 1111]要解绑"),
        ("my visa4111111111111111", "my visa[card ending 1111]"),
        ("acct4111111111111111", "acct[card ending 1111]"),
        ("我的手机一三八幺二三四五六三四", "我的手机[phone ending 34]"),
        ("安全码是456", "安全码是[password]"),
    ],
)
def test_what_is_masked(text: str, expected: str) -> None:
    masked = passed(text)[0]
    assert masked == expected or masked == expected.replace("[password]", "[password]!")
    assert redact(masked) == masked


def test_what_nobody_sees_hides_nothing_from_a_note_or_a_log() -> None:
    assert redact("卡号" + "\u200b".join("4111111111111111")) == "卡号[card ending 1111]"
    assert redact("call \u202a138\u200d12345634\u202c now") == "call [phone ending 34] now"


def test_a_bare_code_is_known_as_one() -> None:
    for text, bare in (
        ("123456", True),
        (" 123456。", True),
        ("１２３ ４５６", True),
        ("一二三四五六", True),
        ("950618", True),
        ("493.817", True),
        ("493_817", True),
        ("493\n817", True),
        ("4.9.3.8.1.7", True),
        ("肆玖叁捌壹柒", True),
        ("4\ufe0f\u20e39\ufe0f\u20e33\ufe0f\u20e38\ufe0f\u20e31\ufe0f\u20e37\ufe0f\u20e3", True),
        ("⁴⁹³⁸¹⁷", True),
        ("④⑨③⑧①⑦", True),
        ("码123456", False),
        ("123456 654321", False),
    ):
        found = guard(text, seal=lambda code: "code_x")
        assert found.bare_code is bare, text
        assert found.notices == ([] if bare else ["code"])


def test_generated_secrets_never_leak() -> None:
    chance = random.Random(5)

    def digits(count: int) -> str:
        return "".join(chance.choice("0123456789") for _ in range(count))

    def card() -> str:
        body = chance.choice(["622202", "621700", "436742", "411111", "625965", "377777"]) + digits(
            chance.choice([8, 9, 9, 12])
        )
        return next(body + str(check) for check in range(10) if luhn(body + str(check)))

    for _ in range(1_200):
        number = card()
        shown = chance.choice(
            [
                number,
                " ".join(number[i : i + 4] for i in range(0, len(number), 4)),
                "-".join(number[i : i + 4] for i in range(0, len(number), 4)),
                number.translate(FULL),
            ]
        )
        assert number not in re.sub(r"[^0-9]", "", passed(f"我的卡号是{shown},帮我解绑")[0])
        assert number not in re.sub(r"[^0-9]", "", passed(f"{shown} please")[0])
        born = f"{chance.randrange(1950, 2010)}{chance.randrange(1, 13):02d}{chance.randrange(1, 29):02d}"
        identity = chance.choice(["110105", "310101", "440305"]) + born + digits(3) + chance.choice("0123456789Xx")
        assert identity[:17] not in passed(f"身份证{identity}。")[0]
        mobile = "1" + chance.choice("3456789") + digits(9)
        assert mobile not in re.sub(r"\D", "", passed(f"手机{chance.choice(['', '+86 ', '86'])}{mobile} 换号了")[0])


def test_sealed_codes_open_for_their_message_only() -> None:
    sealer = Sealer(b"k" * 32)
    ref = sealer.seal(code="123456", conversation="conv_a", message="msg_a", at=1000)
    assert "123456" not in ref and ref.startswith("code_")
    assert sealer.unseal(ref=ref, conversation="conv_a", message="msg_a", at=1299)[0] == "123456"
    assert sealer.seal(code="123456", conversation="conv_a", message="msg_a") != sealer.seal(
        code="123456", conversation="conv_a", message="msg_a"
    )
    for change in (
        {"conversation": "conv_b"},
        {"message": "msg_b"},
        {"at": 1300},
        {"ref": ref[:-2] + "AA"},
        {"ref": "code_x"},
        {"ref": ""},
        {"ref": ref[5:]},
    ):
        with pytest.raises(CodeGone):
            sealer.unseal(**{"ref": ref, "conversation": "conv_a", "message": "msg_a", "at": 1001, **change})
    with pytest.raises(CodeGone):
        Sealer(b"x" * 32).unseal(ref=ref, conversation="conv_a", message="msg_a", at=1001)
