"""How much one conversation, account or address may ask for in a minute."""

from __future__ import annotations

import ipaddress

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from gateway import metrics
from gateway.breaker import Breaker
from gateway.locks import patience
from gateway.log import log
from gateway.problems import Problem
from gateway.settings import Settings

# "I am typing", "I have seen this": a page tells them every few seconds at most.
SIGNALS_PER_MINUTE = 120
BY_ADDRESS = ("address", "new", "sign_in", "look")


def household(address: str) -> str:
    """Returns what is counted of a network address: IPv6 gives every customer a /64 at least, and with it any number of addresses."""
    if address.startswith("desk:"):
        return "desk:" + household(address.removeprefix("desk:"))
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address  # whatever a proxy wrote
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))
    return str(found)


class Limits:
    """Counts in memory, or in Redis when there are several gateways."""

    def __init__(self, settings: Settings) -> None:
        storage = (
            RedisStorage(
                "async+" + settings.redis_url, implementation="redispy", key_prefix="jiebang-limits", **patience()
            )
            if settings.redis_url
            else MemoryStorage()
        )
        self._breaker = Breaker(limit=1)
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._items = {
            "conversation": RateLimitItemPerMinute(settings.messages_per_minute),
            "account": RateLimitItemPerMinute(settings.account_messages_per_minute),
            "address": RateLimitItemPerMinute(settings.address_messages_per_minute),
            "new": RateLimitItemPerMinute(settings.conversations_per_minute),
            "look": RateLimitItemPerMinute(settings.looks_per_minute),
            "sign_in": RateLimitItemPerMinute(settings.signin_per_minute),
            "signal": RateLimitItemPerMinute(SIGNALS_PER_MINUTE),
        }

    async def take(self, scope: str, who: str | None) -> None:
        """Counts one use; raises the problem `too_many_requests` (with Retry-After) when it was one too many."""
        if who is None or not self._breaker.allows():
            return
        if scope in BY_ADDRESS:
            who = household(who)
        try:
            allowed = await self._limiter.hit(self._items[scope], scope, who)
            self._breaker.ok()
        except Exception as error:  # noqa: BLE001 - a counter that is away must not silence the customer
            self._breaker.failed()
            log.warning("limits_unavailable", error=type(error).__name__)
            return
        if not allowed:
            metrics.limited.labels(scope).inc()
            raise Problem("too_many_requests", headers={"Retry-After": "10"}, retry_after=10)
