"""A "no" to what was offered."""
from __future__ import annotations

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import offers
from actions.base import Events, say
from actions.ending import leave
from actions.handing_over import offer_person
from actions.operations import FRAUD
from actions.turn import Turn

# "No" right after one of these answers says that it did not help.
UNSOLVED = {"unbind_failed", "unbind_delayed", "card_bind_failed", "wallet_bind_failed", "wallet_unbind_failed", "sms_code_not_received"}


async def decline(turn: Turn, dispatcher: CollectingDispatcher) -> Events:
    """Drops the offer; after an answer about a failure it says that it did not help, and a person is offered."""
    if turn.slot(FRAUD):
        say(dispatcher, "utter_declined")
        return await leave(turn, dispatcher)
    if (turn.asked_before() or "") in UNSOLVED and not turn.waiting:
        return offer_person(dispatcher)
    say(dispatcher, "utter_goodbye" if offers.read(turn.slot("open_question")).sort == offers.ANYTHING_ELSE else "utter_ok_no")
    return [SlotSet("open_question", offers.ANYTHING_ELSE), SlotSet("suspended", None)]
