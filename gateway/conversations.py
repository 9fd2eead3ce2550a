"""Conversations and their messages in the database. Plain functions on a Session; nothing here waits for anybody."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from gateway import ids
from gateway.identity import bearers
from gateway.models import Conversation, Delivery, Feedback, Message, Turn, now
from gateway.problems import Problem
from telemetry import tracing

UNFINISHED = ("accepted", "running")
MOST_PENDING = 20
# The card that asks for a score; a messaging app has no such card.
RATING = {"type": "rating"}


def client_key(client_id: str) -> str:
    """Returns what is stored of a client's own message id: any 128 characters are fine, so only a hash is kept."""
    return "c:" + hashlib.sha256(client_id.encode("utf-8", "surrogatepass")).hexdigest()


def create(
    session: Session,
    *,
    language: str,
    account: str | None,
    channel: str = "web",
    address: str | None = None,
    greet: bool = True,
) -> tuple[str, str]:
    """Makes a conversation (with the turn that will greet); returns (id, bearer)."""
    conversation = Conversation(
        id=ids.fresh("conv"),
        language=language,
        account=account,
        channel=channel,
        address=address,
        signed_in_at=now() if account else None,
    )
    # Defaults are set at flush; the bearer and the turn need them now.
    conversation.generation, conversation.last_turn, conversation.last_seq = 1, 0, 0
    session.add(conversation)
    session.flush()
    token = bearers.issue(session, conversation=conversation)
    if greet:
        add_turn(
            session,
            conversation_id=conversation.id,
            kind="session_started",
            request={"command": {"name": "session_started"}},
            key="greeting",
        )
    return conversation.id, token


def get(session: Session, *, conversation_id: str) -> Conversation | None:
    """Returns a conversation."""
    return session.get(Conversation, conversation_id)


def by_address(session: Session, *, channel: str, address: str) -> Conversation | None:
    """Returns the newest open conversation of somebody in a messaging app."""
    query = select(Conversation).where(
        Conversation.channel == channel, Conversation.address == address, Conversation.closed_at.is_(None)
    )
    return session.scalars(query.order_by(Conversation.created_at.desc()).limit(1)).first()


def next_turn(session: Session, *, conversation_id: str) -> int:
    """Takes the next turn number; the row stays locked until the transaction ends, so numbers are in commit order."""
    query = (
        update(Conversation)
        .where(Conversation.id == conversation_id)
        .values(last_turn=Conversation.last_turn + 1)
        .returning(Conversation.last_turn)
    )
    return session.execute(query).scalar_one()


def next_seq(session: Session, *, conversation_id: str, count: int = 1) -> int:
    """Takes `count` message numbers; returns the first."""
    query = (
        update(Conversation)
        .where(Conversation.id == conversation_id)
        .values(last_seq=Conversation.last_seq + count, updated_at=now())
        .returning(Conversation.last_seq)
    )
    return session.execute(query).scalar_one() - count + 1


def find_turn(session: Session, *, conversation_id: str, key: str) -> Turn | None:
    """Returns the turn that this client id (or event id) started before."""
    return session.scalars(select(Turn).where(Turn.conversation_id == conversation_id, Turn.client_key == key)).first()


def add_turn(
    session: Session,
    *,
    conversation_id: str,
    kind: str,
    request: dict[str, Any],
    key: str | None,
    turn_id: str | None = None,
) -> Turn:
    """Accepts one turn, to be run after those before it."""
    number = next_turn(session, conversation_id=conversation_id)
    turn = Turn(
        id=turn_id or ids.fresh("msg"),
        conversation_id=conversation_id,
        number=number,
        kind=kind,
        client_key=key,
        # Who runs it, now or after a crash, goes on in the trace of who asked for it.
        request=request | tracing.headers(),
        status="accepted",
    )
    session.add(turn)
    session.flush()
    return turn


def pending(session: Session, *, conversation_id: str) -> int:
    """Counts turns that wait."""
    return session.execute(
        select(func.count())
        .select_from(Turn)
        .where(Turn.conversation_id == conversation_id, Turn.status.in_(UNFINISHED))
    ).scalar_one()


def accept(
    session: Session,
    *,
    conversation_id: str,
    kind: str,
    request: dict[str, Any],
    key: str | None,
    turn_id: str,
    text: str | None = None,
) -> tuple[Turn, bool]:
    """Accepts a turn once: returns (turn, whether it is new). A failed one with the same key is accepted again.

    `text` is the customer's redacted line, stored with the turn's id as its own.
    """
    # Locks the conversation first: two deliveries of one message at the same time become one.
    session.execute(update(Conversation).where(Conversation.id == conversation_id).values(updated_at=now()))
    if key and (turn := find_turn(session, conversation_id=conversation_id, key=key)):
        if turn.status == "failed":
            # What was sealed for the first turn id stays with it and with its own five minutes. Its place is after what was
            # said since: else the buttons shown meanwhile would outlive an answer that is newer than they are.
            turn.status, turn.result = "accepted", None
            turn.number = next_turn(session, conversation_id=conversation_id)
        return turn, False
    if pending(session, conversation_id=conversation_id) >= MOST_PENDING:
        raise Problem("too_many_pending", "Wait for the answers to earlier messages.", headers={"Retry-After": "5"})
    turn = add_turn(session, conversation_id=conversation_id, kind=kind, request=request, key=key, turn_id=turn_id)
    if text is not None:
        add_message(
            session, conversation_id=conversation_id, author="customer", text=text, turn_id=turn.id, message_id=turn.id
        )
        session.execute(update(Conversation).where(Conversation.id == conversation_id).values(customer_at=now()))
    return turn, True


