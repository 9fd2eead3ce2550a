"""The books beside the objects: idempotency keys, notices, events and the audit trail."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from binding.models.base import Base, one_of


class Idempotency(Base):
    """The answer to one request, kept under its key; the key is scoped to account and route."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (one_of("state", ("working", "done"), "state"),)

    account_id: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[str]
    state: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[dict[str, Any] | None]
    subject: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(index=True)


class Notice(Base):
    """One message to the customer about an operation; its id is the phone company's idempotency key."""

    __tablename__ = "notices"
    __table_args__ = (
        one_of("channel", ("sms", "push"), "channel"),
        one_of("state", ("queued", "sent", "failed"), "state"),
        sa.UniqueConstraint("operation_id", "template", "channel", name="uq_notices_once"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"), index=True)
    operation_id: Mapped[str] = mapped_column(sa.ForeignKey("operations.id"))
    channel: Mapped[str]
    template: Mapped[str]
    fallback: Mapped[str | None]
    text: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]


class OutboxEvent(Base):
    """One signed event for the gateway; its id is the webhook id."""

    __tablename__ = "outbox_events"
    __table_args__ = (one_of("state", ("queued", "delivered", "superseded", "failed"), "state"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"))
    operation_id: Mapped[str] = mapped_column(sa.ForeignKey("operations.id"), index=True)
    type: Mapped[str]
    status: Mapped[str]
    data: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime]
    delivered_at: Mapped[dt.datetime | None]


class AuditRow(Base):
    """One line of the audit trail: append-only (a trigger refuses the rest), chained by hash per account."""

    __tablename__ = "audit_log"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime]
    event: Mapped[str]
    operation_id: Mapped[str | None] = mapped_column(index=True)
    actor: Mapped[str]
    data: Mapped[dict[str, Any]]
    prev_hash: Mapped[str]
    hash: Mapped[str]


class AuditHead(Base):
    """The last line of each account's chain, sealed, so that cutting the end off is noticed."""

    __tablename__ = "audit_heads"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str]
    seal: Mapped[str]
