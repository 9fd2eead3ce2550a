"""The gateway's database: SQLite (WAL) or PostgreSQL behind one URL, off the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import pathlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.orm import Session, sessionmaker

from gateway.settings import SettingsError

T = TypeVar("T")


def _sqlite_module() -> tuple[Any, str]:
    """Picks the SQLite build and its journal: WAL needs 3.51.3 (a fix of its reset); an older one must use DELETE."""
    try:
        import pysqlite3.dbapi2 as found
    except ImportError:
        found = sqlite3
    version = tuple(int(part) for part in found.sqlite_version.split("."))
    if version >= (3, 51, 3):
        return found, "WAL"
    if version >= (3, 42):
        return found, "DELETE"
    raise SettingsError(
        f"SQLite {found.sqlite_version} is too old (3.42 at least). Set GATEWAY_DATABASE_URL to a PostgreSQL database."
    )


class UnstorableText(ValueError):
    """A text with a NUL character. PostgreSQL keeps none, so SQLite is not let either: what one takes, the other must."""


def _no_nul(_c: Any, _cursor: Any, _statement: str, parameters: Any, _context: Any, many: bool) -> None:
    for row in parameters if many else (parameters,):
        values = row.values() if isinstance(row, dict) else row or ()
        if any(isinstance(value, str) and "\x00" in value for value in values):
            raise UnstorableText


def engine_for(url: str) -> Engine:
    """Returns the engine of an address; text that only some databases keep is refused."""
    engine = _engine_for(url)
    event.listen(engine, "before_cursor_execute", _no_nul)
    return engine


def _engine_for(url: str) -> Engine:
    """Returns an engine; a plain `postgresql://` address uses psycopg 3. What stands in the rows never stands in an error, which goes to the log."""
    if url.startswith("sqlite"):
        module, journal = _sqlite_module()
        pathlib.Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            url,
            module=module,
            connect_args={"timeout": 20, "check_same_thread": False, "isolation_level": None},
            pool_size=8,
            hide_parameters=True,
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            for pragma in (f"journal_mode={journal}", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000"):
                cursor.execute("PRAGMA " + pragma)
            cursor.close()

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # A writer takes its lock first, so no transaction has to be given up half-way.
            write = connection.get_execution_options().get("gateway_write")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

        return engine
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            url = "postgresql+psycopg://" + url.removeprefix(plain)
    connect = {"connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3}
    return create_engine(
        url,
        connect_args=connect,
        pool_size=16,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=10,
        hide_parameters=True,
    )


class Database:
    """Runs functions that take a Session in worker threads; each call is one transaction."""

    def __init__(self, url: str) -> None:
        self.engine = engine_for(url)
        sqlite = url.startswith("sqlite")
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._write_sessions = sessionmaker(self.engine.execution_options(gateway_write=True), expire_on_commit=False)
        # SQLite has one writer: one thread waits better than many that poll for the lock.
        self._writers = ThreadPoolExecutor(1 if sqlite else 8, "db-write")
        self._readers = ThreadPoolExecutor(4 if sqlite else 8, "db-read")

    def migrate(self) -> None:
        """Brings the tables to the newest revision; does nothing, quickly, when they are there."""
        from gateway import migrations

        with self.engine.connect() as connection:
            current = None
            if inspect(connection).has_table("alembic_version"):
                current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if current != migrations.HEAD:
            migrations.upgrade(self.engine)

    async def read(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Runs `work(session, …)` without writing."""
        return await self._in(self._readers, self._sessions, work, args, kwargs)

    async def write(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Runs `work(session, …)` in one transaction that is committed when this returns."""
        return await self._in(self._writers, self._write_sessions, work, args, kwargs)

    async def _in(
        self,
        threads: ThreadPoolExecutor,
        sessions: sessionmaker[Session],
        work: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> T:
        # With the caller's context: what is written may carry its trace on.
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            threads, context.run, self._run, sessions, work, args, kwargs
        )

    @staticmethod
    def _run(
        sessions: sessionmaker[Session], work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> T:
        with sessions.begin() as session:
            return work(session, *args, **kwargs)

    def session(self) -> AbstractContextManager[Session]:
        """Returns one transaction for a command, on the calling thread."""
        return self._write_sessions.begin()

    def close(self) -> None:
        """Waits for running work and lets the connections go."""
        self._writers.shutdown()
        self._readers.shutdown()
        self.engine.dispose()
