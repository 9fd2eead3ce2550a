"""What a customer can do in a conversation, whatever the channel: begin, say, press, sign in, look back."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from gateway import buttons, conversations, ids, metrics, seen
from gateway.database import Database
from gateway.guard import Guarded, TextEmpty, TextTooLong, guard, redact
from gateway.guard.seal import Sealer
from gateway.hub import Hub
from gateway.identity import bearers
from gateway.identity.bearers import Caller
from gateway.limits import Limits
from gateway.models import Conversation, Turn, now
from gateway.problems import Problem
from gateway.settings import Settings
from gateway.turns import Turns


class Talk:
    """The doors of a conversation. Every method takes who is calling from the bearer, never from the body."""

    def __init__(
        self,
        *,
        database: Database,
        turns: Turns,
        hub: Hub,
        limits: Limits,
        sealer: Sealer,
        button_key: bytes,
        settings: Settings,
    ) -> None:
        self.database, self.turns, self.hub, self.limits, self.sealer = database, turns, hub, limits, sealer
        self.button_key, self.settings = button_key, settings

    async def begin(self, *, language: str, account: str | None, address: str | None) -> dict[str, Any]:
        """Makes a conversation; the greeting is prepared meanwhile. Returns `{id, token}`."""
        await self.limits.take("new", address)
        conversation_id, token = await self.database.write(conversations.create, language=language, account=account)
        self.turns.later(conversation_id)
        found: dict[str, Any] = {"id": conversation_id, "token": token, "signed_in": account is not None}
        return found | ({"expires_in": self.settings.signed_in_for} if account else {})

    async def caller(self, token: str) -> Caller:
        """Returns whose bearer this is; raises `unauthenticated`."""
        found = (
            await self.database.read(bearers.find, token=token, signed_in_for=self.settings.signed_in_for)
            if token.startswith("jbc_")
            else None
        )
        if found is None:
            raise Problem("unauthenticated")
        return found

    async def say(self, *, caller: Caller, text: str, client_id: str | None, address: str | None) -> dict[str, Any]:
        """Takes a customer's text through the guard and a turn; returns `{mode, language, replies}`."""
        await self._count(caller, address)
        turn_id = ids.fresh("msg")
        guarded = self.guarded(text, conversation_id=caller.conversation_id, turn_id=turn_id)
        await self._greeted(caller.conversation_id)
        return await self._take(
            caller, kind="message", request=request_of(guarded), client_id=client_id, turn_id=turn_id, text=guarded.text
        )

    def guarded(self, text: str, *, conversation_id: str, turn_id: str) -> Guarded:
        """Returns what may be stored and sent on of a text; raises `text_too_long`, `empty_text`."""
        try:
            found = guard(
                text, seal=lambda code: self.sealer.seal(code=code, conversation=conversation_id, message=turn_id)
            )
        except TextTooLong:
            raise Problem("text_too_long", "At most 2,000 characters.") from None
        except TextEmpty:
            raise Problem("empty_text", "The text is empty.") from None
        for kind in found.notices:
            metrics.guarded.labels(kind).inc()
        return found

    async def press(self, *, caller: Caller, token: str, client_id: str | None, address: str | None) -> dict[str, Any]:
        """Presses a button that this conversation was shown; returns as `say`; raises `button_expired`."""
        await self._count(caller, address)
        if client_id is not None:
            seen = await self.database.read(
                conversations.find_turn, conversation_id=caller.conversation_id, key=conversations.client_key(client_id)
            )
            if seen is not None:
                return await self._result(
                    caller.conversation_id, seen.id, retry=seen.status == "failed", client_id=client_id
                )
        pressed = await self.database.read(buttons.find_button, conversation_id=caller.conversation_id, token=token)
        if pressed is None:
            raise Problem("button_expired")
        command = {"name": "press", **pressed.command, "title": pressed.title}
        request = {"command": command, "title": pressed.title, "turn_number": pressed.turn_number}
        return await self._take(
            caller, kind="press", request=request, client_id=client_id, turn_id=ids.fresh("msg"), text=None
        )

    async def sign_in(self, *, caller: Caller, account: str) -> dict[str, Any]:
        """Makes the conversation that account's for good; returns `{id, token, mode, language, replies}`; the old bearer dies."""
        token, was = await self.database.write(bind, conversation_id=caller.conversation_id, account=account)
        await self.hub.nudge(caller.conversation_id, "revoked")
        result = {
            "id": caller.conversation_id,
            "token": token,
            "signed_in": True,
            "expires_in": self.settings.signed_in_for,
        }
        if was is not None:
            return result | {"replies": []}
        turn, _ = await self.database.write(
            conversations.accept,
            conversation_id=caller.conversation_id,
            kind="signed_in",
            request={"command": {"name": "signed_in"}},
            key=None,
            turn_id=ids.fresh("msg"),
        )
        done = await self.turns.ensure_done(caller.conversation_id, turn.id)
        # The sign-in stands whatever the assistant does; without its answer the customer just goes on talking.
        return result | (await self._rendered(done) if done.status == "done" else {"replies": []})

    async def refresh(self, *, caller: Caller, account: str) -> None:
        """Renews the sign-in of the same account; raises `conversation_of_another_account`, `anonymous_conversation`."""
        await self.database.write(_renew, conversation_id=caller.conversation_id, account=account)

    async def history(self, *, conversation_id: str, after: str | None, limit: int = 500) -> list[dict[str, Any]]:
        """Returns the messages after the one with id `after`, in order."""
        seq = await self.seq(conversation_id=conversation_id, after=after)
        found = await self.database.read(
            conversations.messages_after, conversation_id=conversation_id, seq=seq, limit=limit
        )
        return [buttons.shown(message, key=self.button_key) for message in found]

    async def seq(self, *, conversation_id: str, after: str | None) -> int:
        """Returns the number of the message `after` (0 for none); raises `invalid_request` for an unknown one."""
        if not after:
            return 0
        seq = None
        if ids.looks_right(after, "msg"):
            seq = await self.database.read(conversations.seq_of, conversation_id=conversation_id, message_id=after)
        if seq is None:
            raise Problem("invalid_request", "`after` names no message of this conversation.")
        return seq

    async def typing(self, *, caller: Caller, typing: bool) -> None:
        """Tells the desk that the customer is typing, or stopped; while only the assistant listens it tells nobody."""
        await self.limits.take("signal", caller.conversation_id)
        found = await self.database.read(conversations.get, conversation_id=caller.conversation_id)
        if found is not None and found.owner != "bot":
            told = {"author": "customer", "typing": typing}
            await self.hub.nudge("desk", "typing", conversation=caller.conversation_id, **told)

    async def seen(self, *, caller: Caller, message: str) -> None:
        """Notes that a message, and all before it, was on the customer's screen; raises `invalid_request` for one of another talk."""
        await self.limits.take("signal", caller.conversation_id)
        where = {"conversation_id": caller.conversation_id, "side": "customer", "message_id": message}
        if await self.database.write(seen.mark, **where):
            told = {"author": "customer", "message": message}
            await self.hub.nudge("desk", "seen", conversation=caller.conversation_id, **told)

    async def feedback(self, *, conversation_id: str, score: int, comment: str | None) -> None:
        """Keeps a customer's opinion, with secrets masked."""
        await self.limits.take("signal", conversation_id)
        await self.database.write(
            conversations.add_feedback,
            conversation_id=conversation_id,
            score=score,
            comment=redact(comment)[:2000] if comment else None,
        )

    async def _count(self, caller: Caller, address: str | None) -> None:
        await self.limits.take("conversation", caller.conversation_id)
        await self.limits.take("account", caller.account)
        await self.limits.take("address", address)

    async def _greeted(self, conversation_id: str) -> None:
        """Lets the greeting be the first line of a talk, also when the customer was quicker."""
        turn = await self.database.read(conversations.find_turn, conversation_id=conversation_id, key="greeting")
        if turn is not None and turn.status in conversations.UNFINISHED:
            await self.turns.ensure_done(conversation_id, turn.id)

    async def _take(
        self,
        caller: Caller,
        *,
        kind: str,
        request: dict[str, Any],
        client_id: str | None,
        turn_id: str,
        text: str | None,
    ) -> dict[str, Any]:
        key = None if client_id is None else conversations.client_key(client_id)
        turn, new = await self.database.write(
            conversations.accept,
            conversation_id=caller.conversation_id,
            kind=kind,
            request=request,
            key=key,
            turn_id=turn_id,
            text=text,
        )
        if new:
            await self.hub.nudge(caller.conversation_id)
            await self.hub.nudge("desk", "conversation", conversation=caller.conversation_id)
        return await self._result(caller.conversation_id, turn.id)

    async def _result(
        self, conversation_id: str, turn_id: str, *, retry: bool = False, client_id: str | None = None
    ) -> dict[str, Any]:
        if retry and client_id is not None:
            await self.database.write(
                conversations.accept,
                conversation_id=conversation_id,
                kind="press",
                request={},
                key=conversations.client_key(client_id),
                turn_id=turn_id,
            )
        turn = await self.turns.ensure_done(conversation_id, turn_id)
        if turn.status == "rejected":
            raise Problem("button_expired")
        if turn.status == "failed":
            raise Problem("assistant_unavailable", headers={"Retry-After": "3"}, retry_after=3)
        return await self._rendered(turn)

    async def _rendered(self, turn: Turn) -> dict[str, Any]:
        result = turn.result or {}
        replies = result.get("replies", [])
        found = await self.database.read(conversations.messages_by_id, message_ids=replies) if replies else []
        return {
            "id": turn.id,
            "mode": result.get("mode", "bot"),
            "language": result.get("language", "zh"),
            "replies": [buttons.shown(one, key=self.button_key) for one in found],
        }


