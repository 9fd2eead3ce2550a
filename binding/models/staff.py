"""The staff: who may look into the ledger, and what two of them decided about an operation."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from binding.models.base import Base, one_of

DECISION_STATES = ("proposed", "confirmed", "turned_down", "applied", "overtaken")
_LIVE = sa.text("state IN ('proposed', 'confirmed')")


class Staff(Base):
    """One member of the staff. `seeded` marks the sandbox's default accounts, which production refuses."""

    __tablename__ = "staff"

    username: Mapped[str] = mapped_column(primary_key=True)
    password_hash: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    seeded: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]


class StaffSession(Base):
    """One signed-in browser; only the token's hash is kept."""

    __tablename__ = "staff_sessions"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(sa.ForeignKey("staff.username"))
    created_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]


class Decision(Base):
    """What one proposed and a second, different one confirmed about an operation in manual review."""

    __tablename__ = "decisions"
    __table_args__ = (
        one_of("state", DECISION_STATES, "state"),
        one_of("outcome", ("succeeded", "failed"), "outcome"),
        sa.CheckConstraint(
            "state NOT IN ('confirmed', 'applied') OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
            name="two_people",
        ),
        sa.Index("uq_decisions_live", "operation_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(sa.ForeignKey("accounts.id"))
    operation_id: Mapped[str] = mapped_column(sa.ForeignKey("operations.id"))
    outcome: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(default="proposed")
    proposed_by: Mapped[str] = mapped_column(sa.ForeignKey("staff.username"))
    proposed_at: Mapped[dt.datetime]
    decided_by: Mapped[str | None] = mapped_column(sa.ForeignKey("staff.username"))
    decided_at: Mapped[dt.datetime | None]
