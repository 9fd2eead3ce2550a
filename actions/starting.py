"""Starting an operation from an offer, and taking up one that was refused."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions import offers
from actions.base import Events, forget_target
from actions.choosing import hints_in
from actions.operations import BY_INTENT
from actions.turn import Turn


def start(intent: str, *, hints: Mapping[str, Any] | None = None) -> Events:
    """Returns the events that start an operation from an offer; `hints` name its object as the customer's own words would."""
    return [
        *forget_target(), SlotSet("operation", intent), SlotSet("remembered", {"entities": dict(hints)} if hints else None),
        SlotSet("open_question", None), SlotSet("misses", None), FollowupAction(BY_INTENT[intent].form),
    ]


def try_again(turn: Turn, *, named: bool = False) -> Events | None:
    """Returns the events that take up what was refused, for the object that the message names ("and the ICBC one?"), else for the same ("it's paid now"); None when nothing was, or when the message is about something else.

    `named`: only when it names one. Trying is harmless: binding looks at what stands in the way and nothing happens without a yes and a code."""
    offer = offers.read(turn.slot("open_question"))
    if turn.tracker.active_loop_name or offer.sort != offers.AGAIN:
        return None
    hints = hints_in(objects=BY_INTENT[offer.label].objects, entities=turn.entities)
    if set(turn.entities) - set(hints) - {"language", "object"} or (named and not hints):
        return None
    return start(offer.label, hints=hints or offer.hints)
