"""A circuit breaker: after some failures in a row the other side is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

LONGEST_TRY_S = 30.0


@dataclass
class Breaker:
    """Opens after `limit` failures in a row, lets one try through after `rest` seconds, closes on success."""

    limit: int = 5
    rest: float = 3.0
    clock: Callable[[], float] = time.monotonic
    failures: int = 0
    opened_at: float | None = None
    tried_at: float | None = None

    def allows(self) -> bool:
        """Tells whether a call may be made now; the caller reports back with `ok`, `failed` or `left`."""
        if self.opened_at is None:
            return True
        now = self.clock()
        # Whoever tried and never came back (its task was cancelled) holds the door for this long and no longer.
        busy = self.tried_at is not None and now - self.tried_at < max(LONGEST_TRY_S, self.rest)
        if now - self.opened_at >= self.rest and not busy:
            self.tried_at = now
            return True
        return False

    def left(self) -> None:
        """Notes that a call was given up without a word about the other side."""
        self.tried_at = None

    def ok(self) -> None:
        """Notes a success."""
        self.failures, self.opened_at, self.tried_at = 0, None, None

    def failed(self) -> None:
        """Notes a failure."""
        self.failures += 1
        self.tried_at = None
        if self.failures >= self.limit:
            self.opened_at = self.clock()

    @property
    def open(self) -> bool:
        """Tells whether calls are being refused."""
        return self.opened_at is not None
