"""The language of a message, and no language where it has none."""

import pytest

from brain.language import detect


@pytest.mark.parametrize("text", ["我要解绑", "我要解綁", "解绑 my card", "帮我把 Apple Pay 解绑", "wo yao jiebang yinhangka", "jie bang", "cancel 一下快捷支付", "OK 好的"])
def test_chinese(text):
    assert detect(text) == "zh"


@pytest.mark.parametrize("text", ["unbind my card", "how do I remove 招行 card please", "yes", "thank you", "I changed my mind", "hello", "delete the binding", "no", "remove it"])
def test_english(text):
    assert detect(text) == "en"


@pytest.mark.parametrize("text", ["1234", "👍", "", "...", "CMB", "Apple Pay", "[code]", "[card ending 7890]", "JB12345678", "ok"])
def test_neither(text):
    assert detect(text) is None
