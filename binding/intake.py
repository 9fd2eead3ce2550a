"""Take over accounts from a company's own records: `python -m binding.intake < accounts.jsonl`, one JSON object a line.

A line says what an account has; it may be given again, whole or changed, and by a daily feed. The ledger stays the truth of what was done here:
what an operation ended or closed is never opened again by a line that is older than it, it is told as a difference. Payment passwords are not taken
(they are hashed with this ledger's pepper, and belong in no file): an account without one is verified by code.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, TypeVar

import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from binding import audit
from binding.clock import now
from binding.database import writing
from binding.ids import new_id
from binding.migrate import alone, migrate
from binding.models import Account, Agreement, Card, Obligation, Wallet
from binding.models.binding import OBLIGATION_STATES
from binding.service import masks
from binding.service.accounts import Bank, Tail, WalletKind
from binding.settings import settings

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Money = Annotated[int, Field(ge=0, le=10**15, description="minor units")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
_Bound = TypeVar("_Bound", Card, Wallet, Agreement)
ENDED = {"cards": "unbound", "wallets": "unbound", "agreements": "terminated"}


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CardLine(_Said):
    """A card by the bank's signed agreement; `reserved_phone` masked (138****5678)."""

    protocol_no: Id
    bank: Bank
    tail: Tail
    type: Literal["debit", "credit"] = "debit"
    quick_pay: bool = True
    repayment: bool = False
    reserved_phone: Annotated[str, Field(pattern=r"^[0-9]{3}\*{4}[0-9]{4}$")] | None = None
    bound_at: Annotated[AwareDatetime, Field(strict=False)] | None = None


class WalletLine(_Said):
    """A linked wallet; `account_masked` is what the customer may be shown of it."""

    protocol_no: Id
    kind: WalletKind
    account_masked: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*\*[^\x00]*$")]
    bound_at: Annotated[AwareDatetime, Field(strict=False)] | None = None


class AgreementLine(_Said):
    """An automatic deduction; `card` is the protocol number of a card of this line."""

    protocol_no: Id
    merchant: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]
    card: Id | None = None
    kind: Literal["auto_renew", "password_free", "repayment"] = "auto_renew"
    amount: Money | None = None
    currency: Currency = "CNY"
    next_charge_at: Annotated[AwareDatetime, Field(strict=False)] | None = None


class ObligationLine(_Said):
    """A debt, an unfinished order or a refund on its way, by the company's own number."""

    id: Id
    kind: Literal["debt", "open_order", "refund"]
    card: Id | None = None
    amount: Money
    currency: Currency = "CNY"
    state: Literal["open", "settled"] = "open"


class Line(_Said):
    """One account. `account` is the `sub` of its customer tokens; `obligations`, where it is given, lists all that are open."""

    account: Id
    phone: Annotated[str, Field(pattern=r"^(\+?86)?1[3-9][0-9]{9}$")]
    language: Literal["zh", "en"] = "zh"
    frozen: bool = False
    cards: list[CardLine] = []
    wallets: list[WalletLine] = []
    agreements: list[AgreementLine] = []
    obligations: list[ObligationLine] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Line:
        given: dict[str, list[str]] = {
            "cards": [c.protocol_no for c in self.cards],
            "wallets": [str(w.kind) for w in self.wallets],
            "protocol numbers": [
                *(c.protocol_no for c in self.cards),
                *(w.protocol_no for w in self.wallets),
                *(a.protocol_no for a in self.agreements),
            ],
            "obligations": [o.id for o in self.obligations or ()],
        }
        for name, ids in given.items():
            if len(set(ids)) != len(ids):
                raise ValueError(f"{name}: one is given twice")
        for card in [a.card for a in self.agreements] + [o.card for o in self.obligations or ()]:
            if card is not None and card not in given["cards"]:
                raise ValueError("card: not among the cards of this line")
        return self


class Refused(ValueError):
    """A line that cannot be taken; its text holds no value of the line but protocol numbers and ids."""


def take(session: Session, line: Line) -> tuple[Counter[str], list[dict[str, str]]]:
    """Write one account, whose lock is held; returns how much was made, changed and settled, and what the ledger knows better."""
    did: Counter[str] = Counter()
    better: list[dict[str, str]] = []
    moment = now(session)
    account = session.get(Account, line.account)
    told = {"phone": line.phone[-11:], "language": line.language, "frozen": line.frozen}
    if account is None:
        session.add(Account(id=line.account, created_at=moment, payment_password_hash=None, **told))
        session.flush()
        did["made"] += 1
    else:
        did["changed"] += _change(account, **told)
    cards: dict[str, str] = {}
    for card in line.cards:
        found = _known(session, Card, line.account, card.protocol_no)
        if found is None:
            found = Card(
                id=new_id("card"), account_id=line.account, state="bound", bound_at=card.bound_at or moment,
                **card.model_dump(exclude={"bound_at"}),
            )  # fmt: skip
            session.add(found)
            did["made"] += 1
        elif _alive(found, "cards", better):
            _same(found, card, ("bank", "tail", "type"))
            if found.quick_pay != card.quick_pay:
                better.append(_difference("cards", found, "quick payment is " + ("on" if found.quick_pay else "off")))
            did["changed"] += _change(found, repayment=card.repayment, reserved_phone=card.reserved_phone)
        cards[card.protocol_no] = found.id
    session.flush()
    for wallet in line.wallets:
        linked = _known(session, Wallet, line.account, wallet.protocol_no)
        if linked is None:
            values = wallet.model_dump(exclude={"bound_at"}) | {"bound_at": wallet.bound_at or moment}
            session.add(Wallet(id=new_id("wal"), account_id=line.account, state="bound", **values))
            did["made"] += 1
        elif _alive(linked, "wallets", better):
            _same(linked, wallet, ("kind",))
            did["changed"] += _change(linked, account_masked=wallet.account_masked)
    for agreed in line.agreements:
        running = _known(session, Agreement, line.account, agreed.protocol_no)
        values = agreed.model_dump(exclude={"card", "protocol_no"}) | {"card_id": cards.get(agreed.card or "")}
        if running is None:
            made = Agreement(
                id=new_id("agr"), account_id=line.account, state="active", protocol_no=agreed.protocol_no, **values
            )
            session.add(made)
            did["made"] += 1
        elif _alive(running, "agreements", better):
            _same(running, agreed, ("merchant", "kind"))
            did["changed"] += _change(running, **values)
    did += _take_obligations(session, line, cards)
    session.flush()
    if +did:
        data: dict[str, Any] = dict(did)
        audit.record(session, account_id=line.account, event="account.intake", actor="intake", **data)
    return did, better


