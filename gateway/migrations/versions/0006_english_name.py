"""An agent's name for customers whose talk is in English."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the name; who has none keeps the one that they have in both languages."""
    op.add_column("agents", sa.Column("name_en", sa.String(80), nullable=True))


def downgrade() -> None:
    """Drops it."""
    op.drop_column("agents", "name_en")
