"""The durable work: settle an operation with the bank, ask about it, send its notices, deliver its events.

Each workflow is one call and one transaction, and then ends: an operation that waits for its bank holds no thread, only a
row that is due later. Arguments are ids and counters, nothing else. A body that was cut off runs again from its start (see
`durable`): the bank, the phone company and the gateway know the ids, and a state that was left is not left twice.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from binding import durable, signals
from binding.clock import real_now, rfc3339
from binding.database import reading, writing
from binding.ids import new_id
from binding.models import Account, Agreement, Card, Decision, Notice, Operation, OutboxEvent, Wallet
from binding.models.operation import SENDABLE, UNDECIDED
from binding.policy import policy
from binding.ports import bank, phone, webhooks
from binding.repository import bindings, rows
from binding.service.finish import take_answer, take_decision
from binding.service.tell import due_events, due_notices

log = structlog.get_logger("workflows")
_OPERATION = sa.select(Operation).where(Operation.id == sa.bindparam("id"))


@durable.workflow("settle_operation")
def settle_operation(operation_id: str) -> str:
    """Send an accepted operation to its bank, under its id, which the bank does at most once, and take the answer.

    One that is with the staff by now is only asked about.
    """
    found = _load(operation_id)
    if found.status == "manual_review":
        return _take(found, bank.ask(operation_id=found.id), 0)
    return _take(found, _submit(found) if found.status in SENDABLE else None, 0)


@durable.workflow("ask_bank")
def ask_bank(operation_id: str, asked: int) -> str:
    """Ask the bank what became of an operation; when it never heard of it, send it again. `asked` is -1 for a nudge.

    What is with the staff is never sent again: whether it is done is two people's decision, not that of one who asks. One
    that they have decided is asked about as well, since the bank may say otherwise.
    """
    found = _load(operation_id)
    answer = None
    if found.status in UNDECIDED or _decided(found.id):
        answer = bank.ask(operation_id=found.id)
        if answer["state"] == "missing":
            found = _load(operation_id)  # as it is after the bank's answer, however long that took
            answer = _submit(found) if found.status in SENDABLE else answer
    return _take(found, answer, asked)


@durable.workflow("decide_operation")
def decide_operation(decision_id: str) -> str:
    """Carry out what two members of the staff decided about an operation, notices and event included."""
    with reading() as session:
        owner = session.get_one(Decision, decision_id).account_id
    with writing(owner) as session:
        found = take_decision(session, decision=session.get_one(Decision, decision_id))
        due = _due(session, found)
    _send(owner, due)
    return found.status


def _decided(operation_id: str) -> bool:
    with reading() as session:
        applied = sa.select(Decision.id).where(Decision.operation_id == operation_id, Decision.state == "applied")
        return session.scalar(applied.limit(1)) is not None


def _submit(found: Operation) -> dict[str, Any]:
    return bank.submit(operation_id=found.id, account_id=found.account_id, request=found.bank_request or {})


def _take(found: Operation, answer: dict[str, Any] | None, asked: int) -> str:
    owner = found.account_id
    with writing(owner) as session:
        if answer is not None:
            found = take_answer(session, owner=owner, operation_id=found.id, answer=answer, asked=asked)
        due = _due(session, found)
    signals.tell(found.id)
    _send(owner, due)
    return found.status


@dataclass
class _Due:
    """What an operation's workflow sends once its transaction stands."""

    notices: list[tuple[Notice, Account]]
    events: list[tuple[OutboxEvent, Operation]]


def _due(session: Session, found: Operation) -> _Due:
    notices = due_notices(session, found)
    account = bindings.account(session, found.account_id)
    assert account is not None
    return _Due([(n, account) for n in notices], [(e, found) for e in due_events(session, found)])


def _send(owner: str, due: _Due) -> None:
    """Hand notices to the phone company and events to the gateway, each under its own id, and note what was taken."""
    notices = [(notice.id, _hand_over(notice, account)) for notice, account in due.notices]
    events = [(event, _deliver(event, found)) for event, found in due.events]
    if notices or events:
        with writing(owner) as session:
            for notice_id, sent in notices:
                _note_notice(session, notice_id, 0, sent)
            for event, state in events:
                _note_event(session, event, 0, state)


def nudge(session: Session, operation_id: str) -> None:
    """Have the bank asked about an operation now, besides the schedule."""
    durable.enqueue(session, "ask_bank", f"{operation_id}:nudge:{new_id('n')}", operation_id, -1)


def nudge_all() -> int:
    """Have the bank asked about every undecided operation now; returns how many."""
    with writing() as session:
        found = list(session.scalars(sa.select(Operation.id).where(Operation.status.in_(UNDECIDED))))
        for operation_id in found:
            nudge(session, operation_id)
    return len(found)


