# ruff: noqa: ARG001 - the functions of a table share one signature
"""Finishing: what the bank said becomes the ledger's truth, once, in one transaction."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from binding import audit, durable
from binding.clock import now, real_now
from binding.ids import new_id
from binding.models import Agreement, AuditRow, Card, Decision, Operation, Wallet
from binding.models.operation import SENDABLE, UNDECIDED
from binding.policy import policy
from binding.repository import bindings, operations, rows
from binding.service import masks
from binding.service.reserve import release
from binding.service.tell import due_notices, queue_event, queue_notices
from binding.settings import settings

log = structlog.get_logger("finish")
REASONS = {"bank_rejected", "bank_maintenance", "wallet_remote_only"}
_cards = Card.__table__
_UNBIND = (
    sa.update(_cards)  # type: ignore[arg-type]
    .where(
        _cards.c.id == sa.bindparam("target"), _cards.c.account_id == sa.bindparam("owner"),
        _cards.c.state == "unbinding",
    )
    .values(
        state="unbound", quick_pay=False, unbound_at=sa.bindparam("moment", type_=_cards.c.unbound_at.type),
        unbound_count=_cards.c.unbound_count + 1,
    )
)  # fmt: skip


def take_answer(session: Session, *, owner: str, operation_id: str, answer: dict[str, Any], asked: int) -> Operation:
    """Apply one answer of the bank; returns the operation. `asked` counts the questions so far, -1 a nudge.

    `answer`: {"state": done | rejected | pending | unknown, "ref"?, "reason"?, "eta_s"?}. An operation that has ended stays; a bank
    that says otherwise afterwards is a line of the audit, and of the log.
    """
    found = operations.operation(session, owner, operation_id)
    assert found is not None
    if found.status not in UNDECIDED:
        if answer["state"] == ("rejected" if found.status == "succeeded" else "done"):
            _note_contradiction(session, found, answer)
        return found
    if answer["state"] == "done":
        _succeed(session, found, answer)
    elif answer["state"] == "rejected":
        _fail(session, found, answer)
    else:
        _wait(session, found, answer, asked)
    return found


def take_decision(session: Session, *, decision: Decision) -> Operation:
    """Apply what two members of the staff decided; returns the operation. What the bank said meanwhile stands."""
    found = operations.operation(session, decision.account_id, decision.operation_id)
    assert found is not None
    if decision.state != "confirmed":
        return found
    if found.status != "manual_review":
        decision.state = "overtaken"
        session.flush()
        return found
    who = f"staff:{decision.proposed_by}+{decision.decided_by}"
    said = {"decision": decision.id, "proposed_by": decision.proposed_by, "confirmed_by": decision.decided_by}
    if decision.outcome == "succeeded":
        _succeed(session, found, {}, actor=who, **said)
    else:
        _fail(session, found, {"reason": "manual_review"}, actor=who, **said)
    decision.state = "applied"
    session.flush()
    return found


def _note_contradiction(session: Session, found: Operation, answer: dict[str, Any]) -> None:
    """Write down, once, that the bank says otherwise than what the customer was told; people have to mend it."""
    said = {"bank": answer["state"], "bank_ref": answer.get("ref"), "ledger": found.status}
    log.error("the bank says otherwise than the ledger", operation=found.id, **said)
    lines = sa.select(AuditRow.data).where(AuditRow.operation_id == found.id, AuditRow.event == "bank.late_answer")
    if said not in list(session.scalars(lines)):
        audit.record(
            session, account_id=found.account_id, event="bank.late_answer", actor="bank", operation_id=found.id, **said
        )


def _succeed(session: Session, found: Operation, answer: dict[str, Any], actor: str = "bank", **said: Any) -> None:
    moment = now(session)
    result = apply_success(session, found, moment)
    operations.move(
        session, found.account_id, found, "succeeded", reason_code=None, bank_ref=answer.get("ref"), result=result,
        eta=None, finished_at=moment, updated_at=moment,
    )  # fmt: skip
    _tell(session, found, actor=actor, bank_ref=answer.get("ref"), **said)


def _fail(session: Session, found: Operation, answer: dict[str, Any], actor: str = "bank", **said: Any) -> None:
    moment = now(session)
    release(session, found=found)
    reason = answer.get("reason") if answer.get("reason") in REASONS or said else "bank_rejected"
    operations.move(
        session, found.account_id, found, "failed", reason_code=reason, bank_ref=answer.get("ref"), eta=None,
        finished_at=moment, updated_at=moment,
    )  # fmt: skip
    _tell(session, found, actor=actor, reason=reason, **said)


def _wait(session: Session, found: Operation, answer: dict[str, Any], asked: int) -> None:
    moment = now(session)
    if _late(found) and found.status != "manual_review":
        _to_review(session, found)
        _tell(session, found, last_answer=answer["state"])
    elif found.status == "processing":
        eta = moment + dt.timedelta(seconds=answer.get("eta_s") or policy().bank.eta_s)
        operations.move(session, found.account_id, found, "pending", eta=eta, updated_at=moment)
        _tell(session, found, last_answer=answer["state"])
    if asked >= 0 and found.status in SENDABLE:
        schedule = policy().bank.ask_after_s
        delay = schedule[min(asked, len(schedule) - 1)]
        durable.enqueue(session, "ask_bank", f"{found.id}:ask:{asked + 1}", found.id, asked + 1, delay_s=delay)


def hand_over(session: Session, *, owner: str, operation_id: str) -> bool:
    """Give an operation to the staff that is past its deadline, whatever keeps its work from ending; returns whether it was.

    Its notices and its event are queued here: no workflow that would send them next has called this.
    """
    found = operations.operation(session, owner, operation_id)
    if found is None or found.status not in SENDABLE or not _late(found):
        return False
    _to_review(session, found)
    audit.record(session, account_id=owner, event=f"operation.{found.status}", actor="clock", operation_id=found.id)
    queue_notices(session, found)
    for notice in due_notices(session, found):
        durable.enqueue(session, "send_notice", f"{notice.id}:0", notice.id, 0)
    queue_event(session, found)
    return True


def _late(found: Operation) -> bool:
    accepted = found.accepted_at or real_now()
    return (real_now() - accepted).total_seconds() >= settings().review_after_s


def _to_review(session: Session, found: Operation) -> None:
    operations.move(
        session, found.account_id, found, "manual_review", reason_code="manual_review", eta=None,
        updated_at=now(session),
    )  # fmt: skip


def _tell(session: Session, found: Operation, actor: str = "bank", **data: Any) -> None:
    audit.record(
        session,
        account_id=found.account_id,
        event=f"operation.{found.status}",
        actor=actor,
        operation_id=found.id,
        **data,
    )
    queue_notices(session, found, sent_next=True)
    queue_event(session, found, sent_next=True)


class TargetMoved(RuntimeError):
    """The target is neither as its operation left it nor as it is to be: another hand was there, which people have to mend."""


def apply_success(session: Session, found: Operation, moment: dt.datetime) -> dict[str, Any]:
    """Make a reserved operation's change to the customer's things; returns what it touched. Raises `TargetMoved`."""
    return _APPLY[found.kind](session, found, moment)


def _card_unbound(session: Session, found: Operation, moment: dt.datetime) -> dict[str, Any]:
    where = {"owner": found.account_id, "target": found.target}
    changed = session.connection().execute(_UNBIND, where | {"moment": moment}).rowcount
    _check_moved(session, found, Card, changed, "unbound")
    return {"card_id": found.target, "agreements_ended": _end_agreements(session, found, [found.target], moment)}


def _check_moved(session: Session, found: Operation, table: Any, changed: int, state: str) -> None:
    """Let no operation succeed whose target did not move; that it was there before is right: a card takes its agreements along."""
    if changed != 1:
        query = sa.select(table.state).where(table.account_id == found.account_id, table.id == found.target)
        if (there := session.scalar(query)) != state:
            raise TargetMoved(f"the target of {found.id} is {there}, not on its way to {state}")


def _end_agreements(session: Session, found: Operation, cards: list[str], moment: dt.datetime) -> list[str]:
    """End the automatic deductions on some cards; returns their ids."""
    ended = [a for card in cards for a in bindings.agreements_on(session, found.account_id, card)]
    for agreement in ended:
        agreement.state, agreement.ended_at = "terminated", moment
    session.flush()
    return [agreement.id for agreement in ended]


def _quick_pay_off(session: Session, found: Operation, moment: dt.datetime) -> dict[str, Any]:
    cards = (found.bank_request or {}).get("cards", [])
    session.execute(
        sa.update(Card).where(Card.account_id == found.account_id, Card.id.in_(cards)).values(quick_pay=False)
    )
    return {"cards": cards, "agreements_ended": _end_agreements(session, found, cards, moment)}


def _wallet_unbound(session: Session, found: Operation, moment: dt.datetime) -> dict[str, Any]:
    where = {"id": found.target, "account_id": found.account_id, "state": "unbinding"}
    changed = rows.change(session, Wallet, where, state="unbound", unbound_at=moment)
    _check_moved(session, found, Wallet, changed, "unbound")
    return {"wallet_id": found.target}


def _agreement_ended(session: Session, found: Operation, moment: dt.datetime) -> dict[str, Any]:
    where = {"id": found.target, "account_id": found.account_id, "state": "terminating"}
    changed = rows.change(session, Agreement, where, state="terminated", ended_at=moment)
    _check_moved(session, found, Agreement, changed, "terminated")
    return {"agreement_id": found.target}


def _wallet_bound(session: Session, found: Operation, moment: dt.datetime) -> dict[str, Any]:
    account = bindings.account(session, found.account_id)
    assert account is not None
    wallet = Wallet(
        id=new_id("wal"), account_id=found.account_id, kind=found.target, account_masked=masks.phone(account.phone),
        state="bound", protocol_no=f"BP{found.id}", bound_at=moment,
    )  # fmt: skip
    session.add(wallet)
    session.flush()
    return {"wallet_id": wallet.id}


def _card_bound(session: Session, found: Operation, moment: dt.datetime) -> dict[str, Any]:
    details = found.bank_request or {}
    card = Card(
        id=new_id("card"), account_id=found.account_id, bank=found.target, type=details["card_type"], tail=details["tail"],
        quick_pay=True, repayment=False, state="bound", protocol_no=f"BP{found.id}", bound_at=moment,
        reserved_phone=details.get("reserved_phone"),
    )  # fmt: skip
    session.add(card)
    session.flush()
    return {"card_id": card.id, "tail": card.tail}


_APPLY = {
    "card.unbind": _card_unbound,
    "quick_pay.disable": _quick_pay_off,
    "wallet.unbind": _wallet_unbound,
    "agreement.terminate": _agreement_ended,
    "wallet.bind": _wallet_bound,
    "card.bind": _card_bound,
}
