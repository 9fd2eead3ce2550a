"""Tells open streams that something happened in a conversation. A nudge only: what happened is read from the database,
so a lost nudge delays and never loses. With Redis the nudges reach every gateway."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections import defaultdict
from typing import Any

from gateway.breaker import Breaker
from gateway.log import log

CHANNEL = "jiebang:nudges"
PING_S = 20.0
# What is not renewed is over: a page tells every few seconds that somebody types.
TYPING_S = 6.0
# Tabs and devices of one customer; more are somebody who wants to wear us out.
MOST_STREAMS = 50


class Listener:
    """One open stream's ear: wait for the next nudge; transient ones (typing, mode) are queued."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self.queue: list[dict[str, Any]] = []
        self.closed = False

    def push(self, nudge: dict[str, Any]) -> None:
        """Takes a nudge; an ear that is not emptied keeps the newest only."""
        if nudge.get("kind") != "messages":
            self.queue = [*self.queue[-20:], nudge]
        self._wake.set()

    async def wait(self, seconds: float) -> list[dict[str, Any]]:
        """Returns what came in, after the first nudge or the given time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()
        queue, self.queue = self.queue, []
        return queue


class Hub:
    """Conversations (or `desk`) → the ears of this process."""

    def __init__(self, *, redis: Any = None, subscriber: Any = None) -> None:
        self._redis, self._subscriber = redis, subscriber
        self._breaker = Breaker(limit=1)
        self._name = secrets.token_hex(8)
        self._ears: defaultdict[str, set[Listener]] = defaultdict(set)
        self._typing: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None
        self.closing = False

    async def start(self) -> None:
        """Begins to listen to the other gateways, when there is Redis."""
        if self._redis is not None:
            self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Wakes every stream so that it ends."""
        self.closing = True
        for ears in list(self._ears.values()):
            for ear in list(ears):
                ear.push({"kind": "closing"})
        if self._task:
            self._task.cancel()

    def full(self, topic: str) -> bool:
        """Tells whether nobody more may listen to a conversation in this process."""
        return len(self._ears.get(topic, ())) >= MOST_STREAMS

    def heard(self, topic: str) -> bool:
        """Tells whether anybody listens to a topic in this process."""
        return bool(self._ears.get(topic))

    def customer_types(self, conversation_id: str) -> bool:
        """Tells whether a talk's customer was typing a moment ago, whichever gateway heard it."""
        return self._typing.get(conversation_id, 0.0) > time.monotonic()

    @contextlib.contextmanager
    def listen(self, *topics: str) -> Any:
        """Yields an ear for the topics, for the time of the block."""
        ear = Listener()
        for topic in topics:
            self._ears[topic].add(ear)
        try:
            yield ear
        finally:
            for topic in topics:
                self._ears[topic].discard(ear)
                if not self._ears[topic]:
                    self._ears.pop(topic, None)

    async def nudge(self, topic: str, kind: str = "messages", **data: Any) -> None:
        """Wakes the streams of `topic`, here and in the other gateways."""
        nudge = {"topic": topic, "kind": kind, **data}
        self._deliver(nudge)
        if self._redis is not None and self._breaker.allows():
            try:
                await self._redis.publish(CHANNEL, json.dumps(nudge | {"from": self._name}))
                self._breaker.ok()
            except Exception:  # noqa: BLE001 - a lost nudge only delays
                self._breaker.failed()

    def _deliver(self, nudge: dict[str, Any]) -> None:
        if nudge["topic"] == "desk" and nudge["kind"] == "typing" and nudge["author"] == "customer":
            self._note_typing(nudge["conversation"], nudge["typing"])
        for ear in list(self._ears.get(nudge["topic"], ())):
            ear.push(nudge)

    def _note_typing(self, conversation_id: str, typing: bool) -> None:
        now = time.monotonic()
        self._typing = {one: until for one, until in self._typing.items() if until > now and one != conversation_id}
        if typing:
            self._typing[conversation_id] = now + TYPING_S

    async def _listen(self) -> None:
        while True:
            try:
                async with self._subscriber.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    while True:
                        # A line that is dead without a word shows itself at the ping.
                        item = await pubsub.get_message(timeout=PING_S)
                        if item is None:
                            await asyncio.wait_for(pubsub.ping(), 3)
                            continue
                        if item["type"] != "message":
                            continue
                        nudge = json.loads(item["data"])
                        if nudge.get("from") != self._name:
                            self._deliver(nudge)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - Redis away: streams still read the database at every keep-alive
                log.warning("hub_reconnect", error=type(error).__name__)
                await asyncio.sleep(1)
