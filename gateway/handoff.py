"""Who owns a talk: the bot, the queue, or a person. Kept here and nowhere else; every change is a compare-and-set."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from gateway import conversations, ids, metrics, words
from gateway.database import Database
from gateway.guard import redact
from gateway.hub import Hub
from gateway.models import Conversation, Handoff, now
from gateway.problems import Problem
from gateway.settings import Settings
from gateway.turns import Turns


def is_open(*, hours: str, zone: str, at: datetime) -> bool:
    """Tells whether people are at work: `hours` is `HH:MM-HH:MM` in `zone`; `00:00-24:00` is always."""
    begins, ends = ([int(part) for part in side.split(":")] for side in hours.split("-"))
    local = at.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    first, last = begins[0] * 60 + begins[1], ends[0] * 60 + ends[1]
    return first <= minute < last if first < last else minute >= first or minute < last


def set_owner(
    session: Session,
    *,
    conversation_id: str,
    was: tuple[str, ...],
    owner: str,
    agent: str | None = None,
    of_agent: str | None = None,
) -> bool:
    """Changes the owner when it is one of `was` (and, if given, held by `of_agent`); tells whether it did."""
    query = update(Conversation).where(Conversation.id == conversation_id, Conversation.owner.in_(was))
    if of_agent is not None:
        query = query.where(Conversation.owner_agent == of_agent)
    changed = session.execute(
        query.values(owner=owner, owner_agent=agent, owner_version=Conversation.owner_version + 1, updated_at=now())
    )
    return changed.rowcount == 1  # type: ignore[attr-defined]


def open_ticket(session: Session, *, conversation_id: str) -> Handoff | None:
    """Returns the conversation's ticket that has not ended."""
    return session.scalars(
        select(Handoff)
        .where(Handoff.conversation_id == conversation_id, Handoff.ended_at.is_(None))
        .order_by(Handoff.created_at.desc())
        .limit(1)
    ).first()


def _waiting() -> Any:
    """Returns the query of the tickets whose customers wait for a person now; a message left out of hours waits for nobody."""
    return (
        select(Handoff)
        .join(Conversation, Conversation.id == Handoff.conversation_id)
        .where(Handoff.ended_at.is_(None), Handoff.taken_at.is_(None), Conversation.owner == "queue")
    )


def position(session: Session, *, ticket: Handoff) -> int:
    """Counts who is served before this ticket: higher priority first, then the older."""
    rank = case((Handoff.priority == "high", 0), else_=1)
    mine = 0 if ticket.priority == "high" else 1
    ahead = _waiting().where((rank < mine) | ((rank == mine) & (Handoff.created_at < ticket.created_at))).subquery()
    return session.execute(select(func.count()).select_from(ahead)).scalar_one()


class Handoffs:
    """The router between bot, queue and people."""

    def __init__(self, *, database: Database, hub: Hub, turns: Turns, settings: Settings) -> None:
        self.database, self.hub, self.turns, self.settings = database, hub, turns, settings

    async def state(self, *, conversation_id: str) -> dict[str, Any]:
        """Returns `{id, mode, language, signed_in, position?, agent?}` of a conversation."""
        return await self.database.read(_state, conversation_id=conversation_id)

    async def request(
        self,
        *,
        conversation_id: str,
        reason: str,
        intent: str | None,
        operation_id: str | None,
        summary: str | None,
        priority: str,
    ) -> dict[str, Any]:
        """Asks for a person: returns `{mode, position?, open, known?}`. Out of hours a ticket is kept and the bot stays.

        Who asks again keeps the ticket and its place (`known`); a graver reason moves it up.
        """
        open_now = is_open(hours=self.settings.desk_hours, zone=self.settings.desk_timezone, at=now())
        result = await self.database.write(
            _request,
            conversation_id=conversation_id,
            reason=reason,
            intent=intent,
            operation_id=operation_id,
            summary=redact(summary)[:4000] if summary else None,
            priority=priority,
            open_now=open_now,
        )
        await self.changed(conversation_id)
        return result | ({} if open_now else {"hours": self.settings.desk_hours})

    async def give_up_waiting(self) -> int:
        """Gives talks back to the bot whose customers waited too long, fraud excepted; returns how many."""
        found = await self.database.write(_give_up, before=now() - timedelta(seconds=self.settings.queue_patience))
        for conversation_id in found:
            await self.changed(conversation_id)
        metrics.waiting.set(
            await self.database.read(
                lambda session: session.execute(select(func.count()).select_from(_waiting().subquery())).scalar_one()
            )
        )
        return len(found)

    async def changed(self, conversation_id: str) -> None:
        """Tells the customer's streams and the desk."""
        await self.hub.nudge(conversation_id, "mode")
        await self.hub.nudge("desk", "conversation", conversation=conversation_id)


