"""Traditional → Simplified Chinese with Taiwan and Hong Kong wording, from OpenCC's own tables, by longest match so that every character keeps its origin."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

Piece = tuple[str, int, int]
# wording of Taiwan and Hong Kong first, then the script
PASSES = (("TWPhrasesRev", "TWVariantsRevPhrases", "TWVariantsRev", "HKVariantsRevPhrases", "HKVariantsRev"), ("TSPhrases", "TSCharacters"))


class Longest:
    """Replaces by the longest key that matches at each place; a key of Latin letters only where it is a whole word (`yhk`, not the end of `alipayhk`)."""

    def __init__(self, table: dict[str, str]) -> None:
        self.table = table
        self._longest: dict[str, int] = {}
        for key in table:
            self._longest[key[0]] = max(self._longest.get(key[0], 0), len(key))

    def __call__(self, pieces: list[Piece]) -> list[Piece]:
        """Replace in a list of (character, start, end); each new character spans all that its key stood for."""
        text = "".join(piece[0] for piece in pieces)
        if len(text) != len(pieces) or not any(c in self._longest for c in text):
            return pieces
        out: list[Piece] = []
        i = 0
        while i < len(text):
            for n in range(min(self._longest.get(text[i], 0), len(text) - i), 0, -1):
                value = self.table.get(text[i : i + n])
                if value is not None and not _inside_word(text, i, i + n):
                    if n == len(value):
                        out += [(c, *pieces[i + k][1:]) for k, c in enumerate(value)]
                    else:
                        out += [(c, pieces[i][1], pieces[i + n - 1][2]) for c in value]
                    i += n
                    break
            else:
                out.append(pieces[i])
                i += 1
        return out


def _inside_word(text: str, start: int, end: int) -> bool:
    """Tell whether a range of a text begins or ends within a Latin word."""
    return (start > 0 and _latin(text[start - 1]) and _latin(text[start])) or (end < len(text) and _latin(text[end - 1]) and _latin(text[end]))


def _latin(character: str) -> bool:
    return character.isascii() and character.isalpha()


@lru_cache(maxsize=1)
def _tables() -> tuple[Longest, ...]:
    spec = importlib.util.find_spec("opencc")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("package opencc-python-reimplemented is not installed")
    folder = Path(next(iter(spec.submodule_search_locations))) / "dictionary"
    result = []
    for names in PASSES:
        table: dict[str, str] = {}
        for name in reversed(names):
            for line in (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines():
                key, _, values = line.partition("\t")
                if key and values and key != values.split(" ")[0]:
                    table[key] = values.split(" ")[0]
        result.append(Longest(table))
    return tuple(result)


def is_traditional(text: str) -> bool:
    """Tell whether a text has at least one character that only Traditional Chinese uses."""
    script = _tables()[-1].table
    return any(c in script and c not in "著乾於" for c in text)


def simplify(pieces: list[Piece]) -> list[Piece]:
    """Convert (character, start, end) triples; Simplified text is left as it is, Taiwan's words in it too."""
    if not is_traditional("".join(piece[0] for piece in pieces)):
        return pieces
    for table in _tables():
        pieces = table(pieces)
    return pieces
