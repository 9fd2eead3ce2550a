# ruff: noqa: ARG001 - the functions of a table share one signature
"""Effects: what comes along with an operation, told before the customer says yes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy.orm import Session

from binding.policy import policy
from binding.repository import bindings
from binding.service.targets import Target

Effect = dict[str, Any]


def effects_of(session: Session, *, owner: str, kind: str, target: Target) -> list[Effect]:
    """List the effects of an operation as things stand now, in the order of the policy."""
    found: list[Effect] = []
    for code in policy().operations[kind].effects:
        found += _EFFECTS[code](session, owner, kind, target)
    return found


def version_of(effects: list[Effect]) -> str:
    """Name a list of effects: 16 hexadecimal digits that change when it does."""
    canonical = json.dumps(effects, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _quick_pay_stops(session: Session, owner: str, kind: str, target: Target) -> list[Effect]:
    on = [c for c in target.cards if c.quick_pay]
    if not on:
        return []
    return [{"code": "quick_pay_stops"} if kind == "card.unbind" else {"code": "quick_pay_stops", "count": len(on)}]


def _quick_pay_starts(session: Session, owner: str, kind: str, target: Target) -> list[Effect]:
    return [{"code": "quick_pay_starts", "bank": target.summary["bank"]}]


def _renewal_stops(session: Session, owner: str, kind: str, target: Target) -> list[Effect]:
    if target.agreement is not None:
        return [_renewal(target.agreement.merchant, target.agreement.id)]
    return [_renewal(a.merchant, a.id) for c in target.cards for a in bindings.agreements_on(session, owner, c.id)]


def _renewal(merchant: str, agreement_id: str) -> Effect:
    return {"code": "renewal_stops", "merchant": merchant, "agreement_id": agreement_id}


def _other_ways_stay(session: Session, owner: str, kind: str, target: Target) -> list[Effect]:
    count = len(_other_cards(session, owner, target)) + len(
        [w for w in bindings.wallets(session, owner) if target.wallet is None or w.id != target.wallet.id]
    )
    return [{"code": "other_ways_stay", "count": count}] if count else []


def _last_card(session: Session, owner: str, kind: str, target: Target) -> list[Effect]:
    return [] if _other_cards(session, owner, target) else [{"code": "last_card"}]


def _other_cards(session: Session, owner: str, target: Target) -> list[Any]:
    mine = {c.id for c in target.cards}
    bound = target.once("bound cards", lambda: bindings.bound_cards(session, owner))
    return [c for c in bound if c.id not in mine]


def _card_stays(session: Session, owner: str, kind: str, target: Target) -> list[Effect]:
    return [{"code": "card_stays", "count": len(target.cards)}]


def _wallet_stops(session: Session, owner: str, kind: str, target: Target) -> list[Effect]:
    assert target.wallet is not None
    return [{"code": "wallet_stops", "wallet": target.wallet.kind}]


def _wallet_starts(session: Session, owner: str, kind: str, target: Target) -> list[Effect]:
    return [{"code": "wallet_starts", "wallet": target.summary["kind"]}]


_EFFECTS = {
    "quick_pay_stops": _quick_pay_stops,
    "quick_pay_starts": _quick_pay_starts,
    "renewal_stops": _renewal_stops,
    "other_ways_stay": _other_ways_stay,
    "last_card": _last_card,
    "card_stays": _card_stays,
    "wallet_stops": _wallet_stops,
    "wallet_starts": _wallet_starts,
}
