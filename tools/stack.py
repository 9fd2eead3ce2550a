"""The processes of one Jiebang, their environment and their order; used by `make run` and by the end-to-end tests."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from tools import secrets

ROOT = pathlib.Path(__file__).resolve().parent.parent
PORTS = {
    "GATEWAY_PORT": 8080,
    "GATEWAY_INTERNAL_PORT": 8081,
    "RASA_PORT": 5005,
    "ACTIONS_PORT": 5055,
    "BINDING_PORT": 8090,
    "SANDBOX_PORT": 8091,
    "BINDING_ADMIN_PORT": 8092,
}
# One thread a process: more threads only fight over two cores (research: a server's p95 went from 45 to 519 ms).
QUIET = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "",
}


def free_ports() -> dict[str, int]:
    """Returns a free port for each name in PORTS."""
    with contextlib.ExitStack() as stack:
        opened = {name: stack.enter_context(socket.socket()) for name in PORTS}
        for sock in opened.values():
            sock.bind(("127.0.0.1", 0))
        return {name: sock.getsockname()[1] for name, sock in opened.items()}


def python(name: str) -> str:
    """Returns the interpreter of the environment `name`."""
    return str(pathlib.Path(os.environ.get("JIEBANG_VENVS", ROOT / ".venvs")) / name / "bin" / "python")


def environment(*, home: pathlib.Path, ports: dict[str, int], extra: dict[str, str] | None = None) -> dict[str, str]:
    """Returns the environment that every process shares: ports, addresses, databases, secrets. What the caller's own environment sets, wins."""
    url = {name.removesuffix("_PORT"): f"http://127.0.0.1:{port}" for name, port in ports.items()}
    defaults = {
        "JIEBANG_HOME": str(home),
        "JIEBANG_SANDBOX": "1",
        "PYTHONPATH": str(ROOT),
        **QUIET,
        **{name: str(port) for name, port in ports.items()},
        "GATEWAY_URL": url["GATEWAY"],
        "GATEWAY_INTERNAL_URL": url["GATEWAY_INTERNAL"],
        "RASA_URL": url["RASA"],
        "ACTIONS_URL": url["ACTIONS"],
        "BINDING_URL": url["BINDING"],
        "BANK_URL": url["SANDBOX"],
        "SMS_URL": url["SANDBOX"],
        "SANDBOX_URL": url["SANDBOX"],
        "RASA_TRACKER_URL": f"sqlite:///{home / 'rasa.sqlite'}",
        **secrets.ensure(folder=home),
        "CUSTOMER_TOKEN_KEY_FILE": str(home / "keys" / "customer-token.json"),
        "CUSTOMER_TOKEN_JWKS_FILE": str(home / "keys" / "customer-token.jwks.json"),
    }
    return {
        **os.environ,
        **defaults,
        **{k: v for k, v in os.environ.items() if k in defaults and k != "PYTHONPATH"},
        **(extra or {}),
    }


