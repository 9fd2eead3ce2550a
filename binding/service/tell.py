"""Outbox: notices for the customer and events for the gateway, queued in the transaction that caused them."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding import durable
from binding.clock import now, real_now
from binding.ids import new_id
from binding.models import Notice, Operation, OutboxEvent
from binding.notices.render import status_text
from binding.policy import policy
from binding.repository import bindings, rows
from binding.service import views

PROCESSING_HOLD_S = 3.0  # an operation that ends sooner needs no "in progress" message
ANSWER_HOLD_S = 1.0  # lets the request that is being waited on say that it has told the customer

_DUE_NOTICES = sa.select(Notice).where(
    Notice.operation_id == sa.bindparam("operation"), Notice.state == "queued", Notice.attempts == 0
)
_DUE_NOTICES = _DUE_NOTICES.order_by(Notice.id)
_DUE_EVENTS = sa.select(OutboxEvent).where(
    OutboxEvent.operation_id == sa.bindparam("operation"),
    OutboxEvent.type == "operation.updated",
    OutboxEvent.status == sa.bindparam("status"),
    OutboxEvent.state == "queued",
    OutboxEvent.attempts == 0,
)
_DUE_EVENTS = _DUE_EVENTS.order_by(OutboxEvent.id)


def queue_notices(session: Session, operation: Operation, *, sent_next: bool = False) -> None:
    """Write down the notices that the policy has for the operation's status.

    `sent_next`: the workflow that calls this sends what is `due`; else each gets a workflow of its own.
    """
    account = bindings.account(session, operation.account_id)
    assert account is not None
    for route in policy().notices.on.get(operation.status, []):
        notice_id = new_id("msg")
        rows.add(
            session, Notice, id=notice_id, account_id=account.id, operation_id=operation.id, channel=route.channel,
            template=operation.status, fallback=route.fallback, created_at=real_now(),
            text=status_text(operation, account.language, now(session)),
        )  # fmt: skip
        if not sent_next:
            durable.enqueue(session, "send_notice", f"{notice_id}:0", notice_id, 0)


def queue_event(
    session: Session, operation: Operation, *, conversation: str | None = None, type: str = "operation.updated",
    sent_next: bool = False,
) -> None:  # fmt: skip
    """Queue a signed event for the gateway; `conversation` is who is told when it is not the operation's own.

    `sent_next`: the workflow that calls this sends what is `due`, so only an event that has to wait needs one of its own.
    """
    data = {
        "operation": views.operation(session, operation),
        "account": operation.account_id,
        "conversation": conversation or operation.conversation,
    }
    event_id, hold = new_id("evt"), _hold(operation, type)
    rows.add(
        session, OutboxEvent, id=event_id, account_id=operation.account_id, operation_id=operation.id, type=type,
        status=operation.status, data=data, created_at=real_now(),
    )  # fmt: skip
    if hold or not sent_next:
        durable.enqueue(session, "deliver_event", f"{event_id}:0", event_id, 0, delay_s=hold)


def due_notices(session: Session, operation: Operation) -> list[Notice]:
    """List the operation's notices that nobody has tried to send."""
    return list(session.scalars(_DUE_NOTICES, {"operation": operation.id}))


def due_events(session: Session, operation: Operation) -> list[OutboxEvent]:
    """List the operation's events that nobody has tried to send, that tell how it stands, and that need not wait."""
    if _hold(operation, "operation.updated"):
        return []
    return list(session.scalars(_DUE_EVENTS, {"operation": operation.id, "status": operation.status}))


def _hold(operation: Operation, type: str) -> float:
    if type == "operation.updated" and operation.status == "processing":
        return PROCESSING_HOLD_S
    waiting = operation.waiting_until
    if waiting is not None and waiting > real_now():
        return (waiting - real_now()).total_seconds() + ANSWER_HOLD_S
    return 0


def hold_until(seconds: float) -> dt.datetime:
    """Compute until when a request waits for the outcome."""
    return real_now() + dt.timedelta(seconds=seconds)


def note_answered(session: Session, operation: Operation, status: str) -> None:
    """Note that the request which was waiting has told the customer this status; the event need not wait any longer."""
    operation.answered_status, operation.waiting_until = status, None
    session.flush()
    query = sa.select(OutboxEvent.id).where(OutboxEvent.operation_id == operation.id, OutboxEvent.state == "queued")
    for event_id in session.scalars(query):
        durable.enqueue(session, "deliver_event", f"{event_id}:now", event_id, 0)
