"""Sandbox accounts: made to order, shown as they are, seeded once."""

from __future__ import annotations

import datetime as dt
import functools
import secrets
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from binding import audit
from binding.clock import now, real_now
from binding.ids import new_id, new_reference
from binding.models import Account, Agreement, Card, Obligation, Operation, Wallet
from binding.models.operation import CLOSED
from binding.policy import policy
from binding.repository import bindings
from binding.service import masks
from binding.service.effects import effects_of, version_of
from binding.service.finish import apply_success
from binding.service.reserve import reserve
from binding.service.targets import resolve
from binding.verification.passwords import hash_password

DEFAULT_PASSWORD = "246810"  # noqa: S105 - documented, sandbox only
Bank = Literal[
    "cmb", "icbc", "ccb", "abc", "boc", "bocom", "psbc", "citic", "ceb", "cmbc", "cib", "spdb", "pab", "gdb", "hxb"
]
WalletKind = Literal["alipay", "wechat_pay", "unionpay_quickpass", "apple_pay", "ecny", "huawei_pay"]
Tail = Annotated[str, Field(pattern=r"^[0-9]{4}$", description="the last four digits")]
CardRef = Annotated[
    str, Field(pattern=r"^([a-z]+:)?[0-9]{4}$", description="a card's tail, or `bank:tail` where two share it")
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CardSpec(_Strict):
    bank: Bank
    tail: Tail
    type: Literal["debit", "credit"] = "debit"
    quick_pay: bool = True
    repayment: bool = False


class AgreementSpec(_Strict):
    merchant: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]
    card: CardRef
    kind: Literal["auto_renew", "password_free", "repayment"] = "auto_renew"
    amount: Annotated[int, Field(ge=0, le=10**15)] = 2500
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"


