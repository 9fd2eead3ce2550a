"""Writes what supervisors decided at the desk to `data/review/nlu.{zh,en}.yml`, ready to be read and committed. `make review`.

Lines that stand in the training data or in a test already, and lines that hold anything but plain words, are left out. Lines decided as
`new` go to `var/reports/review-new.yml`: somebody has to find a label for them first.
"""

from __future__ import annotations

import os
import pathlib
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import yaml

from gateway.database import Database
from gateway.desk import review
from gateway.models import ReviewItem, now
from tools.annotate import plain

ROOT = pathlib.Path(__file__).resolve().parent.parent
LANGUAGES = ("zh", "en")
LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){5,}")
# The C loader is ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A label, and for each its sentences.
Book = dict[str, list[str]]


def same(text: str) -> str:
    """Returns what two spellings of one sentence share: NFKC, lower case, letters and digits only."""
    lowered = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"[\W_]+", "", lowered) or lowered.strip()


def _yaml(path: pathlib.Path) -> dict[str, Any]:
    return yaml.load(path.read_text(encoding="utf-8"), LOADER) or {}  # noqa: S506 - the safe loader, in C


def read(path: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Yields (label, sentence as it stands) of an NLU file."""
    if not path.exists():
        return
    for block in _yaml(path).get("nlu") or []:
        for line in str(block.get("examples", "")).splitlines():
            if line.strip().startswith("- "):
                yield block["intent"], line.strip()[2:].strip()


def taken(root: pathlib.Path) -> set[str]:
    """Returns the sentences that must not be written: they are trained with, or only tests may see them."""
    known = {same(plain(text)) for path in root.glob("data/**/nlu.*.yml") for _, text in read(path)}
    for path in root.glob("tests/nlu/*.yml"):
        known |= {same(plain(text)) for _, text in read(path)}
        known |= {same(str(text)) for text in _yaml(path).get("traps") or []}
    return known


def fit(text: str) -> bool:
    """Tells whether a line may stand among the training sentences: one line of plain words, masked, no long number, no brackets of a mark."""
    odd = any(unicodedata.category(char) in ("Cc", "Co", "Cn", "Cs") for char in text)
    return bool(text) and not odd and "](" not in text and not re.search(r"[{}]", text) and not LONG_NUMBER.search(text)


def sort_out(items: list[ReviewItem], *, known: set[str]) -> tuple[dict[str, Book], dict[str, list[str]], int]:
    """Returns (what is to be written by language and label, what needs a new label by language, how many were left out)."""
    books: dict[str, Book] = {language: defaultdict(list) for language in LANGUAGES}
    unnamed: dict[str, list[str]] = defaultdict(list)
    left_out, seen = 0, set(known)
    for one in items:
        text = " ".join(one.text.split())
        if not fit(text) or same(text) in seen:
            left_out += 1
            continue
        seen.add(same(text))
        if one.decision == "new":
            unnamed[one.language].append(text + (f"  # {one.note}" if one.note else ""))
        else:
            books[one.language][str(one.decision)].append(text)
    return books, unnamed, left_out


def write(path: pathlib.Path, book: Book) -> None:
    """Adds sentences to a file, those of a label together; what stood there stays."""
    whole: Book = defaultdict(list)
    for label, text in read(path):
        whole[label].append(text)
    for label, texts in book.items():
        whole[label] += texts
    lines = [
        "# Lines of customers that were labelled at the desk. Written by `make review`; read before committing.",
        'version: "3.1"',
    ]
    lines.append("nlu:" if whole else "nlu: []")
    for label in sorted(whole):
        lines += [f"  - intent: {label}", "    examples: |", *(f"      - {text}" for text in whole[label])]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def export(database: Database, *, root: pathlib.Path, reports: pathlib.Path) -> str:
    """Writes everything that was decided and marks it as exported; returns a line that says what was done."""
    with database.session() as session:
        items = review.decided(session)
        if not items:
            return "Nothing was decided since the last time."
        books, unnamed, left_out = sort_out(items, known=taken(root))
        if any(books.values()):
            for language in LANGUAGES:  # always both: the data's files are twins
                write(root / "data" / "review" / f"nlu.{language}.yml", books[language])
        if unnamed:
            reports.mkdir(parents=True, exist_ok=True)
            with (reports / "review-new.yml").open("a", encoding="utf-8") as file:
                yaml.safe_dump([dict(unnamed)], file, allow_unicode=True)
        for one in items:
            one.exported_at = now()
    count = sum(len(texts) for book in books.values() for texts in book.values())
    fresh = sum(len(texts) for texts in unnamed.values())
    return f"{count} sentences written to data/review, {fresh} need a new label (review-new.yml), {left_out} left out."


def main() -> None:
    """Exports from the configured database into this tree."""
    home = pathlib.Path(os.environ.get("JIEBANG_HOME", "var")).resolve()
    url = os.environ.get("GATEWAY_DATABASE_URL") or f"sqlite:///{home / 'gateway.sqlite'}"
    if url.startswith("sqlite") and not pathlib.Path(url.removeprefix("sqlite:///")).exists():
        sys.exit("There is no database yet: start the assistant first, or set GATEWAY_DATABASE_URL.")
    root = pathlib.Path(os.environ.get("REVIEW_INTO", ROOT))
    database = Database(url)
    database.migrate()
    try:
        print(export(database, root=root, reports=home / "reports"))
    finally:
        database.close()


if __name__ == "__main__":
    main()
