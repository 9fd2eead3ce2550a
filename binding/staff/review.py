"""Manual review: one member of the staff proposes, a different one confirms, a durable workflow carries it out."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding import audit, durable
from binding.clock import real_now
from binding.database import reading, writing
from binding.errors import Problem, not_found
from binding.ids import new_id
from binding.logs import redacted
from binding.models import Decision, Operation
from binding.repository import operations
from binding.workflows import nudge

LONGEST_REASON = 500


def propose(*, username: str, operation_id: str, outcome: str, reason: str) -> str:
    """Propose how an operation in review ended; returns the decision's id. Raises 404, 409 or 422."""
    reason = redacted(" ".join(reason.split()))[:LONGEST_REASON]
    if outcome not in ("succeeded", "failed") or len(reason) < 5:
        raise Problem(422, "reason_missing", "an outcome and a reason of at least five characters are needed")
    with writing(_owner(operation_id)) as session:
        found = _in_review(session, operation_id)
        if live(session, operation_id) is not None:
            raise Problem(409, "already_proposed", "somebody has proposed a decision; confirm it or turn it down")
        decision = Decision(
            id=new_id("dec"), account_id=found.account_id, operation_id=found.id, outcome=outcome, reason=reason,
            state="proposed", proposed_by=username, proposed_at=real_now(),
        )  # fmt: skip
        session.add(decision)
        session.flush()
        _audit(session, decision, "review.proposed", username, outcome=outcome, reason=reason)
        return decision.id


def confirm(*, username: str, decision_id: str) -> None:
    """Confirm another's proposal; the operation is finished by a workflow queued in this transaction. Raises 403, 404, 409."""
    with writing(_owner_of_decision(decision_id)) as session:
        decision = _open_decision(session, decision_id)
        if decision.proposed_by == username:
            raise Problem(403, "second_person_needed", "who proposed a decision cannot confirm it")
        _in_review(session, decision.operation_id)
        decision.state, decision.decided_by, decision.decided_at = "confirmed", username, real_now()
        session.flush()
        _audit(session, decision, "review.confirmed", username, proposed_by=decision.proposed_by)
        durable.enqueue(session, "decide_operation", f"{decision.id}:decide", decision.id)


def turn_down(*, username: str, decision_id: str) -> None:
    """Turn a proposal down, one's own too; the operation stays in review. Raises 404 or 409."""
    with writing(_owner_of_decision(decision_id)) as session:
        decision = _open_decision(session, decision_id)
        decision.state, decision.decided_by, decision.decided_at = "turned_down", username, real_now()
        session.flush()
        _audit(session, decision, "review.turned_down", username, proposed_by=decision.proposed_by)


def ask_bank(*, username: str, operation_id: str) -> None:
    """Have the bank asked now; raises 404 or 409."""
    with writing(_owner(operation_id)) as session:
        found = _in_review(session, operation_id)
        audit.record(
            session, account_id=found.account_id, event="review.bank_asked", actor=f"staff:{username}",
            operation_id=found.id,
        )  # fmt: skip
        nudge(session, found.id)


def live(session: Session, operation_id: str) -> Decision | None:
    """Return the decision about an operation that is proposed, or confirmed and not yet carried out."""
    return session.scalar(
        sa.select(Decision).where(Decision.operation_id == operation_id, Decision.state.in_(("proposed", "confirmed")))
    )


def _owner(operation_id: str) -> str:
    with reading() as session:
        owner = operations.owner_of(session, operation_id)
    if owner is None:
        raise not_found()
    return owner


def _owner_of_decision(decision_id: str) -> str:
    with reading() as session:
        owner = session.scalar(sa.select(Decision.account_id).where(Decision.id == decision_id))
    if owner is None:
        raise not_found()
    return owner


def _in_review(session: Session, operation_id: str) -> Operation:
    found = session.get_one(Operation, operation_id, populate_existing=True)
    if found.status != "manual_review":
        raise Problem(409, "not_in_review", f"the operation is {found.status}, not in review")
    return found


def _open_decision(session: Session, decision_id: str) -> Decision:
    decision = session.get_one(Decision, decision_id, populate_existing=True)
    if decision.state != "proposed":
        raise Problem(409, "already_decided", f"this proposal is {decision.state.replace('_', ' ')}")
    return decision


def _audit(session: Session, decision: Decision, event: str, username: str, **data: str) -> None:
    audit.record(
        session, account_id=decision.account_id, event=event, actor=f"staff:{username}",
        operation_id=decision.operation_id, decision=decision.id, **data,
    )  # fmt: skip
