"""The names that customers use for banks, wallets, merchants …: `data/vocab/*.yml`, every way to write them → one canonical value."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from brain.home import ROOT
from brain.writing import normalise

FOLDER = ROOT / "data" / "vocab"
COMMON = "object"  # the entity whose names are common nouns: card, wallet


@dataclass(frozen=True)
class Match:
    """A name found in a normalised text."""

    entity: str
    value: str
    start: int
    end: int


def names_of(canonical: str, row: dict[str, Any]) -> list[str]:
    """List every way to write one entry: display names, short names and `also`."""
    short = row.get("short") or {}
    names = [row.get("zh"), row.get("en"), *(short.values() if isinstance(short, dict) else [short]), *(row.get("also") or [])]
    return [str(name) for name in names if name is not None and str(name).strip()]


def english_words(folder: Path = FOLDER) -> list[str]:
    """List the words of all English display names, lower-case: `minsheng`, `huawei`, `bank`."""
    words: set[str] = set()
    for path in sorted(folder.glob("*.yml")):
        for row in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).values():
            if isinstance(row, dict):
                words |= set(re.findall("[a-z]+", str(row.get("en", "")).lower()))
    return sorted(words)


class Vocabulary:
    """Finds names in text: the longest first, on word edges where a name begins or ends with a Latin letter or a digit."""

    def __init__(self, names: dict[str, dict[str, str]]) -> None:
        """`names`: entity → {normalised name: canonical value}."""
        self.names = names
        table: dict[str, list[tuple[str, str]]] = {}
        for entity, entries in names.items():
            for name, value in entries.items():
                table.setdefault(name, []).append((entity, value))
        self._table = table
        self._lengths: dict[str, list[int]] = {}
        for name in table:
            self._lengths.setdefault(name[:1], []).append(len(name))
        self._lengths = {first: sorted(set(lengths), reverse=True) for first, lengths in self._lengths.items()}

    @classmethod
    def read(cls, folder: Path = FOLDER) -> "Vocabulary":
        """Read all `*.yml` of a folder; the file's name is the entity. Raises ValueError when one name has two values of an entity."""
        names: dict[str, dict[str, str]] = {}
        for path in sorted(folder.glob("*.yml")):
            entries = names.setdefault(path.stem, {})
            for canonical, row in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
                if not isinstance(row, dict):
                    continue
                for name in names_of(str(canonical), row):
                    key = normalise(name).text
                    if entries.setdefault(key, str(canonical)) != str(canonical):
                        raise ValueError(f"{path.name}: {name!r} stands for {entries[key]!r} and for {canonical!r}")
        return cls(names)

    def dump(self) -> str:
        """Return the names as JSON."""
        return json.dumps(self.names, ensure_ascii=False, sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> "Vocabulary":
        """Read back what `dump` wrote."""
        return cls(json.loads(text))

    def find(self, text: str) -> list[Match]:
        """Return the names in a normalised text, left to right; where two overlap the longer counts (其中信用卡: not 中信 but 信用卡),
        and a name before a common noun (CM Bank card: not "bank card" but CM Bank)."""
        places: list[tuple[int, int]] = []
        for i, first in enumerate(text):
            places += [(i, n) for n in self._lengths.get(first, ()) if i + n <= len(text) and text[i : i + n] in self._table and _on_edges(text, i, i + n)]
        taken: set[int] = set()
        found: list[Match] = []
        names = [Match(*self._table[text[i : i + n]][0], i, i + n) for i, n in places]
        for match in sorted(names, key=lambda m: (m.entity == COMMON, m.start - m.end, m.start)):
            if taken.isdisjoint(range(match.start, match.end)):
                taken.update(range(match.start, match.end))
                found.append(match)
        return sorted(found, key=lambda match: match.start)


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _on_edges(text: str, start: int, end: int) -> bool:
    """Tell whether a name cuts no Latin word or number in two."""
    left = start > 0 and _latin(text[start]) and _latin(text[start - 1])
    return not left and not (end < len(text) and _latin(text[end - 1]) and _latin(text[end]))
