"""Cursor pages over ids that sort by time."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from binding.errors import Problem

T = TypeVar("T")


def encode_cursor(last_id: str) -> str:
    """Make the opaque cursor that continues after an id."""
    return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Read a cursor; raises 422 for anything that this service did not make."""
    try:
        value = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise Problem(422, "invalid_request", "the cursor is not one of ours") from error
    if not re.fullmatch(r"[a-z]{2,5}_[0-9a-z]{26}", value):
        raise Problem(422, "invalid_request", "the cursor is not one of ours")
    return value


def page(
    session: Session,
    query: Any,
    key: Any,
    *,
    limit: int,
    cursor: str | None,
    newest_first: bool = False,
) -> tuple[list[T], str | None]:
    """Run a query for one page; returns (rows, next cursor or None)."""
    if cursor:
        after = decode_cursor(cursor)
        query = query.where(key < after if newest_first else key > after)
    rows = list(session.scalars(query.order_by(key.desc() if newest_first else key).limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, encode_cursor(rows[-1].id) if more else None  # type: ignore[attr-defined]
