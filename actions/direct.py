"""Actions that another action runs itself, within its own turn: what was offered or asked for before a sign-in.

Rasa's FollowupAction would run them too, but no rule knows what comes after that, and the assistant would fall back."""
from __future__ import annotations

from rasa_sdk.executor import CollectingDispatcher

from actions.base import Events, TurnAction
from actions.lookups import CheckAutoDeductions, CheckBindings, CheckRequestStatus
from actions.people import HandOver, Protect
from actions.turn import Turn

BY_LABEL: dict[str, type[TurnAction]] = {
    "check_bindings": CheckBindings, "check_auto_deductions": CheckAutoDeductions, "check_request_status": CheckRequestStatus, "human_handoff": HandOver,
}
BY_NAME: dict[str, type[TurnAction]] = {**{action.NAME: action for action in BY_LABEL.values()}, Protect.NAME: Protect}


async def run(action: type[TurnAction], turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
    """Runs an action as part of another one; raises what it raises."""
    return await action().act(turn, dispatcher, responses)
