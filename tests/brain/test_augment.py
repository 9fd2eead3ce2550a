"""Noise looks like a hurried customer's and is the same for the same seed."""

import random

from brain.augment import homophone, noisy, spelt, spoken, typo
from brain.pinyin import reading


def test_homophones_sound_the_same():
    text = "帮我解绑这张银行卡"
    slip = homophone(text, random.Random(1))
    assert slip != text and len(slip) == len(text)
    assert sum(a != b for a, b in zip(reading(text), reading(slip))) <= 1  # heteronyms may read otherwise in new company


def test_typos_touch_one_or_two_words():
    text = "please remove my bank card today"
    slip = typo(text, random.Random(2))
    assert slip != text and 1 <= sum(a != b for a, b in zip(text.split(), slip.split())) <= 2


def test_pinyin_and_voice():
    assert spelt("帮我解绑银行卡", random.Random(3)).isascii() is False
    assert any(c.isascii() and c.isalpha() for c in spelt("帮我解绑银行卡", random.Random(3)))
    assert spoken("先别解,告诉我怎么弄!", random.Random(0)) == "先别解告诉我怎么弄"


def test_same_seed_same_noise():
    assert noisy("how do i remove my card", random.Random(5)) == noisy("how do i remove my card", random.Random(5))
