"""The audit trail: append-only, chained by hash, sealed with a key. `python -m binding.audit verify` checks it."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import sys
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding.clock import real_now, rfc3339
from binding.models import AuditHead, AuditRow, Call, Operation, Staff
from binding.repository import rows
from binding.settings import settings

START = "0" * 64
STAFF = "staff"  # the chain of the staff's sign-ins and looks
UNFINISHED_S = 60  # a mark leaves out the newest lines: a transaction may still be about to commit one
_HEAD = sa.select(AuditHead.seq, AuditHead.hash).where(AuditHead.account_id == sa.bindparam("account_id"))
_HEAD = _HEAD.with_for_update()


def record(
    session: Session, *, account_id: str, event: str, actor: str, operation_id: str | None = None, **data: Any
) -> None:
    """Append one line to the account's chain; the caller holds the account's lock. Data never holds secrets."""
    last = session.info.get(("audit head", account_id))  # of this transaction: nobody else appended meanwhile
    if last is None:
        found = rows.read(session, _HEAD, account_id=account_id).first()
        last = (found.seq, found.hash) if found else (0, START)
    seq, prev = last[0] + 1, last[1]
    line: dict[str, Any] = {
        "account_id": account_id, "seq": seq, "at": real_now().replace(microsecond=0), "event": event,
        "operation_id": operation_id, "actor": actor, "data": data, "prev_hash": prev,
    }  # fmt: skip
    line["hash"] = _hash(**line)
    head = {"seq": seq, "hash": line["hash"], "seal": seal(account_id, seq, line["hash"])}
    rows.add(session, AuditRow, **line)
    if seq == 1:
        rows.add(session, AuditHead, account_id=account_id, **head)
    elif rows.change(session, AuditHead, {"account_id": account_id, "seq": seq - 1}, **head) != 1:
        raise RuntimeError("the audit chain moved while its account was locked")
    session.info[("audit head", account_id)] = (seq, line["hash"])


def line_hash(row: AuditRow) -> str:
    """Compute a line's hash from its content and the hash of the line before."""
    return _hash(
        account_id=row.account_id, seq=row.seq, at=row.at, event=row.event, operation_id=row.operation_id,
        actor=row.actor, data=row.data, prev_hash=row.prev_hash,
    )  # fmt: skip


def _hash(
    *, account_id: str, seq: int, at: dt.datetime, event: str, operation_id: str | None, actor: str,
    data: dict[str, Any], prev_hash: str,
) -> str:  # fmt: skip
    content = [account_id, seq, rfc3339(at), event, operation_id, actor, data, prev_hash]
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(settings().key("audit"), canonical.encode(), hashlib.sha256).hexdigest()


def seal(account_id: str, seq: int, last_hash: str) -> str:
    """Compute the seal on the end of a chain."""
    return hmac.new(
        settings().key("audit head"), f"{account_id}|{seq}|{last_hash}".encode(), hashlib.sha256
    ).hexdigest()


def mark(session: Session, *, at: dt.datetime) -> str:
    """Name the ends that all chains had at a moment, as `2026-01-31T12:00:00Z/` and a SHA-256.

    Lines are never taken back, so the same moment has the same mark for ever: one that is kept elsewhere tells what the heads
    cannot, that a chain was cut back together with an old head, removed with all that belongs to it, or written anew.
    """
    last = sa.select(AuditRow.account_id, sa.func.max(AuditRow.seq).label("seq")).where(AuditRow.at <= at)
    ends = last.group_by(AuditRow.account_id).subquery()
    query = sa.select(AuditRow.account_id, AuditRow.seq, AuditRow.hash).join(
        ends, sa.and_(ends.c.account_id == AuditRow.account_id, ends.c.seq == AuditRow.seq)
    )
    order: Any = AuditRow.account_id
    if session.get_bind().dialect.name == "postgresql":
        order = sa.collate(order, "C")  # the order of bytes, as on SQLite, whatever the server's locale
    digest = hashlib.sha256()
    for end in session.execute(query.order_by(order).execution_options(yield_per=1000)):
        digest.update(f"{end.account_id}|{end.seq}|{end.hash}\n".encode())
    return f"{rfc3339(at)}/{digest.hexdigest()}"


