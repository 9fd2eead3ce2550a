"""Writes sentences as hurried customers do, so that fine-tuning also sees them: Latin typos, Chinese homophones, words in pinyin, no punctuation.

Traditional script is not among them: the normaliser undoes it without loss. What the speller can repair is repaired again before it is learnt.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from functools import lru_cache

from brain.normaliser import HAN
from brain.pinyin import HAN_RUN, reading, sounds

NEIGHBOURS = {
    "a": "sqz", "b": "vgn", "c": "xdv", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy", "i": "uok", "j": "hkn", "k": "jli", "l": "ko", "m": "n", "n": "bm",
    "o": "ipl", "p": "ol", "q": "wa", "r": "etf", "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xas",
}  # fmt: skip


@lru_cache(maxsize=1)
def _common() -> dict[str, list[str]]:
    """Group the 3,755 most frequent characters (GB 2312, first level) by sound."""
    table: dict[str, list[str]] = defaultdict(list)
    for row in range(0xB0, 0xD8):
        for cell in range(0xA1, 0xFF):
            try:
                character = bytes([row, cell]).decode("gb2312")
            except UnicodeDecodeError:
                continue
            for sound in sounds(character)[:1]:
                table[sound].append(character)
    return table


def typo(text: str, dice: random.Random) -> str:
    """Slip once or twice in the longer Latin words."""
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for i in dice.sample(places, min(len(places), dice.choice((1, 1, 2)))):
        word = words[i]
        at = dice.randrange(1, len(word) - 1)
        words[i] = dice.choice(
            (
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + dice.choice(NEIGHBOURS.get(word[at], word[at])) + word[at + 1 :],
            )
        )
    return " ".join(words)


def homophone(text: str, dice: random.Random) -> str:
    """Write one or two characters as others that sound the same."""
    out = list(text)
    read = reading(text)
    places = [i for i, c in enumerate(out) if HAN.match(c) and len(_common().get(read[i], ())) > 1] if len(read) == len(out) else []
    for i in dice.sample(places, min(len(places), dice.choice((1, 1, 2)))):
        out[i] = dice.choice([c for c in _common()[read[i]] if c != out[i]] or [out[i]])
    return "".join(out)


def spelt(text: str, dice: random.Random) -> str:
    """Type a stretch of two to four characters as pinyin."""
    runs = [match for match in HAN_RUN.finditer(text) if len(match.group()) > 3]
    if not runs:
        return text
    run = dice.choice(runs)
    size = dice.randint(2, 4)
    at = run.start() + dice.randrange(0, len(run.group()) - size + 1)
    return text[:at] + "".join(reading(text[at : at + size])) + text[at + size :]


def spoken(text: str, dice: random.Random) -> str:
    """Drop the punctuation, as a voice transcript does."""
    return re.sub(r"\s+", " ", re.sub(r"[^\w\s'\[\]]", "" if HAN.search(text) else " ", text)).strip() or text


def noisy(text: str, dice: random.Random) -> str:
    """Write a normalised sentence with one kind of noise."""
    kinds = (homophone, homophone, spelt, spoken) if HAN.search(text) else (typo, typo, typo, spoken)
    return dice.choice(kinds)(text, dice)
