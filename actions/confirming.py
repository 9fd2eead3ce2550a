"""The question before anything happens: what it is, what comes with it, shall I?"""
from __future__ import annotations

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import display
from actions.base import Events, say
from actions.binding_client import Operation
from actions.operations import ALL, BY_INTENT, OperationKind
from actions.outcome import operation_card
from actions.turn import Turn


def kind_of(turn: Turn) -> OperationKind:
    """Returns the operation that is being asked about."""
    active = (turn.tracker.active_loop_name or "").removesuffix("_form")
    return BY_INTENT[active or turn.slot("operation") or turn.intent]


def confirm(dispatcher: CollectingDispatcher, *, operation: Operation, turn: Turn, responses: frozenset[str], briefly: bool = False) -> Events:
    """Names the effects and asks for a yes; returns the events that remember what was asked."""
    kind = kind_of(turn)
    effects = operation.get("effects") or []
    merchants = [display.merchant(effect["merchant"], turn.language) for effect in effects if effect["code"] == "renewal_stops"]
    if any(effect["code"] == "last_card" for effect in effects) and not briefly:
        say(dispatcher, "utter_effect_last_card")
    name = f"utter_confirm_{kind.intent}"
    if kind.all_at_once and operation["target"] == ALL:
        name += "_all"
    if merchants and f"{name}_renewals" in responses:
        name += "_renewals"
    if briefly:
        name = f"utter_remind_{kind.intent}"
    say(dispatcher, name, buttons=display.password_button(operation, turn.language), card=None if briefly else operation_card(operation, turn.language),
        target=display.target(operation["target_summary"], turn.language), merchants=display.listed(merchants, turn.language))
    methods: list[str] = (operation.get("verification") or {}).get("methods") or []
    return [SlotSet("operation_id", operation["id"]), SlotSet("effects_version", operation["effects_version"]), SlotSet("method", None if "sms" in methods or not methods else methods[0])]
