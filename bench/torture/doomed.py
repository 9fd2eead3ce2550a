"""The backend as a process that exits at the k-th edge: before or after a commit that wrote something, or a call to a peer.

`python -m bench.torture.doomed` serves like `python -m binding`. The file that DOOM_FILE names holds `<k> <nonce>`: a new nonce
starts the count again, 0 counts nothing. A process that died so is started again at once, from a parent that has loaded the code.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import event

import binding.__main__
import binding.api.app
import binding.staff.app  # noqa: F401 - loaded before the fork
from binding.database import engine

DOOMED = 86
PLAN = Path(os.environ["DOOM_FILE"])


class Doom:
    """Counts edges and ends the process at the planned one."""

    def __init__(self) -> None:
        self.lock, self.plan, self.count, self.at = threading.Lock(), "", 0, 0
        self.plan = self._read()  # a process that starts anew is not doomed again by the plan that ended the last one

    @staticmethod
    def _read() -> str:
        return PLAN.read_text() if PLAN.exists() else "0 start"

    def edge(self, where: str) -> None:
        """Pass one edge, or not."""
        with self.lock:
            plan = self._read()
            if plan != self.plan:
                self.plan, self.count, self.at = plan, 0, int(plan.split()[0])
            if self.at == 0:
                return
            self.count += 1
            PLAN.with_suffix(".count").write_text(str(self.count))
            if self.count == self.at:
                with PLAN.with_suffix(".deaths").open("a") as deaths:
                    deaths.write(f"{self.plan} {where}\n")
                os._exit(DOOMED)


def watch(doom: Doom) -> None:
    """Put the edges around commits and calls."""
    wrote: set[int] = set()
    dialect = engine().dialect
    commit, send = dialect.do_commit, requests.Session.send

    @event.listens_for(engine(), "after_cursor_execute")
    def _note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE") and cursor.rowcount != 0:
            wrote.add(id(connection.connection.dbapi_connection))

    def do_commit(connection: Any) -> None:
        mine = id(connection.dbapi_connection)
        counts = mine in wrote
        wrote.discard(mine)
        if counts:
            doom.edge("before commit")
        commit(connection)
        if counts:
            doom.edge("after commit")

    def do_send(session: Any, request: Any, **options: Any) -> Any:
        peer = request.path_url.split("/")[1]
        if peer in ("phones", "control"):  # the sandbox's own errands
            return send(session, request, **options)
        doom.edge(f"before {request.method} {peer}")
        answer = send(session, request, **options)
        doom.edge(f"after {request.method} {peer}")
        return answer

    dialect.do_commit = do_commit  # type: ignore[method-assign]
    requests.Session.send = do_send  # type: ignore[method-assign]


def main() -> int:
    """Serve, and serve again after each planned death."""
    while True:
        child = os.fork()
        if child == 0:
            watch(Doom())
            os._exit(binding.__main__.main())
        signal.signal(signal.SIGTERM, lambda *_, child=child: os.kill(child, signal.SIGTERM))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != DOOMED:
            return abs(code)


if __name__ == "__main__":
    sys.exit(main())
