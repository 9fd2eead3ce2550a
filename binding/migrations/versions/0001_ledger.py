"""The ledger's tables, and the triggers that keep the audit trail append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from binding.models.base import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("payment_password_hash", sa.String(), nullable=True),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("language IN ('zh', 'en')", name=op.f("ck_accounts_language")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_accounts_phone"), ["phone"], unique=False)

    op.create_table(
        "audit_heads",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_log",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "seq", name=op.f("pk_audit_log")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_log_operation_id"), ["operation_id"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state IN ('working', 'done')", name=op.f("ck_idempotency_keys_state")),
        sa.PrimaryKeyConstraint("account_id", "route", "key", name=op.f("pk_idempotency_keys")),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_keys_created_at"), ["created_at"], unique=False)

    op.create_table(
        "sandbox_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("clock_offset_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_state")),
    )
    op.create_table(
        "cards",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("bank", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("tail", sa.String(), nullable=False),
        sa.Column("quick_pay", sa.Boolean(), nullable=False),
        sa.Column("repayment", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("protocol_no", sa.String(), nullable=False),
        sa.Column("unbound_count", sa.Integer(), nullable=False),
        sa.Column("bound_at", UtcDateTime(), nullable=False),
        sa.Column("unbound_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('bound', 'unbinding', 'unbound', 'suspended')", name=op.f("ck_cards_state")),
        sa.CheckConstraint("type IN ('debit', 'credit')", name=op.f("ck_cards_type")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_cards_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cards")),
        sa.UniqueConstraint("protocol_no", name=op.f("uq_cards_protocol_no")),
    )
    with op.batch_alter_table("cards", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cards_account_id"), ["account_id"], unique=False)

    op.create_table(
        "operations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("target_key", sa.String(), nullable=False),
        sa.Column("target_summary", sa.JSON(), nullable=False),
        sa.Column("effects", sa.JSON(), nullable=False),
        sa.Column("effects_version", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("failed_attempts", sa.Integer(), nullable=False),
        sa.Column("conversation", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("bank_request", sa.JSON(), nullable=True),
        sa.Column("bank_ref", sa.String(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("eta", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("last_step_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("waiting_until", UtcDateTime(), nullable=True),
        sa.Column("answered_status", sa.String(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(status IN ('succeeded', 'failed', 'cancelled', 'expired')) = (finished_at IS NOT NULL)",
            name=op.f("ck_operations_finished"),
        ),
        sa.CheckConstraint(
            "kind IN ('card.unbind', 'card.bind', 'quick_pay.disable', 'wallet.unbind', 'wallet.bind', 'agreement.terminate')",
            name=op.f("ck_operations_kind"),
        ),
        sa.CheckConstraint(
            "status IN ('awaiting_verification', 'processing', 'pending', 'manual_review', 'succeeded', 'failed', 'cancelled', 'expired')",
            name=op.f("ck_operations_status"),
        ),
        sa.CheckConstraint("failed_attempts >= 0 AND failed_attempts <= 3", name=op.f("ck_operations_attempts")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_operations_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
        sa.UniqueConstraint("reference", name=op.f("uq_operations_reference")),
    )
    with op.batch_alter_table("operations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_operations_account_id"), ["account_id"], unique=False)
        batch_op.create_index("ix_operations_status_step", ["status", "last_step_at"], unique=False)
        batch_op.create_index(
            "uq_operations_open_target",
            ["account_id", "target_key"],
            unique=True,
            sqlite_where=sa.text("status IN ('awaiting_verification', 'processing', 'pending', 'manual_review')"),
            postgresql_where=sa.text("status IN ('awaiting_verification', 'processing', 'pending', 'manual_review')"),
        )

    op.create_table(
        "wallets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("account_masked", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("protocol_no", sa.String(), nullable=False),
        sa.Column("bound_at", UtcDateTime(), nullable=False),
        sa.Column("unbound_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('bound', 'unbinding', 'unbound')", name=op.f("ck_wallets_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_wallets_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallets")),
        sa.UniqueConstraint("protocol_no", name=op.f("uq_wallets_protocol_no")),
    )
    with op.batch_alter_table("wallets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wallets_account_id"), ["account_id"], unique=False)
        batch_op.create_index(
            "uq_wallets_live",
            ["account_id", "kind"],
            unique=True,
            sqlite_where=sa.text("state <> 'unbound'"),
            postgresql_where=sa.text("state <> 'unbound'"),
        )

    op.create_table(
        "agreements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=True),
        sa.Column("merchant", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("next_charge_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("protocol_no", sa.String(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('auto_renew', 'password_free', 'repayment')", name=op.f("ck_agreements_kind")),
        sa.CheckConstraint("state IN ('active', 'terminating', 'terminated')", name=op.f("ck_agreements_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_agreements_account_id_accounts")),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_agreements_card_id_cards")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
        sa.UniqueConstraint("protocol_no", name=op.f("uq_agreements_protocol_no")),
    )
    with op.batch_alter_table("agreements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agreements_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_agreements_card_id"), ["card_id"], unique=False)

    op.create_table(
        "challenges",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("method IN ('sms', 'payment_password', 'card_details')", name=op.f("ck_challenges_method")),
        sa.CheckConstraint(
            "state IN ('sending', 'issued', 'undelivered', 'replaced', 'used', 'failed')",
            name=op.f("ck_challenges_state"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_challenges_account_id_accounts")),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name=op.f("fk_challenges_operation_id_operations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenges")),
    )
    with op.batch_alter_table("challenges", schema=None) as batch_op:
        batch_op.create_index("ix_challenges_account_sent", ["account_id", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_challenges_operation_id"), ["operation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_challenges_secret_hash"), ["secret_hash"], unique=False)
        batch_op.create_index(
            "uq_challenges_live_sms",
            ["account_id"],
            unique=True,
            sqlite_where=sa.text("method = 'sms' AND state IN ('sending', 'issued')"),
            postgresql_where=sa.text("method = 'sms' AND state IN ('sending', 'issued')"),
        )

    op.create_table(
        "notices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("fallback", sa.String(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("channel IN ('sms', 'push')", name=op.f("ck_notices_channel")),
        sa.CheckConstraint("state IN ('queued', 'sent', 'failed')", name=op.f("ck_notices_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notices_account_id_accounts")),
        sa.ForeignKeyConstraint(["operation_id"], ["operations.id"], name=op.f("fk_notices_operation_id_operations")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("operation_id", "template", "channel", name="uq_notices_once"),
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notices_account_id"), ["account_id"], unique=False)

    op.create_table(
        "obligations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('debt', 'open_order', 'refund')", name=op.f("ck_obligations_kind")),
        sa.CheckConstraint("state IN ('open', 'settled')", name=op.f("ck_obligations_state")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_obligations_amount")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_obligations_account_id_accounts")),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_obligations_card_id_cards")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligations")),
    )
    with op.batch_alter_table("obligations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_obligations_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_obligations_card_id"), ["card_id"], unique=False)

    op.create_table(
        "outbox_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'delivered', 'superseded', 'failed')", name=op.f("ck_outbox_events_state")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_outbox_events_account_id_accounts")),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name=op.f("fk_outbox_events_operation_id_operations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_events")),
    )
    with op.batch_alter_table("outbox_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_events_operation_id"), ["operation_id"], unique=False)

    op.create_table(
        "verification_failures",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("challenge_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_verification_failures_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f("fk_verification_failures_challenge_id_challenges")
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name=op.f("fk_verification_failures_operation_id_operations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_failures")),
    )
    with op.batch_alter_table("verification_failures", schema=None) as batch_op:
        batch_op.create_index("ix_verification_failures_account_at", ["account_id", "at"], unique=False)

    _make_append_only()


def downgrade() -> None:
    with op.batch_alter_table("verification_failures", schema=None) as batch_op:
        batch_op.drop_index("ix_verification_failures_account_at")

    op.drop_table("verification_failures")
    with op.batch_alter_table("outbox_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_events_operation_id"))

    op.drop_table("outbox_events")
    with op.batch_alter_table("obligations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_obligations_card_id"))
        batch_op.drop_index(batch_op.f("ix_obligations_account_id"))

    op.drop_table("obligations")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notices_account_id"))

    op.drop_table("notices")
    with op.batch_alter_table("challenges", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_challenges_live_sms",
            sqlite_where=sa.text("method = 'sms' AND state IN ('sending', 'issued')"),
            postgresql_where=sa.text("method = 'sms' AND state IN ('sending', 'issued')"),
        )
        batch_op.drop_index(batch_op.f("ix_challenges_secret_hash"))
        batch_op.drop_index(batch_op.f("ix_challenges_operation_id"))
        batch_op.drop_index("ix_challenges_account_sent")

    op.drop_table("challenges")
    with op.batch_alter_table("agreements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agreements_card_id"))
        batch_op.drop_index(batch_op.f("ix_agreements_account_id"))

    op.drop_table("agreements")
    with op.batch_alter_table("wallets", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_wallets_live",
            sqlite_where=sa.text("state <> 'unbound'"),
            postgresql_where=sa.text("state <> 'unbound'"),
        )
        batch_op.drop_index(batch_op.f("ix_wallets_account_id"))

    op.drop_table("wallets")
    with op.batch_alter_table("operations", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_operations_open_target",
            sqlite_where=sa.text("status IN ('awaiting_verification', 'processing', 'pending', 'manual_review')"),
            postgresql_where=sa.text("status IN ('awaiting_verification', 'processing', 'pending', 'manual_review')"),
        )
        batch_op.drop_index("ix_operations_status_step")
        batch_op.drop_index(batch_op.f("ix_operations_account_id"))

    op.drop_table("operations")
    with op.batch_alter_table("cards", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cards_account_id"))

    op.drop_table("cards")
    op.drop_table("sandbox_state")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_created_at"))

    op.drop_table("idempotency_keys")
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_log_operation_id"))

    op.drop_table("audit_log")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_log_append_only()")  # its trigger went with the table
    op.drop_table("audit_heads")
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_accounts_phone"))

    op.drop_table("accounts")


def _make_append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_log_no_{verb.lower()} BEFORE {verb} ON audit_log "
                "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only()"
    )
