"""Messages in a row that got the customer nowhere: what that leads to. The slot `misses` holds how many, and the last one's turn."""
from __future__ import annotations

from typing import Any

from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import offers
from actions.base import Events, quiet, say
from actions.handing_over import give_up
from actions.turn import Turn

OFFERS_PERSON, CALLS_PERSON = 3, 4


def count(turn: Turn) -> int:
    """Counts the messages in a row that missed, this one included. Who waits for a person already is offered none."""
    known, last = turn.slot("misses") or (0, None)
    return 1 if turn.waiting or last is None or last != turn.message_before else known + 1


def noted(turn: Turn) -> EventType:
    """Returns the event that remembers this message as a miss."""
    return SlotSet("misses", [count(turn), turn.turn_id])


async def lead_on(turn: Turn, dispatcher: CollectingDispatcher, *, buttons: list[dict[str, Any]] | None = None, ours: bool = True) -> Events | None:
    """Offers a person at the third miss in a row and calls one at the fourth; returns None as long as the usual words do.

    `ours`: it may be ours to answer. What is certainly not (the weather) does not call anybody to the desk. In a form the question does not come again after the offer: "yes" must mean one thing."""
    misses = count(turn)
    if misses == OFFERS_PERSON:
        say(dispatcher, "utter_offer_person", buttons=buttons)
        return [noted(turn), SlotSet("open_question", offers.person("failures")), *quiet(turn)]
    if misses >= CALLS_PERSON and ours:
        return [*await give_up(turn, dispatcher, why="not_understood_again"), *quiet(turn)]
    return None


def offered_just_now(turn: Turn) -> bool:
    """Tells whether the last thing said was the offer of a person: in a form, a yes or a no answers that, and not the form."""
    known, last = turn.slot("misses") or (0, None)
    return known == OFFERS_PERSON and last is not None and last == turn.message_before and offers.read(turn.slot("open_question")).label == offers.PERSON