@durable.workflow("send_notice")
def send_notice(notice_id: str, tries: int) -> str:
    """Send a notice; when it is not taken, try again later, in the end by the other channel."""
    with reading() as session:
        notice = session.get_one(Notice, notice_id)
        account = session.get_one(Account, notice.account_id)
    sent = notice.state == "queued" and _hand_over(notice, account)
    with writing(account.id) as session:
        return _note_notice(session, notice_id, tries, sent)


def _hand_over(notice: Notice, account: Account) -> bool:
    channel = notice.channel
    if notice.fallback and notice.attempts >= policy().notices.fallback_after:
        channel = notice.fallback
    sent = phone.send(
        message_id=notice.id,
        channel=channel,
        to=account.phone,
        account_id=account.id,
        text=notice.text,
        purpose="notice",
    )
    return sent == "taken"  # the phone company knows the id: what it may have is sent again without harm


def _note_notice(session: Session, notice_id: str, tries: int, sent: bool) -> str:
    rules = policy().notices
    values: dict[str, Any] = {"state": "sent", "sent_at": real_now()}
    if not sent:
        values = {"state": "failed" if tries + 1 >= rules.give_up_after else "queued"}
    if not rows.change(session, Notice, {"id": notice_id, "state": "queued"}, attempts=tries + 1, **values):
        return "noted before"
    if values["state"] == "failed":
        log.error("a notice was given up", notice=notice_id, attempts=tries + 1)
    elif not sent:
        delay = rules.retry_after_s[min(tries, len(rules.retry_after_s) - 1)]
        durable.enqueue(session, "send_notice", f"{notice_id}:{tries + 1}", notice_id, tries + 1, delay_s=delay)
    return str(values["state"])


@durable.workflow("deliver_event")
def deliver_event(event_id: str, tries: int) -> str:
    """Deliver an event to the gateway, again and again until it answers 2xx, unless a later one made it old news."""
    with reading() as session:
        event = session.get_one(OutboxEvent, event_id)
        if event.state != "queued":
            return event.state
        found = session.get_one(Operation, event.operation_id)
    state = _deliver(event, found)
    with writing(event.account_id) as session:
        return _note_event(session, event, tries, state)


def _deliver(event: OutboxEvent, found: Operation) -> str:
    if event.type == "operation.updated" and event.status in ("processing", "pending") and found.status != event.status:
        return "superseded"
    data = event.data | {"answered": found.answered_status == event.status}
    sent = webhooks.deliver(event_id=event.id, kind=event.type, created=rfc3339(event.created_at) or "", data=data)
    return "delivered" if sent else "queued"


def _note_event(session: Session, event: OutboxEvent, tries: int, state: str) -> str:
    rules = policy().events
    values: dict[str, Any] = {"state": state}
    if state == "delivered":
        values["delivered_at"] = real_now()
    elif state == "queued" and real_now() - event.created_at > dt.timedelta(seconds=rules.give_up_after_s):
        values["state"] = "failed"
    if not rows.change(session, OutboxEvent, {"id": event.id, "state": "queued"}, attempts=tries + 1, **values):
        return "noted before"
    if values["state"] == "failed":
        log.error("an event was given up", event_id=event.id, attempts=tries + 1)
    elif state == "queued":
        delay = rules.retry_after_s[min(tries, len(rules.retry_after_s) - 1)]
        durable.enqueue(session, "deliver_event", f"{event.id}:{tries + 1}", event.id, tries + 1, delay_s=delay)
    return str(values["state"])


def _load(operation_id: str) -> Operation:
    with reading() as session:
        return session.scalars(_OPERATION, {"id": operation_id}).one()


@durable.workflow("register_at_bank", named=False)
def register_at_bank(account_id: str) -> bool:
    """Tell the bank stand-in which agreements a sandbox account has; the ledger does not depend on it."""
    return tell_bank_now(account_id, tries=20)


def tell_bank_now(account_id: str, *, tries: int = 1) -> bool:
    """Send the account's protocol numbers and the operations that it was made with; returns whether they arrived."""
    with reading() as session:
        rows: list[dict[str, Any]] = []
        tables: tuple[Any, ...] = (Card, Wallet, Agreement)
        for table in tables:
            rows += [
                {"protocol": r.protocol_no, "account": account_id, "live": r.state not in ("unbound", "terminated")}
                for r in session.scalars(sa.select(table).where(table.account_id == account_id))
            ]
        made_with = sa.select(Operation).where(
            Operation.account_id == account_id, Operation.caller == "sandbox", Operation.status.in_(UNDECIDED)
        )
        waiting = [{"id": o.id, "account": account_id, "request": o.bank_request} for o in session.scalars(made_with)]
    return bank.register(agreements=rows, pending=waiting, tries=tries)
