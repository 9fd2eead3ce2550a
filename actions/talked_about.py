"""What a question named just before: "does my CMB card stop Netflix?", and then "unbind it, please", mean the same card. Pure: the talk's events in, hints out."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actions.choosing import named_in
from actions.operations import HINTS, OperationKind

# What may name an object in passing. Whoever rules something out, reports it or is about to go has not chosen it.
NAMING = {"faq", "inform", "nlu_fallback", "check_bindings", "check_auto_deductions"}
PASSED_OVER = {"affirm", "greet", "thank", "repeat", "switch_language", "bot_challenge"}
# How many messages before this one count.
REACH = 2
# The customer's own things. A bank named in passing is no wish to add its card.
OWN = {"card", "wallet", "agreement"}
NAMES = {name for names in HINTS.values() for name in names}


def talked_about(*, kind: OperationKind, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the entities by which one of the latest messages before this one named an object of the operation's sort; nothing where this message names something itself, and an operation in between ends the search."""
    if kind.objects not in OWN:
        return {}
    passed = -1
    for event in reversed(events):
        if passed >= 0 and event.get("event") == "active_loop":
            return {}
        parse = event.get("parse_data") or {}
        intent = (parse.get("intent") or {}).get("name") or ""
        if event.get("event") != "user" or intent.startswith("EXTERNAL_"):
            continue
        passed += 1
        if passed == 0:
            if any(e["entity"] in NAMES for e in parse.get("entities") or []):
                return {}
            continue
        hints = named_in(objects=kind.objects, entities={e["entity"]: e.get("value") for e in parse.get("entities") or []})
        if intent in NAMING and hints:
            return hints
        if passed == REACH or intent not in NAMING | PASSED_OVER:
            return {}
    return {}