class ObligationSpec(_Strict):
    kind: Literal["debt", "open_order", "refund"]
    card: CardRef | None = None
    amount: Annotated[int, Field(ge=0, le=10**15, description="minor units")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"


class OperationSpec(_Strict):
    kind: Literal[
        "card.unbind", "card.bind", "quick_pay.disable", "wallet.unbind", "wallet.bind", "agreement.terminate"
    ]
    target: Annotated[str, Field(min_length=1, max_length=64)]
    status: Literal[
        "awaiting_verification", "processing", "pending", "succeeded", "failed", "cancelled", "expired", "manual_review"
    ]


class AccountSpec(_Strict):
    """A sandbox account. Defaults: a phone of its own, Chinese, payment password 246810, not frozen, nothing bound."""

    phone: Annotated[str, Field(pattern=r"^(\+?86)?1[3-9][0-9]{9}$")] | None = None
    language: Literal["zh", "en"] = "zh"
    payment_password: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = DEFAULT_PASSWORD
    frozen: bool = False
    cards: list[CardSpec] = []
    wallets: list[WalletKind] = []
    agreements: list[AgreementSpec] = []
    obligations: list[ObligationSpec] = []
    operations: list[OperationSpec] = []

    @model_validator(mode="after")
    def _consistent(self) -> AccountSpec:
        pairs = [(c.bank, c.tail) for c in self.cards]
        if len(set(pairs)) != len(pairs):
            raise ValueError("two cards have the same bank and tail")
        if len(set(self.wallets)) != len(self.wallets):
            raise ValueError("a wallet is listed twice")
        for ref in [a.card for a in self.agreements] + [o.card for o in self.obligations if o.card]:
            matches = [p for p in pairs if ref in (p[1], f"{p[0]}:{p[1]}")]
            if not matches:
                raise ValueError(f"no card of this account is {ref}")
            if len(matches) > 1:
                raise ValueError(
                    f"{ref} is more than one card; name it bank:tail, for example {matches[0][0]}:{matches[0][1]}"
                )
        return self


def create(session: Session, *, spec: AccountSpec, account_id: str | None = None) -> str:
    """Make an account as specified; returns its id. Raises ValueError for an operation whose target is not there."""
    moment = now(session)
    phone = (spec.phone or _free_phone(session))[-11:]
    account = Account(
        id=account_id or new_id("acc"), phone=phone, language=spec.language, frozen=spec.frozen, created_at=moment,
        payment_password_hash=_hash_once(spec.payment_password) if spec.payment_password else None,
    )  # fmt: skip
    session.add(account)
    session.flush()
    cards: dict[str, Card] = {}
    for index, item in enumerate(spec.cards):
        card = Card(
            id=new_id("card"), account_id=account.id, bank=item.bank, type=item.type, tail=item.tail,
            quick_pay=item.quick_pay, repayment=item.repayment, state="bound", protocol_no=new_id("BP"),
            bound_at=moment - dt.timedelta(days=400 - index), reserved_phone=masks.phone(phone),
        )  # fmt: skip
        session.add(card)
        cards[item.tail] = cards[f"{item.bank}:{item.tail}"] = card
    session.flush()
    for kind in spec.wallets:
        session.add(
            Wallet(
                id=new_id("wal"), account_id=account.id, kind=kind, account_masked=masks.phone(phone), state="bound",
                protocol_no=new_id("BP"), bound_at=moment - dt.timedelta(days=200),
            )
        )  # fmt: skip
    for agreed in spec.agreements:
        session.add(
            Agreement(
                id=new_id("agr"), account_id=account.id, card_id=cards[agreed.card].id, merchant=agreed.merchant,
                kind=agreed.kind, amount=agreed.amount, currency=agreed.currency, state="active",
                next_charge_at=moment + dt.timedelta(days=14), protocol_no=new_id("BP"),
            )
        )  # fmt: skip
    for owed in spec.obligations:
        session.add(
            Obligation(
                id=new_id("obl"), account_id=account.id, card_id=cards[owed.card].id if owed.card else None,
                kind=owed.kind, amount=owed.amount, currency=owed.currency, state="open",
            )
        )  # fmt: skip
    session.flush()
    audit.record(session, account_id=account.id, event="account.created", actor="sandbox")
    for asked in spec.operations:
        _add_operation(session, account, asked, moment)
    return account.id


@functools.lru_cache(maxsize=64)
def _hash_once(password: str) -> str:
    # Sandbox accounts mostly have the same password; their hash is made to be slow.
    return hash_password(password)


def _free_phone(session: Session) -> str:
    while True:
        phone = f"139{secrets.randbelow(10**8):08d}"
        if session.scalar(sa.select(Account.id).where(Account.phone == phone)) is None:
            return phone


def target_id(session: Session, *, owner: str, kind: str, target: str) -> str:
    """Turn a sandbox target (tail, wallet kind, merchant, bank, `all`) into an operation's target; raises ValueError."""
    if kind in ("card.bind", "wallet.bind") or target == "all":
        return target
    if kind in ("card.unbind", "quick_pay.disable"):
        found = [c.id for c in bindings.cards(session, owner) if target in (c.tail, f"{c.bank}:{c.tail}", c.id)]
    elif kind == "wallet.unbind":
        found = [w.id for w in bindings.wallets(session, owner) if target in (w.kind, w.id)]
    else:
        rows = session.scalars(sa.select(Agreement).where(Agreement.account_id == owner, Agreement.state == "active"))
        found = [a.id for a in rows if target in (a.merchant, a.id)]
    if len(found) != 1:
        raise ValueError(f"the target {target!r} of {kind} is {'not there' if not found else 'more than one thing'}")
    return found[0]


def _add_operation(session: Session, account: Account, asked: OperationSpec, moment: dt.datetime) -> None:
    chosen = target_id(session, owner=account.id, kind=asked.kind, target=asked.target)
    target = resolve(session, owner=account.id, kind=asked.kind, target=chosen)
    effects = effects_of(session, owner=account.id, kind=asked.kind, target=target)
    reasons = {
        "failed": "bank_rejected", "cancelled": "cancelled_by_customer", "expired": "verification_expired",
        "manual_review": "manual_review",
    }  # fmt: skip
    operation = Operation(
        id=new_id("op"), account_id=account.id, kind=asked.kind, status=asked.status, target=chosen, target_key=target.key,
        target_summary=target.summary, effects=effects, effects_version=version_of(effects), reference=new_reference(),
        reason_code=reasons.get(asked.status), caller="sandbox", created_at=moment, updated_at=moment,
        last_step_at=moment, finished_at=moment if asked.status in CLOSED else None,
        accepted_at=real_now() if asked.status in ("processing", "pending", "manual_review") else None,
        eta=moment + dt.timedelta(seconds=policy().bank.eta_s) if asked.status == "pending" else None,
    )  # fmt: skip
    session.add(operation)
    session.flush()
    if asked.status in ("processing", "pending", "manual_review", "succeeded"):
        operation.bank_request = reserve(session, found=operation, target=target)
        if asked.kind == "card.bind":
            operation.bank_request |= {"card_token": "seeded", "tail": "0000", "card_type": "debit"}
    if asked.status == "succeeded":
        operation.result = apply_success(session, operation, moment)
    session.flush()
    audit.record(
        session, account_id=account.id, event=f"operation.{asked.status}", actor="sandbox", operation_id=operation.id
    )
    session.expire_all()  # the target moved in the database


def show(session: Session, *, account_id: str) -> dict[str, Any] | None:
    """Show the true state of an account in the shape it was made from; only what is still bound, active or open."""
    account = bindings.account(session, account_id)
    if account is None:
        return None
    cards = bindings.cards(session, account_id)
    tails = {c.id: c.tail for c in session.scalars(sa.select(Card).where(Card.account_id == account_id))}
    agreements = session.scalars(
        sa.select(Agreement)
        .where(Agreement.account_id == account_id, Agreement.state != "terminated")
        .order_by(Agreement.id)
    )
    operations = session.scalars(sa.select(Operation).where(Operation.account_id == account_id).order_by(Operation.id))
    return {
        "account": account.id, "phone": account.phone, "language": account.language, "frozen": account.frozen,
        "cards": [
            {"id": c.id, "bank": c.bank, "tail": c.tail, "type": c.type, "quick_pay": c.quick_pay,
             "repayment": c.repayment, "state": c.state}
            for c in cards
        ],
        "wallets": [w.kind for w in bindings.wallets(session, account_id)],
        "agreements": [
            {"id": a.id, "merchant": a.merchant, "card": tails.get(a.card_id or ""), "kind": a.kind, "amount": a.amount,
             "currency": a.currency, "state": a.state}
            for a in agreements
        ],
        "obligations": [
            {"id": o.id, "kind": o.kind, "card": tails.get(o.card_id or ""), "amount": o.amount, "currency": o.currency}
            for o in bindings.open_obligations(session, account_id)
        ],
        "operations": [
            {"id": o.id, "kind": o.kind, "target": _plain_target(o), "status": o.status, "target_id": o.target,
             "reason_code": o.reason_code, "reference": o.reference}
            for o in operations
        ],
    }  # fmt: skip


def _plain_target(operation: Operation) -> str:
    summary = operation.target_summary
    return str({"card": summary.get("tail"), "wallet": summary.get("kind"), "agreement": summary.get("merchant")}.get(
        summary["type"], operation.target
    ))  # fmt: skip


def demo_specs() -> dict[str, AccountSpec]:
    """Describe the two seeded accounts; each has one card, cmb 1234, with nothing in its way."""
    cards = [
        CardSpec(bank="cmb", tail="1234", type="debit"),
        CardSpec(bank="icbc", tail="5678", type="credit"),
        CardSpec(bank="ccb", tail="9012", type="debit", quick_pay=False),
    ]
    debt = [ObligationSpec(kind="debt", card="5678", amount=128000)]
    return {
        "demo-zh": AccountSpec(
            phone="13800001234", language="zh", cards=cards, wallets=["alipay", "wechat_pay"], obligations=debt,
            agreements=[AgreementSpec(merchant="爱奇艺", card="1234", amount=2500)],
        ),
        "demo-en": AccountSpec(
            phone="13900005678", language="en", cards=cards, wallets=["alipay", "apple_pay"], obligations=debt,
            agreements=[AgreementSpec(merchant="Netflix", card="1234", amount=6800)],
        ),
    }  # fmt: skip


def seed_demos(session: Session) -> list[str]:
    """Make the demo accounts that are not there yet; returns their ids."""
    made = [i for i in demo_specs() if bindings.account(session, i) is None]
    for account_id in made:
        create(session, spec=demo_specs()[account_id], account_id=account_id)
    return made
