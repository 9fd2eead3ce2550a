"""A circuit breaker: after some failures in a row the other side is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Breaker:
    """Opens after `limit` failures in a row, lets one try through after `rest` seconds, closes on success."""

    limit: int = 5
    rest: float = 3.0
    clock: Callable[[], float] = time.monotonic
    failures: int = 0
    opened_at: float | None = None
    trying: bool = False

    def allows(self) -> bool:
        """Tells whether a call may be made now; the caller reports back with `ok` or `failed`."""
        if self.opened_at is None:
            return True
        if self.clock() - self.opened_at >= self.rest and not self.trying:
            self.trying = True
            return True
        return False

    def ok(self) -> None:
        """Notes a success."""
        self.failures, self.opened_at, self.trying = 0, None, False

    def failed(self) -> None:
        """Notes a failure."""
        self.failures += 1
        self.trying = False
        if self.failures >= self.limit:
            self.opened_at = self.clock()

    @property
    def open(self) -> bool:
        """Tells whether calls are being refused."""
        return self.opened_at is not None
