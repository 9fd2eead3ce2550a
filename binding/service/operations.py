"""Operations: asked for, cancelled, expired, taken over."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from binding import audit
from binding.clock import now
from binding.errors import Problem, not_found
from binding.ids import new_id, new_reference
from binding.models import Operation
from binding.policy import policy
from binding.repository import operations
from binding.service import views
from binding.service.blockers import blockers_of
from binding.service.effects import effects_of, version_of
from binding.service.targets import resolve
from binding.service.tell import queue_event, queue_notices
from binding.tokens import Caller
from binding.verification import limits


def ask(session: Session, *, caller: Caller, kind: str, target: str) -> dict[str, Any]:
    """Open an operation that awaits verification; raises 404, 409 (blocked, in progress, done), 422 or 429."""
    owner = caller.account_id
    expire_due(session, owner)
    found = resolve(session, owner=owner, kind=kind, target=target)
    moment = now(session)
    existing = operations.open_on_target(session, owner, found.key)
    if existing is not None:
        take_over(session, caller, existing)
        shown = views.operation(session, existing)
        raise Problem(
            409, "operation_in_progress", operation_id=existing.id, operation_status=existing.status, operation=shown
        )
    if found.done:
        raise Problem(409, "already_done")
    limits.check_may_ask(session, caller=caller, moment=moment)
    blockers = blockers_of(session, owner=owner, kind=kind, target=found)
    if blockers:
        raise Problem(409, "blocked", blockers=blockers)
    effects = effects_of(session, owner=owner, kind=kind, target=found)
    operation = Operation(
        id=new_id("op"), account_id=owner, kind=kind, status="awaiting_verification", target=target,
        target_key=found.key, target_summary=found.summary, effects=effects, effects_version=version_of(effects),
        reference=new_reference(), conversation=caller.conversation, actor=caller.actor, caller=caller.service,
        created_at=moment, updated_at=moment, last_step_at=moment,
    )  # fmt: skip
    session.add(operation)
    session.flush()
    audit.record(
        session, account_id=owner, event="operation.asked", actor=caller.name, operation_id=operation.id, kind=kind,
        target=target, effects_version=operation.effects_version, service=caller.service,
    )  # fmt: skip
    return views.operation(session, operation)


def find(session: Session, *, owner: str, operation_id: str) -> Operation:
    """Return the owner's operation; raises 404."""
    found = operations.operation(session, owner, operation_id)
    if found is None:
        raise not_found()
    return found


def cancel(session: Session, *, caller: Caller, operation_id: str) -> dict[str, Any]:
    """Cancel an operation that awaits verification; again: the same answer. Raises 404 or 409 `operation_closed`."""
    expire_due(session, caller.account_id)
    found = find(session, owner=caller.account_id, operation_id=operation_id)
    if found.status == "cancelled":
        return views.operation(session, found)
    if found.status != "awaiting_verification":
        raise Problem(409, "operation_closed", operation_status=found.status, operation=views.operation(session, found))
    ended = end(session, found, status="cancelled", reason="cancelled_by_customer", actor=caller.name)
    if ended and found.conversation not in (None, caller.conversation):
        queue_event(session, found)  # who cancelled has the answer; the chat that asked for it would not know
    return views.operation(session, found)


def end(session: Session, found: Operation, *, status: str, reason: str | None, actor: str, **values: Any) -> bool:
    """End an operation that never reached the bank, and tell the customer as the policy has it; returns False when somebody else moved it first."""
    moment = now(session)
    operations.close_challenges(session, found.account_id, found.id)
    moved = operations.move(
        session, found.account_id, found, status, reason_code=reason, finished_at=moment, updated_at=moment, **values
    )
    if moved:
        audit.record(
            session,
            account_id=found.account_id,
            event=f"operation.{status}",
            actor=actor,
            operation_id=found.id,
            reason=reason,
        )
        queue_notices(session, found)
    return moved


def expire_due(session: Session, owner: str) -> int:
    """Expire the owner's operations that waited too long for their next step; returns how many."""
    before = now(session) - dt.timedelta(seconds=policy().limits.operation_life_s)
    count = 0
    for operation_id in operations.overdue(session, owner, before):
        found = find(session, owner=owner, operation_id=operation_id)
        if end(session, found, status="expired", reason="verification_expired", actor="clock"):
            queue_event(session, found)
            count += 1
    return count


def take_over(session: Session, caller: Caller, found: Operation) -> None:
    """Let the conversation that asks now hear what becomes of an open operation, and tell the older one."""
    newer, older = caller.conversation, found.conversation
    if caller.actor is not None or newer is None or newer == older or found.finished_at is not None:
        return
    found.conversation = newer
    session.flush()
    audit.record(
        session, account_id=found.account_id, event="operation.reassigned", actor=caller.name, operation_id=found.id,
        conversation=newer, before=older,
    )  # fmt: skip
    if older is not None:
        queue_event(session, found, conversation=older, type="operation.reassigned")
