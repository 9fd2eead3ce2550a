"""Schema changes, in order. `HEAD` is the newest; a test holds it against the files."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from sqlalchemy import Engine, text

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0006"


def config() -> Config:
    """Returns Alembic's configuration for this folder."""
    from alembic.config import Config

    found = Config()
    found.set_main_option("script_location", str(pathlib.Path(__file__).parent))
    return found


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Applies what is missing; several processes may start at once."""
    from alembic import command

    with engine.execution_options(gateway_write=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7423001)"))
        settings = config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)
