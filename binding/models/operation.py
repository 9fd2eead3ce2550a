"""Operations: what a customer asked for, and what became of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from binding.models.base import Base, one_of

KINDS = ("card.unbind", "card.bind", "quick_pay.disable", "wallet.unbind", "wallet.bind", "agreement.terminate")
OPEN = ("awaiting_verification", "processing", "pending", "manual_review")
CLOSED = ("succeeded", "failed", "cancelled", "expired")
SENDABLE = ("processing", "pending")  # may be sent to the bank, again too
UNDECIDED = (*SENDABLE, "manual_review")
_OPEN_SQL = sa.text("status IN ('awaiting_verification', 'processing', 'pending', 'manual_review')")


class Operation(Base):
    """One operation. `target_key` names what it locks: at most one open operation per account and target."""

    __tablename__ = "operations"
    __table_args__ = (
        one_of("kind", KINDS, "kind"),
        one_of("status", OPEN + CLOSED, "status"),
        sa.CheckConstraint("failed_attempts >= 0 AND failed_attempts <= 3", name="attempts"),
        sa.CheckConstraint(
            "(status IN ('succeeded', 'failed', 'cancelled', 'expired')) = (finished_at IS NOT NULL)", name="finished"
        ),
        sa.Index(
            "uq_operations_open_target", "account_id", "target_key", unique=True,
            sqlite_where=_OPEN_SQL, postgresql_where=_OPEN_SQL,
        ),
        sa.Index("ix_operations_status_step", "status", "last_step_at"),
        sa.Index("ix_operations_caller_created", "caller", "created_at"),
        sa.Index(
            "ix_operations_actor_created", "actor", "created_at",
            sqlite_where=sa.text("actor IS NOT NULL"), postgresql_where=sa.text("actor IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"), index=True)
    kind: Mapped[str]
    status: Mapped[str]
    target: Mapped[str]
    target_key: Mapped[str]
    target_summary: Mapped[dict[str, Any]]
    effects: Mapped[list[dict[str, Any]]]
    effects_version: Mapped[str]
    reference: Mapped[str] = mapped_column(unique=True)
    reason_code: Mapped[str | None]
    failed_attempts: Mapped[int] = mapped_column(default=0)
    conversation: Mapped[str | None]
    actor: Mapped[str | None]
    caller: Mapped[str]
    bank_request: Mapped[dict[str, Any] | None]
    bank_ref: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    eta: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    last_step_at: Mapped[dt.datetime]
    accepted_at: Mapped[dt.datetime | None]
    waiting_until: Mapped[dt.datetime | None]
    answered_status: Mapped[str | None]
    finished_at: Mapped[dt.datetime | None]
