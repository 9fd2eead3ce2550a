"""Who is at work: an open stream says that somebody is there, `status` whether they take talks; and what becomes of the talks of people who left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from gateway import conversations
from gateway.desk import audit, names
from gateway.desk.people import Person
from gateway.desk.problems import DeskProblem
from gateway.desk.settings import current
from gateway.handoff import open_ticket, set_owner
from gateway.models import Agent, Call, Conversation, Handoff, Message, now
from gateway.problems import Problem

BEAT_S = 20
GONE = timedelta(seconds=60)
STATUSES = ("available", "away")


def beat(session: Session, *, agent_id: str) -> bool:
    """Notes that somebody's stream is open; tells whether they were gone before."""
    agent = session.get_one(Agent, agent_id)
    was_gone = agent.seen_at is None or agent.seen_at < now() - GONE
    agent.seen_at = now()
    return was_gone


def leave(session: Session, *, agent_id: str) -> None:
    """Notes that somebody's last stream has ended; a reconnect within a minute is not noticed by anybody."""
    session.execute(update(Agent).where(Agent.id == agent_id).values(seen_at=now() - GONE + timedelta(seconds=20)))


def set_status(session: Session, *, person: Person, status: str) -> str:
    """Says whether one takes talks."""
    session.get_one(Agent, person.id).status = status
    audit.write(session, agent=person.username, action="presence", status=status)
    return status


def status_of(agent: Agent) -> str:
    """Returns `available`, `away` or `offline`."""
    return "offline" if agent.seen_at is None or agent.seen_at < now() - GONE else agent.status


def me(session: Session, *, person: Person) -> dict[str, Any]:
    """Returns who is signed in."""
    agent = session.get_one(Agent, person.id)
    return {
        "agent": {
            "username": agent.username,
            "name": agent.name,
            "name_en": agent.name_en,
            "role": agent.role,
            "languages": agent.languages,
            "status": agent.status,
        },
        "csrf": person.csrf,
    }


def people(session: Session) -> list[dict[str, Any]]:
    """Returns everybody who may be given a talk, with how much they have."""
    talks = dict(
        session.execute(
            select(Conversation.owner_agent, func.count())
            .where(Conversation.owner == "human")
            .group_by(Conversation.owner_agent)
        )
        .tuples()
        .all()
    )
    calls = dict(
        session.execute(select(Call.agent, func.count()).where(Call.ended_at.is_(None)).group_by(Call.agent))
        .tuples()
        .all()
    )
    return [
        {
            "username": agent.username,
            "name": agent.name,
            "role": agent.role,
            "languages": agent.languages,
            "status": status_of(agent),
            "talks": talks.get(agent.username, 0),
            "calls": calls.get(agent.username, 0),
        }
        for agent in session.scalars(select(Agent).where(Agent.disabled.is_(False)).order_by(Agent.username))
    ]


def set_languages(session: Session, *, person: Person, username: str, languages: list[str]) -> dict[str, Any]:
    """Sets the languages whose talks somebody takes."""
    agent = session.scalars(select(Agent).where(Agent.username == username)).first()
    if agent is None:
        raise Problem("not_found")
    if not languages or set(languages) - set(names.LANGUAGES):
        raise DeskProblem("invalid_request", "`languages` holds zh, en or both.", status=422)
    agent.languages = sorted(set(languages), reverse=True)
    audit.write(session, agent=person.username, action="languages", who=username, languages=agent.languages)
    session.flush()
    return next(row for row in people(session) if row["username"] == username)


def return_abandoned(session: Session) -> list[str]:
    """Puts talks back into the queue, first in line, whose customers wait for somebody who has left; returns their ids."""
    edge = now() - timedelta(seconds=current().absence)
    # Who was given a talk and never opened a page has not come at all.
    given_long_ago = (
        select(Handoff.id)
        .where(Handoff.conversation_id == Conversation.id, Handoff.ended_at.is_(None), Handoff.taken_at < edge)
        .exists()
    )
    query = (
        select(Conversation)
        .join(Agent, Agent.username == Conversation.owner_agent)
        .where(Conversation.owner == "human", or_(Agent.seen_at < edge, and_(Agent.seen_at.is_(None), given_long_ago)))
        .where(Conversation.customer_at.is_not(None))
    )
    found = []
    for one in session.scalars(query).all():
        spoken = session.execute(
            select(func.max(Message.at)).where(Message.conversation_id == one.id, Message.author == "agent")
        ).scalar()
        if one.customer_at is None or (spoken is not None and spoken > one.customer_at):
            continue
        holder = one.owner_agent
        if not set_owner(session, conversation_id=one.id, was=("human",), owner="queue", of_agent=holder):
            continue
        if (ticket := open_ticket(session, conversation_id=one.id)) is not None:
            ticket.taken_at = ticket.taken_by = ticket.responded_at = None
            ticket.priority = "high"
            # Patience in the queue is counted from here on, not from when the first agent took it.
            ticket.created_at = now()
        conversations.add_message(
            session, conversation_id=one.id, author="system", text=names.word("customers", "agent_left")[one.language]
        )
        audit.write(session, agent="desk", action="returned", conversation_id=one.id, of=holder)
        found.append(one.id)
    return found
