"""The event stream of one conversation: what the database has after the last number seen, then whatever comes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import buttons, conversations, metrics
from gateway.identity.bearers import Caller
from gateway.models import Conversation, Message, now
from gateway.services import Services

KEEP_ALIVE_S = 15.0


async def changes(
    services: Services, *, caller: Caller, seq: int
) -> AsyncIterator[tuple[str, str | None, dict[str, Any]]]:
    """Yields (event, id, data) from number `seq` on; ends when the bearer dies, the sign-in runs out, too many listen or the gateway stops.

    Events: `message` (data: a message), `typing` {author, typing}, `seen` {author, message}, `mode` {mode}, `closed` {code}; None-ish `ping` keeps the line open.
    """
    mode, told = None, 0
    if services.hub.full(caller.conversation_id):
        return  # it was looked at before it was let in, but many that come at once pass that together
    with services.hub.listen(caller.conversation_id) as ear:
        while True:
            found, state = await services.database.read(_since, conversation_id=caller.conversation_id, seq=seq)
            if state is None or state.generation != caller.generation:
                yield "closed", None, {"code": "unauthenticated"}
                return
            until = None
            if state.account and state.signed_in_at:
                until = services.settings.signed_in_for - (now() - state.signed_in_at).total_seconds()
                if until <= 0:
                    yield "closed", None, {"code": "sign_in_again"}
                    return
            if state.owner != mode:
                mode = state.owner
                yield "mode", None, {"mode": mode, "language": state.language}
            for message in found:
                seq = message.seq
                yield "message", message.id, buttons.shown(message, key=services.button_key)
            if state.agent_seen != told:
                told = state.agent_seen
                if message_id := await services.database.read(_read_by_agent, conversation=state):
                    yield "seen", None, {"author": "agent", "message": message_id}
            if services.hub.closing:
                return
            if found:
                continue
            nudges = await ear.wait(min(KEEP_ALIVE_S, until + 0.05 if until is not None else KEEP_ALIVE_S))
            for nudge in nudges:
                if nudge["kind"] == "typing":
                    yield "typing", None, {"author": nudge["author"], "typing": nudge["typing"]}
            if not nudges:
                yield "ping", None, {}


def _since(session: Any, *, conversation_id: str, seq: int) -> tuple[list[Any], Conversation | None]:
    return conversations.messages_after(
        session, conversation_id=conversation_id, seq=seq, limit=100
    ), conversations.get(session, conversation_id=conversation_id)


def _read_by_agent(session: Session, *, conversation: Conversation) -> str | None:
    """Returns the newest line of the customer's that a person has seen."""
    query = select(Message.id).where(Message.conversation_id == conversation.id, Message.author == "customer")
    return session.scalars(
        query.where(Message.seq <= conversation.agent_seen).order_by(Message.seq.desc()).limit(1)
    ).first()


async def event_stream(services: Services, *, caller: Caller, seq: int) -> AsyncIterator[str]:
    """Writes the changes as Server-Sent Events; only messages carry an id, so a client resumes at the right one."""
    metrics.streams.labels("sse").inc()
    try:
        yield "retry: 2000\n\n"
        async for event, event_id, data in changes(services, caller=caller, seq=seq):
            if event == "ping":
                yield ": ping\n\n"
                continue
            head = f"id: {event_id}\n" if event_id else ""
            yield f"{head}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
    finally:
        metrics.streams.labels("sse").dec()
