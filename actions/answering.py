"""Short answers outside a form ("好的", "不用", "招行"): they mean what the last question makes them mean."""
from __future__ import annotations

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import direct, offers
from actions.asking_back import after_warning, ask_what_about
from actions.base import Events, TurnAction, say
from actions.choosing import hints_in
from actions.declining import decline
from actions.flow import resume_suspended
from actions.misses import lead_on, noted, offered_just_now
from actions.operations import BY_INTENT
from actions.starting import start, try_again
from actions.submitting import stop
from actions.turn import Turn


class AnswerYes(TurnAction):
    """A "yes" that no form took."""

    NAME = "action_answer_yes"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Does what was offered last; inside a form the question simply comes again, unless a person was offered."""
        if turn.tracker.active_loop_name:
            if offered_just_now(turn):
                return await direct.run(direct.BY_LABEL[offers.PERSON], turn, dispatcher, responses)
            if turn.slot("requested_slot") == "confirmed":
                return await lost(turn, dispatcher, "utter_not_understood_here")  # It was no certain yes.
            if turn.slot("requested_slot") == "target":
                return await lost(turn, dispatcher, "utter_pick_one")
            if turn.slot("requested_slot") == "code_ref":
                say(dispatcher, "utter_take_your_time")
            return []
        offer = offers.read(turn.slot("open_question"))
        if offer.sort == offers.RESUME and turn.slot("suspended"):
            return resume_suspended(turn)
        if offer.sort in {offers.START, offers.AGAIN} and offer.label in BY_INTENT:
            return start(offer.label, hints=offer.hints)
        if offer.sort == offers.START and offer.label in direct.BY_LABEL:
            return [SlotSet("open_question", None), *await direct.run(direct.BY_LABEL[offer.label], turn, dispatcher, responses)]
        if offer.sort == offers.CARD_OR_WALLET:
            say(dispatcher, "utter_ask_card_or_wallet")
            return []
        return await lost(turn, dispatcher, "utter_how_can_i_help")


class AnswerNo(TurnAction):
    """A "no" that no form took."""

    NAME = "action_answer_no"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Drops the offer; inside a form ("which card?" – "none") it stops the operation, unless it only rules something out or declines a person."""
        if turn.tracker.active_loop_name:
            if offered_just_now(turn):
                return []  # No person, then: the form asks its question again.
            if hints_in(objects=BY_INTENT[turn.tracker.active_loop_name.removesuffix("_form")].objects, entities=turn.entities):
                say(dispatcher, "utter_pick_one")
                return []
            return await stop(turn, dispatcher, responses)
        return await decline(turn, dispatcher)


class AnswerBare(TurnAction):
    """A bare name, number or code that nobody asked for."""

    NAME = "action_answer_bare"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Asks what should happen with it; inside a form, says that it did not help (the form asks again)."""
        if turn.tracker.active_loop_name:
            if turn.entity("code_ref"):
                say(dispatcher, "utter_code_comes_after_yes")
                return []
            if turn.warned:
                return after_warning(turn, dispatcher)
            return await lost(turn, dispatcher, {"target": "utter_pick_one", "code_ref": "utter_not_a_code"}.get(turn.slot("requested_slot"), "utter_not_understood_here"))
        if turn.entity("code_ref"):
            say(dispatcher, "utter_no_code_expected")
            return []
        return await self._what_about(turn, dispatcher)

    @staticmethod
    async def _what_about(turn: Turn, dispatcher: CollectingDispatcher) -> Events:
        events = try_again(turn)
        if events is not None:
            return events
        kind = turn.entity("object")
        if turn.slot("open_question") == offers.CARD_OR_WALLET and (kind or turn.entity("wallet") or turn.entity("bank")):
            return start("unbind_wallet" if kind == "wallet" or turn.entity("wallet") else "unbind_card", hints=turn.entities)
        if turn.entity("merchant"):
            return start("cancel_auto_deduction", hints={"merchant": turn.entity("merchant")})
        if not ask_what_about(turn, dispatcher):
            return await lost(turn, dispatcher, "utter_how_can_i_help")
        return [SlotSet("open_question", None), SlotSet("misses", None)]


async def lost(turn: Turn, dispatcher: CollectingDispatcher, response: str) -> Events:
    """Names a reply that only asks anew, unless that has been done often enough."""
    events = await lead_on(turn, dispatcher)
    if events is not None:
        return events
    say(dispatcher, response)
    return [noted(turn), *([] if turn.tracker.active_loop_name else [SlotSet("open_question", None)])]