def moment_of(kept: str) -> dt.datetime:
    """Read the moment of a mark; raises ValueError for what is none."""
    moment, _, digest = kept.partition("/")
    if len(digest) != 64 or not moment.endswith("Z"):
        raise ValueError("a mark is a time in UTC, a slash and 64 hexadecimal digits")
    return dt.datetime.fromisoformat(moment)


def verify(session: Session, *, account_id: str | None = None, marks: Sequence[str] = ()) -> tuple[int, list[str]]:
    """Walk every chain, or one; returns (lines read, findings).

    No finding means that no line was changed and none removed whose chain's end, owner or mark still tells of it: a chain that
    was cut back together with an older head of its own is found by `marks`, which were kept elsewhere, and by nothing else.
    Raises ValueError for what is no mark.
    """
    findings = [
        f"{kept}: the lines of that time are no longer what they were"
        for kept in marks
        if mark(session, at=moment_of(kept)) != kept
    ]
    heads_of, rows_of, owners_of = sa.select(AuditHead), sa.select(AuditRow), sa.select(Operation.account_id)
    callers_of = sa.select(Call.account_id).where(Call.account_id.is_not(None), Call.sends > 0)
    if account_id is not None:
        heads_of = heads_of.where(AuditHead.account_id == account_id)
        rows_of = rows_of.where(AuditRow.account_id == account_id)
        owners_of = owners_of.where(Operation.account_id == account_id)
        callers_of = callers_of.where(Call.account_id == account_id)
    staffed = account_id in (None, STAFF) and session.scalar(sa.select(Staff.username).limit(1)) is not None
    heads = {h.account_id: h for h in session.scalars(heads_of)}
    lines = 0
    ends: dict[str, tuple[int, str]] = {}
    broken: set[str] = set()
    for row in session.scalars(rows_of.order_by(AuditRow.account_id, AuditRow.seq).execution_options(yield_per=1000)):
        lines += 1
        seq, prev = ends.get(row.account_id, (0, START))
        if row.account_id not in broken:
            if row.seq != seq + 1:
                findings.append(f"{row.account_id}: line {seq + 1} is missing")
                broken.add(row.account_id)
            elif row.prev_hash != prev or not hmac.compare_digest(row.hash, line_hash(row)):
                findings.append(f"{row.account_id}: line {row.seq} was changed")
                broken.add(row.account_id)
        ends[row.account_id] = (row.seq, row.hash)
    for account_id, (seq, last) in ends.items():
        head = heads.pop(account_id, None)
        if head is None:
            findings.append(f"{account_id}: the head of the chain is missing")
        elif not hmac.compare_digest(head.seal, seal(account_id, head.seq, head.hash)):
            findings.append(f"{account_id}: the head of the chain was changed")
        elif account_id not in broken and (head.seq, head.hash) != (seq, last):
            findings.append(f"{account_id}: the end of the chain is missing after line {seq}")
    findings += [f"{account_id}: all lines are missing" for account_id in heads]
    for has, owners in (
        ("operations", set(session.scalars(owners_of.distinct()))),
        ("calls", {str(owner) for owner in session.scalars(callers_of.distinct())}),
        ("members", {STAFF} if staffed else set()),
    ):
        findings += [f"{owner}: has {has} but no lines" for owner in sorted(owners - set(ends) - set(heads))]
    return lines, findings


def main() -> int:
    """Run the command line: `verify` prints the findings and exits 1 when there are any; without one it prints a mark."""
    from binding.database import reading

    if sys.argv[1:2] != ["verify"]:
        sys.stderr.write("usage: python -m binding.audit verify [MARK …]\n")
        return 2
    with reading(one_moment=True) as session:  # a line that is written meanwhile would look like one without its head
        try:
            lines, findings = verify(session, marks=sys.argv[2:])
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        newest = mark(session, at=real_now().replace(microsecond=0) - dt.timedelta(seconds=UNFINISHED_S))
    for finding in findings:
        sys.stdout.write(finding + "\n")
    sys.stdout.write(f"{lines} lines, {len(findings)} findings\n")
    if not findings:
        sys.stdout.write(f"keep elsewhere: {newest}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
