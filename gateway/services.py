"""Everything that lives as long as the process, made once and handed to the two applications."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Coroutine
from typing import Any

import aiohttp

from gateway import housekeeping
from gateway.adapters import adapters
from gateway.binding_client import BindingClient
from gateway.brain_client import BrainClient
from gateway.channels.courier import Courier
from gateway.codes import Unseen
from gateway.database import Database
from gateway.guard.seal import Sealer
from gateway.handoff import Handoffs
from gateway.hub import Hub
from gateway.identity.customer_jwt import HostTokens
from gateway.identity.customer_token import CustomerTokens
from gateway.limits import Limits
from gateway.locks import Locks, patience
from gateway.log import log
from gateway.models import Turn
from gateway.settings import Settings
from gateway.talk import Talk
from gateway.tracker import Tracker
from gateway.turns import Turns

# What is being sent to a messaging app when we are told to stop is given this long.
LAST_DELIVERIES_S = 5.0


class Services:
    """The parts of one gateway. `start` before the first request, `close` after the last."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.button_key = hmac.new(settings.seal_key, b"jiebang buttons", hashlib.sha256).digest()
        self.database = Database(settings.database_url)
        self.tracker = Tracker(settings.rasa_tracker_url)
        self.sealer = Sealer(settings.seal_key)
        self.customer_tokens = CustomerTokens(key_file=settings.customer_key_file)
        self.session: aiohttp.ClientSession
        self.redis: Any = None
        self.nudges: Any = None
        self.checking: asyncio.Task[dict[str, dict[str, Any]]] | None = None
        self._background: set[asyncio.Task[Any]] = set()
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        """Migrates the database, opens the connections and takes up what a dead process left."""
        await asyncio.to_thread(self.database.migrate)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        if self.settings.redis_url:
            import redis.asyncio

            self.redis = redis.asyncio.Redis.from_url(self.settings.redis_url, **patience())
            self.nudges = redis.asyncio.Redis.from_url(self.settings.redis_url, socket_connect_timeout=2)
        self.hub = Hub(redis=self.redis, subscriber=self.nudges)
        self.locks = Locks(redis=self.redis)
        self.limits = Limits(self.settings)
        self.host_tokens = HostTokens(self.settings, self.session)
        self.brain = BrainClient(
            urls=self.settings.rasa_urls,
            token=self.settings.rasa_token,
            session=self.session,
            timeout=self.settings.turn_timeout,
        )
        self.binding = BindingClient(
            url=self.settings.binding_url,
            token=self.settings.binding_token,
            session=self.session,
            tokens=self.customer_tokens,
        )
        self.turns = Turns(
            database=self.database,
            brain=self.brain,
            hub=self.hub,
            locks=self.locks,
            button_key=self.button_key,
            unseen=Unseen(database=self.database, sealer=self.sealer, binding=self.binding),
            signed_in_for=self.settings.signed_in_for,
            unanswered=self._unanswered,
        )
        self.talk = Talk(
            database=self.database,
            turns=self.turns,
            hub=self.hub,
            limits=self.limits,
            sealer=self.sealer,
            button_key=self.button_key,
            settings=self.settings,
        )
        self.handoff = Handoffs(database=self.database, hub=self.hub, turns=self.turns, settings=self.settings)
        self.courier = Courier(self, adapters(self))
        await self.hub.start()
        await self.turns.recover()
        self._tasks = [asyncio.create_task(housekeeping.forever(self)), asyncio.create_task(self.courier.forever())]

    def _unanswered(self, turn: Turn) -> None:
        """Has it found out for the desk what a line means that a person is to answer."""
        from gateway.desk import heard  # it needs these services itself

        self.background(heard.understand(self, turn=turn))

    def background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Does something small that nobody waits for; a fault is logged."""

        async def quietly() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001
                log.warning("background_failed", error=type(error).__name__)

        task = asyncio.create_task(quietly())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def drain(self) -> None:
        """Ends the streams and waits for running turns."""
        await self.hub.close()
        await self.turns.idle(seconds=self.settings.turn_timeout + 2)

    async def close(self) -> None:
        """Lets what is on its way to messaging apps arrive, and everything go."""
        await self.courier.finish(seconds=LAST_DELIVERIES_S)
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.session.close()
        for client in (self.redis, self.nudges):
            if client is not None:
                await client.aclose()
        await asyncio.to_thread(self.database.close)
        self.tracker.close()
