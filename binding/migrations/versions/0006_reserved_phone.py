"""Which phone number the bank knows a card by, masked; amounts and the sandbox's clock beyond 31 bits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In plain SQL: with its constraint, Alembic would build the table anew on SQLite, and lose its trigger.
    op.execute(
        "ALTER TABLE cards ADD COLUMN reserved_phone VARCHAR "
        "CONSTRAINT ck_cards_reserved_phone CHECK (reserved_phone LIKE '___****____')"
    )
    if op.get_bind().dialect.name != "sqlite":  # whose integers have 64 bits
        op.alter_column("agreements", "amount", type_=sa.BigInteger())
        op.alter_column("sandbox_state", "clock_offset_s", type_=sa.BigInteger())


def downgrade() -> None:
    # The wider numbers stay: they may hold what the narrower could not, and an older version reads them as well.
    op.drop_column("cards", "reserved_phone")
