"""Carries messages to messaging apps, in order, again when it failed, and notes what could not be delivered."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, not_, select, update
from sqlalchemy.orm import Session

from gateway import buttons, metrics
from gateway.channels.base import Adapter, DeliveryFailed, link
from gateway.log import log
from gateway.models import Conversation, Delivery, Message, Turn, now
from telemetry import tracing

if TYPE_CHECKING:
    from gateway.services import Services

# A failed one is tried after 1, 2, 4, … seconds, then every five minutes: an hour in all, so a platform's bad quarter of an hour loses nothing.
MOST_ATTEMPTS = 20
CLAIM = timedelta(seconds=60)
# Of one talk at a time: each may take its platform's ten seconds, and all must be over before the claim is.
MOST_AT_ONCE = 5
# Talks that are carried to one platform (or one system's webhook) at the same time: one that hangs holds up nobody else.
MOST_OPEN = 40
COUNT_EVERY_S = 10.0


@dataclass(frozen=True)
class Parcel:
    """One message on its way; `trace` is the turn's that it answers."""

    delivery: Delivery
    message: Message
    trace: list[tuple[bytes, bytes]]


class Courier:
    """The way out. Deliveries wait in the database, so none is lost with the process."""

    def __init__(self, services: Services, adapters: dict[str, Adapter]) -> None:
        self.services, self.adapters = services, adapters
        self._woken, self._ended = asyncio.Event(), asyncio.Event()
        self._stopping, self._counted_at = False, -math.inf
        # Who carries now: the task → (where to, which talk).
        self._open: dict[asyncio.Task[None], tuple[str, str]] = {}

    async def wake(self) -> None:
        """Says that there is something to carry."""
        self._woken.set()

    async def forever(self) -> None:
        """Carries until `finish`, or until cancelled."""
        try:
            with self.services.hub.listen("deliveries") as ear:
                while not self._stopping:
                    await self._rounds()
                    await self._count()
                    waits = [asyncio.create_task(self._woken.wait()), asyncio.create_task(ear.wait(2.0))]
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=2.0)
                    for task in waits:
                        task.cancel()
                    self._woken.clear()
                await self._rounds()  # what the last turns said
        finally:
            self._ended.set()

    async def finish(self, *, seconds: float) -> None:
        """Takes nothing new and lets what is on its way arrive, at most for the given time: what is cut off would be sent twice."""
        self._stopping = True
        self._woken.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
                while self._open:
                    await asyncio.wait(self._open)
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _rounds(self) -> None:
        try:
            while await self._round():
                pass
        except Exception as error:  # noqa: BLE001
            log.error("courier_failed", error=type(error).__name__, exc_info=error)
            await asyncio.sleep(1)

    async def _count(self) -> None:
        if time.monotonic() - self._counted_at >= COUNT_EVERY_S:
            self._counted_at = time.monotonic()
            with contextlib.suppress(Exception):  # the database is away: that is said elsewhere
                metrics.undelivered.set(await self.services.database.read(waiting))

    async def _round(self) -> bool:
        """Sends off what is due and has room; tells whether there was any."""
        busy = Counter(place for place, _ in self._open.values())
        talks = {talk for _, talk in self._open.values()}
        batches = await self.services.database.write(_claim, busy=busy, talks=talks)
        for conversation, parcels in batches:
            task = asyncio.create_task(self._safely(conversation, parcels))
            self._open[task] = (destination(conversation), conversation.id)
            task.add_done_callback(self._closed)
        return bool(batches)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task, None)
        self._woken.set()

    async def _safely(self, conversation: Conversation, parcels: list[Parcel]) -> None:
        try:
            await self._carry(conversation, parcels)
        except Exception as error:  # noqa: BLE001 - the database is away: when the claim is over they are tried again
            log.error("courier_failed", error=type(error).__name__, exc_info=error)

    async def _carry(self, conversation: Conversation, parcels: list[Parcel]) -> None:
        channel = conversation.channel
        adapter = self.adapters.get(channel)
        merged = adapter is not None and adapter.merges
        for _, group in groupby(
            parcels, key=lambda one: one.message.turn_id if merged and one.message.turn_id else one.message.id
        ):
            some = list(group)
            names = [one.delivery.id for one in some]
            try:
                with tracing.span(
                    f"deliver {channel}", kind="client", parent=some[0].trace, conversation=conversation.id
                ) as current:
                    await self._deliver(adapter, conversation, some, current)
            except DeliveryFailed as error:
                metrics.deliveries.labels(channel, "failed").inc()
                log.warning(
                    "delivery_failed", conversation=conversation.id, reason=error.reason, permanent=error.permanent
                )
                await self.services.database.write(_failed, ids=names, error=error)
                await self.services.hub.nudge("desk", "delivery", conversation=conversation.id)
                if not error.permanent:
                    return  # the later ones wait for this one
            except Exception as error:  # noqa: BLE001 - an adapter's fault must not stop the others
                log.error("delivery_broke", conversation=conversation.id, error=type(error).__name__, exc_info=error)
                await self.services.database.write(_failed, ids=names, error=DeliveryFailed(type(error).__name__))
                return
            else:
                metrics.deliveries.labels(channel, "sent").inc()
                await self.services.database.write(_sent, ids=names)

    async def _deliver(
        self, adapter: Adapter | None, conversation: Conversation, parcels: list[Parcel], current: Any
    ) -> None:
        outcome = "failed"
        try:
            if adapter is None:
                raise DeliveryFailed("channel_not_configured", permanent=True)
            await adapter.deliver(
                address=conversation.address or "",
                messages=[self._shown(one.message) for one in parcels],
                language=conversation.language,
            )
            outcome = "sent"
        finally:
            tracing.mark(current, outcome=outcome)

    def _shown(self, message: Message) -> dict[str, Any]:
        found = buttons.shown(message, key=self.services.button_key)
        for button in found["buttons"]:
            if "token" not in button and (
                address := link(self.services, button, conversation_id=message.conversation_id)
            ):
                button["link"] = address
        return found


