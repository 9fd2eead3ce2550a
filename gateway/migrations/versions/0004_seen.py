"""What each side of a talk has had on its screen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the two numbers; a gateway of the version before goes on working beside this one."""
    for name in ("customer_seen", "agent_seen"):
        op.add_column("conversations", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drops them."""
    for name in ("agent_seen", "customer_seen"):
        op.drop_column("conversations", name)
