"""Which database builds are trusted, and whether the migrations make what the models say."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.orm import Session

from binding import clock, database, executors, logs, migrate
from binding.database import make_engine, normalise_url, pick_sqlite, safe_in_wal
from binding.models import Account, Base, Call, Challenge, Failure
from binding.settings import Settings

from . import forks
from .conftest import Cluster, postgres_url, sqlite_template
from .test_start import GOOD


@pytest.mark.parametrize(
    ("version", "safe"),
    [((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 50, 6), False), ((3, 50, 7), True),
     ((3, 51, 2), False), ((3, 51, 3), True), ((3, 53, 4), True), ((4, 0, 0), True)],
)  # fmt: skip
def test_builds_with_the_fix_are_safe_in_wal_mode(version: tuple[int, ...], safe: bool) -> None:
    assert safe_in_wal(version) is safe


def test_this_machine_has_a_build_that_is_trusted() -> None:
    module, journal = pick_sqlite()
    assert journal == "WAL" and safe_in_wal(module.sqlite_version_info)


def test_a_url_names_its_driver() -> None:
    assert normalise_url("postgres://a@b/c") == "postgresql+psycopg://a@b/c"
    assert normalise_url("sqlite:///x") == "sqlite:///x"


def test_the_migrations_make_what_the_models_say(cluster: Cluster) -> None:
    with cluster.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = compare_metadata(context, Base.metadata)
    ours = set(Base.metadata.tables)
    assert [d for d in differences if not _foreign(d, ours)] == []


def _foreign(difference: object, ours: set[str]) -> bool:
    """Tell whether a difference is about the durable engine's own tables."""
    if not isinstance(difference, tuple):
        return False
    table = difference[1] if difference[0] in ("remove_table", "add_table") else getattr(difference[1], "table", None)
    return getattr(table, "name", None) not in ours


