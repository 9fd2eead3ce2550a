"""Housekeeping: expires what waited too long, forgets what may be forgotten."""

from __future__ import annotations

import datetime as dt
import threading
import time

import structlog

from binding import durable
from binding.clock import now, real_now
from binding.database import reading, writing
from binding.policy import policy
from binding.repository import operations
from binding.service import idempotency
from binding.service.finish import hand_over
from binding.service.operations import expire_due
from binding.settings import settings

log = structlog.get_logger("housekeeping")
SWEEP_S, FORGET_S = 5.0, 3600.0
# Half a million finished workflows, more than an hour makes; expiry waits meanwhile, so there is an end.
FORGET_ROUNDS = 1000


class Housekeeper:
    """A thread that sweeps."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def start(self) -> None:
        """Start sweeping."""
        threading.Thread(target=self._run, name="housekeeping", daemon=True).start()

    def stop(self) -> None:
        """Stop sweeping."""
        self._stop.set()

    def _run(self) -> None:
        forgotten = 0.0
        while not self._stop.wait(SWEEP_S):
            try:
                sweep()
                review()
                if time.monotonic() - forgotten > FORGET_S:
                    forget()
                    forgotten = time.monotonic()
            except Exception as error:
                log.error("housekeeping failed", error=type(error).__name__, exc_info=error)


def sweep() -> int:
    """Expire operations that waited too long for their next step; returns how many."""
    with reading() as session:
        before = now(session) - dt.timedelta(seconds=policy().limits.operation_life_s)
        owners = operations.owners_with_overdue(session, before)
    count = 0
    for owner in owners:
        try:
            with writing(owner) as session:
                count += expire_due(session, owner)
        except Exception as error:  # the next account's time is its own
            log.error("an account's operations could not be expired", account=owner, exc_info=error)
    return count


def review() -> int:
    """Give operations to the staff that waited too long for their bank; returns how many.

    The work that asks the bank does the same when it gets an answer; this is for work that fails before it gets there.
    """
    with reading() as session:
        late = operations.late_at_bank(session, real_now() - dt.timedelta(seconds=settings().review_after_s))
    count = 0
    for owner, operation_id in late:
        try:
            with writing(owner) as session:
                count += hand_over(session, owner=owner, operation_id=operation_id)
        except Exception as error:  # the next one's deadline is its own
            log.error("an operation could not be handed over", operation=operation_id, exc_info=error)
    return count


def forget() -> None:
    """Remove idempotency keys and finished workflows that are older than the policy keeps them."""
    limits = policy().limits
    with writing() as session:
        idempotency.forget_before(session, real_now() - dt.timedelta(days=limits.idempotency_days))
    before = real_now() - dt.timedelta(days=limits.workflow_days)
    for _ in range(FORGET_ROUNDS):
        if durable.forget_before(before) < durable.FORGET_AT_ONCE:
            break
