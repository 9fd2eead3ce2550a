"""One real gateway per database, next to stand-ins of Rasa and binding; all over HTTP."""

from __future__ import annotations

import atexit
import functools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import redis
import requests
from joserfc.jwk import ECKey, KeySet, OKPKey

from gateway.database import Database
from tests.services import missing
from tools import secrets

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADMIN = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
HOST_KEYS = (
    ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256", "use": "sig"}),
    OKPKey.generate_key("Ed25519", {"kid": "ed", "alg": "EdDSA", "use": "sig"}),
)
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")


def free_port() -> int:
    """Returns a port that nobody uses."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(check: Any, *, seconds: float = 60.0) -> Any:
    """Returns what `check()` returns as soon as it is true; fails after the given time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := check():
                return found
        except (requests.RequestException, IndexError):
            pass
        time.sleep(0.02)
    raise AssertionError("the condition never came true")


@functools.cache
def tables() -> pathlib.Path:
    """Returns a SQLite database with the gateway's tables: making them takes longer than copying them."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="jiebang-tables-")) / "gateway.sqlite"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    made = Database(f"sqlite:///{path}")
    made.migrate()
    made.close()
    return path


class World:
    """A gateway and its neighbours: their environment, their processes, and the calls a customer makes."""

    def __init__(self, home: pathlib.Path, **extra: str) -> None:
        self.home = home
        self.ports = {name: free_port() for name in ("public", "private", "rasa", "binding", "platforms")}
        made = secrets.ensure(folder=home)
        if not extra.get("GATEWAY_DATABASE_URL") and not (home / "gateway.sqlite").exists():
            shutil.copy(tables(), home / "gateway.sqlite")
        self.env = {
            **os.environ,
            **made,
            "PYTHONPATH": str(ROOT),
            "JIEBANG_HOME": str(home),
            "JIEBANG_SANDBOX": "1",
            "JIEBANG_ENV": "development",
            "GATEWAY_PORT": str(self.ports["public"]),
            "GATEWAY_INTERNAL_PORT": str(self.ports["private"]),
            "RASA_URL": f"http://127.0.0.1:{self.ports['rasa']}",
            "BINDING_URL": f"http://127.0.0.1:{self.ports['binding']}",
            "GATEWAY_INTERNAL_URL": f"http://127.0.0.1:{self.ports['private']}",
            "BINDING_SERVICE_TOKEN": made["GATEWAY_BINDING_SERVICE_TOKEN"],
            "GATEWAY_TOKEN": made["GATEWAY_BINDING_SERVICE_TOKEN"],
            "ACTIONS_TOKEN": made["ACTIONS_GATEWAY_INTERNAL_TOKEN"],
            "CUSTOMER_TOKEN_JWKS_FILE": str(home / "keys" / "customer-token.jwks.json"),
            "GATEWAY_URL": f"http://127.0.0.1:{self.ports['public']}",
            "GATEWAY_TURN_TIMEOUT": "5",
            "GATEWAY_HOUSEKEEPING_EVERY": "1",
            # 64 MB a password is what makes guessing dear, and these tests slow; test_settings holds the real cost.
            "DESK_PASSWORD_KIB": "64",
            "GATEWAY_DATABASE_URL": "",
            "REDIS_URL": "",
            **extra,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.url = self.env["GATEWAY_URL"]
        self.api = self.url + "/api/v1"
        self.internal = self.env["GATEWAY_INTERNAL_URL"]
        self.http = requests.Session()

    def start(self, *names: str) -> World:
        """Starts the named processes (those that do not run yet) and waits until they answer."""
        names = tuple(name for name in names or ("rasa", "binding", "gateway") if name not in self.processes)
        for name in names:
            here = pathlib.Path(__file__).parent
            script = (
                [str(here / "platforms.py")] if name == "platforms" else [str(here / "standins.py"), name.rstrip("2")]
            )
            command = ["-m", "gateway"] if name == "gateway" else [*script, str(self.ports[name])]
            command.insert(0, sys.executable)
            with (self.home / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=log, stderr=log)
        for name in names:
            url = self.url + "/healthz" if name == "gateway" else f"http://127.0.0.1:{self.ports[name]}/control"
            wait_for(lambda url=url: requests.get(url, timeout=5).status_code == 200, seconds=180)
        return self

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Ends a process, by default as a power cut would."""
        process = self.processes.pop(name, None)
        if process:
            process.send_signal(how)
            process.wait(90)

    def close(self) -> None:
        """Ends everything."""
        for name in list(self.processes):
            self.kill(name, signal.SIGTERM if name == "gateway" else signal.SIGKILL)

    def rasa(self, **mode: Any) -> dict[str, Any]:
        """Sets what the stand-in Rasa does (when given) and returns what it saw."""
        url = f"http://127.0.0.1:{self.ports['rasa']}/control"
        return (requests.post(url, json=mode, timeout=5) if mode else requests.get(url, timeout=5)).json()

    def binding(self, **mode: Any) -> dict[str, Any]:
        """Gives the stand-in binding operations (when given) and returns what it saw."""
        url = f"http://127.0.0.1:{self.ports['binding']}/control"
        return (requests.post(url, json=mode, timeout=5) if mode else requests.get(url, timeout=5)).json()

    def account(self) -> str:
        """Makes a sandbox account."""
        return self.http.post(self.url + "/sandbox/accounts", json={"cards": []}).json()["account"]

    def login(self, account: str) -> str:
        """Returns a customer JWT of the account."""
        return self.http.post(self.url + "/sandbox/login", json={"account": account}).json()["token"]

    def talk(self, *, account: str | None = None, language: str | None = "zh") -> Talk:
        """Opens a conversation, signed in when an account is given."""
        headers = {"Authorization": "Bearer " + self.login(account)} if account else {}
        answer = self.http.post(
            self.api + "/conversations", json={"language": language} if language else {}, headers=headers
        )
        assert answer.status_code == 201, answer.text
        return Talk(self, answer.json()["id"], answer.json()["token"])

    def log_text(self) -> str:
        """Returns what the gateway logged."""
        return (self.home / "gateway.log").read_text(errors="replace")


