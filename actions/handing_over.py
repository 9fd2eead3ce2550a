"""Calling a person."""
from __future__ import annotations

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import display, gateway_client, offers
from actions.base import Events, say
from actions.errors import Refused, Unreachable
from actions.turn import Turn

# Who comes for one of these reasons is served before the others.
URGENT = {"fraud", "angry"}


async def hand_over(turn: Turn, dispatcher: CollectingDispatcher, *, reason: str) -> bool:
    """Puts the conversation into the queue, or finds it there, and says where in it; without a desk, names the hotline. Returns whether a person will come."""
    priority = "high" if reason in URGENT else "normal"
    details = {"intent": turn.intent, "operation_id": turn.slot("operation_id") or turn.slot("last_operation_id"), "priority": priority}
    try:
        answer = await gateway_client.hand_over(conversation_id=turn.conversation_id, turn_id=turn.turn_id, reason=reason, details=details)
    except (Refused, Unreachable):
        say(dispatcher, "utter_handoff_unavailable")
        return False
    position = answer.get("position")
    if not answer.get("open", True):
        say(dispatcher, "utter_handoff_closed", hours=(answer.get("hours") or "").replace("-", "–"))
        return False
    if answer.get("known"):
        say(dispatcher, "utter_handoff_waiting" if position else "utter_handoff_next", position=position)
    elif reason == "fraud":
        say(dispatcher, "utter_handoff_first")
    else:
        say(dispatcher, "utter_handoff_queued" if position else "utter_handoff", position=position)
    return True


async def give_up(turn: Turn, dispatcher: CollectingDispatcher, *, why: str) -> Events:
    """Says why (a phrase) and calls a person without asking; an open operation stays as it is."""
    dispatcher.utter_message(text=display.phrase(why, turn.language))
    await hand_over(turn, dispatcher, reason="failures")
    return [SlotSet("misses", None), SlotSet("open_question", None)]


def offer_person(dispatcher: CollectingDispatcher) -> Events:
    """Asks whether a person should be called, since it has failed so far."""
    say(dispatcher, "utter_offer_person")
    return [SlotSet("open_question", offers.person("failures"))]

