"""The clock that codes, send intervals, daily limits and expiry follow. In the sandbox it can be moved forward."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding.models.sandbox import SandboxState
from binding.settings import settings

_OFFSET = sa.select(SandboxState.clock_offset_s).where(SandboxState.id == 1)


def real_now() -> dt.datetime:
    """Return the machine's time, UTC. Tokens, deadlines with banks and audit rows use this one."""
    return dt.datetime.now(dt.UTC)


def now(session: Session) -> dt.datetime:
    """Return the ledger's time, UTC: the machine's time plus the sandbox offset (always 0 outside the sandbox)."""
    if not settings().sandbox:
        return real_now()
    offset = session.info.get("clock_offset_s")  # read once a session: a session is one transaction
    if offset is None:
        offset = session.connection().scalar(_OFFSET) or 0
        session.info["clock_offset_s"] = offset
    return real_now() + dt.timedelta(seconds=offset)


def rfc3339(value: dt.datetime | None) -> str | None:
    """Format a time as RFC 3339 UTC with milliseconds and a Z."""
    if value is None:
        return None
    return value.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
