"""What is done from time to time: taking up left-over turns, forgetting what need not be kept."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from gateway import retention
from gateway.desk import audit, calls, presence
from gateway.log import log

if TYPE_CHECKING:
    from gateway.services import Services


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
            for call_id in await services.database.write(calls.end_forgotten):
                await services.hub.nudge("desk", "call", call=call_id)
            if (number := await services.database.read(audit.broken)) is not None:
                log.error("audit_broken", number=number)
            if time.monotonic() - forgot_at > 3600:
                forgot_at = time.monotonic()
                gone = await retention.forget(
                    services.database, services.tracker, days=services.settings.retention_days
                )
                log.info("retention", conversations=gone)
        except Exception as error:  # noqa: BLE001
            log.error("housekeeping_failed", error=type(error).__name__, exc_info=error)
