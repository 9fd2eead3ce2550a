"""What a line means that the assistant is silent to, since a person owns the talk: the brain is asked beside the dialogue, for the desk's eyes alone."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from gateway.desk import brain
from gateway.desk.view import HEARD
from gateway.models import Conversation, Turn, now
from gateway.problems import Problem
from gateway.services import Services


async def understand(services: Services, *, turn: Turn) -> None:
    """Keeps what a line means and tells the desk; without the brain the line stands without it."""
    language = await services.database.read(_language, conversation_id=turn.conversation_id)
    try:
        told = await brain.suggest(services, text=turn.request["text"], language=language)
    except Problem:
        return
    if await services.database.write(_keep, turn_id=turn.id, parse=told["parse"]):
        await services.hub.nudge("desk", "conversation", conversation=turn.conversation_id)


def _language(session: Session, *, conversation_id: str) -> str:
    return session.get_one(Conversation, conversation_id).language


def _keep(session: Session, *, turn_id: str, parse: dict[str, Any]) -> bool:
    turn = session.get(Turn, turn_id)
    if turn is None or turn.result is None:
        return False
    turn.result = turn.result | {HEARD: parse}
    # The open pages read a talk again when its row has changed.
    session.get_one(Conversation, turn.conversation_id).updated_at = now()
    return True