def _state(session: Session, *, conversation_id: str) -> dict[str, Any]:
    conversation = session.get(Conversation, conversation_id)
    if conversation is None:
        raise Problem("not_found")
    found: dict[str, Any] = {
        "id": conversation.id,
        "mode": conversation.owner,
        "language": conversation.language,
        "signed_in": conversation.account is not None,
    }
    if conversation.owner == "queue" and (ticket := open_ticket(session, conversation_id=conversation_id)):
        found["position"] = position(session, ticket=ticket)
    return found


def _request(
    session: Session,
    *,
    conversation_id: str,
    reason: str,
    intent: str | None,
    operation_id: str | None,
    summary: str | None,
    priority: str,
    open_now: bool,
) -> dict[str, Any]:
    conversation = session.get(Conversation, conversation_id, with_for_update=True)
    if conversation is None:
        raise Problem("not_found")
    if conversation.owner == "human":
        return {"mode": "human", "open": True}
    ticket = open_ticket(session, conversation_id=conversation_id)
    known = ticket is not None and conversation.owner == "queue"
    if ticket is None:
        ticket = Handoff(
            id=ids.fresh("hnd"),
            conversation_id=conversation_id,
            reason=reason,
            intent=intent,
            operation_id=operation_id,
            summary=summary,
            priority="high" if reason == "fraud" else priority,
            language=conversation.language,
            created_at=now(),
        )
        session.add(ticket)
    elif reason == "fraud" or (priority == "high" and ticket.priority != "high"):
        ticket.reason, ticket.priority = reason, "high"
        ticket.intent, ticket.operation_id = intent or ticket.intent, operation_id or ticket.operation_id
        ticket.summary = summary or ticket.summary
    session.flush()
    if open_now and set_owner(session, conversation_id=conversation_id, was=("bot",), owner="queue"):
        # Who left a message out of hours and asks again begins to wait now.
        ticket.created_at = now()
        session.flush()
    return {
        "mode": "queue",
        "position": position(session, ticket=ticket),
        "open": open_now,
        "ticket": ticket.id,
        "known": known,
    }


def _give_up(session: Session, *, before: datetime) -> list[str]:
    query = select(Handoff).join(Conversation, Conversation.id == Handoff.conversation_id)
    late = list(
        session.scalars(
            query.where(
                Handoff.ended_at.is_(None),
                Handoff.taken_at.is_(None),
                Handoff.created_at < before,
                # Who reported fraud waits until somebody comes: the assistant speaks meanwhile, and the desk keeps seeing it.
                Handoff.reason != "fraud",
                Conversation.owner == "queue",
            )
        )
    )
    found = []
    for ticket in late:
        if set_owner(session, conversation_id=ticket.conversation_id, was=("queue",), owner="bot"):
            ticket.ended_at, ticket.outcome = now(), "timed_out"
            conversation = session.get_one(Conversation, ticket.conversation_id)
            conversations.add_message(
                session,
                conversation_id=ticket.conversation_id,
                author="system",
                text=words.one("queue_timeout", conversation.language),
            )
            found.append(ticket.conversation_id)
    return found
