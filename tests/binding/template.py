"""Makes an empty database with every table of the ledger and of its engine, to be copied: `tests.binding.template`, in a fork."""

from __future__ import annotations

from binding import durable
from binding.database import engine
from binding.migrate import alone, migrate
from binding.settings import settings


def main() -> int:
    """Migrate the database of the environment and let the durable engine make its own tables."""
    settings().home.mkdir(parents=True, exist_ok=True)
    with alone():
        migrate()
        durable.launch("template")
    durable.stop(0)
    if engine().dialect.name == "sqlite":
        with engine().connect() as connection:
            busy, *_ = connection.exec_driver_sql(
                "PRAGMA wal_checkpoint(TRUNCATE)"
            ).one()  # one file is copied, not two
            assert not busy
    return 0
