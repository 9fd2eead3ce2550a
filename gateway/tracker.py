"""Rasa's own memory of the talks (its tracker store): the same masked lines, forgotten together with them where the gateway knows its address."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, bindparam, create_engine, inspect, make_url, text

# https://rasa.com/docs/rasa/tracker-stores: one row an event, `sender_id` is the conversation.
TABLE = "events"


class Tracker:
    """The tracker store at `url` (as Rasa's `RASA_TRACKER_URL`); without one nothing is done."""

    def __init__(self, url: str | None) -> None:
        self._engine: Engine | None = None
        if url and (address := make_url(url)).database:
            connect: dict[str, object] = {"timeout": 20}
            if address.drivername in ("postgresql", "postgres"):
                address, connect = address.set(drivername="postgresql+psycopg"), {"connect_timeout": 5}
            self._engine = create_engine(
                address, connect_args=connect, pool_size=1, pool_pre_ping=True, hide_parameters=True
            )

    def forget(self, conversations: Sequence[str]) -> int:
        """Deletes everything of these talks; returns how many events."""
        if self._engine is None or not conversations:
            return 0
        with self._engine.begin() as connection:
            if not inspect(connection).has_table(TABLE):
                return 0  # Rasa has never been started
            query = text(f"DELETE FROM {TABLE} WHERE sender_id IN :gone").bindparams(bindparam("gone", expanding=True))  # noqa: S608
            return connection.execute(query, {"gone": list(conversations)}).rowcount

    def close(self) -> None:
        """Lets the connection go."""
        if self._engine is not None:
            self._engine.dispose()
