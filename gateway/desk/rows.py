"""The rows of the desk's lists: who has a talk, why it is there, what was said last, and by when somebody must answer."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from gateway import words
from gateway.desk import names
from gateway.desk.settings import current
from gateway.models import Agent, Conversation, Handoff, Message, now


def time_of(at: datetime | None) -> str | None:
    """Writes a time as RFC 3339."""
    return at.isoformat().replace("+00:00", "Z") if at else None


def text_of(message: Message, language: str) -> str:
    """Returns a line as the desk sees it: of a bare code only that it came."""
    bare = message.author == "customer" and re.fullmatch(r"[\W_]*\[code\][\W_]*", message.text)
    return words.one("code_received", language) if bare else message.text


def row(session: Session, conversation: Conversation) -> dict[str, Any]:
    """Returns one row."""
    return rows(session, [conversation])[0]


def rows(session: Session, conversations: list[Conversation]) -> list[dict[str, Any]]:
    """Returns the rows of talks, in the order given, with a handful of queries for all of them."""
    if not conversations:
        return []
    wanted = [one.id for one in conversations]
    tickets: dict[str, Handoff] = {}
    query = select(Handoff).where(Handoff.conversation_id.in_(wanted), Handoff.ended_at.is_(None))
    for one_ticket in session.scalars(query.order_by(Handoff.created_at)):
        tickets[one_ticket.conversation_id] = one_ticket
    people = dict(session.execute(select(Agent.username, Agent.name)).tuples().all())
    last = _last_lines(session, wanted)
    open_lines = _unanswered(session, [one for one in wanted if one in tickets])
    places = positions(session) if any(ticket.taken_at is None for ticket in tickets.values()) else {}
    found = []
    for one in conversations:
        line, ticket = last.get(one.id), tickets.get(one.id)
        count, since = open_lines.get(one.id, (0, None))
        found.append(
            {
                "id": one.id,
                "mode": one.owner,
                "agent": one.owner_agent,
                "agent_name": people.get(one.owner_agent or "", one.owner_agent),
                "language": one.language,
                "channel": one.channel.partition(":")[0],
                "signed_in": one.account is not None,
                "updated_at": time_of(one.updated_at),
                "customer_at": time_of(one.customer_at),
                "unanswered": count,
                "last": {"author": line.author, "agent": line.agent, "text": text_of(line, one.language), "at": time_of(line.at)} if line else None,
                "ticket": _ticket(ticket, one, waiting_since=since, position=places.get(ticket.id)) if ticket else None,
            }
        )  # fmt: skip
    return found


def _last_lines(session: Session, wanted: list[str]) -> dict[str, Message]:
    newest = (
        select(Message.conversation_id, func.max(Message.seq).label("seq"))
        .where(Message.conversation_id.in_(wanted), Message.author != "note")
        .group_by(Message.conversation_id)
        .subquery()
    )
    query = select(Message).join(
        newest, and_(Message.conversation_id == newest.c.conversation_id, Message.seq == newest.c.seq)
    )
    return {line.conversation_id: line for line in session.scalars(query)}


def _unanswered(session: Session, wanted: list[str]) -> dict[str, tuple[int, datetime]]:
    """Returns how many lines of the customer stand after the last word of a person, and since when."""
    if not wanted:
        return {}
    spoken = (
        select(Message.conversation_id, func.max(Message.seq).label("seq"))
        .where(Message.conversation_id.in_(wanted), Message.author == "agent")
        .group_by(Message.conversation_id)
        .subquery()
    )
    query = (
        select(Message.conversation_id, func.count(), func.min(Message.at))
        .outerjoin(spoken, spoken.c.conversation_id == Message.conversation_id)
        .where(
            Message.conversation_id.in_(wanted),
            Message.author == "customer",
            Message.seq > func.coalesce(spoken.c.seq, 0),
        )
        .group_by(Message.conversation_id)
    )
    return {conversation: (count, at) for conversation, count, at in session.execute(query)}


def positions(session: Session) -> dict[str, int]:
    """Returns `{ticket: how many are served before}` of all that wait: the higher priority first, then the older; messages left out of hours after them."""
    live = case((Conversation.owner == "queue", 0), else_=1)
    rank = case((Handoff.priority == "high", 0), else_=1)
    query = select(Handoff.id).join(Conversation, Conversation.id == Handoff.conversation_id)
    query = query.where(Handoff.ended_at.is_(None), Handoff.taken_at.is_(None))
    return {
        ticket: place for place, ticket in enumerate(session.scalars(query.order_by(live, rank, Handoff.created_at)))
    }


def _ticket(
    ticket: Handoff, conversation: Conversation, *, waiting_since: datetime | None, position: int | None
) -> dict[str, Any]:
    out_of_hours = ticket.taken_at is None and conversation.owner == "bot"
    return {
        "id": ticket.id,
        "reason": ticket.reason,
        "intent": ticket.intent,
        "intent_title": names.title(ticket.intent),
        "operation_id": ticket.operation_id,
        "summary": ticket.summary,
        "priority": ticket.priority,
        "language": ticket.language,
        "since": time_of(ticket.created_at),
        "taken_by": ticket.taken_by,
        "taken_at": time_of(ticket.taken_at),
        "position": position,
        "out_of_hours": out_of_hours,
        "sla": sla(ticket, owner=conversation.owner, waiting_since=waiting_since, out_of_hours=out_of_hours),
    }


def sla(ticket: Handoff, *, owner: str, waiting_since: datetime | None, out_of_hours: bool) -> dict[str, Any]:
    """Returns by when a person must have spoken; a message left out of hours has no such time."""
    targets = current()
    seconds = targets.first_response_high if ticket.priority == "high" else targets.first_response
    first = None if out_of_hours else ticket.created_at + timedelta(seconds=seconds)
    following = None
    if owner == "human" and ticket.responded_at is not None and waiting_since is not None:
        following = waiting_since + timedelta(seconds=targets.next_response)
    late_first = first is not None and (ticket.responded_at or now()) > first
    return {
        "first_response_due_at": time_of(first),
        "responded_at": time_of(ticket.responded_at),
        "next_response_due_at": time_of(following),
        "breached": late_first or (following is not None and now() > following),
    }
