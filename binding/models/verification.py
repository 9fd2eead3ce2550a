"""Challenges, and the failures that are counted against an account."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from binding.models.base import Base, one_of
from binding.models.states import CALL, CHALLENGE

METHODS = ("sms", "payment_password", "card_details")


class Call(Base):
    """A telephone call at the desk: whose phone number was given, by which agent, and whether the caller proved it.

    A number that nobody registered gets a row too, with no account, and behaves the same to the outside.
    """

    __tablename__ = "calls"
    __table_args__ = (one_of("state", tuple(CALL), "state"), sa.Index("ix_calls_agent_created", "agent", "created_at"))

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str | None] = mapped_column(sa.ForeignKey("accounts.id"))
    agent: Mapped[str]
    state: Mapped[str] = mapped_column(default="open")
    failed_attempts: Mapped[int] = mapped_column(default=0)
    sends: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    verified_at: Mapped[dt.datetime | None]


class Challenge(Base):
    """One code that was sent, or one secure page that was opened. Only a salted, peppered hash is kept.

    `effects_version`: which effects the customer said yes to when it was opened; with others it accepts nothing. None: a
    call's, or opened by a version of the service that did not keep it.
    """

    __tablename__ = "challenges"
    __table_args__ = (
        one_of("method", METHODS, "method"),
        one_of("state", tuple(CHALLENGE), "state"),
        sa.CheckConstraint("(operation_id IS NULL) <> (call_id IS NULL)", name="subject"),
        sa.Index("ix_challenges_account_sent", "account_id", "created_at"),
        sa.Index(
            "uq_challenges_live_sms", "account_id", unique=True,
            sqlite_where=sa.text("method = 'sms' AND state IN ('sending', 'issued')"),
            postgresql_where=sa.text("method = 'sms' AND state IN ('sending', 'issued')"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"))
    operation_id: Mapped[str | None] = mapped_column(sa.ForeignKey("operations.id"), index=True)
    call_id: Mapped[str | None] = mapped_column(sa.ForeignKey("calls.id"), index=True)
    method: Mapped[str]
    state: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(index=True)
    salt: Mapped[str]
    destination: Mapped[str | None]
    effects_version: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]


class Failure(Base):
    """One wrong code, password or card. Resending, new operations and restarts never remove a row.

    A card's details have theirs before the bank looks at them; it goes when they were right or no answer came.
    """

    __tablename__ = "verification_failures"
    __table_args__ = (sa.Index("ix_verification_failures_account_at", "account_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"))
    operation_id: Mapped[str | None] = mapped_column(sa.ForeignKey("operations.id"))
    challenge_id: Mapped[str] = mapped_column(sa.ForeignKey("challenges.id"))
    method: Mapped[str]
    at: Mapped[dt.datetime]
