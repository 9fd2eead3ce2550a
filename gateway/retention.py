"""What need not be kept any more, here and in Rasa's tracker store."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.database import Database
from gateway.desk import keeping
from gateway.models import Conversation, OpenedCode, SeenEvent, now
from gateway.tracker import Tracker

# Talks that are deleted in one transaction: nobody waits long for the only writer of a SQLite database.
BATCH = 200


async def forget(database: Database, tracker: Tracker, *, days: int) -> int:
    """Deletes spent code marks (a day), event ids (30 days) and what is older than `days` (0 keeps it); returns how many talks."""
    await database.write(_marks)
    if days <= 0:
        return 0
    before = now() - timedelta(days=days)
    await database.write(keeping.forget, before=before)
    gone = 0
    while found := await database.read(_old, before=before):
        # Rasa's first: what failed there is found here again the next time.
        await asyncio.to_thread(tracker.forget, found)
        gone += await database.write(_delete, conversations=found, before=before)
    return gone


def _marks(session: Session) -> None:
    session.execute(delete(OpenedCode).where(OpenedCode.opened_at < now() - timedelta(days=1)))
    session.execute(delete(SeenEvent).where(SeenEvent.seen_at < now() - timedelta(days=30)))


def _old(session: Session, *, before: datetime) -> list[str]:
    query = select(Conversation.id).where(Conversation.updated_at < before)
    return list(session.scalars(query.order_by(Conversation.updated_at).limit(BATCH)))


def _delete(session: Session, *, conversations: list[str], before: datetime) -> int:
    # Who came back since they were looked for stays, with what they just said.
    old = delete(Conversation).where(Conversation.id.in_(conversations), Conversation.updated_at < before)
    return session.execute(old).rowcount  # type: ignore[attr-defined]
