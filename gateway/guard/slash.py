"""Takes the power from typed `/intent{…}`: Rasa parses any text whose strip() begins with a slash as a command."""

from __future__ import annotations


def neutralise(text: str) -> str:
    """Returns `text` without its leading slashes, by the same strip() as Rasa's parser; any other text unchanged."""
    stripped = text.strip()
    if not stripped.startswith("/"):
        return text
    while stripped.startswith("/"):
        stripped = stripped[1:].strip()
    return stripped
