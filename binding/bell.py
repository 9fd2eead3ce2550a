"""The bell that wakes the queue: work committed in this process is taken at once, and an idle process hardly polls."""

from __future__ import annotations

import threading
import time

BUSY_S, BUSY_POLL_S, LEAST_GAP_S = 1.0, 0.1, 0.05


class Bell:
    """Stands in for the stop event that the durable engine's queue worker waits on between two looks at the queue."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung = self._stopped = False
        self._busy_until = self._looked = 0.0

    def ring(self, *, crowded: bool = True) -> None:
        """Let the next look happen now; with `crowded` looks come more often for a while, since this one may find no room."""
        with self._condition:
            self._rung = True
            if crowded:
                self._busy_until = time.monotonic() + BUSY_S
            self._condition.notify_all()

    def set(self) -> None:
        """Stop the worker."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def is_set(self) -> bool:
        """Tell whether the worker is to stop."""
        return self._stopped

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the bell, the stop or the time; tells whether to stop. Rings close together are one."""
        with self._condition:
            moment = time.monotonic()
            if not self._rung and not self._stopped:
                longest = 1.0 if timeout is None else timeout
                self._condition.wait(min(longest, BUSY_POLL_S) if moment < self._busy_until else longest)
            left = self._looked + LEAST_GAP_S - time.monotonic()
        if left > 0 and not self._stopped:
            time.sleep(left)
        with self._condition:
            self._rung, self._looked = False, time.monotonic()
            return self._stopped