def _take_obligations(session: Session, line: Line, cards: dict[str, str]) -> Counter[str]:
    did: Counter[str] = Counter()
    if line.obligations is None:
        return did
    named = {owed.id for owed in line.obligations}
    for owed in line.obligations:
        values = owed.model_dump(exclude={"card", "id"}) | {"card_id": cards.get(owed.card or "")}
        known = session.get(Obligation, owed.id)
        if known is None:
            session.add(Obligation(id=owed.id, account_id=line.account, **values))
            did["made"] += 1
        elif known.account_id != line.account:
            raise Refused(f"obligations: {owed.id} is another account's")
        else:
            did["changed"] += _change(known, **values)
    open_, settled = OBLIGATION_STATES
    for known in session.scalars(
        sa.select(Obligation).where(Obligation.account_id == line.account, Obligation.state == open_)
    ):
        if known.id not in named:
            known.state = settled
            did["settled"] += 1
    return did


def _known(session: Session, table: type[_Bound], owner: str, protocol_no: str) -> _Bound | None:
    """Find by the protocol number; raises Refused where it is another account's."""
    found = session.scalar(sa.select(table).where(table.protocol_no == protocol_no))
    if found is not None and found.account_id != owner:
        raise Refused(f"{table.__tablename__}: {protocol_no} is another account's")
    return found


def _alive(found: Card | Wallet | Agreement, kind: str, better: list[dict[str, str]]) -> bool:
    """Tell whether what a line gives still stands; what has ended here does not rise again."""
    if found.state == ENDED[kind]:
        better.append(_difference(kind, found, f"it is {found.state}"))
    return found.state != ENDED[kind]


def _difference(kind: str, found: Card | Wallet | Agreement, here: str) -> dict[str, str]:
    return {"kind": kind, "protocol_no": found.protocol_no, "here": here}


def _same(found: Any, said: BaseModel, names: Iterable[str]) -> None:
    """Raise Refused where a protocol number stands for another thing than it did: that is a fault of the records."""
    for name in names:
        if getattr(found, name) != getattr(said, name):
            raise Refused(f"{found.__tablename__}: {found.protocol_no} has another {name} here")


def _change(row: Any, **values: Any) -> int:
    """Set what differs; returns 1 when anything did."""
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return 1 if changed else 0


def read(text: str) -> Line:
    """Read one line; raises Refused with the fields' names and without their values."""
    try:
        return Line.model_validate_json(text)
    except ValidationError as error:
        reasons = [
            ".".join(map(str, one["loc"])) + f": {one['msg']}" if one["loc"] else one["msg"]
            for one in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise Refused("; ".join(reasons[:5])) from None


def intake(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Take lines, each as a whole or not at all; yields refusals and differences, and at last the sums."""
    sums: Counter[str] = Counter(lines=0, made=0, changed=0, settled=0, refused=0, differences=0)
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        sums["lines"] += 1
        try:
            line = read(text)
            with writing(line.account) as session:
                did, better = take(session, line)
        except (Refused, IntegrityError) as error:
            sums["refused"] += 1
            why = str(error) if isinstance(error, Refused) else "a rule of the tables forbids it: " + _rule(error)
            yield {"line": number, "refused": why}
            continue
        sums.update(did)
        sums["differences"] += len(better)
        yield from ({"line": number, "account": masks.account(line.account), **one} for one in better)
    yield dict(sums)


def _rule(error: IntegrityError) -> str:
    """Name the rule; what the database says beside it may hold values."""
    said = str(error.orig)
    twice = "uq_wallets_live" in said or "wallets.kind" in said
    return "a wallet of this kind is linked already" if twice else type(error.orig).__name__


def main() -> int:
    """Read standard input; exit 1 when a line was refused."""
    settings().home.mkdir(parents=True, exist_ok=True)
    with alone():
        migrate()
    refused = 0
    for said in intake(sys.stdin):
        refused = said["refused"] if "lines" in said else refused
        sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
    return 1 if refused else 0


if __name__ == "__main__":
    raise SystemExit(main())
