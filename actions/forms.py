"""The operations' forms: what a message fills. Pure: they read binding and write nothing."""
from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import objects
from actions.choosing import hints_in
from actions.ending import closed
from actions.errors import NotSignedIn, Refused, Unreachable
from actions.misses import offered_just_now
from actions.operations import BY_INTENT, OperationKind
from actions.reading import NOT_UNDERSTOOD, Flow, Message, Updates, fills, read
from actions.talked_about import talked_about
from actions.turn import Turn

logger = logging.getLogger(__name__)
# A sign-in, or the end of a talk with a person: what was asked for before is taken up.
GOES_ON = {"EXTERNAL_signed_in", "EXTERNAL_handed_back"}
# Of 61 yeses that were written for tests/nlu, 60 are this certain; vague remarks that resemble one are not.
CERTAIN = 0.8
NOTED = ("method", "note", "note_value", "choices", "remembered")


def corrects(turn: Turn, *, kind: OperationKind, entities: Mapping[str, Any]) -> bool:
    """Tells whether a message that was too uncertain to start this operation, or an uncertain "no", names another object for it ("no, unbind the ICBC one").

    "Not this one" may stand in it; an act that is itself denied has another reason. Inside the operation that certainty is not needed: its effects are shown anew, and nothing happens without a yes and a code."""
    ranking, why = turn.message.get("intent_ranking") or [{}], turn.verdict
    shares = {label["name"]: label["confidence"] for label in ranking if "confidence" in label}
    torn = turn.intent == "deny" and shares.get(kind.intent, 0) + shares.get("correct", 0) > shares.get("deny", 1)
    uncertain = turn.intent == "nlu_fallback" and why.get("reason") == "operation" and not set(why.get("doubts") or ()) - {"not"}
    return (torn or uncertain and ranking[0].get("name") == kind.intent) and bool(hints_in(objects=kind.objects, entities=entities))


class OperationForm(FormValidationAction):
    """Fills `target`, `confirmed`, `code_ref` and `method`, the same way for every operation."""

    INTENT = ""

    def name(self) -> str:
        """Returns validate_<intent>_form."""
        return f"validate_{self.INTENT}_form" if self.INTENT else "validate_operation_form"

    async def required_slots(self, domain_slots: list[str], dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[str]:
        """Returns the slots to ask for; a "no" at the confirmation ends the form."""
        return ["target", "confirmed"] if tracker.get_slot("confirmed") is False else domain_slots

    async def get_validation_events(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """Returns the slots that were filled. The SDK drops those that the form does not ask for; what was noted on the way is kept."""
        noted = {name: value for name, value in tracker.slots_to_validate().items() if name in NOTED}
        events: list[EventType] = await super().get_validation_events(dispatcher, tracker, domain)
        return events + [SlotSet(name, value) for name, value in noted.items()]

    async def extract_target(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Updates:
        """Returns all slots that the message fills (one reading for all of them, so that they agree)."""
        turn = Turn(tracker)
        kind = BY_INTENT[self.INTENT]
        flow = Flow(requested=tracker.get_slot("requested_slot") if tracker.active_loop_name else None, target=tracker.get_slot("target"), choices=tracker.get_slot("choices") or ())
        remembered = tracker.get_slot("remembered")
        entities = {e["entity"]: e["value"] for e in turn.message.get("entities") or []}
        if closed(turn) or (turn.intent in {"affirm", "deny"} and offered_just_now(turn) and not hints_in(objects=kind.objects, entities=entities)):
            return {}  # Not for this form: the agent ended the talk, or a person was offered and this is the answer.
        if turn.intent == "affirm" and turn.certainty < CERTAIN:
            return {}  # What only resembles a yes confirms nothing: the form asks again.
        message = Message(intent="correct" if flow.target and corrects(turn, kind=kind, entities=entities) else turn.intent, entities=entities)
        if remembered and (flow.requested is None or turn.intent in GOES_ON):
            message, flow = Message(intent=kind.intent, entities=remembered.get("entities") or {}), Flow(requested=None)
        elif flow.requested is None and flow.target is None:
            message = Message(intent=message.intent, entities={**entities, **talked_about(kind=kind, events=tracker.events)})
        elif remembered and fills(kind=kind, message=message):
            message = Message(intent=message.intent, entities={**(remembered.get("entities") or {}), **entities})
        if not fills(kind=kind, message=message) and not _names_something(kind, flow, message):
            # An operation that something else started (a "yes" to an offer, a sign-in) may still have only one object to choose.
            if flow.requested is not None or flow.target is not None:
                return {}
            message = Message(intent=kind.intent)
        if not (hints_in(objects=kind.objects, entities=message.entities) or (flow.requested is None and flow.target is None)):
            return read(kind=kind, flow=flow, message=message, items=[])
        try:
            items, cards = await objects.load(kind=kind, binding=await turn.binding())
        except NotSignedIn:
            return {"remembered": {"entities": dict(message.entities)}}
        except (Refused, Unreachable) as fault:
            logger.warning("the objects could not be read: %s", fault)
            return {}
        found = read(kind=kind, flow=flow, message=message, items=items, cards=cards)
        return {**found, "remembered": None} if remembered else found

    def validate_target(self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Updates:
        """Accepts what `extract_target` chose; binding is the one who authorises it."""
        return {"target": value}

    def validate_confirmed(self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Updates:
        """Accepts a yes or a no."""
        return {"confirmed": value}

    def validate_code_ref(self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Updates:
        """Accepts a sealed code; only submitting opens it."""
        return {"code_ref": value}


def _names_something(kind: OperationKind, flow: Flow, message: Message) -> bool:
    """Tells whether a message that was not understood at least names an object that was just asked for, or holds the code that was asked for."""
    if message.intent not in NOT_UNDERSTOOD:
        return False
    return bool(flow.requested == "target" and hints_in(objects=kind.objects, entities=message.entities)) or bool(flow.requested == "code_ref" and message.entities.get("code_ref"))


class UnbindCardForm(OperationForm):
    """Validates unbind_card_form."""

    INTENT = "unbind_card"


class CloseQuickPayForm(OperationForm):
    """Validates close_quick_pay_form."""

    INTENT = "close_quick_pay"


class BindCardForm(OperationForm):
    """Validates bind_card_form."""

    INTENT = "bind_card"


class UnbindWalletForm(OperationForm):
    """Validates unbind_wallet_form."""

    INTENT = "unbind_wallet"


class BindWalletForm(OperationForm):
    """Validates bind_wallet_form."""

    INTENT = "bind_wallet"


class CancelAutoDeductionForm(OperationForm):
    """Validates cancel_auto_deduction_form."""

    INTENT = "cancel_auto_deduction"
