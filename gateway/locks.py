"""One turn at a time per conversation: in this process, or through Redis when there are several gateways."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Any

_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"
_EXTEND = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end"
)


def patience() -> dict[str, Any]:
    """Returns how long a Redis client waits: an answer that does not come must not hold a customer's request for ever."""
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as Gone

    # A connection that was cut is made again at once; silence is not asked twice.
    again = Retry(NoBackoff(), 1, supported_errors=(Gone,))
    return {"socket_connect_timeout": 2, "socket_timeout": 2, "retry": again}


class LocksUnavailable(Exception):
    """Nobody can say who holds a conversation. What was accepted waits in the database and is taken up later."""


class Locks:
    """Holds a conversation. With Redis the hold is renewed while it lasts and ends by itself when its holder dies."""

    def __init__(self, *, redis: Any = None, life_ms: int = 10_000) -> None:
        self._redis, self._life = redis, life_ms
        self._local: dict[str, tuple[asyncio.Lock, list[int]]] = {}

    @contextlib.asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Waits for the conversation and holds it for the time of the block."""
        lock, users = self._local.setdefault(name, (asyncio.Lock(), [0]))
        users[0] += 1
        try:
            async with lock:
                if self._redis is None:
                    yield
                else:
                    async with self._shared(name):
                        yield
        finally:
            users[0] -= 1
            if not users[0]:
                self._local.pop(name, None)

    @contextlib.asynccontextmanager
    async def _shared(self, name: str) -> AsyncIterator[None]:
        key, mark, pause = f"jiebang:lock:{name}", secrets.token_hex(16), 0.005
        while not await self._taken(key, mark):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        renewal = asyncio.create_task(self._renew(key, mark))
        try:
            yield
        finally:
            renewal.cancel()
            with contextlib.suppress(Exception):
                await self._redis.eval(_RELEASE, 1, key, mark)

    async def _taken(self, key: str, mark: str) -> bool:
        try:
            return bool(await self._redis.set(key, mark, nx=True, px=self._life))
        except Exception as error:
            raise LocksUnavailable(type(error).__name__) from error

    async def _renew(self, key: str, mark: str) -> None:
        while True:
            await asyncio.sleep(self._life / 3000)
            with contextlib.suppress(Exception):
                await self._redis.eval(_EXTEND, 1, key, mark, self._life)
