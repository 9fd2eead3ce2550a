"""Executor slots: each process owns one for life; who holds a dead one's lock may take over its work.

PostgreSQL: a session-level advisory lock per slot. SQLite: one process per database, held by a file lock.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
import zlib
from pathlib import Path
from typing import IO

import sqlalchemy as sa
import structlog

from binding import durable
from binding.database import NoUsableDatabase, engine
from binding.settings import settings

log = structlog.get_logger("executors")
SLOTS = 64
EVERY_S = 5.0
PATIENCE_S = 30.0  # a named slot may be held for a moment by who adopts its work, or until the server notices that its host is gone
LOCK_CLASS = 0x4A42


class Slot:
    """One executor's slot."""

    def __init__(self) -> None:
        self.name = ""
        self._connection: sa.Connection | None = None
        self._file: IO[str] | None = None
        self._stop = threading.Event()

    def take(self) -> str:
        """Take a free slot (the one that BINDING_EXECUTOR names, if it does, for which it waits); raises when there is none."""
        if engine().dialect.name == "sqlite":
            self.name = settings().executor or "binding-0"
            path = engine().url.database or "binding.sqlite"
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._file = open(f"{path}.lock", "w")  # noqa: SIM115 - held for the life of the process
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise NoUsableDatabase(
                    f"another process serves {path}; several processes need PostgreSQL (BINDING_DATABASE_URL)"
                ) from error
            return self.name
        self._connection = engine().connect().execution_options(isolation_level="AUTOCOMMIT")
        names = [settings().executor] if settings().executor else [f"binding-{n}" for n in range(SLOTS)]
        until = time.monotonic() + (PATIENCE_S if settings().executor else 0)
        while True:
            for name in names:
                if self._lock(name):
                    self.name = name
                    return name
            if time.monotonic() >= until:
                break
            time.sleep(0.2)
        raise NoUsableDatabase(f"no executor slot is free among {names[0]} … {names[-1]}")

    def watch(self) -> None:
        """Look after dead executors from now on, in a thread (PostgreSQL only)."""
        if self._connection is not None:
            threading.Thread(target=self._watch, name="executors", daemon=True).start()

    def release(self) -> None:
        """Let the slot go."""
        self._stop.set()
        if self._connection is not None:
            self._connection.close()
        if self._file is not None:
            self._file.close()

    def _watch(self) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                self._adopt()
            except sa.exc.DBAPIError as error:
                if self._stop.is_set():
                    return
                log.error(
                    "the slot's connection is gone; stopping, another process takes over", error=type(error).__name__
                )
                os._exit(70)  # whoever adopts our work must not find us working
            except Exception as error:
                log.error("looking after executors failed", error=type(error).__name__, exc_info=error)

    def _adopt(self) -> None:
        assert self._connection is not None
        self._connection.execute(sa.text("SELECT 1"))
        for name, ids in durable.pending_by_executor().items():
            if name in ("", self.name) or not self._lock(name):
                continue
            try:
                ids = durable.pending_by_executor().get(name, [])
                if ids:
                    durable.adopt(ids)
                    log.warning("adopted a dead executor's work", executor=name, count=len(ids))
            finally:
                self._connection.execute(sa.text("SELECT pg_advisory_unlock(:c, :k)"), self._key(name))

    def _lock(self, name: str) -> bool:
        assert self._connection is not None
        return bool(self._connection.scalar(sa.text("SELECT pg_try_advisory_lock(:c, :k)"), self._key(name)))

    @staticmethod
    def _key(name: str) -> dict[str, int]:
        return {"c": LOCK_CLASS, "k": zlib.crc32(name.encode()) - 2**31}
