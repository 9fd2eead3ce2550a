"""Operations and challenges of one account."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from binding.models import Challenge, Failure, Operation
from binding.models.base import UtcDateTime
from binding.models.operation import OPEN, SENDABLE
from binding.models.states import OPERATION
from binding.repository import rows
from binding.repository.pages import page

# Queries of every request are built once: building one costs more than running it.
_owner, _id = sa.bindparam("owner", type_=sa.String()), sa.bindparam("id", type_=sa.String())
_since = sa.bindparam("since", type_=UtcDateTime())
_OPERATION = sa.select(Operation).where(Operation.account_id == _owner, Operation.id == _id)
_OPERATION = _OPERATION.execution_options(populate_existing=True)
_OWNER_OF = sa.select(Operation.account_id).where(Operation.id == _id)
_OPEN_ON_TARGET = sa.select(Operation).where(
    Operation.account_id == _owner, Operation.target_key == _id, rows.among(Operation.status, OPEN)
)
_OVERDUE = sa.select(Operation.id).where(
    Operation.account_id == _owner, Operation.status == "awaiting_verification", Operation.last_step_at <= _since
)
_OWNERS_WITH_OVERDUE = sa.select(Operation.account_id).where(
    Operation.status == "awaiting_verification", Operation.last_step_at <= _since
)
_OWNERS_WITH_OVERDUE = _OWNERS_WITH_OVERDUE.distinct()
_LATE_AT_BANK = sa.select(Operation.account_id, Operation.id).where(
    rows.among(Operation.status, SENDABLE), Operation.accepted_at <= _since
)
_LATE_AT_BANK = _LATE_AT_BANK.order_by(Operation.id).limit(500)
_CREATED_SINCE = sa.select(sa.func.count()).where(Operation.account_id == _owner, Operation.created_at > _since)
_AS_MANY = sa.bindparam("as_many", type_=sa.Integer())


def _the_nth_since(column: Any) -> sa.Select[Any]:
    """Select the moment of the n-th newest operation that somebody asked for, if it lies after `since`."""
    made = sa.select(Operation.created_at).where(column == sa.bindparam("name"), Operation.created_at > _since)
    return made.order_by(Operation.created_at.desc()).offset(_AS_MANY - 1).limit(1)


_NTH_OF = {"caller": _the_nth_since(Operation.caller), "actor": _the_nth_since(Operation.actor)}
_CHALLENGE = sa.select(Challenge).where(Challenge.account_id == _owner, Challenge.id == _id)
_LIVE_CODE = sa.select(Challenge).where(
    Challenge.account_id == _owner, Challenge.method == "sms", rows.among(Challenge.state, ("sending", "issued"))
)
_ISSUED = sa.select(Challenge).where(
    Challenge.account_id == _owner, Challenge.operation_id == _id, Challenge.state == "issued"
)
_ISSUED = _ISSUED.order_by(Challenge.id.desc())
_SENDS = sa.select(Challenge.created_at, Challenge.call_id, Challenge.state).where(
    Challenge.account_id == _owner,
    Challenge.method == "sms",
    Challenge.state != "undelivered",
    Challenge.created_at > _since,
)
_SENDS = _SENDS.order_by(Challenge.created_at)
_FAILURES = sa.select(Failure.at, Failure.method).where(Failure.account_id == _owner, Failure.at > _since)
_FAILURES = _FAILURES.order_by(Failure.at)
_challenges = Challenge.__table__
_CLOSE = (
    sa.update(_challenges)  # type: ignore[arg-type]
    .where(
        _challenges.c.account_id == _owner, _challenges.c.operation_id == sa.bindparam("operation"),
        rows.among(_challenges.c.state, ("sending", "issued")),
    )
    .values(state=sa.bindparam("to", type_=sa.String()))
)  # fmt: skip


def operation(session: Session, owner: str, operation_id: str) -> Operation | None:
    """Find one operation of the owner."""
    return session.scalar(_OPERATION, {"owner": owner, "id": operation_id})


def owner_of(session: Session, operation_id: str) -> str | None:
    """Return the account of an operation; for workflows and the bank's callbacks, never for a customer's request."""
    return rows.read(session, _OWNER_OF, id=operation_id).scalar()


def open_on_target(session: Session, owner: str, target_key: str) -> Operation | None:
    """Find the owner's open operation on a target."""
    return session.scalar(_OPEN_ON_TARGET, {"owner": owner, "id": target_key})