def add_message(
    session: Session,
    *,
    conversation_id: str,
    author: str,
    text: str,
    turn_id: str | None = None,
    message_id: str | None = None,
    agent: str | None = None,
    buttons: list[Any] | None = None,
    card: dict[str, Any] | None = None,
) -> Message:
    """Stores one line with the next number. `text` is redacted already."""
    message = Message(
        id=message_id or ids.fresh("msg"),
        conversation_id=conversation_id,
        seq=next_seq(session, conversation_id=conversation_id),
        turn_id=turn_id,
        author=author,
        agent=agent,
        text=text.replace("\x00", ""),
        buttons=buttons or [],
        card=card,
        at=now(),
    )
    session.add(message)
    session.flush()
    if author in ("bot", "agent", "system"):
        conversation = session.get_one(Conversation, conversation_id)
        if conversation.channel != "web":
            # In the same transaction: what is stored will be delivered.
            session.add(
                Delivery(id=ids.fresh("dlv"), conversation_id=conversation_id, message_id=message.id, seq=message.seq)
            )
    return message


def unfinished(session: Session, *, conversation_id: str) -> Turn | None:
    """Returns the next turn to run."""
    return session.scalars(
        select(Turn)
        .where(Turn.conversation_id == conversation_id, Turn.status.in_(UNFINISHED))
        .order_by(Turn.number)
        .limit(1)
    ).first()


def still_running(session: Session, *, turn_id: str) -> tuple[Turn, Conversation, bool]:
    """Returns a turn, its conversation (held until the transaction ends), and whether the turn has no result yet.

    A gateway whose lock was lost (Redis began anew, the process stood still) may find that another has run its turn meanwhile: what stands then, stands.
    """
    turn = session.get_one(Turn, turn_id)
    conversation = session.get_one(Conversation, turn.conversation_id, with_for_update=True)
    session.refresh(turn)
    return turn, conversation, turn.status == "running"


def left_over(session: Session, *, before: datetime, limit: int = 500) -> list[str]:
    """Returns conversations with turns that nobody seems to work on any more, oldest first."""
    query = (
        select(Turn.conversation_id, func.min(Turn.created_at))
        .where(Turn.status.in_(UNFINISHED), Turn.created_at < before)
        .group_by(Turn.conversation_id)
    )
    return [row[0] for row in session.execute(query.order_by(func.min(Turn.created_at)).limit(limit))]


def seq_of(session: Session, *, conversation_id: str, message_id: str) -> int | None:
    """Returns a message's number, None when it is not of this conversation."""
    return session.execute(
        select(Message.seq).where(Message.conversation_id == conversation_id, Message.id == message_id)
    ).scalar()


def newest_seq(session: Session, *, conversation_id: str) -> int:
    """Returns the number of the newest message, 0 before the first."""
    query = select(Conversation.last_seq).where(Conversation.id == conversation_id)
    return session.execute(query).scalar() or 0


def messages_after(
    session: Session, *, conversation_id: str, seq: int = 0, limit: int = 500, notes: bool = False
) -> list[Message]:
    """Returns the messages after number `seq`, in order; `notes` includes what only the desk may see."""
    query = select(Message).where(Message.conversation_id == conversation_id, Message.seq > seq)
    if not notes:
        query = query.where(Message.author != "note")
    return list(session.scalars(query.order_by(Message.seq).limit(limit)))


def messages_by_id(session: Session, *, message_ids: list[str]) -> list[Message]:
    """Returns the named messages, in order."""
    return list(session.scalars(select(Message).where(Message.id.in_(message_ids)).order_by(Message.seq)))


def may_ask_rating(session: Session, *, conversation_id: str) -> bool:
    """Tells whether customer or agent said something since a score was asked for last: the end of a talk is not asked about twice."""
    asked = _rating_asked(session, conversation_id=conversation_id)
    if asked is None:
        return True
    since = select(Message.id).where(Message.conversation_id == conversation_id, Message.seq > asked.seq)
    return session.execute(since.where(Message.author.in_(("customer", "agent"))).limit(1)).first() is not None


def _rating_asked(session: Session, *, conversation_id: str) -> Message | None:
    """Returns the newest line that asks for a score."""
    cards = select(Message).where(Message.conversation_id == conversation_id, Message.card.is_not(None))
    newest = session.scalars(cards.order_by(Message.seq.desc()).limit(200))
    return next((message for message in newest if message.card and message.card.get("type") == RATING["type"]), None)


def add_feedback(session: Session, *, conversation_id: str, score: int, comment: str | None) -> None:
    """Stores a customer's opinion, one for each time that it was asked for: a second tap replaces the first. `comment` is redacted already."""
    session.get_one(Conversation, conversation_id, with_for_update=True)
    found = _rating_asked(session, conversation_id=conversation_id)
    asked = found.at if found else None
    query = select(Feedback).where(Feedback.conversation_id == conversation_id).order_by(Feedback.at.desc())
    known = session.scalars(query.limit(1)).first()
    if known is None or (asked is not None and known.at < asked):
        session.add(Feedback(id=ids.fresh("fb"), conversation_id=conversation_id, score=score, comment=comment))
    else:
        known.score, known.comment, known.at = score, comment or known.comment, now()
