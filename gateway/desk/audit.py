"""The desk's audit: who saw or did what; a chain of hashes shows a line that was changed or taken out.

The chain grows for ever, so no request checks all of it: `broken` checks the newest lines and the next piece of a walk that goes round
the whole chain. `python -m gateway.desk.audit` checks every line at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import weakref
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from gateway.models import AuditLine, now

PIECE = 500
ONE_LOOK = timedelta(minutes=10)


@dataclass
class Walk:
    """How far this process has checked: all lines up to `number`, whose hash was `hash`; `last` is the newest line it ever saw."""

    number: int = 0
    hash: str = ""
    last: int = 0
    broken_at: int | None = None


_walks: weakref.WeakKeyDictionary[Engine, Walk] = weakref.WeakKeyDictionary()
_walking = threading.Lock()


def _hash(before: str, line: AuditLine) -> str:
    content = [line.number, line.at.isoformat(), line.agent, line.action, line.conversation_id, line.detail]
    return hashlib.sha256((before + json.dumps(content, sort_keys=True, ensure_ascii=False)).encode()).hexdigest()


def viewed(session: Session, *, agent: str, action: str, conversation_id: str | None) -> None:
    """Adds a line that somebody looks at a talk or call, or at a list of them; a page that stays open and reads again by itself is one look in ten minutes."""
    same = select(AuditLine.at).where(
        AuditLine.conversation_id == conversation_id, AuditLine.agent == agent, AuditLine.action == action
    )
    # From the end: of lists there are many lines, and the last one is near.
    last = session.scalars(same.order_by(AuditLine.number.desc()).limit(1)).first()
    if last is None or last <= now() - ONE_LOOK:
        write(session, agent=agent, action=action, conversation_id=conversation_id)


def write(session: Session, *, agent: str, action: str, conversation_id: str | None = None, **detail: Any) -> None:
    """Adds a line, in the transaction of what it tells."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(7423002)))
    last = session.scalars(select(AuditLine).order_by(AuditLine.number.desc()).limit(1)).first()
    line = AuditLine(
        number=last.number + 1 if last else 1,
        at=now(),
        agent=agent,
        action=action,
        conversation_id=conversation_id,
        detail=detail,
    )
    line.hash = _hash(last.hash if last else "", line)
    session.add(line)
    session.flush()


def broken(session: Session) -> int | None:
    """Returns the number of the first line known not to fit, None when there is none.

    Checks the newest lines and a piece of the older ones, 500 each, however long the chain is; calls one after the other go round all of it.
    """
    with _walking:
        walk = _walks.setdefault(session.get_bind().engine, Walk())
        newest = session.scalar(select(func.max(AuditLine.number))) or 0
        # Lines that this process saw may be gone from the end, which no chain shows.
        gone = newest + 1 if newest < walk.last else None
        walk.last = max(walk.last, newest)
        _, _, recent = _check(session, number=max(0, newest - PIECE))
        _step(session, walk)
        return min((one for one in (walk.broken_at, recent, gone) if one is not None), default=None)


def whole(session: Session) -> int | None:
    """Returns the number of the first line that does not fit after checking every line, None when all do."""
    number, before, fault = 0, "", None
    while fault is None:
        found, before, fault = _check(session, number=number, before=before)
        if found == number:
            return fault
        number = found
        session.expunge_all()
    return fault


def _step(session: Session, walk: Walk) -> None:
    """Goes one piece further; at the end it begins anew."""
    reached, reached_hash, fault = _check(session, number=walk.number, before=walk.hash)
    if fault is not None:
        walk.broken_at, walk.number, walk.hash = fault, 0, ""
    elif reached - walk.number < PIECE:
        walk.broken_at, walk.number, walk.hash = None, 0, ""
    else:
        walk.number, walk.hash = reached, reached_hash


def _check(session: Session, *, number: int, before: str | None = None) -> tuple[int, str, int | None]:
    """Checks at most 500 lines after `number` (whose hash is `before`; None: as stored); returns (last good number, its hash, the first that does not fit)."""
    if before is None:
        before = session.scalar(select(AuditLine.hash).where(AuditLine.number == number)) or ""
    query = select(AuditLine).where(AuditLine.number > number).order_by(AuditLine.number).limit(PIECE)
    for line in session.scalars(query):
        if line.number != number + 1 or line.hash != _hash(before, line):
            return number, before, number + 1
        number, before = line.number, line.hash
    return number, before, None


def main() -> None:
    """Checks the configured database's whole chain; ends with 1 when a line does not fit."""
    from gateway import settings
    from gateway.database import Database

    with Database(settings.load(os.environ).database_url).session() as session:
        fault, count = whole(session), session.scalar(select(func.count()).select_from(AuditLine))
    sys.stdout.write(f"{count} lines, all fit\n" if fault is None else f"line {fault} does not fit\n")
    sys.exit(0 if fault is None else 1)


if __name__ == "__main__":
    main()
