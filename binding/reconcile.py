"""Compare the ledger with the bank's list: `python -m binding.reconcile`. Differences are printed as JSON, one a line."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding.clock import real_now
from binding.database import reading
from binding.models import Operation
from binding.models.operation import SENDABLE
from binding.ports import bank

SENT = ("processing", "pending", "manual_review", "succeeded", "failed")
OVERLOOKED_AFTER_S = 3600  # the longest time between two questions to the bank is as long


def differences(session: Session, requests: dict[str, dict[str, Any]]) -> Iterator[dict[str, str]]:
    """Compare accepted operations with the bank's requests; yields {operation, ledger, bank, difference}.

    What the bank never heard of is no difference while the operation is open: it is sent again by the schedule.
    """
    accepted = sa.select(Operation.id, Operation.status, Operation.accepted_at).where(
        Operation.accepted_at.is_not(None), Operation.status.in_(SENT)
    )
    ours = {row.id: row for row in session.execute(accepted.execution_options(yield_per=1000))}
    for row in ours.values():
        request = requests.get(row.id)
        state = request["state"] if request else "missing"
        if request and request["done"] > 1:
            yield _finding(row.id, row.status, state, "done more than once at the bank")
        elif difference := _differ(row.status, state, _ended_at(request, row.accepted_at)):
            yield _finding(row.id, row.status, state, difference)
    for operation_id in requests.keys() - ours.keys():
        if requests[operation_id]["state"] == "done" and not _made_by_sandbox(session, operation_id):
            yield _finding(operation_id, "unknown", "done", "done at the bank, never accepted here")


def _differ(status: str, state: str, ended_at: dt.datetime) -> str | None:
    """Tell how an operation's status and the state of its request differ, None when they do not."""
    if status == "succeeded" and state != "done":
        return "succeeded here, not done at the bank"
    if status == "failed" and state == "done":
        return "failed here, done at the bank"
    if status == "manual_review" and state in ("done", "rejected"):
        return "decided at the bank, still under review here"
    if status in SENDABLE and state in ("done", "rejected"):
        overlooked = (real_now() - ended_at).total_seconds() > OVERLOOKED_AFTER_S
        return "ended at the bank, still open here" if overlooked else None
    return None


def _ended_at(request: dict[str, Any] | None, accepted_at: dt.datetime) -> dt.datetime:
    """Tell since when a request has ended at a bank that says so (`ended_at`, RFC 3339); else it may be since it was accepted."""
    try:
        ended = dt.datetime.fromisoformat((request or {})["ended_at"])
        return ended if ended.tzinfo else ended.replace(tzinfo=dt.UTC)
    except (KeyError, TypeError, ValueError):
        return accepted_at


def stands(finding: dict[str, str]) -> bool:
    """Look again, here and at the bank, as things go on between the two lists; returns whether the difference is still there."""
    if finding["difference"] == "done more than once at the bank":
        return True
    with reading() as session:
        query = sa.select(Operation.status).where(
            Operation.id == finding["operation"], Operation.accepted_at.is_not(None)
        )
        status = session.scalar(query) or "unknown"
    state = bank.ask(operation_id=finding["operation"])["state"]
    if state == "unknown":
        return True  # what cannot be looked at again is told
    if status == "unknown":
        return bool(state == "done")
    overlooked = real_now() - dt.timedelta(seconds=OVERLOOKED_AFTER_S + 1)  # as the list said; an end stays
    return _differ(status, state, overlooked) is not None


def bank_list() -> dict[str, dict[str, Any]]:
    """Fetch the bank's whole list, by operation."""
    found: dict[str, dict[str, Any]] = {}
    cursor: str | None = None
    while True:
        page = bank.list_requests(cursor=cursor)
        found |= {item["id"]: item for item in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def _made_by_sandbox(session: Session, operation_id: str) -> bool:
    return session.scalar(sa.select(Operation.caller).where(Operation.id == operation_id)) == "sandbox"


def _finding(operation_id: str, ledger: str, at_bank: str, difference: str) -> dict[str, str]:
    return {"operation": operation_id, "ledger": ledger, "bank": at_bank, "difference": difference}


def main() -> int:
    """Print the differences; exit 1 when there are any."""
    requests = bank_list()
    with reading() as session:
        seen = list(differences(session, requests))
    found = [finding for finding in seen if stands(finding)]
    for finding in found:
        sys.stdout.write(json.dumps(finding) + "\n")
    sys.stdout.write(json.dumps({"requests": len(requests), "differences": len(found)}) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
