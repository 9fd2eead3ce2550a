"""What the assistant has just offered: kept as one short text in the slot `open_question`, so that a typed "yes" means the offer and nothing else."""
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

START, AGAIN = "start", "again"
ANYTHING_ELSE = "anything_else"
RESUME = "resume"
CARD_OR_WALLET = "card_or_wallet"
PERSON = "human_handoff"
SIGN_IN = "sign_in"  # followed by the action that goes on after the sign-in


@dataclass(frozen=True)
class Offer:
    """An offer: its sort (`start`, `resume`, …), the label that it would start, and the object that it was about."""

    sort: str = ""
    label: str = ""
    hints: Mapping[str, Any] = field(default_factory=dict)


def start(label: str, hints: Mapping[str, Any] | None = None) -> str:
    """Returns the text of an offer to start something, with the entities that name its object."""
    return _written(START, label, hints or {})


def again(label: str, hints: Mapping[str, Any]) -> str:
    """Returns the text of an offer to try again what was refused: also "it's settled now" takes it."""
    return _written(AGAIN, label, hints)


def person(reason: str) -> str:
    """Returns the text of an offer to call a person; `reason` is what the desk is told when it is taken."""
    return start(PERSON, {"reason": reason})


def anything_else(reason: str | None = None) -> str:
    """Returns the text of "anything else?"; `reason` is what the desk is told when the answer is "a person"."""
    return _written(ANYTHING_ELSE, "", {"reason": reason}) if reason else ANYTHING_ELSE


def _written(sort: str, label: str, hints: Mapping[str, Any]) -> str:
    return ":".join([sort, label, *([json.dumps(dict(hints), ensure_ascii=False)] if hints else [])])


def read(text: str | None) -> Offer:
    """Reads an offer back."""
    sort, _, rest = (text or "").partition(":")
    label, _, hints = rest.partition(":")
    return Offer(sort, label, json.loads(hints) if hints else {})
