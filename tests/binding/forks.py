"""Processes of the backend, forked from one that has loaded its code: real ones, with their own memory, ready seconds earlier.

`python -m binding` itself is started by `test_start.py` and by the tests of the whole stack.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[2]
LOADED = [
    "binding.__main__", "binding.api.app", "binding.sandbox.__main__", "binding.staff.app", "binding.staff.people",
    "uvicorn.protocols.http.httptools_impl", "uvicorn.loops.uvloop", "pysqlite3.dbapi2", "psycopg", "tests.binding.forks",
]  # fmt: skip
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(LOADED)


class Fork:
    """One process, with the doors of `subprocess.Popen` that tests use."""

    def __init__(
        self, module: str, arguments: tuple[str, ...], env: dict[str, str], files: tuple[str, str, str]
    ) -> None:
        self._process = _forks.Process(target=_become, args=(module, arguments, env, files), daemon=True)
        with mock.patch.dict(sys.modules, {"__main__": types.ModuleType("__main__")}):  # it need not load pytest
            self._process.start()
        self.pid = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """Return the exit code, negative for a signal, None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code if it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it without warning."""
        self.send_signal(signal.SIGKILL)


def serve(module: str, env: dict[str, str], log: Path) -> Fork:
    """Start a service; what it writes is appended to a file."""
    return Fork(module, (), env, ("/dev/null", str(log), str(log)))


def run(*command: str, env: dict[str, str], given: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command (`-m module argument …`) to its end, as `subprocess.run` does."""
    _, module, *arguments = command
    with tempfile.TemporaryDirectory() as folder:
        files = tuple(f"{folder}/{name}" for name in ("in", "out", "err"))
        Path(files[0]).write_text(given)
        process = Fork(module, tuple(arguments), env, files)  # type: ignore[arg-type]
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        out, err = (Path(name).read_text() for name in files[1:])
        return subprocess.CompletedProcess(command, code, out, err)


def _become(module: str, arguments: tuple[str, ...], env: dict[str, str], files: tuple[str, str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    for number, name in enumerate(files):
        opened = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    sys.argv = [module, *arguments]
    found = importlib.import_module(module)
    if not hasattr(found, "main"):
        found = importlib.import_module(f"{module}.__main__")
    sys.exit(found.main())
