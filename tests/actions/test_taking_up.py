"""What the assistant takes up when a person hands the talk back."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.errors import Unreachable
from actions.flow import ResumeOperation
from actions.turn import Turn

BEGUN = {"id": "op_1", "kind": "card.unbind", "status": "awaiting_verification", "target": "card_a", "conversation": "conv_1", "effects_version": "v1", "challenge": None}
SENT = {**BEGUN, "challenge": {"id": "chl_1", "method": "sms"}}


class Ledger:
    """Binding, with these operations."""

    def __init__(self, *found: dict[str, Any]) -> None:
        self.found = found

    async def operations(self, *, limit: int) -> list[dict[str, Any]]:
        """Lists them; none stands for a ledger that is away."""
        if not self.found:
            raise Unreachable(what="away", maybe_done=False)
        return list(self.found)


@pytest.fixture
def handed_back(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Hands the talk back over these operations; returns (the slots that were set, what follows)."""

    def run(*found: dict[str, Any], **slots: Any) -> tuple[dict[str, Any], list[str]]:
        async def binding(turn: Turn) -> Ledger:
            return Ledger(*found)

        monkeypatch.setattr(Turn, "binding", binding)
        tracker = Tracker("conv_1", slots, {"intent": {"name": "EXTERNAL_handed_back"}}, [], False, None, {}, "action_listen")
        events = asyncio.run(ResumeOperation().run(CollectingDispatcher(), tracker, {"responses": {"utter_handed_back": []}}))
        return {event["name"]: event["value"] for event in events if event["event"] == "slot"}, [event["name"] for event in events if event["event"] == "followup"]

    return run


def test_what_the_agent_began_is_asked_by_the_assistant(handed_back: Any) -> None:
    slots, follows = handed_back(BEGUN)
    assert follows == ["unbind_card_form"]
    assert (slots["operation"], slots["target"], slots["operation_id"], slots["confirmed"]) == ("unbind_card", "card_a", "op_1", None)


def test_a_code_that_the_agent_had_sent_is_waited_for(handed_back: Any) -> None:
    slots, follows = handed_back(SENT)
    assert follows == ["unbind_card_form"]
    assert (slots["confirmed"], slots["challenge_id"], slots["effects_version"], slots["method"]) == (True, "chl_1", "v1", "sms")


@pytest.mark.parametrize("other", [{**SENT, "status": "succeeded"}, {**SENT, "conversation": "conv_2"}, {**SENT, "conversation": None}])
def test_nothing_else_is_taken_up(handed_back: Any, other: dict[str, Any]) -> None:
    assert handed_back(other)[1] == []


def test_what_the_customer_put_aside_stays_there(handed_back: Any) -> None:
    assert handed_back(SENT, suspended=[{"operation": "unbind_card", "target": "card_a", "operation_id": "op_1"}])[1] == []


def test_the_talk_goes_on_without_binding(handed_back: Any) -> None:
    slots, follows = handed_back()
    assert follows == [] and slots["open_question"] is None
