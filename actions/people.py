"""Handing over to a person, and the two cases of safety."""
from __future__ import annotations

from typing import Any, cast

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import display, offers
from actions.base import Events, TurnAction, end_flow, quiet, say
from actions.binding_client import Operation
from actions.ending import report
from actions.errors import NotSignedIn, Refused, Unreachable
from actions.handing_over import hand_over
from actions.operations import ALL, BY_INTENT, CALLED, FRAUD, UNCALLED
from actions.outcome import say_outcome
from actions.submitting import cancel
from actions.turn import Turn


class HandOver(TurnAction):
    """Connects the customer with a person; an open operation stays as it is."""

    NAME = "action_hand_over"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Hands over on request, with the reason for which a person was offered; a victim of fraud goes first."""
        offered = offers.read(turn.slot("open_question")).hints.get("reason")
        queued = await hand_over(turn, dispatcher, reason="fraud" if turn.slot(FRAUD) else offered or "requested")
        # A form reads the message once more after this, and must find the offer that it answered.
        answered = [SlotSet("open_question", None)] if offered and not turn.tracker.active_loop_name else []
        return [*answered, *(quiet(turn) if queued else [])]


class ReportFraud(TurnAction):
    """Fraud comes before everything: stops what runs, gives urgent advice, offers to close quick payment on all cards, calls a person."""

    NAME = "action_report_fraud"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Advises, calls the person at once, and offers the protection while the customer waits; a protection under way is not begun anew."""
        say(dispatcher, "utter_fraud_advice")
        called = CALLED if await hand_over(turn, dispatcher, reason="fraud") else UNCALLED
        if turn.tracker.active_loop_name == BY_INTENT["close_quick_pay"].form and (turn.slot(FRAUD) or turn.slot("target") == ALL):
            return [SlotSet("misses", None), SlotSet(FRAUD, called)]
        if turn.tracker.active_loop_name and turn.slot("operation_id"):
            await cancel(turn, turn.slot("operation_id"))
        return [*end_flow(), SlotSet("suspended", None), SlotSet("misses", None), *await offer_protection(turn, dispatcher, called=called)]


async def offer_protection(turn: Turn, dispatcher: CollectingDispatcher, *, called: str) -> Events:
    """Offers to close quick payment on every card, when some card of the customer pays without asking; returns what remembers the offer."""
    try:
        exposed = any(card["quick_pay"] and card["state"] == "bound" for card in await (await turn.binding()).cards())
    except NotSignedIn:
        say(dispatcher, "utter_fraud_sign_in")
        return [SlotSet("open_question", f"{offers.SIGN_IN}:{Protect.NAME}"), SlotSet(FRAUD, called)]
    except (Refused, Unreachable):
        exposed = False
    if not exposed:
        return [SlotSet("open_question", None), SlotSet(FRAUD, None)]
    say(dispatcher, "utter_fraud_offer")
    return [SlotSet("open_question", offers.start("close_quick_pay", {"ordinal": ALL})), SlotSet(FRAUD, called)]


class Protect(TurnAction):
    """What was promised to a victim of fraud for after the sign-in; `action_resume` runs it."""

    NAME = "action_protect"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Offers to close quick payment on every card."""
        events = await offer_protection(turn, dispatcher, called=turn.slot(FRAUD) or CALLED)
        if SlotSet(FRAUD, None) in events:
            say(dispatcher, "utter_signed_in")
        return events


class Complain(TurnAction):
    """Takes a complaint seriously; the second one in a row brings a person."""

    NAME = "action_complain"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Apologises, offers a person, then calls one; who waits for one already moves up."""
        count = int(turn.slot("complaints") or 0) + 1
        if turn.waiting:
            say(dispatcher, "utter_complain_waiting")
        if turn.waiting or count >= 2:
            queued = await hand_over(turn, dispatcher, reason="angry")
            return [SlotSet("complaints", None), *(quiet(turn) if queued else [])]
        say(dispatcher, "utter_complain")
        return [SlotSet("complaints", count), SlotSet("open_question", offers.person("angry"))]


class Repeat(TurnAction):
    """Says the last thing again."""

    NAME = "action_repeat"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Repeats what was said in the turn before; a form's question repeats itself."""
        if turn.tracker.active_loop_name:
            return []
        said: list[tuple[str, list[dict[str, Any]]]] = []
        for event in reversed(turn.tracker.events[:-1]):
            if event["event"] == "bot" and event.get("text"):
                said.append((event["text"], (event.get("data") or {}).get("buttons") or []))
            elif event["event"] == "user" and said:
                break
        if not said:
            say(dispatcher, "utter_nothing_to_repeat")
        for text, buttons in reversed(said):
            dispatcher.utter_message(text=text, buttons=buttons)
        return []


class ReportOperation(TurnAction):
    """Tells the customer that an operation went on or ended, once, also when they did not ask."""

    NAME = "action_report_operation"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Says the outcome that binding's event carries, unless this conversation heard it already."""
        operation = cast(Operation, turn.metadata.get("operation") or {})
        if not operation.get("id") or turn.slot("reported") == f"{operation['id']}:{operation['status']}":
            return []
        if turn.metadata.get("event") == "operation.reassigned":
            say(dispatcher, "utter_moved_elsewhere", target=display.target(operation["target_summary"], turn.language))
            return end_flow() if turn.slot("operation_id") == operation["id"] else []
        if turn.slot("operation_id") == operation["id"] and turn.tracker.active_loop_name:
            return await report(turn, dispatcher, operation, responses)
        say_outcome(dispatcher, operation, turn.language, responses)
        return [SlotSet("reported", f"{operation['id']}:{operation['status']}"), SlotSet("last_operation_id", operation["id"])]
