"""The end of an operation's form: verify the code, which starts the operation, and say what happened."""
from __future__ import annotations

from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import gateway_client, offers
from actions.base import Events, TurnAction, end_flow, say, say_refusal
from actions.binding_client import Operation
from actions.confirming import kind_of
from actions.declining import decline
from actions.ending import leave, report
from actions.errors import NotSignedIn, Refused, Unreachable
from actions.operations import FRAUD
from actions.turn import Turn

# The customer can go on at once with another code.
ASK_AGAIN = {"code_wrong", "code_expired", "code_used", "code_replaced", "code_gone"}
STALE = {"code_expired", "code_used", "code_replaced"}
LOCKED = "challenges_locked"
OFFERED = {offers.START, offers.AGAIN, offers.RESUME, offers.CARD_OR_WALLET}


class SubmitOperation(TurnAction):
    """Runs after the form: opens the sealed code, verifies it, reports."""

    NAME = "action_submit_operation"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Verifies the code when there is one; a refused confirmation cancels the operation."""
        operation_id, code_ref, challenge_id = turn.slot("operation_id"), turn.slot("code_ref"), turn.slot("challenge_id")
        if turn.slot("confirmed") is False and operation_id:
            return await stop(turn, dispatcher, responses, reply="utter_declined")
        if not operation_id or not code_ref:
            return []
        if not challenge_id or turn.slot("method") not in {None, "sms"}:
            # A code came although none was sent for this operation: it is not even opened.
            say(dispatcher, "utter_code_not_for_this" if not challenge_id else "utter_use_secure_page")
            return self._ask_again(turn)
        binding = await turn.binding()
        try:
            code = await gateway_client.open_code(conversation_id=turn.conversation_id, turn_id=turn.turn_id, code_ref=code_ref)
        except Unreachable:
            say(dispatcher, "utter_error_unavailable")
            return self._ask_again(turn)
        except Refused as refusal:
            return await self._wrong(refusal, turn, dispatcher, responses)
        try:
            operation = await binding.verify(challenge_id=challenge_id, code=code, effects_version=turn.slot("effects_version") or "", key=turn.key("verify"))
        except Refused as refusal:
            return await self._wrong(refusal, turn, dispatcher, responses)
        except Unreachable as fault:
            return await self._unanswered(fault, turn, dispatcher)
        return await report(turn, dispatcher, operation, responses)

    async def _unanswered(self, fault: Unreachable, turn: Turn, dispatcher: CollectingDispatcher) -> Events:
        if not fault.maybe_done:
            say(dispatcher, "utter_error_unavailable")
            return self._ask_again(turn)
        # Whether the code was taken is unknown: binding is asked, never assumed.
        say(dispatcher, "utter_error_unknown_outcome")
        return [*end_flow(), SlotSet("last_operation_id", turn.slot("operation_id")), SlotSet("open_question", offers.start("check_request_status"))]

    @staticmethod
    def _ask_again(turn: Turn, *forgotten: str) -> Events:
        return [SlotSet("code_ref", None), *[SlotSet(name, None) for name in forgotten], FollowupAction(kind_of(turn).form)]

    async def _wrong(self, refusal: Refused, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        told = SlotSet("last_operation_id", turn.slot("operation_id"))
        if refusal.code == "code_wrong" and not refusal.body.get("attempts_left"):
            return await self._gave_out(turn, dispatcher, responses)
        if refusal.code == "operation_closed" and refusal.body.get("operation"):
            return await report(turn, dispatcher, refusal.body["operation"], responses)
        say_refusal(dispatcher, refusal, responses, language=turn.language)
        if refusal.code in ASK_AGAIN:
            return self._ask_again(turn, *(["challenge_id"] if refusal.code in STALE else []))
        if refusal.code == "effects_changed":
            # The code stands for the effects of before: after the new yes it is asked for anew, which lets it stand for these.
            return [SlotSet("confirmed", None), SlotSet("effects_version", "changed"), *self._ask_again(turn, "challenge_id")]
        return [*await leave(turn, dispatcher, person=refusal.code == LOCKED), told]

    @staticmethod
    async def _gave_out(turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Says that the last try was used up, with the request's card; binding's own news of that end, which follows, says nothing then."""
        operation_id = str(turn.slot("operation_id"))
        try:
            operation = await (await turn.binding()).operation(operation_id=operation_id)
        except (NotSignedIn, Refused, Unreachable):
            # The wrong answer itself said that the request has failed: for that no second look is needed.
            say(dispatcher, "utter_failed_too_many_attempts")
            told = [SlotSet("last_operation_id", operation_id), SlotSet("reported", f"{operation_id}:failed")]
            return [*await leave(turn, dispatcher, failed=True, person=True), *told]
        return await report(turn, dispatcher, operation, responses)


class StopOperation(TurnAction):
    """Stops what is running; nothing of it happens."""

    NAME = "action_stop"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Cancels the open operation and says that nothing was changed, or that nothing was running."""
        if not turn.tracker.active_loop_name and (turn.slot(FRAUD) or offers.read(turn.slot("open_question")).sort in OFFERED):
            return await decline(turn, dispatcher)  # "先不关": it is an offer that is declined.
        if not turn.tracker.active_loop_name:
            say(dispatcher, "utter_nothing_to_stop")
            return [SlotSet("open_question", offers.ANYTHING_ELSE), SlotSet("suspended", None)]
        return await stop(turn, dispatcher, responses)


async def stop(turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str], *, reply: str = "utter_stopped") -> Events:
    """Cancels the operation at hand and leaves its flow; one that was verified meanwhile is told as it stands."""
    went_on = await cancel(turn, turn.slot("operation_id")) if turn.slot("operation_id") else None
    if went_on:
        return await report(turn, dispatcher, went_on, responses)
    say(dispatcher, reply)
    return await leave(turn, dispatcher)


async def cancel(turn: Turn, operation_id: str) -> Operation | None:
    """Cancels an operation that waits; returns it when it waits no longer. One that cannot be reached expires by itself."""
    try:
        await (await turn.binding()).cancel(operation_id=operation_id, key=turn.key("cancel", operation_id))
    except Refused as refusal:
        found: Operation | None = refusal.body.get("operation") if refusal.code == "operation_closed" else None
        return found
    except (NotSignedIn, Unreachable):
        pass
    return None
