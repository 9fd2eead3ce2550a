"""Idempotency keys: the same request twice is one request, and its answer is kept with it."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding.clock import real_now
from binding.errors import Problem
from binding.models import Idempotency
from binding.repository import rows
from binding.settings import settings

STALE_AFTER_S = 15.0
_KEPT = sa.select(Idempotency).where(
    Idempotency.account_id == sa.bindparam("owner"),
    Idempotency.route == sa.bindparam("route"),
    Idempotency.key == sa.bindparam("name"),
)
_KEPT = _KEPT.execution_options(populate_existing=True)


@dataclass
class Answer:
    """A status and a body, and whether they were given before."""

    status: int
    body: dict[str, Any]
    replayed: bool = False
    headers: dict[str, str] = field(default_factory=dict)


def body_hash(route: str, body: Any) -> str:
    """Hash a request so that another body under the same key is noticed.

    With a key, since a body may hold a code: of six digits a plain hash in a backup would be found in a second.
    """
    canonical = json.dumps([route, body], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(settings().key("request"), canonical.encode(), hashlib.sha256).hexdigest()


def recall(session: Session, *, owner: str, route: str, key: str, digest: str) -> Idempotency | None:
    """Find what was done under a key; raises 422 for another body, 409 while the first is being worked on.

    A row that comes back with state `working` belongs to a request whose process died: the caller takes it over.
    """
    row = session.scalar(_KEPT, {"owner": owner, "route": route, "name": key})
    if row is None:
        session.info["new_key"] = (owner, route, key)
        return None
    if row.body_hash != digest:
        raise Problem(422, "idempotency_key_reused")
    if row.state == "working" and (real_now() - row.created_at).total_seconds() < STALE_AFTER_S:
        raise Problem(409, "request_in_progress", retry_after=1)
    return row


def remember(
    session: Session, *, owner: str, route: str, key: str, digest: str, status: int, body: dict[str, Any],
    subject: str | None = None, state: str = "done",
) -> None:  # fmt: skip
    """Keep an answer under its key, in the transaction that made it true."""
    session.flush()  # what made the answer true, before the answer
    where = {"account_id": owner, "route": route, "key": key}
    values: dict[str, Any] = {"state": state, "status": status, "body": body, "subject": subject}
    if state == "working":
        values["created_at"] = real_now()  # who takes over the work of a request that died has its time anew
    new = session.info.pop("new_key", None) == (owner, route, key)
    if new or rows.change(session, Idempotency, where, **values) == 0:
        rows.add(session, Idempotency, **where, body_hash=digest, **{"created_at": real_now()} | values)


def is_taken(error: sa.exc.IntegrityError) -> bool:
    """Tell whether a write failed because another request wrote its answer under the same key first."""
    diagnosis = getattr(error.orig, "diag", None)  # PostgreSQL names the constraint, SQLite its columns
    if diagnosis is not None:
        return bool(diagnosis.constraint_name == "pk_idempotency_keys")
    return str(error.orig).startswith("UNIQUE constraint failed: idempotency_keys.account_id")


def forget(session: Session, *, owner: str, route: str, key: str) -> None:
    """Free a key whose request came to nothing and may be tried again."""
    session.execute(
        sa.delete(Idempotency).where(
            Idempotency.account_id == owner, Idempotency.route == route, Idempotency.key == key
        )
    )


def forget_before(session: Session, moment: dt.datetime) -> None:
    """Remove keys that are older than the policy keeps them."""
    session.execute(sa.delete(Idempotency).where(Idempotency.created_at < moment))
