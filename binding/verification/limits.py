"""Limits on sends and failures; counted from rows, in the same transaction as what they limit."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding.errors import Problem
from binding.models import Call
from binding.policy import policy
from binding.repository import operations
from binding.tokens import Caller

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


def check_may_ask(session: Session, *, caller: Caller, moment: dt.datetime) -> None:
    """Refuse with 429 when the account, the calling service or the agent asked for too many operations lately."""
    rules, hour = policy().limits, dt.timedelta(hours=1)
    if operations.created_since(session, caller.account_id, moment - hour) >= rules.operations_per_hour:
        raise Problem(429, "too_many_requests", retry_after=3600)
    brakes = [("caller", caller.service, rules.operations_of_caller, rules.caller_window_s)]
    if caller.actor is not None:
        brakes.append(("actor", caller.actor, rules.operations_of_agent, rules.agent_window_s))
    for who, name, allowed, window_s in brakes:
        window = dt.timedelta(seconds=window_s)
        first = operations.asked_by(session, who, name, as_many=allowed, since=moment - window)
        if first is not None:
            raise Problem(429, "too_many_requests", retry_after=_seconds(first + window - moment))


def check_may_call(session: Session, *, agent: str, moment: dt.datetime) -> None:
    """Refuse with 429 when an agent looked up too many phone numbers lately."""
    rules = policy().limits
    window = dt.timedelta(seconds=rules.agent_window_s)
    opened = sa.select(Call.created_at).where(Call.agent == agent, Call.created_at > moment - window)
    first = session.scalar(opened.order_by(Call.created_at.desc()).offset(rules.calls_of_agent - 1).limit(1))
    if first is not None:
        raise Problem(429, "too_many_requests", retry_after=_seconds(first + window - moment))


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
