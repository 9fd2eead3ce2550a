"""Writes a message the way the training sentences are written, and remembers which raw characters each normalised one came from."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from brain.traditional import Longest, Piece, simplify

LEXICON = Path(__file__).parent / "lexicon"
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
PLACEHOLDER = re.compile(r"\[(code|id number|password|(?:card|phone) ending \d{2,4})\]", re.I)
_JOINERS = {0x200D, 0xFE0F, 0xFE0E, 0x20E3, *range(0x1F3FB, 0x1F400)}
_FULL_STOP = {"。": ".", "、": ",", "；": ";", "【": "[", "】": "]", "《": '"', "》": '"', "「": '"', "」": '"', "『": '"', "』": '"', "“": '"', "”": '"', "‘": "'", "’": "'"}


@dataclass(frozen=True)
class Normal:
    """A normalised text; `spans[i]` is the (start, end) of the raw characters that character i stands for."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def raw(self, start: int, end: int) -> tuple[int, int]:
        """Translate a range of the normalised text to a range of the raw text."""
        return self.spans[start][0], self.spans[end - 1][1]


@lru_cache(maxsize=1)
def _emoji() -> dict[str, tuple[str, str]]:
    table: dict[str, tuple[str, str]] = {}
    for row in yaml.safe_load((LEXICON / "emoji.yml").read_text(encoding="utf-8")):
        for c in row["emoji"]:
            if ord(c) not in _JOINERS:
                table.setdefault(c, (row["zh"], row["en"]))
    return table


# 点解绑 is "press unbind" in Mandarin and "why (un)bind" in Cantonese; these characters tell.
_CANTONESE = re.compile("[唔嘅咗冇佢哋喺啲㗎嚟睇俾畀咩乜嗰]")


@lru_cache(maxsize=2)
def _spoken(cantonese: bool) -> Longest:
    words = {str(k): str(v) for k, v in yaml.safe_load((LEXICON / "spoken.yml").read_text(encoding="utf-8")).items()}
    return Longest({k: v for k, v in words.items() if not (cantonese and k == v and k.startswith("点解"))})


def _fold(text: str) -> list[Piece]:
    """Apply NFKC, lower case and plain punctuation, and drop what cannot be seen."""
    pieces: list[Piece] = []
    i = 0
    while i < len(text):
        j = i + 1
        while j < len(text) and unicodedata.combining(text[j]):
            j += 1
        for c in unicodedata.normalize("NFKC", text[i:j]).lower():
            kind = unicodedata.category(c)
            if c.isspace():
                pieces.append((" ", i, j))
            elif kind not in ("Cf", "Cc", "Cs", "Co", "Cn", "Mn", "Me") or (kind == "Cf" and c == "\u200d"):
                pieces.append((_FULL_STOP.get(c, c), i, j))
        i = j
    return pieces


def _speak(pieces: list[Piece], chinese: bool) -> list[Piece]:
    """Replace emoji by what they say (each kind once) and drop the silent ones; a message of silent emoji only keeps them."""
    table = _emoji()
    out: list[Piece] = []
    said: set[str] = set()
    for c, start, end in pieces:
        point = ord(c)
        if point in _JOINERS:
            continue
        if point >= 0x1F000 or 0x2190 <= point < 0x2C00 and unicodedata.category(c) == "So" or c in table:
            words = table.get(c)
            word = words[0 if chinese else 1] if words else ""
            if word and word not in said:
                said.add(word)
                glue = out and not chinese and out[-1][0] != " "
                out += [(" ", start, end)] * bool(glue) + [(w, start, end) for w in word] + ([] if chinese else [(" ", start, end)])
        else:
            out.append((c, start, end))
    return out if any(not c.isspace() for c, _, _ in out) else pieces


def _mask(pieces: list[Piece], chinese: bool) -> list[Piece]:
    """Say the gateway's placeholders for masked card numbers as a customer would."""
    text = "".join(p[0] for p in pieces)
    out, last = [], 0
    for match in PLACEHOLDER.finditer(text):
        name = match.group(1).lower()
        span = (pieces[match.start()][1], pieces[match.end() - 1][2])
        if name.startswith("card ending"):
            digits = match.end(1) - len(name.split()[-1])
            words = [(c, *span) for c in ("尾号" if chinese else "card ending ")]
            words += pieces[digits : match.end(1)] + [(c, *span) for c in ("的卡" if chinese else "")]
        else:
            words = pieces[match.start() : match.end()]
        out += pieces[last : match.start()] + words
        last = match.end()
    return out + pieces[last:] if last else pieces


def _calm(pieces: list[Piece]) -> list[Piece]:
    """Shorten repetitions: punctuation and spaces to one, Latin letters from three to one, Chinese from three to two; join spelled-out Chinese."""
    out: list[Piece] = []
    i = 0
    while i < len(pieces):
        c = pieces[i][0]
        j = i
        while j < len(pieces) and pieces[j][0] == c:
            j += 1
        n = j - i
        if HAN.match(c):
            keep = min(n, 2)
        elif c.isalpha():
            keep = 1 if n > 2 else n
        elif c.isdigit() or c in "*x":
            keep = n
        else:
            keep = 1
        out += pieces[i : i + keep - 1] + [(c, pieces[i + keep - 1][1], pieces[j - 1][2])]
        i = j
    while out and out[0][0] == " ":
        out.pop(0)
    while out and out[-1][0] == " ":
        out.pop()
    text = "".join(p[0] for p in out)
    if re.search("(?:[\u3400-\u9fff] ){3}", text):
        drop = {m.start() + 1 for m in re.finditer("(?<![\u3400-\u9fff][\u3400-\u9fff])[\u3400-\u9fff] (?=[\u3400-\u9fff](?![\u3400-\u9fff]))", text)}
        out = [p for k, p in enumerate(out) if k not in drop]
    return out


@lru_cache(maxsize=8192)
def normalise(text: str) -> Normal:
    """Normalise a message; may be empty when nothing visible was in it."""
    pieces = _fold(text)
    chinese = bool(HAN.search(PLACEHOLDER.sub("", text)))
    pieces = _mask(_speak(pieces, chinese), chinese)
    if chinese:
        plain = simplify(pieces)
        pieces = _spoken(bool(_CANTONESE.search("".join(piece[0] for piece in plain))))(plain)
    pieces = _calm(pieces)
    return Normal("".join(p[0] for p in pieces), tuple((p[1], p[2]) for p in pieces))
