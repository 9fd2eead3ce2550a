"""Carries messages to messaging apps, in order, again when it failed, and notes what could not be delivered."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway import buttons, metrics
from gateway.channels.base import Adapter, DeliveryFailed, link
from gateway.log import log
from gateway.models import Conversation, Delivery, Message, now

if TYPE_CHECKING:
    from gateway.services import Services

MOST_ATTEMPTS = 8
CLAIM = timedelta(seconds=60)
# Of one talk at a time: each may take its platform's ten seconds, and all must be over before the claim is.
MOST_AT_ONCE = 5


class Courier:
    """The way out. Deliveries wait in the database, so none is lost with the process."""

    def __init__(self, services: Services, adapters: dict[str, Adapter]) -> None:
        self.services, self.adapters = services, adapters
        self._woken = asyncio.Event()

    async def wake(self) -> None:
        """Says that there is something to carry."""
        self._woken.set()

    async def forever(self) -> None:
        """Carries until cancelled."""
        with self.services.hub.listen("deliveries") as ear:
            while True:
                try:
                    while await self._round():
                        pass
                except Exception as error:  # noqa: BLE001
                    log.error("courier_failed", error=type(error).__name__, exc_info=error)
                    await asyncio.sleep(1)
                waits = [asyncio.create_task(self._woken.wait()), asyncio.create_task(ear.wait(2.0))]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=2.0)
                for task in waits:
                    task.cancel()
                self._woken.clear()

    async def _round(self) -> bool:
        batches = await self.services.database.write(_claim)
        await asyncio.gather(*(self._carry(conversation, pairs) for conversation, pairs in batches))
        return bool(batches)

    async def _carry(self, conversation: Conversation, pairs: list[tuple[Delivery, Message]]) -> None:
        adapter = self.adapters.get(conversation.channel.partition(":")[0])
        merged = adapter is not None and adapter.merges
        for _, group in groupby(pairs, key=lambda pair: pair[1].turn_id if merged and pair[1].turn_id else pair[1].id):
            some = list(group)
            try:
                if adapter is None:
                    raise DeliveryFailed("channel_not_configured", permanent=True)
                await adapter.deliver(
                    address=conversation.address or "",
                    messages=[self._shown(message) for _, message in some],
                    language=conversation.language,
                )
            except DeliveryFailed as error:
                metrics.deliveries.labels(conversation.channel.partition(":")[0], "failed").inc()
                log.warning(
                    "delivery_failed", conversation=conversation.id, reason=error.reason, permanent=error.permanent
                )
                await self.services.database.write(_failed, ids=[delivery.id for delivery, _ in some], error=error)
                await self.services.hub.nudge("desk", "delivery", conversation=conversation.id)
                if not error.permanent:
                    return  # the later ones wait for this one
            except Exception as error:  # noqa: BLE001 - an adapter's fault must not stop the others
                log.error("delivery_broke", conversation=conversation.id, error=type(error).__name__, exc_info=error)
                await self.services.database.write(
                    _failed, ids=[delivery.id for delivery, _ in some], error=DeliveryFailed(type(error).__name__)
                )
                return
            else:
                metrics.deliveries.labels(conversation.channel.partition(":")[0], "sent").inc()
                await self.services.database.write(_sent, ids=[delivery.id for delivery, _ in some])

    def _shown(self, message: Message) -> dict[str, Any]:
        found = buttons.shown(message, key=self.services.button_key)
        for button in found["buttons"]:
            if "token" not in button and (
                address := link(self.services, button, conversation_id=message.conversation_id)
            ):
                button["link"] = address
        return found


def _claim(session: Session) -> list[tuple[Conversation, list[tuple[Delivery, Message]]]]:
    """Takes what is due for a minute; of each conversation in order, so an earlier one that waits holds the later."""
    due = (
        select(Delivery)
        .where(Delivery.status == "waiting", Delivery.next_at <= now())
        .order_by(Delivery.next_at, Delivery.seq)
        .limit(200)
        .with_for_update(skip_locked=True)
    )
    found: dict[str, list[tuple[Delivery, Message]]] = {}
    blocked: set[str] = set()
    for delivery in sorted(session.scalars(due), key=lambda one: one.seq):
        if delivery.conversation_id in blocked:
            continue
        if delivery.conversation_id not in found:
            earlier = select(Delivery.id).where(
                Delivery.conversation_id == delivery.conversation_id,
                Delivery.status == "waiting",
                Delivery.seq < delivery.seq,
            )
            if session.execute(earlier.limit(1)).first():
                blocked.add(delivery.conversation_id)
                continue
        if len(found.get(delivery.conversation_id, ())) >= MOST_AT_ONCE:
            continue
        delivery.next_at = now() + CLAIM
        delivery.attempts += 1
        found.setdefault(delivery.conversation_id, []).append((delivery, session.get_one(Message, delivery.message_id)))
    return [(session.get_one(Conversation, conversation_id), pairs) for conversation_id, pairs in found.items()]


def _sent(session: Session, *, ids: list[str]) -> None:
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(status="sent", sent_at=now(), error=None))


def _failed(session: Session, *, ids: list[str], error: DeliveryFailed) -> None:
    for delivery in session.scalars(select(Delivery).where(Delivery.id.in_(ids))):
        delivery.error = error.reason
        if error.permanent or delivery.attempts >= MOST_ATTEMPTS:
            delivery.status = "failed"
        else:
            pause = error.retry_after if error.retry_after is not None else min(2.0**delivery.attempts * 0.5, 300)
            delivery.next_at = now() + timedelta(seconds=pause)
    # What came after it waits as well, and is free at once when this one is given up.
    with contextlib.suppress(StopIteration):
        first = next(iter(session.scalars(select(Delivery).where(Delivery.id.in_(ids)))))
        later = update(Delivery).where(
            Delivery.conversation_id == first.conversation_id, Delivery.status == "waiting", Delivery.id.not_in(ids)
        )
        session.execute(later.values(next_at=first.next_at if first.status == "waiting" else now()))
