"""The end of a flow, whichever way it came: say how it stands, remember that it was said, and what comes next."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import offers
from actions.base import Events, end_flow, say
from actions.binding_client import Operation
from actions.errors import NotSignedIn, Refused, Unreachable
from actions.handing_over import give_up, hand_over, offer_person
from actions.operations import FRAUD, OPEN, UNCALLED
from actions.outcome import ENDED, say_outcome
from actions.turn import Turn

# Operations in a row that failed, within a day, before a person is called without asking.
CALLS_PERSON = 3
UNTRIED = {OPEN, "cancelled", "expired"}
# What the turn's metadata hold when the agent closed the talk: nothing that was open before counts any more.
CLOSED = "closed"


def closed(turn: Turn) -> bool:
    """Tells whether this turn reports that the agent closed the talk."""
    return bool(turn.metadata.get("event") == CLOSED)


async def report(turn: Turn, dispatcher: CollectingDispatcher, operation: Operation, responses: frozenset[str]) -> Events:
    """Says the outcome of the operation at hand and ends its flow."""
    say_outcome(dispatcher, operation, turn.language, responses)
    told = [SlotSet("last_operation_id", operation["id"]), SlotSet("reported", f"{operation['id']}:{operation['status']}"), SlotSet("misses", None)]
    gave_out = operation.get("reason_code") == "too_many_attempts"
    return [*await leave(turn, dispatcher, ask=operation["status"] in ENDED, failed=operation["status"] == "failed", person=gave_out), *told]


async def leave(turn: Turn, dispatcher: CollectingDispatcher, *, ask: bool = False, failed: bool = False, person: bool = False) -> Events:
    """Ends the flow; tells a victim of fraud, or who waits for a person, how that stands; else offers what was put aside, else asks what else.

    `failed`: the operation did not go through, and the third one in a row calls a person; `person`: this time one is offered in so many words."""
    ended = [*end_flow(), SlotSet(FRAUD, None)]
    fraud = turn.slot(FRAUD)
    if fraud and (turn.waiting or fraud == UNCALLED):
        # Asking again keeps the place, and calls anew when nobody could be called then.
        await hand_over(turn, dispatcher, reason="fraud")
        return [*ended, SlotSet("open_question", None)]
    if failed and not turn.waiting and await failed_in_a_row(turn) >= CALLS_PERSON:
        return [*ended, *await give_up(turn, dispatcher, why="failed_again")]
    suspended = turn.slot("suspended") or []
    if suspended:
        say(dispatcher, f"utter_resume_{suspended[-1]['operation']}")
        return [*ended, SlotSet("open_question", offers.RESUME)]
    if turn.waiting:
        await hand_over(turn, dispatcher, reason="requested")
        return [*ended, SlotSet("open_question", None)]
    if person:
        return [*ended, *offer_person(dispatcher)]
    if ask:
        say(dispatcher, "utter_anything_else", card={"type": "rating"})
    return [*ended, SlotSet("open_question", offers.anything_else("failures" if failed else None))]


async def failed_in_a_row(turn: Turn) -> int:
    """Counts the customer's newest operations that failed, one after the other, within a day; 0 while binding cannot tell."""
    try:
        newest = await (await turn.binding()).operations(limit=20)
    except (NotSignedIn, Refused, Unreachable):
        return 0
    since = datetime.now(UTC) - timedelta(days=1)
    tried = [operation for operation in newest if operation["status"] not in UNTRIED]
    return len(list(takewhile(lambda operation: operation["status"] == "failed" and _ended(operation) > since, tried)))


def _ended(operation: Operation) -> datetime:
    return datetime.fromisoformat((operation.get("finished_at") or "1970-01-01T00:00:00Z").replace("Z", "+00:00"))