@dataclass
class Process:
    """One process of the stack: how it starts and how one sees that it is ready."""

    name: str
    argv: list[str]
    ready: str
    env: dict[str, str] = field(default_factory=dict)
    child: subprocess.Popen | None = None
    restarts: int = 0

    def start(self, *, shared: dict[str, str], logs: pathlib.Path) -> None:
        """Starts the process; its output goes to a log file of its own."""
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{self.name}.log").open("ab") as log:
            self.child = subprocess.Popen(
                self.argv,
                cwd=ROOT,
                env={**shared, **self.env},
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def alive(self) -> bool:
        """Tells whether the process runs."""
        return self.child is not None and self.child.poll() is None

    def is_ready(self) -> bool:
        """Tells whether the process answers that it can do its job."""
        try:
            with urllib.request.urlopen(self.ready, timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError, ValueError):
            return False

    def end(self, *, how: signal.Signals = signal.SIGTERM, patience_s: float = 10.0) -> None:
        """Ends the process, gently first."""
        if self.child is None or self.child.poll() is not None:
            return
        os.killpg(self.child.pid, how)
        try:
            self.child.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()


def processes(*, env: dict[str, str], model: str = "models") -> list[Process]:
    """Returns the processes of one stack in the order in which they are started."""
    app, rasa = python("app"), python("rasa")
    binding = {"BINDING_SERVICE_TOKEN": "", "GATEWAY_INTERNAL_TOKEN": env["BINDING_GATEWAY_INTERNAL_TOKEN"]}
    actions = {
        "BINDING_SERVICE_TOKEN": env["ACTIONS_BINDING_SERVICE_TOKEN"],
        "GATEWAY_INTERNAL_TOKEN": env["ACTIONS_GATEWAY_INTERNAL_TOKEN"],
        "SANIC_HOST": "127.0.0.1",
    }
    gateway = {"BINDING_SERVICE_TOKEN": env["GATEWAY_BINDING_SERVICE_TOKEN"]}
    rasa_argv = [
        rasa,
        "-m",
        "rasa",
        "run",
        "-i",
        "127.0.0.1",
        "-p",
        env["RASA_PORT"],
        "-m",
        model,
        "--endpoints",
        "endpoints.yml",
        "--credentials",
        "credentials.yml",
    ]
    if env.get("JIEBANG_SANDBOX") == "1":
        rasa_argv.append("--enable-api")
    found = [
        Process(
            "rasa",
            rasa_argv,
            env["RASA_URL"] + "/webhooks/gateway/readyz",
            {"ACTIONS_WEBHOOK_URL": env["ACTIONS_URL"] + "/webhook"},
        ),
        Process("binding", [app, "-m", "binding"], env["BINDING_URL"] + "/readyz", binding),
        Process("actions", [app, "-m", "actions"], env["ACTIONS_URL"] + "/health", actions),
        Process("gateway", [app, "-m", "gateway"], env["GATEWAY_URL"] + "/readyz", gateway),
    ]
    if env.get("JIEBANG_SANDBOX") == "1":
        found.insert(1, Process("sandbox", [app, "-m", "binding.sandbox"], env["SANDBOX_URL"] + "/healthz"))
    return found


class Stack:
    """Starts, watches, restarts and ends the processes of one Jiebang."""

    def __init__(
        self,
        *,
        home: pathlib.Path,
        ports: dict[str, int] | None = None,
        extra: dict[str, str] | None = None,
        model: str = "models",
    ) -> None:
        self.home = home.resolve()
        self.env = environment(
            home=self.home,
            ports=ports or {name: int(os.environ.get(name, port)) for name, port in PORTS.items()},
            extra=extra,
        )
        self.processes = {process.name: process for process in processes(env=self.env, model=model)}
        self.logs = self.home / "logs"

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    @property
    def url(self) -> str:
        """Returns the public address of the gateway."""
        return self.env["GATEWAY_URL"]

    def start(self, *names: str) -> None:
        """Starts the named processes, all by default."""
        for name in names or self.processes:
            self.processes[name].start(shared=self.env, logs=self.logs)

    def wait(self, *names: str, seconds: float = 180.0) -> None:
        """Waits until the named processes are ready; raises with the tail of the log of the one that is not."""
        deadline = time.monotonic() + seconds
        for process in [self.processes[name] for name in names or self.processes]:
            while not process.is_ready():
                if not process.alive() or time.monotonic() > deadline:
                    raise RuntimeError(f"{process.name} did not get ready\n{self.tail(process.name)}")
                time.sleep(0.1)

    def tail(self, name: str, *, lines: int = 30) -> str:
        """Returns the last lines of a process's log."""
        log = self.logs / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    def kill(self, name: str) -> None:
        """Ends a process as a power cut would (SIGKILL)."""
        self.processes[name].end(how=signal.SIGKILL)

    def restart(self, name: str, *, seconds: float = 60.0) -> None:
        """Starts a process again after it ended, and waits until it is ready."""
        self.start(name)
        self.wait(name, seconds=seconds)

    def stop(self) -> None:
        """Ends every process, the front door first."""
        for process in reversed(list(self.processes.values())):
            process.end()

    def watch(self) -> None:
        """Keeps the processes alive until interrupted: one that dies is started again, more slowly each time."""
        due: dict[str, float] = {}
        while True:
            for process in self.processes.values():
                if process.alive():
                    continue
                if process.name not in due:
                    due[process.name] = time.monotonic() + min(0.2 * 2**process.restarts, 30.0)
                    print(
                        f"· {process.name} ended; starting it again (log: {self.logs / process.name}.log)", flush=True
                    )
                elif time.monotonic() > due[process.name]:
                    due.pop(process.name)
                    process.restarts += 1
                    process.start(shared=self.env, logs=self.logs)
            time.sleep(0.1)


def main() -> None:
    """Runs the whole assistant until Ctrl-C."""
    began = time.monotonic()
    home = secrets.home()
    stack = Stack(home=home)
    busy = [name for name, port in ((n, int(stack.env[n])) for n in PORTS if n != "BINDING_ADMIN_PORT") if _taken(port)]
    if busy:
        sys.exit(
            "These ports are in use: "
            + ", ".join(f"{name}={stack.env[name]}" for name in busy)
            + ". Set the variables to other numbers, or end what holds them."
        )

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, ended)
    try:
        print("· starting: " + ", ".join(stack.processes), flush=True)
        stack.start()
        for name in stack.processes:
            stack.wait(name)
            print(f"· {name} is ready ({time.monotonic() - began:.0f} s)", flush=True)
        print(_addresses(stack), flush=True)
        stack.watch()
    except KeyboardInterrupt:
        print("\n· stopping", flush=True)
    except RuntimeError as error:
        sys.exit(f"{error}\nAll logs: {stack.logs}")
    finally:
        stack.stop()


def _taken(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _addresses(stack: Stack) -> str:
    with urllib.request.urlopen(stack.url + "/readyz", timeout=5) as answer:
        checks = json.load(answer)
    lines = [
        "",
        "解绑 Jiebang is ready",
        f"  demo page   {stack.url}/",
        f"  API         {stack.url}/api/v1   (schema: {stack.url}/openapi.json)",
        f"  agent desk  {stack.url}/desk   (agent / agent, supervisor / supervisor)",
        "  talk here   make chat",
        f"  logs, data  {stack.home}",
        "  Ctrl-C stops all of it",
    ]
    if checks.get("degraded"):
        lines.insert(2, f"  DEGRADED: {checks['degraded']}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