class Talk:
    """A customer's side of one conversation."""

    def __init__(self, world: World, conversation_id: str, token: str) -> None:
        self.world, self.id, self.token = world, conversation_id, token

    @property
    def headers(self) -> dict[str, str]:
        """Returns the bearer header."""
        return {"Authorization": "Bearer " + self.token}

    def post(self, path: str, body: Any, **kwargs: Any) -> requests.Response:
        """Posts to a path of this conversation, on a connection of its own."""
        return requests.post(
            f"{self.world.api}/conversations/{self.id}{path}", json=body, headers=self.headers, timeout=30, **kwargs
        )

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        """Gets a path of this conversation."""
        return requests.get(
            f"{self.world.api}/conversations/{self.id}{path}",
            headers=self.headers | kwargs.pop("headers", {}),
            timeout=30,
            **kwargs,
        )

    def say(self, text: str, client_id: str | None = None) -> requests.Response:
        """Says something."""
        return self.post("/messages", {"text": text, "client_id": client_id or uuid.uuid4().hex})

    def replies(self, text: str, client_id: str | None = None) -> list[str]:
        """Says something; returns the texts of the replies."""
        answer = self.say(text, client_id)
        assert answer.status_code == 200, answer.text
        return [reply["text"] for reply in answer.json()["replies"]]

    def history(self) -> list[tuple[str, str]]:
        """Returns (author, text) of all messages."""
        return [(message["author"], message["text"]) for message in self.get("/messages").json()["messages"]]


@functools.cache
def template() -> str:
    """Returns the name of a PostgreSQL database with the gateway's tables, to be copied."""
    name = "gateway_test_" + uuid.uuid4().hex[:10]
    with psycopg.connect(ADMIN, autocommit=True, connect_timeout=3) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = ADMIN.rsplit("/", 1)[0] + "/" + name
    atexit.register(drop, url)
    made = Database(url)
    made.migrate()
    made.close()
    return name


def postgres(*, empty: bool = False) -> str:
    """Returns the address of a fresh PostgreSQL database, with the gateway's tables unless it shall be empty."""
    name = "gateway_test_" + uuid.uuid4().hex[:10]
    try:
        with psycopg.connect(ADMIN, autocommit=True, connect_timeout=3) as connection:
            connection.execute(f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {template()}"))
    except psycopg.OperationalError:
        missing("PostgreSQL")
    return ADMIN.rsplit("/", 1)[0] + "/" + name


def drop(url: str) -> None:
    """Drops a database made by `postgres`."""
    with psycopg.connect(ADMIN, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")


def redis_url() -> str:
    """Returns the address of Redis."""
    try:
        redis.Redis.from_url(REDIS).ping()
    except redis.RedisError:
        missing("Redis")
    return REDIS


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running world on each database."""
    url = postgres() if request.param == "postgresql" else ""
    made = World(tmp_path_factory.mktemp("world"), GATEWAY_DATABASE_URL=url).start()
    yield made
    made.close()
    if url:
        drop(url)


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running world on SQLite that knows the host's public keys too, for what does not depend on the database."""
    home = tmp_path_factory.mktemp("alone")
    (home / "host.jwks.json").write_text(json.dumps(KeySet(list(HOST_KEYS)).as_dict(private=False)))
    made = World(home, HOST_JWKS_FILE=str(home / "host.jwks.json")).start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def battered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world to kill processes of; each test starts what is missing."""
    made = World(tmp_path_factory.mktemp("battered"))
    yield made
    made.close()


@pytest.fixture
def fresh(tmp_path: pathlib.Path) -> Iterator[World]:
    """A world of one's own, not started, to be broken."""
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Database]:
    """A database with the tables."""
    url = postgres() if request.param == "postgresql" else f"sqlite:///{shutil.copy(tables(), tmp_path)}"
    made = Database(url)
    yield made
    made.close()
    if request.param == "postgresql":
        drop(url)


@pytest.fixture(autouse=True)
def calm(request: pytest.FixtureRequest) -> Iterator[None]:
    """Sets the shared stand-in back to normal after each test and looks whether the gateway broke a promise."""
    yield
    for name in ("world", "alone"):
        if name in request.fixturenames:
            found = request.getfixturevalue(name).rasa(mode="ok")
            assert found["faults"] == []


from tests.gateway.office import branch, office  # noqa: E402, F401 - fixtures; they need World
