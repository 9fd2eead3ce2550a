# ruff: noqa: ARG001 - the functions of a table share one signature
"""Blockers: what stands in the way of an operation."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from binding.clock import now
from binding.models import Obligation
from binding.policy import policy
from binding.repository import bindings
from binding.service.targets import Target

Blocker = dict[str, Any]


def blockers_of(session: Session, *, owner: str, kind: str, target: Target) -> list[Blocker]:
    """List what stands in the way as things stand now, in the order of the policy."""
    found: list[Blocker] = []
    for code in policy().operations[kind].blockers:
        found += _BLOCKERS[code](session, owner, target)
    return found


def _account_frozen(session: Session, owner: str, target: Target) -> list[Blocker]:
    account = bindings.account(session, owner)
    return [{"code": "account_frozen"}] if account is not None and account.frozen else []


def _card_suspended(session: Session, owner: str, target: Target) -> list[Blocker]:
    return [{"code": "card_suspended", "card_id": c.id} for c in target.cards if c.state == "suspended"]


def _repayment_card(session: Session, owner: str, target: Target) -> list[Blocker]:
    return [{"code": "repayment_card", "card_id": c.id} for c in target.cards if c.repayment]


def _outstanding_debt(session: Session, owner: str, target: Target) -> list[Blocker]:
    mine = {c.id for c in target.cards} | {None}
    debts = [o for o in _obligations(session, owner, target) if o.kind == "debt"]
    return [_of(o, "outstanding_debt") for o in debts if policy().debt_blocks == "any" or o.card_id in mine]


def _unfinished_order(session: Session, owner: str, target: Target) -> list[Blocker]:
    return _on_cards(session, owner, target, "open_order", "unfinished_order")


def _refund_pending(session: Session, owner: str, target: Target) -> list[Blocker]:
    return _on_cards(session, owner, target, "refund", "refund_pending")


def _on_cards(session: Session, owner: str, target: Target, kind: str, code: str) -> list[Blocker]:
    mine = {c.id for c in target.cards}
    return [_of(o, code) for o in _obligations(session, owner, target) if o.kind == kind and o.card_id in mine]


def _obligations(session: Session, owner: str, target: Target) -> list[Obligation]:
    return target.once("obligations", lambda: bindings.open_obligations(session, owner))  # type: ignore[no-any-return]


def _of(row: Obligation, code: str) -> Blocker:
    return {"code": code, "obligation_id": row.id, "amount": row.amount, "currency": row.currency}


def _bank_maintenance(session: Session, owner: str, target: Target) -> list[Blocker]:
    moment = now(session)
    closed = {w.bank: w for w in policy().maintenance if w.start <= moment < w.end}
    banks = [c.bank for c in target.cards] or [str(target.summary.get("bank"))]
    return [{"code": "bank_maintenance", "bank": b, "until": closed[b].end.isoformat()} for b in banks if b in closed]


_BLOCKERS = {
    "account_frozen": _account_frozen,
    "card_suspended": _card_suspended,
    "repayment_card": _repayment_card,
    "outstanding_debt": _outstanding_debt,
    "unfinished_order": _unfinished_order,
    "refund_pending": _refund_pending,
    "bank_maintenance": _bank_maintenance,
}
