"""Which effects the customer said yes to, kept with each code and page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("challenges", sa.Column("effects_version", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("challenges", "effects_version")
