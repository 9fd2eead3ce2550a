"""The steps of the state machines as triggers; what the limits per caller look up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As binding/models/states.py had it. A later change of a table on SQLite builds the table anew and must make its trigger again.
STEPS = {
    ("operations", "status"): {
        "awaiting_verification": ("processing", "failed", "cancelled", "expired"),
        "processing": ("pending", "succeeded", "failed", "manual_review"),
        "pending": ("succeeded", "failed", "manual_review"),
        "manual_review": ("succeeded", "failed"),
    },
    ("cards", "state"): {
        "bound": ("unbinding", "suspended"), "unbinding": ("unbound", "bound"), "suspended": ("bound",),
    },
    ("wallets", "state"): {"bound": ("unbinding",), "unbinding": ("unbound", "bound")},
    ("agreements", "state"): {"active": ("terminating", "terminated"), "terminating": ("terminated", "active")},
    ("challenges", "state"): {
        "sending": ("issued", "undelivered", "replaced"), "issued": ("used", "replaced", "failed"), "replaced": ("failed",),
    },
    ("calls", "state"): {"open": ("verified", "failed")},
}  # fmt: skip


def upgrade() -> None:
    op.create_index("ix_operations_caller_created", "operations", ["caller", "created_at"])
    op.create_index(
        "ix_operations_actor_created", "operations", ["actor", "created_at"],
        sqlite_where=sa.text("actor IS NOT NULL"), postgresql_where=sa.text("actor IS NOT NULL"),
    )  # fmt: skip
    op.create_index("ix_calls_agent_created", "calls", ["agent", "created_at"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        # 23514 is check_violation: to the service it is a constraint like the others.
        op.execute(
            "CREATE FUNCTION refuse_step() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'no such step of %', TG_TABLE_NAME USING ERRCODE = '23514'; END $$"
        )
    for (table, column), steps in STEPS.items():
        allowed = " OR ".join(
            f"(OLD.{column} = '{old}' AND NEW.{column} IN ({', '.join(repr(new) for new in after)}))"
            for old, after in steps.items()
        )
        bad = f"OLD.{column} <> NEW.{column} AND NOT ({allowed})"
        if sqlite:
            op.execute(
                f"CREATE TRIGGER {table}_steps BEFORE UPDATE OF {column} ON {table} WHEN {bad} "
                f"BEGIN SELECT RAISE(ABORT, 'no such step of {table}'); END"
            )
        else:
            op.execute(
                f"CREATE TRIGGER {table}_steps BEFORE UPDATE OF {column} ON {table} FOR EACH ROW WHEN ({bad}) "
                "EXECUTE FUNCTION refuse_step()"
            )


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name != "sqlite"
    for table, _ in STEPS:
        op.execute(f"DROP TRIGGER {table}_steps" + (f" ON {table}" if postgresql else ""))
    if postgresql:
        op.execute("DROP FUNCTION refuse_step()")
    op.drop_index("ix_calls_agent_created", "calls")
    op.drop_index("ix_operations_actor_created", "operations")
    op.drop_index("ix_operations_caller_created", "operations")
