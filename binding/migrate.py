"""Bring the database up to the code: `python -m binding.migrate`, and at every start."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from binding.database import engine
from binding.settings import settings

if TYPE_CHECKING:
    from alembic.config import Config

LOCK = 0x4A49_4542
log = structlog.get_logger("migrate")


def config() -> Config:
    """Return Alembic's configuration."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return made


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the start-up lock (PostgreSQL): one process at a time migrates, starts its engine and seeds."""
    if engine().dialect.name == "sqlite":
        yield
        return
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Asked for again and again instead of waited for: a session that waits inside a statement holds a snapshot, and the
        # durable engine's CREATE INDEX CONCURRENTLY waits for every snapshot: two processes would wait for each other.
        while not connection.scalar(sa.text("SELECT pg_try_advisory_lock(:k)"), {"k": LOCK}):
            time.sleep(0.1)
        try:
            yield
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(:k)"), {"k": LOCK})


def current() -> str | None:
    """Return the revision of the database, None for an empty one."""
    with engine().connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalar(sa.text("SELECT version_num FROM alembic_version"))


def head() -> str:
    """Return the newest revision that this code knows."""
    return max(path.name[:4] for path in Path(__file__).with_name("migrations").glob("versions/0*.py"))


def migrate() -> None:
    """Run what is missing, inside `alone`, all of it or nothing; at once when nothing is.

    A database that a newer version has changed is left as it is: changes only add, so this version works on it.
    """
    if engine().dialect.name == "sqlite":
        Path(engine().url.database or "").parent.mkdir(parents=True, exist_ok=True)
    found, newest = current(), head()
    if found is not None and found > newest:
        log.warning("a newer version has changed the tables; they are used as they are", tables=found, code=newest)
        return
    if found == newest:
        return
    from alembic import command  # slow to import, and needed once per version

    settings_ = config()
    with engine().connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # A changed table is built anew there, which its references must outlive; they are checked before the commit.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
        try:
            with connection.begin():
                if sqlite:
                    # Python's driver begins nothing before DDL: each statement would be kept by itself.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                settings_.attributes["connection"] = connection
                command.upgrade(settings_, "head")
                if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise ValueError("the migration would leave rows that refer to nothing; nothing was changed")
        finally:
            if sqlite:
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")


if __name__ == "__main__":
    settings().home.mkdir(parents=True, exist_ok=True)
    with alone():
        migrate()
