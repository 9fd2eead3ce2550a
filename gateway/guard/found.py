"""What the guard finds in a text, and the check digit that tells a card number from any other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Find:
    """A stretch `start:end` of the text, what it is, and what stands for it. `digits` only for codes."""

    start: int
    end: int
    kind: str
    stand_in: str
    digits: str = ""


def luhn(digits: str) -> bool:
    """Tells whether the check digit of a card number fits."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
