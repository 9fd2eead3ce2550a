"""Compare the ledger with the bank's list: `python -m binding.reconcile`. Differences are printed as JSON, one a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding.database import reading
from binding.models import Operation
from binding.ports import bank

SENT = ("processing", "pending", "manual_review", "succeeded", "failed")


def differences(session: Session, requests: dict[str, dict[str, Any]]) -> Iterator[dict[str, str]]:
    """Compare accepted operations with the bank's requests; yields {operation, ledger, bank, difference}.

    What the bank never heard of is no difference while the operation is open: it is sent again by the schedule.
    """
    accepted = sa.select(Operation.id, Operation.status).where(
        Operation.accepted_at.is_not(None), Operation.status.in_(SENT)
    )
    ours = {row.id: row.status for row in session.execute(accepted.execution_options(yield_per=1000))}
    for operation_id, status in ours.items():
        request = requests.get(operation_id)
        state = request["state"] if request else "missing"
        if request and request["done"] > 1:
            yield _finding(operation_id, status, state, "done more than once at the bank")
        elif status == "succeeded" and state != "done":
            yield _finding(operation_id, status, state, "succeeded here, not done at the bank")
        elif status == "failed" and state == "done":
            yield _finding(operation_id, status, state, "failed here, done at the bank")
        elif status == "manual_review" and state in ("done", "rejected"):
            yield _finding(operation_id, status, state, "decided at the bank, still under review here")
    for operation_id in requests.keys() - ours.keys():
        if requests[operation_id]["state"] == "done" and not _made_by_sandbox(session, operation_id):
            yield _finding(operation_id, "unknown", "done", "done at the bank, never accepted here")


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
        found = list(differences(session, requests))
    for finding in found:
        sys.stdout.write(json.dumps(finding) + "\n")
    sys.stdout.write(json.dumps({"requests": len(requests), "differences": len(found)}) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
