"""The desk at work: calls, operations for customers, suggestions, review queue, canned replies; response times, languages and presence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.models import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds them; a gateway of the version before goes on working beside this one."""
    op.add_column("handoffs", sa.Column("responded_at", Moment(), nullable=True))
    op.add_column("handoffs", sa.Column("closing", sa.Text(), nullable=True))
    op.add_column("agents", sa.Column("languages", sa.JSON(), nullable=False, server_default='["zh", "en"]'))
    op.add_column("agents", sa.Column("status", sa.String(length=10), nullable=False, server_default="available"))
    op.add_column("agents", sa.Column("seen_at", Moment(), nullable=True))
    op.add_column("agents", sa.Column("subject", sa.String(length=200), nullable=True))
    op.create_index("agents_subject", "agents", ["subject"], unique=True)
    op.create_table(
        "desk_calls",
        sa.Column("id", sa.String(length=40), primary_key=True),
        sa.Column("agent", sa.String(length=80), nullable=False, index=True),
        sa.Column("ref", sa.String(length=60), nullable=False),
        sa.Column("phone", sa.String(length=30), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=True, index=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("challenge", sa.JSON(), nullable=True),
        sa.Column("operation_id", sa.String(length=60), nullable=True),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("feed", sa.String(length=64), nullable=True, unique=True),
        sa.Column("created_at", Moment(), nullable=False, index=True),
        sa.Column("updated_at", Moment(), nullable=False, index=True),
        sa.Column("verified_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("wrap_up", sa.String(length=200), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
    )
    op.create_table(
        "desk_call_lines",
        sa.Column("id", sa.String(length=40), primary_key=True),
        sa.Column("call_id", sa.String(length=40), sa.ForeignKey("desk_calls.id", ondelete="CASCADE"), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(length=80), nullable=True),
        sa.Column("speaker", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("parse", sa.JSON(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.UniqueConstraint("call_id", "seq", name="call_lines_order"),
        sa.UniqueConstraint("call_id", "client_key", name="call_lines_once"),
    )
    op.create_table(
        "desk_operations",
        sa.Column("id", sa.String(length=60), primary_key=True),
        sa.Column("place", sa.String(length=40), nullable=False, index=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("agent", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False, index=True),
        sa.Column("confirmed_at", Moment(), nullable=True),
        sa.Column("verified_at", Moment(), nullable=True),
        sa.Column("done_at", Moment(), nullable=True),
    )
    op.create_table(
        "desk_suggestions",
        sa.Column("id", sa.String(length=40), primary_key=True),
        sa.Column("place", sa.String(length=40), nullable=False, index=True),
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("right", sa.String(length=80), nullable=True),
        sa.Column("agent", sa.String(length=80), nullable=False),
        sa.Column("at", Moment(), nullable=False, index=True),
    )
    op.create_table(
        "review_items",
        sa.Column("id", sa.String(length=40), primary_key=True),
        sa.Column("place", sa.String(length=40), nullable=False, index=True),
        sa.Column("message_id", sa.String(length=40), nullable=False, unique=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("understood", sa.JSON(), nullable=True),
        sa.Column("proposed", sa.String(length=80), nullable=True),
        sa.Column("said_at", Moment(), nullable=False),
        sa.Column("at", Moment(), nullable=False, index=True),
        sa.Column("decision", sa.String(length=80), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("exported_at", Moment(), nullable=True),
    )
    op.create_index("review_open", "review_items", ["decision", "at"])
    op.create_table(
        "canned_replies",
        sa.Column("id", sa.String(length=60), primary_key=True),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("updated_by", sa.String(length=80), nullable=False),
    )


def downgrade() -> None:
    """Drops them."""
    for table in (
        "canned_replies",
        "review_items",
        "desk_suggestions",
        "desk_operations",
        "desk_call_lines",
        "desk_calls",
    ):
        op.drop_table(table)
    op.drop_index("agents_subject", "agents")
    for column in ("subject", "seen_at", "status", "languages"):
        op.drop_column("agents", column)
    for column in ("closing", "responded_at"):
        op.drop_column("handoffs", column)
