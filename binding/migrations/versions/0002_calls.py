"""Calls at the desk; challenges and failures belong to an operation or to a call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from binding.models.base import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("failed_attempts", sa.Integer(), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("verified_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'verified', 'failed')", name=op.f("ck_calls_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_calls_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
    )
    with op.batch_alter_table("challenges", schema=None) as batch_op:
        batch_op.add_column(sa.Column("call_id", sa.String(), nullable=True))
        batch_op.alter_column("operation_id", nullable=True)
        batch_op.create_index(batch_op.f("ix_challenges_call_id"), ["call_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_challenges_call_id_calls"), "calls", ["call_id"], ["id"])
        batch_op.create_check_constraint(
            batch_op.f("ck_challenges_subject"), "(operation_id IS NULL) <> (call_id IS NULL)"
        )

    with op.batch_alter_table("verification_failures", schema=None) as batch_op:
        batch_op.alter_column("operation_id", nullable=True)


def downgrade() -> None:
    # What belongs to calls goes with them: before, every code and failure was an operation's.
    op.execute("DELETE FROM verification_failures WHERE operation_id IS NULL")
    op.execute("DELETE FROM challenges WHERE operation_id IS NULL")
    with op.batch_alter_table("verification_failures", schema=None) as batch_op:
        batch_op.alter_column("operation_id", nullable=False)

    with op.batch_alter_table("challenges", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_challenges_subject"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_challenges_call_id_calls"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_challenges_call_id"))
        batch_op.alter_column("operation_id", nullable=False)
        batch_op.drop_column("call_id")

    op.drop_table("calls")
