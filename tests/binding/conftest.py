"""Real processes over HTTP: the bank and phone stand-in, the backend, and a gateway that listens for events."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import OKPKey

from binding.database import make_engine
from tests.services import missing

from . import forks
from .people import SECRET, Customer, EventSink, eventually

ROOT = Path(__file__).parents[2]
PG_ADMIN = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """The processes under test and the keys to talk to them."""

    def __init__(
        self, home: Path, database_url: str | None, *, binding_processes: int = 1, module: str = "binding", **extra: str
    ) -> None:
        self.home, self.sink, self.module = home, EventSink(), module
        self.signer = OKPKey.generate_key("Ed25519", {"kid": "test", "alg": "EdDSA", "use": "sig"})
        keys = home / "keys"
        keys.mkdir(parents=True, exist_ok=True)
        (keys / "customer-token.jwks.json").write_text(json.dumps({"keys": [self.signer.as_dict(private=False)]}))
        self.port, self.sandbox_port = free_port(), free_port()
        self.ports = [self.port] + [free_port() for _ in range(binding_processes - 1)]
        self.admin_port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.service_token = "test-" + secrets.token_hex(16)
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "JIEBANG_HOME": str(home),
            "JIEBANG_SANDBOX": "1",
            "BINDING_PORT": str(self.port),
            "DOOM_FILE": str(home / "doom"),
            "SANDBOX_PORT": str(self.sandbox_port),
            "GATEWAY_INTERNAL_PORT": str(self.sink.port),
            "BINDING_SERVICE_TOKENS": f"actions:{self.service_token},gateway:gw-{self.service_token}",
            "EVENTS_SECRET": SECRET,
            "BANK_TOKEN": "bank-" + secrets.token_hex(8),
            "BANK_CALLBACK_SECRET": SECRET,
            "BANK_CALLBACK_OLD_SECRET": "of last year: " + secrets.token_hex(8),
            "SMS_TOKEN": "sms-" + secrets.token_hex(8),
            "BINDING_PEPPER": "pepper-" + secrets.token_hex(8),
            **({"BINDING_DATABASE_URL": database_url} if database_url else {}),
            **extra,
        }
        self.processes: dict[str, forks.Fork] = {}
        self.http = requests.Session()
        self.http.trust_env = False

    def start(self) -> Cluster:
        """Start all processes and wait until they are ready."""
        if "BINDING_DATABASE_URL" not in self.env:
            shutil.copy(sqlite_template(), self.home / "binding.sqlite")
        self.start_process("sandbox", "binding.sandbox", self.sandbox_port)
        for index, port in enumerate(self.ports):
            self.start_process(f"binding-{index}", "binding", port)
        self.wait_ready()
        return self

    def start_process(self, name: str, module: str, port: int, **extra: str) -> None:
        """Start one process; its log goes to a file beside the database."""
        env = self.env | extra
        if module == "binding":
            env |= {"BINDING_PORT": str(port), "BINDING_URL": f"http://127.0.0.1:{port}"}
            env |= {"BINDING_ADMIN_PORT": str(self.admin_port if port == self.port else 0)}
        chosen = self.module if module == "binding" else module
        self.processes[name] = forks.serve(chosen, env, self.home / f"{name}.log")

    def wait_ready(self) -> None:
        """Wait until every process says that it is ready."""
        for port in [self.sandbox_port, *self.ports]:
            eventually(lambda port=port: self._ready(port), within=120, what=f"port {port} being ready")

    def _ready(self, port: int) -> bool:
        with contextlib.suppress(requests.RequestException):
            return self.http.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
        for name, process in self.processes.items():
            if process.poll() is not None and process.returncode != -signal.SIGKILL:
                raise AssertionError(f"{name} ended: {(self.home / f'{name}.log').read_text()[-2000:]}")
        return False

    def kill(self, name: str = "binding-0") -> None:
        """Kill a process without warning."""
        self.processes[name].kill()
        self.processes[name].wait()

    def restart(self, name: str = "binding-0") -> None:
        """Start a killed process again on its old port."""
        index = int(name.split("-")[1])
        self.start_process(name, "binding", self.ports[index])
        self.wait_ready()

    def stop(self) -> None:
        """Stop everything."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        self.sink.server.shutdown()

    def token(self, account: str, conversation: str | None = "conv_1", **claims: Any) -> str:
        """Sign a customer token as the gateway does."""
        now = int(time.time())
        payload = {
            "iss": "jiebang-gateway", "aud": "jiebang-binding", "sub": account, "jti": uuid.uuid4().hex,
            "iat": now, "exp": now + 240, "conversation": conversation,
        } | claims  # fmt: skip
        return jwt.encode({"alg": "EdDSA", "kid": "test", "typ": "at+jwt"}, payload, self.signer, algorithms=["EdDSA"])

    def sandbox(self, method: str, path: str, body: Any = None, expect: int | None = None) -> Any:
        """Call a sandbox route and return its body."""
        headers = {"Authorization": f"Bearer {self.service_token}"}
        answer = self.http.request(method, f"{self.base}/sandbox{path}", json=body, headers=headers, timeout=20)
        assert expect is None or answer.status_code == expect, answer.text
        assert expect is not None or answer.status_code < 300, answer.text
        return answer.json()

    def customer(self, conversation: str = "conv_1", **spec: Any) -> Customer:
        """Make an account and return its customer."""
        return Customer(self, self.sandbox("POST", "/accounts", spec)["account"], conversation)

    def bank(self, mode: str) -> None:
        """Set the bank's mode."""
        self.sandbox("PUT", "/bank", {"mode": mode})

    def settle(self) -> None:
        """End everything that waits at the bank."""
        self.sandbox("POST", "/bank/settle")

    def advance(self, seconds: int) -> None:
        """Move the clock."""
        self.sandbox("POST", "/clock", {"advance_s": seconds})

    def engine(self) -> sa.Engine:
        """Open the ledger's database beside the process, as somebody with access to it could."""
        return make_engine(self.env.get("BINDING_DATABASE_URL") or f"sqlite:///{self.home}/binding.sqlite", pool_size=1)

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of the backend with the cluster's environment."""
        return forks.run(*arguments, env=self.env, given=given)

    def bank_requests(self) -> dict[str, dict[str, Any]]:
        """List what the bank has seen, by operation."""
        found: dict[str, dict[str, Any]] = {}
        cursor: str | None = ""
        while cursor is not None:
            page = self.http.get(
                f"http://127.0.0.1:{self.sandbox_port}/bank/v1/requests", params={"cursor": cursor},
                headers={"Authorization": f"Bearer {self.env['BANK_TOKEN']}"}, timeout=10,
            ).json()  # fmt: skip
            found |= {r["id"]: r for r in page["items"]}
            cursor = page["next_cursor"]
        return found


