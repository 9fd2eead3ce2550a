"""What each side of a talk has had on its screen: the number of its newest line, which only grows."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway import ids
from gateway.models import Conversation, Message
from gateway.problems import Problem

SIDES = {"customer": Conversation.customer_seen, "agent": Conversation.agent_seen}


def mark(session: Session, *, conversation_id: str, side: str, message_id: str, agent: str | None = None) -> bool:
    """Notes that a side has seen the talk up to a message; tells whether that is news. `agent`: only while the talk is theirs.

    Raises `invalid_request` for a message of another talk.
    """
    seq = None
    if ids.looks_right(message_id, "msg"):
        query = select(Message.seq).where(Message.conversation_id == conversation_id, Message.id == message_id)
        seq = session.execute(query).scalar()
    if seq is None:
        raise Problem("invalid_request", "`message` names no message of this conversation.")
    column = SIDES[side]
    change = update(Conversation).where(Conversation.id == conversation_id, column < seq)
    if agent is not None:
        change = change.where(Conversation.owner == "human", Conversation.owner_agent == agent)
    return session.execute(change.values({column: seq}).returning(Conversation.id)).scalar() is not None
