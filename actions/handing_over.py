"""Calling a person."""
from __future__ import annotations

from rasa_sdk.executor import CollectingDispatcher

from actions import gateway_client
from actions.base import say
from actions.errors import Refused, Unreachable
from actions.turn import Turn


async def hand_over(turn: Turn, dispatcher: CollectingDispatcher, *, reason: str, priority: str = "normal") -> bool:
    """Puts the conversation into the queue, or finds it there, and says where in it; without a desk, names the hotline. Returns whether a person will come."""
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