@functools.cache
def sqlite_template() -> Path:
    """Make an empty SQLite ledger once, to be copied."""
    home = Path(tempfile.mkdtemp(prefix="binding-template-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    _migrated({"JIEBANG_HOME": str(home)})
    return home / "binding.sqlite"


@functools.cache
def postgres_template() -> str:
    """Make an empty PostgreSQL ledger once, to be copied; raises psycopg.OperationalError when there is no server."""
    name = f"binding_template_{uuid.uuid4().hex[:10]}"
    _admin(f"CREATE DATABASE {name}")
    atexit.register(_admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _migrated({"BINDING_DATABASE_URL": PG_ADMIN.rsplit("/", 1)[0] + f"/{name}", "JIEBANG_HOME": tempfile.gettempdir()})
    return name


def _migrated(env: dict[str, str]) -> None:
    done = forks.run("-m", "tests.binding.template", env={"PATH": os.environ["PATH"]} | env, timeout=240)
    assert done.returncode == 0, done.stderr


def _admin(statement: str) -> None:
    with psycopg.connect(PG_ADMIN, autocommit=True, connect_timeout=3) as admin:
        admin.execute(statement)  # type: ignore[arg-type]


def postgres_url() -> Iterator[str]:
    """Make a PostgreSQL database for the tests and drop it afterwards; skip (or fail) when there is no server."""
    name = f"binding_test_{uuid.uuid4().hex[:10]}"
    try:
        _admin(f"CREATE DATABASE {name} TEMPLATE {postgres_template()}")
    except psycopg.OperationalError as error:
        missing(f"PostgreSQL ({error})")
    yield PG_ADMIN.rsplit("/", 1)[0] + f"/{name}"
    _admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def running(home: Path, database_url: str | None, **options: Any) -> Iterator[Cluster]:
    """Run a cluster for the length of a block."""
    cluster = Cluster(home, database_url, **options)
    try:
        yield cluster.start()
    finally:
        cluster.stop()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One cluster per database for the whole session."""
    home = tmp_path_factory.mktemp(f"binding-{request.param}")
    if request.param == "sqlite":
        with running(home, None) as cluster:
            yield cluster
        return
    with contextlib.contextmanager(postgres_url)() as url, running(home, url) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Iterator[Cluster]:
    """The shared cluster with a bank in good mood and a gateway that listens."""
    shared.bank("ok")
    shared.sink.refuse = False
    yield shared
    shared.bank("ok")
    shared.sink.refuse = False
