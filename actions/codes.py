"""Codes and secure pages: send one, send one again, and what to say when that is refused."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import display
from actions.base import Events, TurnAction, end_flow, quiet, say, say_refusal
from actions.binding_client import Binding, Operation
from actions.confirming import confirm
from actions.ending import leave, report
from actions.errors import Refused
from actions.operations import OPEN
from actions.turn import Turn

CODE_LENGTH = 6
# A refused resend leaves the earlier code usable; after a day's limit the payment password is still there.
GOES_ON = {"send_too_soon", "daily_send_limit", "sms_not_sent", "method_not_allowed"}


class ResendCode(TurnAction):
    """Sends the code again, within the limits."""

    NAME = "action_resend_code"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Sends a new code for the operation that waits for one."""
        operation_id = turn.slot("operation_id")
        if not operation_id or turn.slot("requested_slot") != "code_ref":
            say(dispatcher, "utter_code_comes_after_yes" if turn.tracker.active_loop_name else "utter_no_code_to_resend")
            return []
        if turn.slot("method") in {None, "sms"} and not turn.slot("challenge_id"):
            return []  # None was sent yet: the form's own question sends one.
        binding = await turn.binding()
        operation = await binding.operation(operation_id=operation_id)
        if operation["status"] != OPEN:
            return await report(turn, dispatcher, operation, responses)
        if "sms" not in operation.get("verification", {}).get("methods", ["sms"]):
            return []  # A new secure page is made by the form's own question.
        events = await send_challenge(turn=turn, dispatcher=dispatcher, binding=binding, operation=operation, method="sms", responses=responses)
        # The message that tells of the new code asks for it too.
        return [*events, *(quiet(turn) if SlotSet("method", "sms") in events else [])]


async def send_challenge(
    *, turn: Turn, dispatcher: CollectingDispatcher, binding: Binding, operation: Operation, method: str, responses: frozenset[str], asked: bool = False
) -> Events:
    """Sends a new code, or makes the secure page; returns the events that remember it. `asked`: this is the form's own question, nobody asks after it."""
    version = turn.slot("effects_version") or operation["effects_version"]
    try:
        challenge = await binding.create_challenge(operation_id=operation["id"], method=method, effects_version=version, key=turn.key("challenge", operation["id"], method))
    except Refused as refusal:
        return await _refused(refusal, turn=turn, dispatcher=dispatcher, binding=binding, operation=operation, responses=responses, asked=asked)
    remembered = [SlotSet("operation_id", operation["id"]), SlotSet("challenge_id", challenge["id"]), SlotSet("method", method), SlotSet("effects_version", version), SlotSet("code_ref", None)]
    target = display.target(operation["target_summary"], turn.language)
    if challenge.get("url"):
        name = "utter_secure_page_card" if method == "card_details" else "utter_secure_page"
        say(dispatcher, name, url=challenge["url"], target=target)
    else:
        say(dispatcher, "utter_code_sent", destination=challenge["destination"], target=target, buttons=display.password_button(operation, turn.language), card=code_card(challenge))
    return remembered


def ask_again(dispatcher: CollectingDispatcher, *, turn: Turn, operation: Operation) -> None:
    """Asks for the code that was sent and is still good."""
    live = operation.get("challenge") or {}
    say(dispatcher, "utter_ask_code_again", destination=live.get("destination", ""), buttons=display.password_button(operation, turn.language), card=code_card(live))


def code_card(challenge: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the card that says "a code is asked for here": the page suits its field to it, other channels show the text alone."""
    return {"type": "code", "length": CODE_LENGTH, **{name: challenge.get(name) for name in ("destination", "expires_at", "resend_at")}}


async def _refused(
    refusal: Refused, *, turn: Turn, dispatcher: CollectingDispatcher, binding: Binding, operation: Operation, responses: frozenset[str], asked: bool
) -> Events:
    if refusal.code == "effects_changed":
        say(dispatcher, "utter_error_effects_changed")
        fresh = await binding.operation(operation_id=operation["id"])
        return [*confirm(dispatcher, operation=fresh, turn=turn, responses=responses), SlotSet("confirmed", None), SlotSet("challenge_id", None), SlotSet("requested_slot", "confirmed")]
    live = operation.get("challenge") or {}
    usable = live.get("id") if live.get("method") == "sms" else None
    password = display.password_button(operation, turn.language)
    if refusal.code == "send_too_soon" and not usable:
        # The last code was for something else; it cannot be used here.
        say(dispatcher, "utter_wait_for_code", seconds=refusal.body.get("retry_after"), buttons=password)
    else:
        say_refusal(dispatcher, refusal, responses, language=turn.language, buttons=password if refusal.code in {"daily_send_limit", "sms_not_sent"} else None)
        if usable and asked and refusal.code == "send_too_soon":
            ask_again(dispatcher, turn=turn, operation=operation)
    if refusal.code == "challenges_locked":
        return await leave(turn, dispatcher, person=True)
    if refusal.code not in GOES_ON:
        return end_flow()
    return [SlotSet("operation_id", operation["id"]), SlotSet("challenge_id", usable), SlotSet("method", None), SlotSet("code_ref", None)]
