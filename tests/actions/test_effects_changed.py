"""The effects change while the customer has the code: the yes is asked for again, and binding is told of it."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import gateway_client
from actions.asking import AskCode
from actions.codes import ResendCode
from actions.errors import Refused
from actions.submitting import SubmitOperation
from actions.turn import Turn

SENT = {
    "id": "op_1", "kind": "card.unbind", "status": "awaiting_verification", "target": "card_a", "effects": [], "effects_version": "v2",
    "target_summary": {"type": "card", "bank": "cmb", "tail": "1234", "card_type": "debit"}, "verification": {"methods": ["sms"]},
    "challenge": {"id": "chl_1", "method": "sms", "destination": "138****1234", "expires_at": None, "resend_at": None},
}
CHANGED = Refused(status=409, code="effects_changed", body={"effects": [], "effects_version": "v2"})
TOO_SOON = Refused(status=429, code="send_too_soon", body={"retry_after": 40})


class Ledger:
    """Binding, with one operation whose code was sent for the effects v1."""

    def __init__(self) -> None:
        self.yes: list[str] = []

    async def operation(self, *, operation_id: str) -> dict[str, Any]:
        """Shows it as it stands."""
        return SENT

    async def verify(self, **_: Any) -> dict[str, Any]:
        """Refuses the code: it stands for other effects."""
        raise CHANGED

    async def create_challenge(self, *, effects_version: str, **_: Any) -> dict[str, Any]:
        """Hears a yes; another code within the minute is not sent."""
        self.yes.append(effects_version)
        raise CHANGED if effects_version == "v1" else TOO_SOON


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs an action over these slots; returns the slots that were set."""
    ledger = Ledger()

    async def binding(turn: Turn) -> Ledger:
        return ledger

    async def opened(**_: Any) -> str:
        return "123456"

    monkeypatch.setattr(Turn, "binding", binding)
    monkeypatch.setattr(gateway_client, "open_code", opened)

    def go(action: Any, **slots: Any) -> dict[str, Any]:
        known = {"operation": "unbind_card", "operation_id": "op_1", "target": "card_a", "method": "sms"} | slots
        loop = {"name": "unbind_card_form"}
        tracker = Tracker("conv_1", known, {"intent": {"name": "inform"}}, [], False, None, loop, "action_listen")
        events = asyncio.run(action().run(CollectingDispatcher(), tracker, {"responses": {}}))
        return {event["name"]: event["value"] for event in events if event["event"] == "slot"}

    go.ledger = ledger  # type: ignore[attr-defined]
    return go


def test_a_code_for_other_effects_is_asked_for_anew_after_the_new_yes(run: Any) -> None:
    slots = run(SubmitOperation, confirmed=True, code_ref="code_1", challenge_id="chl_1", effects_version="v1")
    assert (slots["confirmed"], slots["challenge_id"], slots["code_ref"]) == (None, None, None)
    after_yes = run(AskCode, confirmed=True, challenge_id=None, effects_version="v2")
    assert run.ledger.yes == ["v2"], "binding hears the yes, though the code that is there is kept"
    assert after_yes["challenge_id"] == "chl_1"


def test_a_resend_that_finds_other_effects_forgets_the_code_until_the_new_yes(run: Any) -> None:
    slots = run(ResendCode, confirmed=True, requested_slot="code_ref", challenge_id="chl_1", effects_version="v1")
    assert (slots["confirmed"], slots["challenge_id"], slots["effects_version"]) == (None, None, "v2")
    run(AskCode, confirmed=True, challenge_id=None, effects_version="v2")
    assert run.ledger.yes == ["v1", "v2"]
