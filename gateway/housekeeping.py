"""What is done from time to time: taking up left-over turns, forgetting what need not be kept."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy.orm import Session

from gateway.desk import audit, keeping, presence
from gateway.log import log
from gateway.models import Conversation, OpenedCode, SeenEvent, now

if TYPE_CHECKING:
    from gateway.services import Services


def forget(session: Session, *, retention_days: int) -> int:
    """Deletes spent code marks (a day), event ids (30 days) and conversations older than the retention; returns how many conversations."""
    at = now()
    session.execute(delete(OpenedCode).where(OpenedCode.opened_at < at - timedelta(days=1)))
    session.execute(delete(SeenEvent).where(SeenEvent.seen_at < at - timedelta(days=30)))
    if retention_days <= 0:
        return 0
    keeping.forget(session, before=at - timedelta(days=retention_days))
    return session.execute(
        delete(Conversation).where(Conversation.updated_at < at - timedelta(days=retention_days))
    ).rowcount  # type: ignore[attr-defined]


async def forever(services: Services) -> None:
    """Runs until cancelled; a fault is logged and tried again."""
    forgot_at = 0.0
    while True:
        await asyncio.sleep(services.settings.housekeeping_every)
        try:
            await services.turns.recover(older_than=services.settings.turn_timeout + 15)
            await services.handoff.give_up_waiting()
            for conversation_id in await services.database.write(presence.return_abandoned):
                await services.handoff.changed(conversation_id)
                await services.hub.nudge(conversation_id)
            if (number := await services.database.read(audit.broken)) is not None:
                log.error("audit_broken", number=number)
            if time.monotonic() - forgot_at > 3600:
                forgot_at = time.monotonic()
                gone = await services.database.write(forget, retention_days=services.settings.retention_days)
                log.info("retention", conversations=gone)
        except Exception as error:  # noqa: BLE001
            log.error("housekeeping_failed", error=type(error).__name__, exc_info=error)
