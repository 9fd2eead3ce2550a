"""The labelled sentences as the tests see them: where each stands, its label, its plain text, and when two are the same sentence."""

from __future__ import annotations

import pathlib
import re
import unicodedata
from functools import lru_cache
from typing import Iterator, NamedTuple

import yaml

from tools.annotate import ROOT, plain

DATA = ROOT / "data"
BLIND = ROOT / "tests" / "nlu"
# the C loader is ten times as fast
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PLACEHOLDER = re.compile(r"\[(code|id number|password|card ending \d{4}|phone ending \d{2,4})\]")


class Sentence(NamedTuple):
    """One labelled sentence; `annotated` is the line as it stands in the file."""

    path: str
    language: str
    label: str
    text: str
    annotated: str

    def __str__(self) -> str:
        return f"{self.path}: {self.label}: {self.text}"


def read(path: pathlib.Path) -> Iterator[Sentence]:
    """Yields the sentences of an NLU file."""
    language = "zh" if "zh" in path.name.split(".") else "en"
    for block in yaml.load(path.read_text(encoding="utf-8"), LOADER)["nlu"]:
        for line in block["examples"].splitlines():
            if line.startswith("- "):
                name = str(path.relative_to(ROOT))
                yield Sentence(name, language, block["intent"], plain(line[2:]).strip(), line[2:])


def files() -> list[pathlib.Path]:
    """Returns all NLU files of the training data."""
    return sorted(DATA.rglob("nlu.*.yml"))


@lru_cache(maxsize=1)
def training() -> tuple[Sentence, ...]:
    """Returns every training sentence, the gateway's commands too."""
    return tuple(sentence for path in files() for sentence in read(path))


@lru_cache(maxsize=1)
def blind() -> tuple[Sentence, ...]:
    """Returns every labelled sentence that only tests may see."""
    files = (BLIND / f"{stem}{language}.yml" for stem in ("", "second.", "third.") for language in ("zh", "en"))
    return tuple(sentence for path in files for sentence in read(path))


@lru_cache(maxsize=1)
def traps() -> tuple[str, ...]:
    """Returns the sentences that must never start an operation."""
    return tuple(
        str(text)
        for path in sorted(BLIND.glob("traps*.yml"))
        for text in yaml.safe_load(path.read_text(encoding="utf-8"))["traps"]
    )


def same(text: str) -> str:
    """Returns what two spellings of one sentence share: NFKC, lower case, no punctuation or spaces; placeholders stay apart from words.

    A sentence of nothing but punctuation is kept as it is.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    pieces = PLACEHOLDER.split(text)
    for i, piece in enumerate(pieces):
        if i % 2:
            pieces[i] = f"<{piece}>"
        else:
            pieces[i] = "".join(c for c in piece if not c.isspace() and c != "~" and unicodedata.category(c)[0] not in "PZ")
    return "".join(pieces) or text
