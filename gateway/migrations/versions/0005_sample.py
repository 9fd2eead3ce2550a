"""The random sample among the reviewed lines, from which accuracy is estimated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the mark; what was in the queue before was no random choice."""
    op.add_column("review_items", sa.Column("sampled", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drops it."""
    op.drop_column("review_items", "sampled")
