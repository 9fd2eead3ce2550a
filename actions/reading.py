"""How an operation's form reads the customer's message. Pure, so it may run twice in a turn (Rasa validates on activation and on execution).

Decision 13 of the architecture: only `inform`, `correct`, `affirm`, `deny` and the form's own operation fill anything; a question or a fraud report that names a bank fills nothing."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actions.choosing import choose, hints_in
from actions.operations import ALL, OperationKind

FILLING = {"inform", "correct", "affirm", "deny"}
# A message that was not understood still answers "which one?" when it names one, and still brings the code that was asked for.
NOT_UNDERSTOOD = {"nlu_fallback", "out_of_scope"}
Updates = dict[str, Any]
RESTART: Updates = {"confirmed": None, "code_ref": None, "method": None}


@dataclass(frozen=True)
class Message:
    """What was understood: the intent, and one value per entity."""

    intent: str
    entities: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Flow:
    """Where the form is: the slot that it asked for (None while it starts), the target so far, the list last shown."""

    requested: str | None
    target: str | None = None
    choices: Sequence[str] = ()


def fills(*, kind: OperationKind, message: Message) -> bool:
    """Tells whether a message of this intent may fill the form's slots at all."""
    return message.intent in FILLING or message.intent == kind.intent


def read(*, kind: OperationKind, flow: Flow, message: Message, items: Sequence[Mapping[str, Any]], cards: Mapping[str, Mapping[str, Any]] | None = None) -> Updates:
    """Returns the slots that the message fills; an empty dict lets the form reject, so that a rule answers and the form asks again."""
    lost = message.intent in NOT_UNDERSTOOD
    if not fills(kind=kind, message=message) and not lost:
        return {}
    if flow.requested == "code_ref" and message.entities.get("code_ref") and (lost or message.intent in {"inform", "affirm", "correct"}):
        return {"code_ref": message.entities["code_ref"]}
    if lost and flow.requested != "target":
        return {}
    hints = hints_in(objects=kind.objects, entities=message.entities)
    if hints:
        return _read_hints(kind=kind, flow=flow, message=message, hints=hints, items=items, cards=cards)
    if message.entities.get("method") and flow.requested in {"confirmed", "code_ref"} and message.intent in {"inform", "affirm"}:
        return {"method": message.entities["method"], "confirmed": True}
    if flow.requested == "confirmed" and message.intent in {"affirm", "deny"}:
        return {"confirmed": message.intent == "affirm"}
    if flow.requested in {"confirmed", "code_ref"} and message.intent == "correct":
        return {"target": None, "note": "which", **RESTART}
    free = [item for item in items if not item.get("busy")] or items
    if flow.requested is None and flow.target is None and len(free) == 1 and not lost:
        return {"target": free[0]["id"]}
    return {}


def _read_hints(*, kind: OperationKind, flow: Flow, message: Message, hints: Mapping[str, Any], items: Sequence[Mapping[str, Any]], cards: Mapping[str, Mapping[str, Any]] | None) -> Updates:
    choice = choose(objects=kind.objects, hints=hints, items=items, shown=flow.choices, cards=cards, now=flow.target)
    if choice.found == ALL and not kind.all_at_once:
        return {"target": None, "note": "one_at_a_time", **RESTART}
    if choice.found is None:
        if message.intent == "deny" or (message.intent == "correct" and choice.missing and flow.requested == "target"):
            return {}  # "不是建行的": rules something out that was not on the list anyway.
        note = "not_found" if choice.missing else "ambiguous"
        return {"target": None, "note": note, "note_value": choice.missing, "choices": choice.fitting or None, **RESTART}
    if choice.found != flow.target:
        # "不要解绑招行的" at the confirmation names the very card; a refusal never starts another one.
        if message.intent == "deny":
            return {}
        return {"target": choice.found, "note": None, **RESTART}
    if flow.requested == "confirmed" and message.intent in {"affirm", "deny"}:
        return {"confirmed": message.intent == "affirm"}
    return {"note": None}
