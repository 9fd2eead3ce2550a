"""The end of a request whose last try was wrong is told once, by the answer to that code; binding's news of it follows in silence."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import gateway_client
from actions.errors import Refused, Unreachable
from actions.people import ReportOperation
from actions.submitting import SubmitOperation
from actions.turn import Turn

FAILED = {
    "id": "op_1", "kind": "card.unbind", "status": "failed", "reason_code": "too_many_attempts", "target": "card_a", "target_summary": {"bank": "cmb", "tail": "1234"}, "finished_at": "2026-11-30T04:00:00Z",
}
DOMAIN = {"responses": {"utter_failed_too_many_attempts": []}}


class Ledger:
    """Binding after the third wrong code."""

    def __init__(self, *, away: bool) -> None:
        self.away = away

    async def verify(self, **_: Any) -> Any:
        """Refuses the code; no try is left."""
        raise Refused(status=422, code="code_wrong", body={"code": "code_wrong", "attempts_left": 0})

    async def operation(self, *, operation_id: str) -> Any:
        """Shows the request as it ended."""
        if self.away:
            raise Unreachable(what="away", maybe_done=False)
        return FAILED

    async def operations(self, *, limit: int) -> Any:
        """Lists it."""
        return [FAILED]


def talk(slots: dict[str, Any], **message: Any) -> Tracker:
    """Returns the talk at this message."""
    return Tracker("conv_1", slots, message, [], False, None, {}, "action_listen")


@pytest.mark.parametrize("away", [False, True])
def test_the_third_wrong_code_is_told_once(monkeypatch: pytest.MonkeyPatch, away: bool) -> None:
    async def binding(turn: Turn) -> Ledger:
        return Ledger(away=away)

    async def opened(**_: Any) -> str:
        return "000000"

    monkeypatch.setattr(Turn, "binding", binding)
    monkeypatch.setattr(gateway_client, "open_code", opened)
    asking = {"operation_id": "op_1", "code_ref": "ref", "challenge_id": "chl_1", "confirmed": True, "method": "sms", "language": "en"}

    hears = CollectingDispatcher()
    events = asyncio.run(SubmitOperation().run(hears, talk(asking, intent={"name": "submit_code"}), DOMAIN))
    assert [said["response"] for said in hears.messages] == ["utter_failed_too_many_attempts", "utter_offer_person"]
    assert hears.messages[0]["custom"].get("status") == (None if away else "failed"), "the request's card stands beside it"

    slots = {event["name"]: event["value"] for event in events if event["event"] == "slot"}
    news = CollectingDispatcher()
    asyncio.run(ReportOperation().run(news, talk(slots, intent={"name": "EXTERNAL_operation"}, metadata={"event": "operation.updated", "operation": FAILED}), DOMAIN))
    assert not news.messages