def test_reads_of_one_moment_see_one_state(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = cluster.engine()
    monkeypatch.setattr(database, "engine", lambda: engine)
    account = cluster.customer(language="zh").account
    of_it = sa.select(Account.language).where(Account.id == account)
    with database.reading(one_moment=True) as session:
        assert session.scalar(of_it) == "zh"
        with cluster.engine().begin() as other:
            other.execute(sa.update(Account).where(Account.id == account).values(language="en"))
        assert session.scalar(of_it) == "zh"
    with database.reading() as session:
        assert session.scalar(of_it) == "en", "the connection is given back as it was"


def test_writes_are_on_disk_when_they_return(cluster: Cluster) -> None:
    engine = cluster.engine()
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's default is what is wanted")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def first_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    """Make a ledger's tables as the first revision has them, and let migrations work on it."""
    engine = make_engine(f"sqlite:///{tmp_path}/ledger.sqlite")
    monkeypatch.setattr(migrate, "engine", lambda: engine)
    config = migrate.config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    return engine


def test_an_older_database_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = first_ledger(tmp_path, monkeypatch)
    day = "'2026-01-01 00:00:00'"
    with old.begin() as connection:
        for statement in (
            f"INSERT INTO accounts VALUES ('a', '13800000000', 'zh', NULL, 0, {day})",
            "INSERT INTO operations (id, account_id, kind, status, target, target_key, target_summary, effects, effects_version, "
            "reference, failed_attempts, caller, created_at, updated_at, last_step_at) VALUES ('o', 'a', 'card.unbind', "
            f"'awaiting_verification', 't', 't', '{{}}', '[]', 'v', 'r', 0, 'c', {day}, {day}, {day})",
            "INSERT INTO challenges (id, account_id, operation_id, method, state, secret_hash, salt, created_at, expires_at) "
            f"VALUES ('c', 'a', 'o', 'sms', 'issued', 'h', 's', {day}, {day})",
            f"INSERT INTO verification_failures VALUES ('f', 'a', 'o', 'c', 'sms', {day})",
        ):
            connection.exec_driver_sql(statement)
    migrate.migrate()
    with old.connect() as connection:
        assert connection.exec_driver_sql("SELECT id, operation_id, call_id FROM challenges").all() == [
            ("c", "o", None)
        ]
        assert connection.exec_driver_sql("SELECT id FROM verification_failures").all() == [("f",)]
        partial = "SELECT sql FROM sqlite_master WHERE name = 'uq_challenges_live_sms'"
        assert "WHERE method = 'sms'" in connection.exec_driver_sql(partial).scalar()
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_tables_can_be_taken_down_and_made_again(kind: str, tmp_path: Path) -> None:
    made = contextlib.contextmanager(postgres_url)() if kind == "postgresql" else contextlib.nullcontext(None)
    with made as url:
        if url is None:
            shutil.copy(sqlite_template(), tmp_path / "ledger.sqlite")
        engine, moment = make_engine(url or f"sqlite:///{tmp_path}/ledger.sqlite"), clock.real_now()
        with Session(engine) as session, session.begin():  # a call at the desk, and a wrong code in it
            session.add(Account(id="acc_a", phone="13800000000", language="zh", created_at=moment))
            session.flush()
            session.add(Call(id="call_a", account_id="acc_a", agent="agent", created_at=moment))
            session.flush()
            session.add(
                Challenge(
                    id="chl_a", account_id="acc_a", call_id="call_a", method="sms", state="issued", secret_hash="h", salt="s",
                    created_at=moment, expires_at=moment,
                )
            )  # fmt: skip
            session.flush()
            session.add(Failure(id="fail_a", account_id="acc_a", challenge_id="chl_a", method="sms", at=moment))
        tables = set(Base.metadata.tables)
        for step, left in ((command.downgrade, set[str]()), (command.upgrade, tables)):
            with engine.connect() as connection:
                if kind == "sqlite":
                    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
                    connection.commit()
                config = migrate.config()
                with connection.begin():
                    config.attributes["connection"] = connection
                    step(config, "base" if step is command.downgrade else "head")
                assert set(sa.inspect(connection).get_table_names()) & tables == left
        engine.dispose()


def test_a_card_keeps_no_whole_phone_number(cluster: Cluster) -> None:
    customer = cluster.customer(phone="13812345678", cards=[{"bank": "cmb", "tail": "1234"}])
    assert customer.card("1234")["reserved_phone_masked"] == "138****5678"
    with pytest.raises(sa.exc.IntegrityError, match="reserved_phone"), cluster.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE cards SET reserved_phone = '13812345678'")


def test_amounts_and_the_clock_are_wider_than_31_bits(cluster: Cluster) -> None:
    customer = cluster.customer(
        cards=[{"bank": "cmb", "tail": "1234"}], agreements=[{"merchant": "m", "card": "1234", "amount": 10**15}]
    )
    assert [a["amount"] for a in customer.get("/agreements")["items"]] == [10**15]
    with cluster.engine().connect() as connection:
        connection.exec_driver_sql("INSERT INTO sandbox_state (id, clock_offset_s) VALUES (2, 3000000000)")
        connection.rollback()


class CutOff(Exception):
    """Stands for whatever ends a migration in its middle."""


def test_a_migration_that_was_cut_off_anywhere_is_done_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = first_ledger(tmp_path, monkeypatch)
    before = _tables(engine)
    left = 0

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _cut_off(_: Any, __: Any, statement: str, *___: Any) -> None:
        nonlocal left
        if not statement.startswith(("PRAGMA", "SELECT")):
            left -= 1
            if left == 0:
                raise CutOff

    for at in range(1, 1000):
        left = at
        try:
            migrate.migrate()
        except CutOff:
            assert (migrate.current(), _tables(engine)) == ("0001", before), f"cut off at statement {at}"
            with engine.connect() as connection:
                assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        else:
            break
    assert at > 20 and migrate.current() == migrate.head()
    assert {"calls", "staff"} <= set(_tables(engine))


def _tables(engine: sa.Engine) -> dict[str, str]:
    """Show every table, index and trigger as it was made."""
    with engine.connect() as connection:
        return dict(connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").tuples().all())


def test_who_may_not_serve_the_database_does_not_change_it(tmp_path: Path) -> None:
    engine, config = make_engine(f"sqlite:///{tmp_path}/binding.sqlite"), migrate.config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    before = _tables(engine)
    with open(tmp_path / "binding.sqlite.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = forks.run("-m", "binding", env={"PATH": os.environ["PATH"], "JIEBANG_HOME": str(tmp_path)} | GOOD)
    assert done.returncode != 0 and "another process serves" in done.stderr
    assert _tables(engine) == before


def test_who_is_gone_without_a_word_is_noticed_by_both_sides(cluster: Cluster) -> None:
    engine = cluster.engine()
    if engine.dialect.name == "sqlite":
        pytest.skip("a file has no other side")
    with engine.connect() as connection:
        names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
        assert [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names] == ["5", "5", "3", "15000"]
        driver: Any = connection.connection.dbapi_connection
        ours = socket.socket(fileno=os.dup(driver.fileno()))
        with ours:
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            assert [ours.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [5, 5, 3, 15_000]


def test_a_slot_that_is_held_for_a_moment_is_waited_for(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = cluster.engine()
    if engine.dialect.name == "sqlite":
        pytest.skip("one process, no adoption")
    monkeypatch.setattr(executors, "engine", cluster.engine)
    monkeypatch.setattr(executors, "settings", lambda: Settings(BINDING_EXECUTOR="named"))
    slot, tries, held = executors.Slot(), list[bool](), executors.Slot._key("named")
    lock = slot._lock
    with engine.connect() as adopting:
        assert adopting.scalar(sa.text("SELECT pg_try_advisory_lock(:c, :k)"), held)

        def counted(name: str) -> bool:
            tries.append(lock(name))
            if len(tries) == 3:
                adopting.execute(sa.text("SELECT pg_advisory_unlock(:c, :k)"), held)
            return tries[-1]

        monkeypatch.setattr(slot, "_lock", counted)
        try:
            assert slot.take() == "named" and tries == [False, False, False, True]
        finally:
            slot.release()


def test_a_database_error_that_is_logged_names_no_values(cluster: Cluster) -> None:
    engine = cluster.engine()
    with engine.connect() as connection, pytest.raises(sa.exc.IntegrityError) as refused:
        connection.execute(
            sa.insert(Account).values(
                id="acc_x", phone="p-canary", language="xx", frozen=False, created_at=clock.real_now(), payment_password_hash="canary"
            )
        )  # fmt: skip
    said = logs.redacted(str(refused.value))
    assert "ck_accounts_language" in said and "canary" not in said
