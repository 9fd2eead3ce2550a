"""The end of a flow, whichever way it came: say how it stands, remember that it was said, and what comes next."""
from __future__ import annotations

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import offers
from actions.base import Events, end_flow, say
from actions.binding_client import Operation
from actions.handing_over import hand_over
from actions.operations import FRAUD, UNCALLED
from actions.outcome import ENDED, say_outcome
from actions.turn import Turn


async def report(turn: Turn, dispatcher: CollectingDispatcher, operation: Operation, responses: frozenset[str]) -> Events:
    """Says the outcome of the operation at hand and ends its flow."""
    say_outcome(dispatcher, operation, turn.language, responses)
    told = [SlotSet("last_operation_id", operation["id"]), SlotSet("reported", f"{operation['id']}:{operation['status']}"), SlotSet("misses", None)]
    return [*await leave(turn, dispatcher, ask=operation["status"] in ENDED), *told]


async def leave(turn: Turn, dispatcher: CollectingDispatcher, *, ask: bool = False) -> Events:
    """Ends the flow; tells a victim of fraud, or who waits for a person, how that stands; else offers what was put aside, else asks what else."""
    ended = [*end_flow(), SlotSet(FRAUD, None)]
    fraud = turn.slot(FRAUD)
    if fraud and (turn.waiting or fraud == UNCALLED):
        # Asking again keeps the place, and calls anew when nobody could be called then.
        await hand_over(turn, dispatcher, reason="fraud", priority="high")
        return [*ended, SlotSet("open_question", None)]
    suspended = turn.slot("suspended") or []
    if suspended:
        say(dispatcher, f"utter_resume_{suspended[-1]['operation']}")
        return [*ended, SlotSet("open_question", offers.RESUME)]
    if turn.waiting:
        await hand_over(turn, dispatcher, reason="requested")
        return [*ended, SlotSet("open_question", None)]
    if ask:
        say(dispatcher, "utter_anything_else", card={"type": "rating"})
    return [*ended, SlotSet("open_question", offers.ANYTHING_ELSE)]
