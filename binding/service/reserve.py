"""Reserving: the target of an accepted operation leaves its resting state, and the bank's request is written down."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from binding.errors import Problem
from binding.models import Agreement, Card, Operation, Wallet
from binding.repository import rows
from binding.service.targets import Target


def reserve(session: Session, *, found: Operation, target: Target) -> dict[str, Any]:
    """Move the target to `unbinding` or `terminating` and return the request for the bank; raises 409 `already_done`."""
    if found.kind == "card.unbind":
        _guard(session, Card, target.cards[0].id, found.account_id, "bound", "unbinding")
        return {"action": "terminations", "protocols": [target.cards[0].protocol_no]}
    if found.kind == "quick_pay.disable":
        on = [c for c in target.cards if c.quick_pay]
        return {"action": "quick-pay-closures", "protocols": [c.protocol_no for c in on], "cards": [c.id for c in on]}
    if found.kind == "wallet.unbind":
        assert target.wallet is not None
        _guard(session, Wallet, target.wallet.id, found.account_id, "bound", "unbinding")
        return {"action": "terminations", "protocols": [target.wallet.protocol_no], "wallet": target.wallet.kind}
    if found.kind == "agreement.terminate":
        assert target.agreement is not None
        _guard(session, Agreement, target.agreement.id, found.account_id, "active", "terminating")
        return {"action": "terminations", "protocols": [target.agreement.protocol_no]}
    if found.kind == "wallet.bind":
        return {"action": "signings", "wallet": target.summary["kind"]}
    return {"action": "signings", "bank": target.summary["bank"]}


def release(session: Session, *, found: Operation) -> None:
    """Put the target back to rest after a refusal."""
    if found.kind == "card.unbind":
        _move(session, Card, found.target, found.account_id, "unbinding", "bound")
    elif found.kind == "wallet.unbind":
        _move(session, Wallet, found.target, found.account_id, "unbinding", "bound")
    elif found.kind == "agreement.terminate":
        _move(session, Agreement, found.target, found.account_id, "terminating", "active")


def _guard(session: Session, table: rows.Table, row_id: str, owner: str, before: str, after: str) -> None:
    if _move(session, table, row_id, owner, before, after) != 1:
        raise Problem(409, "already_done")


def _move(session: Session, table: rows.Table, row_id: str, owner: str, before: str, after: str) -> int:
    return rows.change(session, table, {"id": row_id, "account_id": owner, "state": before}, state=after)
