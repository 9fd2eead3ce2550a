"""The staff's accounts, sessions and decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from binding.models.base import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff",
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("seeded", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_staff")),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["username"], ["staff.username"], name=op.f("fk_staff_sessions_username_staff")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_sessions")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('proposed', 'confirmed', 'turned_down', 'applied', 'overtaken')", name=op.f("ck_decisions_state")
        ),
        sa.CheckConstraint("outcome IN ('succeeded', 'failed')", name=op.f("ck_decisions_outcome")),
        sa.CheckConstraint(
            "state NOT IN ('confirmed', 'applied') OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
            name=op.f("ck_decisions_two_people"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_decisions_account_id_accounts")),
        sa.ForeignKeyConstraint(["operation_id"], ["operations.id"], name=op.f("fk_decisions_operation_id_operations")),
        sa.ForeignKeyConstraint(["proposed_by"], ["staff.username"], name=op.f("fk_decisions_proposed_by_staff")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.username"], name=op.f("fk_decisions_decided_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    live = sa.text("state IN ('proposed', 'confirmed')")
    op.create_index(
        "uq_decisions_live", "decisions", ["operation_id"], unique=True, sqlite_where=live, postgresql_where=live
    )


def downgrade() -> None:
    op.drop_table("decisions")
    op.drop_table("staff_sessions")
    op.drop_table("staff")