def overdue(session: Session, owner: str, before: dt.datetime) -> list[str]:
    """List the owner's operations whose last step towards verification lies before a moment."""
    return list(rows.read(session, _OVERDUE, owner=owner, since=before).scalars())


def owners_with_overdue(session: Session, before: dt.datetime) -> list[str]:
    """List the accounts that have such operations; for the sweep."""
    return list(rows.read(session, _OWNERS_WITH_OVERDUE, since=before).scalars())


def late_at_bank(session: Session, before: dt.datetime) -> list[tuple[str, str]]:
    """List (account, operation) of those that wait for their bank since before a moment, oldest first; for the sweep."""
    return [(owner, found) for owner, found in rows.read(session, _LATE_AT_BANK, since=before)]


def operations_page(
    session: Session, owner: str, *, only_open: bool, limit: int, cursor: str | None
) -> tuple[list[Operation], str | None]:
    """List a page of the owner's operations, newest first."""
    query = sa.select(Operation).where(Operation.account_id == owner)
    if only_open:
        query = query.where(Operation.status.in_(OPEN))
    return page(session, query, Operation.id, limit=limit, cursor=cursor, newest_first=True)


def created_since(session: Session, owner: str, since: dt.datetime) -> int:
    """Count the owner's operations since a moment."""
    return rows.read(session, _CREATED_SINCE, owner=owner, since=since).scalar() or 0


def asked_by(session: Session, who: str, name: str, *, as_many: int, since: dt.datetime) -> dt.datetime | None:
    """Return when the `as_many`-th newest operation since a moment was asked for, None when there were fewer.

    `who`: `caller` (a service) or `actor` (an agent), and its name.
    """
    return rows.read(session, _NTH_OF[who], name=name, as_many=as_many, since=since).scalar()


def move(session: Session, owner: str, found: Operation, status: str, **values: Any) -> bool:
    """Move an operation to a status if nobody else moved it first; the guard is in the UPDATE itself."""
    if status not in OPERATION[found.status]:
        return False
    where = {"account_id": owner, "id": found.id, "status": found.status}
    if rows.change(session, Operation, where, status=status, **values) != 1:
        return False
    for name, value in {"status": status, **values}.items():
        set_committed_value(found, name, value)
    return True


def challenge(session: Session, owner: str, challenge_id: str) -> Challenge | None:
    """Find one challenge of the owner."""
    return session.scalar(_CHALLENGE, {"owner": owner, "id": challenge_id})


def live_code(session: Session, owner: str) -> Challenge | None:
    """Find the one code of the account that can still be used or is being sent."""
    return session.scalar(_LIVE_CODE, {"owner": owner})


def latest_challenge(session: Session, owner: str, operation_id: str) -> Challenge | None:
    """Find the newest challenge of an operation that is still open, codes before pages."""
    found = list(session.scalars(_ISSUED, {"owner": owner, "id": operation_id}))
    codes = [c for c in found if c.method == "sms"]
    newest = codes or found
    return newest[0] if newest else None


def sends_since(session: Session, owner: str, since: dt.datetime) -> list[tuple[dt.datetime, bool]]:
    """List the codes sent to the account since a moment, oldest first: when, and whether a caller has read it back right.

    Undelivered ones do not count.
    """
    found = rows.read(session, _SENDS, owner=owner, since=since)
    return [(at, call is not None and state == "used") for at, call, state in found]


def failures_since(session: Session, owner: str, since: dt.datetime, method: str | None = None) -> list[dt.datetime]:
    """List the account's wrong codes and passwords since a moment, oldest first."""
    found = rows.read(session, _FAILURES, owner=owner, since=since)
    return [at for at, how in found if method is None or how == method]


def use_challenge(session: Session, found: Challenge, moment: dt.datetime) -> bool:
    """Mark a challenge as used if nobody else moved it first; the guard is in the UPDATE itself."""
    session.flush()
    where = {"account_id": found.account_id, "id": found.id, "state": found.state}
    if rows.change(session, Challenge, where, state="used", used_at=moment) != 1:
        return False
    set_committed_value(found, "state", "used")
    set_committed_value(found, "used_at", moment)
    return True


def close_challenges(session: Session, owner: str, operation_id: str, state: str = "replaced") -> None:
    """End every challenge of an operation that is still open; objects that the session has loaded do not see it."""
    session.connection().execute(_CLOSE, {"owner": owner, "operation": operation_id, "to": state})
