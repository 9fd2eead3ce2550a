"""What a messaging app would not take (its window was over, its quota spent, the bot blocked, or it was away for too long): sent when its customer writes again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.models import Delivery, Message, now

# How the reason of a delivery begins that the other side does not want to see again.
FOR_GOOD = "for good: "
# WeChat takes five messages after each of the customer's: some must be left for the answer.
MOST_LINES = 3
STILL_NEWS = timedelta(days=7)
# One that the platform refuses for what it is (and not for when) is not tried for ever: an hour's tries and a few.
MOST_TRIES = 24


def send_again(session: Session, *, conversation_id: str) -> int:
    """Lets the newest lines wait again that could not be delivered; returns how many. They go out before the answer."""
    query = (
        select(Delivery.id)
        .join(Message, Message.id == Delivery.message_id)
        .where(Delivery.conversation_id == conversation_id, Delivery.status == "failed", Delivery.attempts < MOST_TRIES)
        .where(Message.at > now() - STILL_NEWS, Delivery.error.not_like(FOR_GOOD + "%"))
        .order_by(Delivery.seq.desc())
        .limit(MOST_LINES)
    )
    if found := list(session.scalars(query)):
        session.execute(update(Delivery).where(Delivery.id.in_(found)).values(status="waiting", next_at=now()))
    return len(found)
