"""The database engine: SQLite (default) or PostgreSQL, chosen by one URL, and the transactions on it."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from binding.models.account import Account
from binding.settings import settings

FIXED = (3, 51, 3)  # first release without the WAL-reset corruption
BACKPORTS = {(3, 44): 6, (3, 50): 7}
OLDEST = (3, 42)  # unixepoch(…, 'subsec'), which the durable engine needs

# Who is gone without a word (a host, the network) is noticed by either side within 20 s: the server lets go of an executor's slot
# and of the rows it had locked, and an executor that is cut off from its slot ends itself, before others have done its work.
CLIENT_KEEPALIVES = {
    "keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000,
}  # fmt: skip
SERVER_KEEPALIVES = {
    "tcp_keepalives_idle": 5, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3, "tcp_user_timeout": 15_000,
}  # fmt: skip


class NoUsableDatabase(RuntimeError):
    """Raised when this machine's SQLite cannot be trusted with the ledger."""


def pick_sqlite() -> tuple[Any, str]:
    """Return (DB-API module, journal mode): a build that is safe in WAL mode, else a recent one with a rollback journal."""
    candidates = []
    with contextlib.suppress(ImportError):
        import pysqlite3.dbapi2 as bundled  # type: ignore[import-untyped]

        candidates.append(bundled)
    import sqlite3

    candidates.append(sqlite3)
    for module in candidates:
        if safe_in_wal(module.sqlite_version_info):
            return module, "WAL"
    for module in candidates:
        if module.sqlite_version_info >= OLDEST:
            return module, "DELETE"
    found = ", ".join(m.sqlite_version for m in candidates)
    raise NoUsableDatabase(
        f"SQLite {found} is too old for the ledger (3.42 is needed, 3.51.3 is better). "
        "Set BINDING_DATABASE_URL to a PostgreSQL database (postgresql+psycopg://…) instead."
    )


def safe_in_wal(version: tuple[int, ...]) -> bool:
    """Tell whether a SQLite version has the fix of the WAL-reset corruption."""
    patch = BACKPORTS.get((version[0], version[1]))
    return version >= FIXED or (patch is not None and version[2] >= patch)


def normalise_url(url: str) -> str:
    """Name the PostgreSQL driver where the URL does not."""
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url[len(short) :]
    return url


def make_engine(url: str, *, pool_size: int = 20) -> sa.Engine:
    """Create an engine whose commits are on disk when they return (SQLite: synchronous FULL).

    Its errors name no values: rows hold hashes, salts and tokens, and errors are logged.
    """
    url = normalise_url(url)
    if not url.startswith("sqlite"):
        return _postgresql(url, pool_size)
    module, journal = pick_sqlite()
    engine = sa.create_engine(
        url,
        module=module,
        connect_args={"timeout": 30, "check_same_thread": False},
        pool_size=pool_size,
        max_overflow=40,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", f"journal_mode={journal}", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgresql(url: str, pool_size: int) -> sa.Engine:
    given = sa.make_url(url).query  # what the operator wrote into the URL stays
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=20,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={name: value for name, value in CLIENT_KEEPALIVES.items() if name not in given},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("; ".join(f"SET {name} = {value}" for name, value in SERVER_KEEPALIVES.items()))
        connection.commit()  # a rollback would take the settings back

    return engine


@functools.cache
def engine() -> sa.Engine:
    """Return the process's engine, shared by the ledger's tables and the durable engine's."""
    return make_engine(settings().database_url)


@contextlib.contextmanager
def reading(*, one_moment: bool = False) -> Iterator[Session]:
    """Open a session that only reads; with `one_moment` all its reads see the same state, whatever is committed between them."""
    with Session(engine(), expire_on_commit=False) as session:
        if one_moment and engine().dialect.name == "sqlite":
            session.connection().exec_driver_sql("BEGIN")  # Python's driver begins nothing before a SELECT
        elif one_moment:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


_ACCOUNT = sa.select(Account.id).where(Account.id == sa.bindparam("account_id")).with_for_update()
# SQLite has one writer. Its own way to wait for the turn is to sleep and try again, longer each time and in no order.
_turn = threading.Lock()


@contextlib.contextmanager
def writing(account_id: str | None = None) -> Iterator[Session]:
    """Open one transaction that holds the account's lock and commits at the end."""
    with (
        _turn if engine().dialect.name == "sqlite" else contextlib.nullcontext(),
        Session(engine(), expire_on_commit=False) as session,
        session.begin(),
    ):
        lock(session, account_id)
        yield session


def lock(session: Session, account_id: str | None) -> None:
    """Take the write lock: the account's row on PostgreSQL, the database on SQLite (before the first read)."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif account_id is not None:
        connection.execute(_ACCOUNT, {"account_id": account_id})
