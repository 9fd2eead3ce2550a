"""Sealed codes: opened once; and, while no bot answers, submitted to the open operation without anybody seeing them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway import conversations, metrics, words
from gateway.binding_client import BindingClient, BindingRefused
from gateway.database import Database
from gateway.guard.mask import speaks_of_code
from gateway.guard.seal import CodeGone, Sealer
from gateway.models import OpenedCode, Turn, now
from gateway.problems import Problem

# What binding says of a code → the sentence for the customer and the agent.
SAID = {
    "code_wrong": "unseen_wrong",
    "code_expired": "unseen_expired",
    "code_replaced": "unseen_expired",
    "code_used": "unseen_expired",
    "challenges_locked": "unseen_locked",
}
ENDED = {"succeeded": "unseen_done", "processing": "unseen_accepted", "pending": "unseen_accepted"}


def spend(session: Session, *, jti: str) -> bool:
    """Marks a code as opened; tells whether it was the first time."""
    if session.get(OpenedCode, jti) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(OpenedCode(jti=jti))
    except IntegrityError:
        return False
    return True


def ref_of(request: dict[str, Any]) -> str | None:
    """Returns the reference of the one code that a turn hands in: a bare one, or one in a sentence about a code."""
    refs = request.get("code_refs") or []
    if len(refs) != 1:
        return None
    bare = (request.get("command") or {}).get("name") == "submit_code"
    return refs[0] if bare or speaks_of_code((request.get("text") or "").replace("[code]", "")) else None


@dataclass(frozen=True)
class Said:
    """A sentence of words.yml with its values; `told`: [operation, status] when it says what became of an operation."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    told: list[str] | None = None


class Unseen:
    """Submits what a customer typed for the bot while a person, or nobody yet, owns the talk."""

    def __init__(self, *, database: Database, sealer: Sealer, binding: BindingClient) -> None:
        self.database, self.sealer, self.binding = database, sealer, binding

    async def submit(self, turn: Turn, *, account: str | None, ref: str) -> None:
        """Ends the turn with one line that tells customer and agent how it went. `account`: None when the sign-in ran out.

        Safe to run again after a crash: binding knows the turn's key and answers the same.
        """
        jti, said = None, Said("unseen_unreachable")
        try:
            code, jti = self.sealer.unseal(ref=ref, conversation=turn.conversation_id, message=turn.id)
            said = await self._verify(turn, account=account, code=code)
        except CodeGone:
            said = Said("unseen_expired")
        except Problem:
            pass
        metrics.turns.labels("code", said.name.removeprefix("unseen_")).inc()
        await self.database.write(_end, turn_id=turn.id, said=said, jti=jti)

    async def _verify(self, turn: Turn, *, account: str | None, code: str) -> Said:
        if account is None:
            return Said("sign_in_again")
        who = {"account": account, "conversation": turn.conversation_id}
        found = [
            operation
            for operation in await self.binding.items("operations?open=true", **who)
            if operation.get("status") == "awaiting_verification"
            and (operation.get("challenge") or {}).get("method") == "sms"
        ]
        # Newest first; one that this talk asked for goes before.
        found.sort(key=lambda operation: operation.get("conversation") != turn.conversation_id)
        if not found:
            return Said("unseen_nothing")
        try:
            operation = await self.binding.verify(**who, operation=found[0], code=code, key=f"unseen-{turn.id}")
        except BindingRefused as refused:
            name, left = SAID.get(refused.code, "unseen_refused"), refused.body.get("attempts_left")
            if name != "unseen_wrong":
                return Said(name)
            return Said(name, {"count": left}) if left else Said("unseen_refused", told=[found[0]["id"], "failed"])
        status = str(operation.get("status"))
        return Said(ENDED.get(status, "unseen_refused"), told=[str(operation.get("id")), status])


def _end(session: Session, *, turn_id: str, said: Said, jti: str | None) -> None:
    turn, conversation, running = conversations.still_running(session, turn_id=turn_id)
    if jti is not None:
        spend(session, jti=jti)
    if not running:
        return
    text = words.one(said.name, conversation.language, **said.values)
    conversations.add_message(session, conversation_id=conversation.id, author="system", text=text, turn_id=turn.id)
    turn.status, turn.finished_at = "done", now()
    turn.result = {"mode": conversation.owner, "language": conversation.language, "replies": [], "told": said.told}
