"""What every action of ours shares: the turn, and one honest sentence for each way in which a neighbour can fail."""
from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import display, offers
from actions.errors import NotSignedIn, Refused, Unreachable
from actions.operations import FLOW_SLOTS
from actions.turn import Turn

logger = logging.getLogger(__name__)
Events = list[EventType]


class TurnAction(Action, ABC):
    """An action that works on a Turn. A subclass sets `NAME` and writes `act` as one sentence."""

    NAME = ""

    def name(self) -> str:
        """Returns the name by which the rules call the action."""
        return self.NAME

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Runs `act`; a neighbour's failure becomes a sentence that tells the customer what holds and what to do next."""
        turn = Turn(tracker)
        try:
            return await self.act(turn, dispatcher, _responses(domain))
        except NotSignedIn:
            say(dispatcher, "utter_sign_in_required")
            return [] if turn.tracker.active_loop_name else [SlotSet("open_question", f"{offers.SIGN_IN}:{self.NAME}")]
        except Refused as refusal:
            return await self.refused(refusal, turn, dispatcher, _responses(domain))
        except Unreachable as fault:
            logger.warning("%s: %s", self.NAME, fault)
            return await self.unreachable(turn, dispatcher)

    @abstractmethod
    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Does the action's work and returns its events; may raise NotSignedIn, Refused, Unreachable."""

    async def refused(self, refusal: Refused, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Names the reply for a refusal, and ends the flow that it stopped."""
        say_refusal(dispatcher, refusal, responses, language=turn.language)
        return end_flow() if turn.tracker.active_loop_name else []

    async def unreachable(self, turn: Turn, dispatcher: CollectingDispatcher) -> Events:
        """Says that nothing was done. Only a code that was verified does anything, and the action that verifies looks after itself."""
        say(dispatcher, "utter_error_unavailable")
        return []


def _responses(domain: dict[str, Any]) -> frozenset[str]:
    return _names(tuple(sorted(domain.get("responses", {}))))


@lru_cache(maxsize=4)
def _names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)


def say(dispatcher: CollectingDispatcher, response: str, *, buttons: list[dict[str, Any]] | None = None, card: dict[str, Any] | None = None, **values: Any) -> None:
    """Names a reply, with the values for its gaps, extra buttons and a card."""
    dispatcher.utter_message(response=response, buttons=buttons or [], json_message=card or {}, **values)


def say_refusal(dispatcher: CollectingDispatcher, refusal: Refused, responses: frozenset[str], *, language: str, buttons: list[dict[str, Any]] | None = None) -> None:
    """Names the reply of a problem's code, one for each thing that stands in the way; a code without a reply is answered as "not available now"."""
    for blocker in refusal.body.get("blockers") or [] if refusal.code == "blocked" else []:
        name = f"utter_error_{blocker['code']}"
        say(dispatcher, name if name in responses else "utter_error_blocked", amount=display.money(blocker.get("amount"), blocker.get("currency")), until=display.moment(blocker.get("until"), language))
    if refusal.code == "blocked" and refusal.body.get("blockers"):
        return
    name = f"utter_error_{refusal.code}"
    if name not in responses:
        logger.error("no reply for the code %s", refusal.code)
        name = "utter_error_unavailable"
    retry_after = refusal.body.get("retry_after")
    say(dispatcher, name, buttons=buttons, attempts_left=refusal.body.get("attempts_left"), seconds=retry_after, minutes=-(-int(retry_after or 0) // 60))


def quiet(turn: Turn) -> Events:
    """Keeps an active form from asking its question in this turn; the form goes on with the customer's next words."""
    return [SlotSet("quiet", True)] if turn.tracker.active_loop_name else []


def end_flow() -> Events:
    """Returns the events that end the running form and forget what it collected."""
    return [ActiveLoop(None), SlotSet("requested_slot", None), *[SlotSet(name, None) for name in (*FLOW_SLOTS, "operation")]]


def forget_target() -> Events:
    """Returns the events that forget what a form collected, but not which operation it is."""
    return [SlotSet(name, None) for name in FLOW_SLOTS]
