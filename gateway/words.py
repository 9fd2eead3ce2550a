"""The gateway's own sentences for customers, in both languages (words.yml)."""

from __future__ import annotations

import functools
import os
import pathlib

import yaml


@functools.cache
def _words() -> dict[str, dict[str, str]]:
    raw = (pathlib.Path(__file__).parent / "words.yml").read_text(encoding="utf-8")
    return yaml.safe_load(raw.replace("{hotline}", os.environ.get("HOTLINE") or "950618"))


def both(name: str, **values: object) -> dict[str, str] | None:
    """Returns `{"zh": …, "en": …}` for a sentence, or None when there is none of that name."""
    entry = _words().get(name)
    return (
        None
        if entry is None
        else {language: text.format(**values) if values else text for language, text in entry.items()}
    )


def one(name: str, language: str, **values: object) -> str:
    """Returns a sentence in one language (`zh` unless `en`)."""
    entry = _words()[name]
    return entry["en" if language == "en" else "zh"].format(**values)


def names() -> list[str]:
    """Returns the names of all sentences."""
    return list(_words())