def request_of(guarded: Guarded) -> dict[str, Any]:
    """Returns the turn of a guarded text: a bare code is the command that submits it."""
    if guarded.bare_code:
        return {
            "text": None,
            "code_refs": guarded.code_refs,
            "command": {"name": "submit_code", "code_ref": guarded.code_refs[0]},
            "notices": guarded.notices,
        }
    return {"text": guarded.text, "code_refs": guarded.code_refs, "notices": guarded.notices}


def bind(session: Session, *, conversation_id: str, account: str) -> tuple[str, str | None]:
    """Binds a conversation to an account; returns (new bearer, the account it had before)."""
    conversation = session.get_one(Conversation, conversation_id, with_for_update=True)
    was = conversation.account
    if was is not None and was != account:
        raise Problem("conversation_of_another_account")
    conversation.account, conversation.signed_in_at = account, now()
    conversation.generation += 1
    return bearers.issue(session, conversation=conversation), was


def _renew(session: Session, *, conversation_id: str, account: str) -> None:
    conversation = session.get_one(Conversation, conversation_id, with_for_update=True)
    if conversation.account is None:
        raise Problem("anonymous_conversation", "Use sign-in.")
    if conversation.account != account:
        raise Problem("conversation_of_another_account")
    conversation.signed_in_at = now()
