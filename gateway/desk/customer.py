"""The customer's data at the desk: bindings, money matters, operations with their course, and earlier talks and calls."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.desk import names
from gateway.desk.binding import DeskBinding
from gateway.desk.guide import guide
from gateway.desk.place import Place, follow
from gateway.desk.rows import time_of
from gateway.models import Call, Conversation, Handoff, Turn
from gateway.services import Services

LISTS = ("cards?state=all", "wallets", "agreements", "obligations", "operations")
EARLIER = 20


async def customer(services: Services, *, place: Place) -> dict[str, Any]:
    """Returns `{cards, wallets, agreements, obligations, operations, earlier}` of a place's account; binding knows who asks for whom."""
    assert place.account is not None
    binding, who = DeskBinding(services), {"account": place.account, "place": place.id, "agent": place.agent}
    found = await asyncio.gather(
        *(binding.items(path, **who) for path in LISTS),
        services.database.read(earlier, account=place.account, but=place.id),
    )
    lists = {path.partition("?")[0]: items for path, items in zip(LISTS, found, strict=False)}
    lists["operations"] = [
        one | {"guide": guide(one, place=place.kind), "timeline": timeline(one)} for one in lists["operations"]
    ]
    await services.database.write(_followed, operations=lists["operations"])
    return lists | {"earlier": found[-1]}


def _followed(session: Session, *, operations: list[dict[str, Any]]) -> None:
    for operation in operations:
        follow(session, operation=operation)


def timeline(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns what binding tells of an operation's course, in order."""
    found = [{"name": "asked", "at": operation["created_at"], "by": operation.get("actor")}]
    if challenge := operation.get("challenge"):
        found.append({"name": "code_sent", "at": challenge.get("created_at") or operation["updated_at"]})
    if operation.get("finished_at"):
        found.append({"name": "finished", "at": operation["finished_at"], "status": operation["status"]})
    elif operation["status"] != "awaiting_verification":
        found.append({"name": "verified", "at": operation["updated_at"], "status": operation["status"]})
    return found


def earlier(session: Session, *, account: str, but: str) -> list[dict[str, Any]]:
    """Returns the account's other talks and calls, newest first."""
    talks = session.scalars(
        select(Conversation)
        .where(Conversation.account == account, Conversation.id != but, Conversation.customer_at.is_not(None))
        .order_by(Conversation.updated_at.desc())
        .limit(EARLIER)
    ).all()
    calls = session.scalars(
        select(Call).where(Call.account == account, Call.id != but).order_by(Call.created_at.desc()).limit(EARLIER)
    ).all()
    mine = [one.id for one in talks]
    tickets = {
        one.conversation_id: one
        for one in session.scalars(
            select(Handoff).where(Handoff.conversation_id.in_(mine)).order_by(Handoff.created_at)
        )
    }
    intents = {
        conversation: (parse or {}).get("intent")
        for conversation, parse in session.execute(
            select(Turn.conversation_id, Turn.parse)
            .where(Turn.conversation_id.in_(mine), Turn.kind == "message", Turn.parse.is_not(None))
            .order_by(Turn.number)
        )
    }
    found = []
    for talk in talks:
        ticket, intent = tickets.get(talk.id), intents.get(talk.id)
        found.append(
            {
                "id": talk.id,
                "kind": "chat",
                "channel": talk.channel.partition(":")[0],
                "language": talk.language,
                "at": time_of(talk.updated_at),
                "reason": ticket.reason if ticket else None,
                "wrap_up": ticket.wrap_up if ticket else None,
                "summary": (ticket.closing or ticket.summary) if ticket else None,
                "intent": intent,
                "intent_title": names.title(intent),
            }
        )
    for call in calls:
        found.append(
            {
                "id": call.id, "kind": "call", "channel": "phone", "language": call.language,
                "at": time_of(call.created_at), "reason": None, "wrap_up": call.wrap_up, "summary": call.summary,
                "intent": None, "intent_title": None,
            }
        )  # fmt: skip
    return sorted(found, key=lambda one: str(one["at"]), reverse=True)[:EARLIER]
