"""What an account has bound: cards, wallets, agreements; and what stands open on it."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from binding.models.base import Base, one_of
from binding.models.states import AGREEMENT, CARD, WALLET

OBLIGATION_STATES = ("open", "settled")


class Card(Base):
    """A bound bank card: bank, type and last four digits, never more. `protocol_no` is the bank's signed agreement.

    `reserved_phone` is the number that the bank sends this card's codes to, masked (138****5678); None where it is not known.
    """

    __tablename__ = "cards"
    __table_args__ = (
        one_of("state", tuple(CARD), "state"),
        one_of("type", ("debit", "credit"), "type"),
        sa.CheckConstraint("reserved_phone LIKE '___****____'", name="reserved_phone"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"), index=True)
    bank: Mapped[str]
    type: Mapped[str] = mapped_column(default="debit")
    tail: Mapped[str]
    quick_pay: Mapped[bool] = mapped_column(default=True)
    repayment: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default="bound")
    protocol_no: Mapped[str] = mapped_column(unique=True)
    unbound_count: Mapped[int] = mapped_column(default=0)
    bound_at: Mapped[dt.datetime]
    unbound_at: Mapped[dt.datetime | None]
    reserved_phone: Mapped[str | None]


class Wallet(Base):
    """A linked digital wallet."""

    __tablename__ = "wallets"
    __table_args__ = (
        one_of("state", tuple(WALLET), "state"),
        sa.Index(
            "uq_wallets_live", "account_id", "kind", unique=True,
            sqlite_where=sa.text("state <> 'unbound'"), postgresql_where=sa.text("state <> 'unbound'"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"), index=True)
    kind: Mapped[str]
    account_masked: Mapped[str]
    state: Mapped[str] = mapped_column(default="bound")
    protocol_no: Mapped[str] = mapped_column(unique=True)
    bound_at: Mapped[dt.datetime]
    unbound_at: Mapped[dt.datetime | None]


class Agreement(Base):
    """An automatic deduction: a merchant's renewal or a password-free payment. Amounts are minor units."""

    __tablename__ = "agreements"
    __table_args__ = (
        one_of("state", tuple(AGREEMENT), "state"),
        one_of("kind", ("auto_renew", "password_free", "repayment"), "kind"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"), index=True)
    card_id: Mapped[str | None] = mapped_column(sa.ForeignKey("cards.id"), index=True)
    merchant: Mapped[str]
    kind: Mapped[str] = mapped_column(default="auto_renew")
    amount: Mapped[int | None] = mapped_column(sa.BigInteger)
    currency: Mapped[str] = mapped_column(default="CNY")
    next_charge_at: Mapped[dt.datetime | None]
    state: Mapped[str] = mapped_column(default="active")
    protocol_no: Mapped[str] = mapped_column(unique=True)
    ended_at: Mapped[dt.datetime | None]


class Obligation(Base):
    """An unpaid debt, an unfinished order or a refund on its way. Amounts are minor units."""

    __tablename__ = "obligations"
    __table_args__ = (
        one_of("kind", ("debt", "open_order", "refund"), "kind"),
        one_of("state", OBLIGATION_STATES, "state"),
        sa.CheckConstraint("amount >= 0", name="amount"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"), index=True)
    card_id: Mapped[str | None] = mapped_column(sa.ForeignKey("cards.id"), index=True)
    kind: Mapped[str]
    amount: Mapped[int] = mapped_column(sa.BigInteger)
    currency: Mapped[str]
    state: Mapped[str] = mapped_column(default="open")
