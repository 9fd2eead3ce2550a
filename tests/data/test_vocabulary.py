"""The names of banks, wallets, merchants …: one meaning per name, words for every button, and sentences that use each value."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict

import pytest
import yaml

from tests.data.corpus import DATA, training
from tools.annotate import marks_of

FILES = sorted((DATA / "vocab").glob("*.yml"))
WORDS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES}
USED = {
    "bank": set(WORDS["bank"]),
    "wallet": {value for value, row in WORDS["wallet"].items() if row.get("supported", True)},
    "card_type": set(WORDS["card_type"]),
    "ordinal": set(WORDS["ordinal"]),
}


def spelling(name: str) -> str:
    """Returns what case and width do not change."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", str(name)).lower()).strip()


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_every_value_has_words_in_both_languages(kind):
    for value, row in WORDS[kind].items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", value), f"{kind}.{value}: a value is a plain word"
        for found in (row, row["short"]):
            assert isinstance(found["zh"], str) and found["zh"].strip(), f"{kind}.{value}: no Chinese word"
            assert isinstance(found["en"], str) and found["en"].strip(), f"{kind}.{value}: no English word"
        assert all(isinstance(name, str) and name.strip() == name and name for name in row["also"]), f"{kind}.{value}: {row['also']}"


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_no_name_has_two_meanings(kind):
    owners = defaultdict(set)
    for value, row in WORDS[kind].items():
        for name in (row["zh"], row["en"], *row["short"].values(), *row["also"]):
            owners[spelling(name)].add(value)
    torn = {name: values for name, values in owners.items() if len(values) > 1}
    assert not torn


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_no_name_is_written_twice(kind):
    for value, row in WORDS[kind].items():
        also = [spelling(name) for name in row["also"]]
        assert len(also) == len(set(also)), f"{kind}.{value}: {[name for name in also if also.count(name) > 1]}"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", sorted(USED))
def test_customers_name_every_value_in_both_languages(kind, language):
    named = {
        found.value
        for sentence in training()
        if sentence.language == language
        for found in marks_of(sentence.annotated)
        if found.entity == kind
    }
    assert not USED[kind] - named
