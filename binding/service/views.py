"""Shapes of docs/interfaces.md, made from rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from binding.clock import now, rfc3339
from binding.models import Agreement, Card, Challenge, Obligation, Operation, Wallet
from binding.policy import policy
from binding.repository import bindings
from binding.repository.operations import latest_challenge


def card(row: Card) -> dict[str, Any]:
    """Show a card."""
    return {
        "id": row.id, "bank": row.bank, "type": row.type, "tail": row.tail, "quick_pay": row.quick_pay,
        "repayment": row.repayment, "state": row.state, "bound_at": rfc3339(row.bound_at),
        "unbound_at": rfc3339(row.unbound_at), "reserved_phone_masked": row.reserved_phone,
    }  # fmt: skip


def wallet(row: Wallet) -> dict[str, Any]:
    """Show a wallet."""
    return {
        "id": row.id, "kind": row.kind, "state": row.state, "account_masked": row.account_masked,
        "bound_at": rfc3339(row.bound_at),
    }  # fmt: skip


def agreement(row: Agreement) -> dict[str, Any]:
    """Show an agreement."""
    return {
        "id": row.id, "merchant": row.merchant, "kind": row.kind, "card_id": row.card_id, "amount": row.amount,
        "currency": row.currency, "next_charge_at": rfc3339(row.next_charge_at), "state": row.state,
    }  # fmt: skip


def obligation(row: Obligation) -> dict[str, Any]:
    """Show an obligation."""
    return {
        "id": row.id, "kind": row.kind, "card_id": row.card_id, "amount": row.amount, "currency": row.currency,
        "state": row.state,
    }  # fmt: skip


def challenge(session: Session, row: Challenge, operation: Operation) -> dict[str, Any]:
    """Show a challenge: where it went and what is left, never the code."""
    shown: dict[str, Any] = {
        "id": row.id, "method": row.method, "destination": row.destination, "expires_at": rfc3339(row.expires_at),
        "resend_at": None, "attempts_left": attempts_left(operation),
    }  # fmt: skip
    if row.method == "sms":
        interval = dt.timedelta(seconds=policy().limits.send_interval_s)
        shown["resend_at"] = rfc3339(row.created_at + interval)
    return shown


def attempts_left(row: Operation) -> int:
    """Count the tries that are left in an operation."""
    return max(0, policy().limits.tries_per_operation - row.failed_attempts)


def methods(session: Session, row: Operation) -> list[str]:
    """List the ways in which this customer can verify this operation."""
    owner = bindings.account(session, row.account_id)
    allowed = policy().operations[row.kind].methods
    has_password = owner is not None and owner.payment_password_hash is not None
    return [m for m in allowed if m != "payment_password" or has_password]


def operation(session: Session, row: Operation) -> dict[str, Any]:
    """Show an operation with its effects and its open challenge."""
    live = latest_challenge(session, row.account_id, row.id) if row.status == "awaiting_verification" else None
    if live is not None and live.expires_at <= now(session):
        live = None
    return {
        "id": row.id,
        "kind": row.kind,
        "status": row.status,
        "target": row.target,
        "target_summary": row.target_summary,
        "reason_code": row.reason_code,
        "reference": row.reference,
        "effects": row.effects,
        "effects_version": row.effects_version,
        "verification": {"methods": methods(session, row), "why": policy().operations[row.kind].why.model_dump()},
        "challenge": challenge(session, live, row) if live is not None else None,
        "attempts_left": attempts_left(row),
        "eta": rfc3339(row.eta),
        "result": row.result,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
        "finished_at": rfc3339(row.finished_at),
        "conversation": row.conversation,
        "actor": row.actor,
    }