def destination(conversation: Conversation) -> str:
    """Returns where a talk's messages go: the platform, or one system's webhook."""
    name = (conversation.address or "").partition("|")[0]
    return f"webhook:{name}" if conversation.channel == "webhook" else conversation.channel


def _there(place: str) -> Any:
    """Returns the condition that a talk's messages go to a destination."""
    channel, _, name = place.partition(":")
    if name:
        return and_(Conversation.channel == channel, Conversation.address.startswith(name + "|", autoescape=True))
    return Conversation.channel == channel


def waiting(session: Session) -> int:
    """Counts the messages that still wait to be delivered."""
    query = select(func.count()).select_from(Delivery).where(Delivery.status == "waiting")
    return session.execute(query).scalar_one()


def _claim(session: Session, *, busy: Counter[str], talks: set[str]) -> list[tuple[Conversation, list[Parcel]]]:
    """Takes what is due for a minute, where there is room; of each talk in order, so an earlier message that waits holds the later.

    `busy`: how many talks are being carried to each destination; `talks`: which.
    """
    due = (
        select(Delivery)
        .join(Conversation, Conversation.id == Delivery.conversation_id)
        .where(Delivery.status == "waiting", Delivery.next_at <= now())
        .order_by(Delivery.next_at, Delivery.seq)
        .limit(200)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    for place in [place for place, count in busy.items() if count >= MOST_OPEN]:
        due = due.where(not_(_there(place)))
    taken, found = Counter(busy), dict[str, tuple[Conversation, list[Parcel]]]()
    passed = set(talks)
    for delivery in sorted(session.scalars(due), key=lambda one: one.seq):
        talk = delivery.conversation_id
        if talk in passed:
            continue
        if talk not in found:
            conversation = session.get_one(Conversation, talk)
            place = destination(conversation)
            earlier = select(Delivery.id).where(
                Delivery.conversation_id == talk, Delivery.status == "waiting", Delivery.seq < delivery.seq
            )
            if taken[place] >= MOST_OPEN or session.execute(earlier.limit(1)).first():
                passed.add(talk)
                continue
            taken[place] += 1
            found[talk] = conversation, []
        parcels = found[talk][1]
        if len(parcels) >= MOST_AT_ONCE:
            continue
        delivery.next_at = now() + CLAIM
        message = session.get_one(Message, delivery.message_id)
        turn = session.get(Turn, message.turn_id) if message.turn_id and tracing.on() else None
        parcels.append(Parcel(delivery, message, tracing.carried(turn.request if turn else {})))
    return list(found.values())


def _sent(session: Session, *, ids: list[str]) -> None:
    values = {"status": "sent", "sent_at": now(), "error": None, "attempts": Delivery.attempts + 1}
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(values))


def _failed(session: Session, *, ids: list[str], error: DeliveryFailed) -> None:
    for delivery in session.scalars(select(Delivery).where(Delivery.id.in_(ids))):
        # Counted here: those that only waited behind this one were not tried.
        delivery.attempts += 1
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
