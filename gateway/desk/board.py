"""What changes at the desk, read once for all pages that are open at this gateway.

Nudges only wake it. What changed is read from the tables by time, so a lost nudge, a burst or a reconnect loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.desk import calls
from gateway.desk.rows import rows
from gateway.log import log
from gateway.models import Call, Conversation
from gateway.services import Services

# Rows are stamped before they are committed, with several gateways by clocks of several machines: reads overlap by this much.
OVERLAP, OVERLAP_ALONE = timedelta(seconds=10), timedelta(seconds=2)
MOST = 500
PAUSE_S, IDLE_S = 0.15, 15.0
PASSED_ON = ("typing", "seen", "presence", "session")


@dataclass(frozen=True)
class Event:
    """Something to tell; `at` is the moment from which on a page has to ask again."""

    name: str
    data: dict[str, Any]
    at: datetime

    def concerns(self, *, username: str, supervisor: bool) -> bool:
        """Tells whether somebody's page is to hear it: a call is its agent's."""
        return self.name != "call" or supervisor or self.data["agent"] == username


class Board:
    """One reader for all open pages of this process; it runs while there are any."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pages: set[asyncio.Queue[Event]] = set()
        self._task: asyncio.Task[None] | None = None
        self._since = datetime.now(UTC)
        self._told: dict[str, str] = {}

    @contextlib.contextmanager
    def listen(self) -> Iterator[asyncio.Queue[Event]]:
        """Yields the events from now on; a page that does not keep up is told to read its lists again."""
        page: asyncio.Queue[Event] = asyncio.Queue(MOST)
        self._pages.add(page)
        if self._task is None or self._task.done():
            self._since, self._told = datetime.now(UTC), {}
            self._task = asyncio.create_task(self._run())
        try:
            yield page
        finally:
            self._pages.discard(page)
            if not self._pages and self._task is not None:
                self._task.cancel()
                self._task = None

    async def since(self, after: datetime) -> tuple[list[Event], datetime]:
        """Returns what changed after a moment, for a page that comes back, and the moment of reading."""
        reading = datetime.now(UTC)
        found = await self._services.database.read(_changed, after=after - self._overlap)
        return [Event(name, data, reading) for name, data in found], reading

    @property
    def _overlap(self) -> timedelta:
        return OVERLAP if self._services.settings.redis_url else OVERLAP_ALONE

    async def _run(self) -> None:
        hub = self._services.hub
        with hub.listen("desk") as ear:
            while not hub.closing:
                nudges = await ear.wait(IDLE_S)
                if nudges:
                    await asyncio.sleep(PAUSE_S)  # a burst is read once, not line by line
                for nudge in nudges:
                    if nudge["kind"] in PASSED_ON:
                        data = {name: nudge[name] for name in nudge if name not in ("topic", "kind", "from")}
                        self._tell(Event(nudge["kind"], data, self._since))
                try:
                    await self._read()
                except Exception as error:  # noqa: BLE001 - the database is away: the next round reads what was missed
                    log.warning("desk_board_failed", error=type(error).__name__)
                    await asyncio.sleep(1)
        self._tell(Event("closing", {}, self._since))

    async def _read(self) -> None:
        found, reading = await self.since(self._since)
        self._since = reading
        told: dict[str, str] = {}
        for event in found:
            key, shape = f"{event.name}:{event.data['id']}", json.dumps(event.data, sort_keys=True)
            if self._told.get(key) != shape:
                self._tell(event)
            told[key] = shape
        self._told = told

    def _tell(self, event: Event) -> None:
        for page in self._pages:
            try:
                page.put_nowait(event)
            except asyncio.QueueFull:
                while not page.empty():
                    page.get_nowait()
                page.put_nowait(Event("resync", {}, event.at))


_boards: weakref.WeakKeyDictionary[Services, Board] = weakref.WeakKeyDictionary()


def board(services: Services) -> Board:
    """Returns the board of a gateway."""
    return _boards.setdefault(services, Board(services))


def _changed(session: Session, *, after: datetime) -> list[tuple[str, dict[str, Any]]]:
    talks = session.scalars(
        select(Conversation).where(Conversation.updated_at > after).order_by(Conversation.updated_at).limit(MOST)
    )
    found: list[tuple[str, dict[str, Any]]] = [("conversation", row) for row in rows(session, list(talks))]
    query = select(Call).where(Call.updated_at > after).order_by(Call.updated_at).limit(MOST)
    return found + [("call", calls.news(session, one)) for one in session.scalars(query)]
