"""A talk as the desk sees it: its newest lines, what was understood of each, what could not be delivered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway import buttons, ids
from gateway.desk import audit, names, wrapping
from gateway.desk.people import Person
from gateway.desk.rows import row, text_of, time_of
from gateway.models import Conversation, Delivery, Message, Turn, now
from gateway.problems import Problem

# WeChat takes this many customer-service messages after each of the customer's, for this long (the platform's rule since June 2023).
WECHAT_MOST, WECHAT_FOR = 5, timedelta(hours=48)

# Where a turn keeps what a line means that the assistant was silent to. Not as its `parse`: that is what it understood when it answered, which the reports and the review queue count.
HEARD = "heard"


def find(session: Session, conversation_id: str) -> Conversation:
    """Returns a talk; raises `not_found`."""
    found = session.get(Conversation, conversation_id) if ids.looks_right(conversation_id, "conv") else None
    if found is None:
        raise Problem("not_found")
    return found


def seen(
    session: Session, *, person: Person, conversation_id: str, button_key: bytes, limit: int = 100, before: str | None
) -> dict[str, Any]:
    """Returns the row of a talk and its newest lines (or those before a line), oldest first; writes an audit line."""
    conversation = find(session, conversation_id)
    audit.viewed(session, agent=person.username, action="view", conversation_id=conversation_id)
    query = select(Message).where(Message.conversation_id == conversation_id)
    if before:
        edge = session.get(Message, before) if ids.looks_right(before, "msg") else None
        if edge is None or edge.conversation_id != conversation_id:
            raise Problem("invalid_request", "`before` names no message of this conversation.")
        query = query.where(Message.seq < edge.seq)
    found = list(session.scalars(query.order_by(Message.seq.desc()).limit(limit + 1)))
    lines = lines_of(session, conversation=conversation, messages=found[:limit][::-1], button_key=button_key)
    last_intent = wrapping.last_intent(session, conversation_id=conversation_id)
    return row(session, conversation) | {
        "messages": lines,
        "has_more": len(found) > limit,
        "wrap_ups": list(wrapping.WRAP_UPS),
        "wrap_up_suggested": wrapping.suggested(session, conversation=conversation),
        "last_intent": last_intent,
        "brief": wrapping.brief(session, conversation=conversation),
        "window": window(session, conversation=conversation),
    }


def window(session: Session, *, conversation: Conversation) -> dict[str, Any] | None:
    """Returns how many messages the platform still takes until the customer writes again, and until when; None where there is no such rule."""
    if conversation.channel.partition(":")[0] != "wechat" or conversation.customer_at is None:
        return None
    until = conversation.customer_at + WECHAT_FOR
    since = (Delivery.conversation_id == conversation.id, Message.at > conversation.customer_at)
    query = (
        select(func.count(Delivery.sent_at.distinct())).join(Message, Message.id == Delivery.message_id).where(*since)
    )
    # Lines that went out together were one message to the platform.
    sent = session.execute(query.where(Delivery.status == "sent")).scalar_one()
    waiting = session.execute(
        select(Delivery.id).join(Message, Message.id == Delivery.message_id).where(*since, Delivery.status == "waiting")
    ).first()
    left = 0 if now() >= until else max(0, WECHAT_MOST - sent - (waiting is not None))
    return {"left": left, "until": time_of(until)}


def lines_of(
    session: Session, *, conversation: Conversation, messages: list[Message], button_key: bytes
) -> list[dict[str, Any]]:
    """Returns messages as the desk's page draws them."""
    turns = [message.turn_id for message in messages if message.author == "customer" and message.turn_id]
    parses: dict[str, Any] = {
        turn: parse or (result or {}).get(HEARD)
        for turn, parse, result in session.execute(
            select(Turn.id, Turn.parse, Turn.result).where(Turn.id.in_(turns))
        ).tuples()
    }
    mine = [message.id for message in messages]
    deliveries = {one.message_id: one for one in session.scalars(select(Delivery).where(Delivery.message_id.in_(mine)))}
    lines = []
    for message in messages:
        line = buttons.shown(message, key=button_key)
        line["text"] = text_of(message, conversation.language)
        # The customer's buttons are the customer's: their tokens stay with them.
        line["buttons"] = [{"title": button["title"]} for button in line["buttons"]]
        if message.author not in ("customer", "note") and message.seq <= conversation.customer_seen:
            line["seen"] = True
        if message.author == "customer" and (parse := parses.get(message.turn_id or "")):
            line["parse"] = parse_of(parse)
        if delivery := deliveries.get(message.id):
            line["delivery"] = delivery.status
            if delivery.status == "failed":
                line["delivery_failed"] = delivery.error
        lines.append(line)
    return lines


def parse_of(parse: dict[str, Any]) -> dict[str, Any]:
    """Returns what was understood of a line, with the label's name."""
    found = {name: parse.get(name) for name in ("intent", "confidence", "ranking", "language")}
    return found | {"title": names.title(parse.get("intent"))}
