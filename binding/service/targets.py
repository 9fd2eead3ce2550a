"""Targets: what an operation is about, found among the owner's own things only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from binding.errors import Problem, not_found
from binding.models import Agreement, Card, Wallet
from binding.policy import policy
from binding.repository import bindings


@dataclass
class Target:
    """A resolved target. `key` is what an open operation locks; `done` tells that there is nothing left to do."""

    key: str
    summary: dict[str, Any]
    cards: list[Card]
    wallet: Wallet | None = None
    agreement: Agreement | None = None
    done: bool = False
    _kept: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, read: Callable[[], Any]) -> Any:
        """Read something that the rules ask for more than once; a target lives as long as its transaction."""
        if name not in self._kept:
            self._kept[name] = read()
        return self._kept[name]


def resolve(session: Session, *, owner: str, kind: str, target: str) -> Target:
    """Find the target of an operation; raises 404 for what is not the owner's, 422 for what this kind cannot have."""
    if bindings.account(session, owner) is None:
        raise not_found()
    if kind == "card.unbind" or (kind == "quick_pay.disable" and target != "all"):
        found = _card(session, owner, target)
        done = found.state == "unbound" or (kind == "quick_pay.disable" and not found.quick_pay)
        return Target(found.id, _card_summary(found), [found], done=done)
    if kind == "quick_pay.disable":
        on = [c for c in bindings.cards(session, owner) if c.quick_pay]
        return Target("all", {"type": "all_cards", "count": len(on)}, on, done=not on)
    if kind == "wallet.unbind":
        return _wallet(session, owner, target)
    if kind == "agreement.terminate":
        return _agreement(session, owner, target)
    if kind == "card.bind":
        if target not in policy().banks:
            # What was given is not repeated: answers are kept, and somebody may have given a card's number.
            raise Problem(422, "invalid_target", f"a bank is needed, one of {', '.join(policy().banks)}")
        return Target(f"new_card:{target}", {"type": "new_card", "bank": target}, [])
    if target not in policy().wallets:
        raise Problem(422, "invalid_target", f"a wallet is needed, one of {', '.join(policy().wallets)}")
    bound = any(w.kind == target for w in bindings.wallets(session, owner))
    return Target(f"new_wallet:{target}", {"type": "new_wallet", "kind": target}, [], done=bound)


def _card(session: Session, owner: str, target: str) -> Card:
    if not target.startswith("card_"):
        raise Problem(422, "invalid_target", "a card's id is needed")
    found = bindings.card(session, owner, target)
    if found is None:
        raise not_found()
    return found


def _card_summary(found: Card) -> dict[str, Any]:
    return {"type": "card", "id": found.id, "bank": found.bank, "tail": found.tail, "card_type": found.type}


def _wallet(session: Session, owner: str, target: str) -> Target:
    if not target.startswith("wal_"):
        raise Problem(422, "invalid_target", "a wallet's id is needed")
    found = bindings.wallet(session, owner, target)
    if found is None:
        raise not_found()
    summary = {"type": "wallet", "id": found.id, "kind": found.kind}
    return Target(found.id, summary, [], wallet=found, done=found.state == "unbound")


def _agreement(session: Session, owner: str, target: str) -> Target:
    if not target.startswith("agr_"):
        raise Problem(422, "invalid_target", "an agreement's id is needed")
    found = bindings.agreement(session, owner, target)
    if found is None:
        raise not_found()
    summary: dict[str, Any] = {"type": "agreement", "id": found.id, "merchant": found.merchant}
    card = bindings.card(session, owner, found.card_id) if found.card_id else None
    if card is not None:
        summary |= {"bank": card.bank, "tail": card.tail}
    return Target(found.id, summary, [], agreement=found, done=found.state == "terminated")
