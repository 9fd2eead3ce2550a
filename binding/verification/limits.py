"""Limits on sends and failures; counted from rows, in the same transaction as what they limit."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from binding.errors import Problem
from binding.policy import policy
from binding.repository import operations

DAY = dt.timedelta(days=1)


def check_not_locked(session: Session, *, owner: str, moment: dt.datetime) -> None:
    """Refuse with 423 when the account has used up its failures of the last 24 hours."""
    failures = operations.failures_since(session, owner, moment - DAY)
    allowed = policy().limits.failures_per_day
    if len(failures) >= allowed:
        until = failures[-allowed] + DAY
        raise Problem(423, "challenges_locked", retry_after=_seconds(until - moment))


def caller_may_be_sent(session: Session, *, owner: str, moment: dt.datetime) -> bool:
    """Tell whether a code may go to who calls: the account is not locked, and the day's sends are not used up.

    A no is never told, since it would tell that there is an account. A code that was sent for something else a moment
    ago holds nothing back: the call has an interval of its own.
    """
    sent = len(operations.sends_since(session, owner, moment - DAY))
    return sent < policy().limits.sends_per_day and not is_locked(session, owner=owner, moment=moment)


def is_locked(session: Session, *, owner: str, moment: dt.datetime) -> bool:
    """Tell whether the account has used up its failures of the last 24 hours."""
    return len(operations.failures_since(session, owner, moment - DAY)) >= policy().limits.failures_per_day


def check_password_not_locked(session: Session, *, owner: str, moment: dt.datetime) -> None:
    """Refuse with 423 when the payment password was wrong too often in the last 24 hours."""
    failures = operations.failures_since(session, owner, moment - DAY, "payment_password")
    allowed = policy().limits.password_failures_per_day
    if len(failures) >= allowed:
        raise Problem(423, "challenges_locked", retry_after=_seconds(failures[-allowed] + DAY - moment))


def check_may_send(session: Session, *, owner: str, moment: dt.datetime) -> None:
    """Refuse with 429 when a code was sent a moment ago or too many were sent in the last 24 hours.

    A caller's code that was read back right holds the next one back for a time of its own: who owns the phone is on the line.
    """
    sends = operations.sends_since(session, owner, moment - DAY)
    limits = policy().limits
    for at, read_back in sends:
        interval = limits.send_interval_after_caller_s if read_back else limits.send_interval_s
        next_at = at + dt.timedelta(seconds=interval)
        if moment < next_at:
            raise Problem(429, "send_too_soon", retry_after=_seconds(next_at - moment))
    if len(sends) >= limits.sends_per_day:
        until = sends[-limits.sends_per_day][0] + DAY
        raise Problem(429, "daily_send_limit", retry_after=_seconds(until - moment))


def _seconds(left: dt.timedelta) -> int:
    return max(1, int(left.total_seconds()) + 1)
