"""What `deploy/` promises and can be tried without an engine: what is named is there, the images hold all that their programs need, and no room's role opens another's database."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import requests
import yaml
from joserfc.jwk import KeySet, OKPKey

from gateway.database import Database
from tests.gateway.conftest import ADMIN, ROOT, drop, free_port, postgres, redis_url, wait_for
from tests.services import missing
from tools.stack import python

DEPLOY = ROOT / "deploy"
ROOMS = ("gateway", "binding", "rasa")
# What the code reads and Compose has no use for: addresses and ports are fixed inside the node, one way of naming the host's keys
# is enough, the grace of a stop is made for a turn of 15 s, stand-ins are for tests, and the image says that this is production.
NOT_FOR_COMPOSE = {
    *("GATEWAY_HOST", "GATEWAY_PORT", "GATEWAY_URL", "GATEWAY_INTERNAL_HOST", "GATEWAY_INTERNAL_PORT"),
    *("GATEWAY_WEB_DIST", "GATEWAY_TURN_TIMEOUT", "GATEWAY_HOUSEKEEPING_EVERY", "RASA_URL", "BINDING_URL"),
    *("HOST_JWKS_FILE", "HOST_JWT_KEY", "TELEGRAM_API_URL", "WECHAT_API_URL", "WECHAT_OPEN_URL"),
    *("JIEBANG_ENV", "JIEBANG_HOME", "JIEBANG_SANDBOX"),
}
# Made before the images are built, so not in a fresh tree.
MADE = {"models"}


def test_the_example_names_everything_that_compose_needs() -> None:
    compose = (DEPLOY / "compose.yml").read_text()
    example = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "production.env.example").read_text(), re.M))
    assert set(re.findall(r"\$\{([A-Z_]+):\?", compose)) <= example
    assert example <= set(re.findall(r"\$\{([A-Z_]+):", compose))


def compose() -> dict[str, Any]:
    """Returns deploy/compose.yml."""
    return yaml.safe_load((DEPLOY / "compose.yml").read_text())


def manifests(name: str = "jiebang") -> list[dict[str, Any]]:
    """Returns the documents of a Kubernetes file."""
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / f"{name}.yml").read_text()))


def node() -> dict[str, Any]:
    """Returns the pod that is a whole node."""
    [found] = [one["spec"]["template"]["spec"] for one in manifests() if one["kind"] == "StatefulSet"]
    return found


def copied(image: str) -> list[str]:
    """Returns what an image's last stage takes from the tree."""
    stage = (DEPLOY / f"{image}.Dockerfile").read_text().split("\nFROM ")[-1]
    lines = [line.split()[1:] for line in stage.splitlines() if line.startswith("COPY ")]
    return [path.rstrip("/") for parts in lines if not parts[0].startswith("--from") for path in parts[:-1]]


def test_what_an_operator_may_set_passes_through_compose() -> None:
    read = set()
    for path in ("gateway/settings.py", "gateway/desk/settings.py"):
        found = re.findall(r"\"([A-Z][A-Z_]{3,})\"", (ROOT / path).read_text())
        read |= {name for name in found if "_" in name or name == "HOTLINE"}
    passed = set(compose()["services"]["gateway"]["environment"])
    assert read - passed - NOT_FOR_COMPOSE == set()
    assert passed - read == {"OTEL_EXPORTER_OTLP_ENDPOINT"} and not NOT_FOR_COMPOSE & passed


def test_compose_names_only_what_is_there() -> None:
    found = compose()
    services = found["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        assert set(service.get("networks", {})) <= set(found["networks"]), name
        assert set(service.get("secrets", [])) <= set(found["secrets"]), name
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file(), name
        mounts = [one.split(":")[0] for one in service.get("volumes", [])]
        assert all((DEPLOY / one).exists() for one in mounts if one.startswith("./")), name


@pytest.mark.parametrize("image", ["app", "rasa"])
def test_what_an_image_copies_is_there_and_not_ignored(image: str) -> None:
    ignored = set((DEPLOY / f"{image}.Dockerfile.dockerignore").read_text().split())
    for path in copied(image):
        assert path in MADE or (ROOT / path).exists(), path
        assert path not in ignored
    assert {"tests", "var", ".git"} <= ignored
    web = (DEPLOY / "app.Dockerfile").read_text()
    for path in re.findall(r"^COPY (web/\S+) (web/\S+)", web, re.M)[0]:
        assert (ROOT / path).is_file()
    assert "build" in json.loads((ROOT / "web" / "package.json").read_text())["scripts"]


def test_every_key_that_kubernetes_asks_for_is_in_the_examples() -> None:
    known = {one["metadata"]["name"]: set(one["stringData"]) for one in manifests("secrets.example")}
    known |= {"config": {key for one in manifests() if one["kind"] == "ConfigMap" for key in one["data"]}}
    images = {service["image"] for service in compose()["services"].values()}
    for container in node()["containers"]:
        assert container["image"] in images
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container.get(probe, {}).get("httpGet")
            assert asked is None or asked["port"] in ports
        for entry in container.get("env", []):
            source = entry.get("valueFrom", {})
            if key := source.get("configMapKeyRef"):
                assert key["key"] in known["config"], entry
            if (key := source.get("secretKeyRef")) and not key.get("optional"):
                assert key["key"] in known[key["name"]], entry
    labels = {"app": "jiebang"}
    for one in manifests():
        chosen = one.get("spec", {}).get("selector")
        assert chosen in (None, labels, {"matchLabels": labels}), one["kind"]
    replicas = next(one["spec"]["replicas"] for one in manifests() if one["kind"] == "StatefulSet")
    [config] = [one["data"] for one in manifests() if one["kind"] == "ConfigMap"]
    # A conversation keeps its Rasa: all of them must be known by name.
    hosts = [f"http://jiebang-{number}.jiebang-nodes:5005" for number in range(replicas)]
    assert config["RASA_URLS"].split(",") == hosts


def test_kubernetes_and_compose_start_the_same_programs_with_the_same_needs() -> None:
    services = compose()["services"]
    for container in node()["containers"]:
        service = services[container["name"]]
        given = {entry["name"] for entry in container.get("env", [])}
        if container.get("envFrom"):
            given |= {key for one in manifests() if one["kind"] == "ConfigMap" for key in one["data"]}
        # What Compose insists on, the node needs as well; Compose makes its database addresses itself.
        needed = {name for name, value in service["environment"].items() if not str(value).endswith(":-}")}
        assert needed <= given, container["name"]
        assert [part for part in service["command"] if part != "127.0.0.1"] == [
            part
            for part in container["command"]
            if part != "0.0.0.0"  # noqa: S104
        ]


def tree(folder: pathlib.Path, image: str) -> pathlib.Path:
    """Makes a folder of what an image holds and nothing else."""
    for path in copied(image):
        if (ROOT / path).exists():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(ROOT / path)
    return folder


def word() -> str:
    """Returns a secret as the example tells to make one."""
    return secrets.token_urlsafe(32)


@pytest.fixture
def production(tmp_path: pathlib.Path) -> Iterator[dict[str, dict[str, str]]]:
    """Fills in the example; yields the environment that Compose would give to each room, with this machine's databases and free ports."""
    text = (DEPLOY / "production.env.example").read_text()
    filled = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.M))
    optional = re.compile(r"WECHAT|TELEGRAM|WEBHOOK_CLIENTS|OTEL")
    for name, value in filled.items():
        if not value and not optional.search(name):
            filled[name] = f"https://{name.lower().replace('_', '-')}.example" if name.endswith("_URL") else word()
    for name in ("EVENTS_SECRET", "BANK_CALLBACK_SECRET"):
        filled[name] = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, auto_kid=True)
    (tmp_path / "customer-token.json").write_text(json.dumps(key.as_dict(private=True)))
    (tmp_path / "customer-token.jwks.json").write_text(json.dumps(KeySet([key]).as_dict(private=False)))
    databases = {name: postgres(empty=True) for name in ("gateway", "binding")}
    ports = {
        name: str(free_port()) for name in ("GATEWAY_PORT", "GATEWAY_INTERNAL_PORT", "BINDING_PORT", "ACTIONS_PORT")
    }
    image = dict(re.findall(r"([A-Z_]+)=(\S+)", (DEPLOY / "app.Dockerfile").read_text()))
    found = {}
    for name in ("gateway", "binding", "actions"):
        given = compose()["services"][name]["environment"]
        made = {
            key: re.sub(r"\$\{([A-Z_]+)(:[^}]*)?\}", lambda one: filled.get(one[1], ""), str(value))
            for key, value in given.items()
        }
        made = {key: value.replace("/run/secrets/", f"{tmp_path}/").strip('"') for key, value in made.items()}
        made |= {f"{name.upper()}_DATABASE_URL": databases[name]} if name in databases else {}
        made |= {"REDIS_URL": redis_url(), "RASA_TRACKER_URL": ""} if name == "gateway" else {}
        here = {"PATH": os.environ["PATH"], "BINDING_ADMIN_PORT": "0", "GATEWAY_HOST": "127.0.0.1"}
        found[name] = {
            "JIEBANG_ENV": image["JIEBANG_ENV"],
            "JIEBANG_HOME": str(tmp_path / "home"),
            **here,
            **made,
            **ports,
        }
    (tmp_path / "home").mkdir()
    yield found
    for url in databases.values():
        drop(url)


def test_the_image_of_the_app_runs_with_composes_settings(
    production: dict[str, dict[str, str]], tmp_path: pathlib.Path
) -> None:
    """Gateway, actions and binding start in production from what the image holds, told what Compose tells them."""
    folder = tmp_path / "srv"
    folder.mkdir()
    tree(folder, "app")
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, env in production.items():
            command = compose()["services"][name]["command"][1:]
            with (tmp_path / f"{name}.log").open("wb") as log:
                running[name] = subprocess.Popen(
                    [sys.executable, *command],
                    cwd=folder,
                    env=env | {"PYTHONPATH": str(folder)},
                    stdout=log,
                    stderr=log,
                )
        env = production["gateway"]
        doors = {
            "gateway": f"http://127.0.0.1:{env['GATEWAY_PORT']}/healthz",
            "binding": f"http://127.0.0.1:{env['BINDING_PORT']}/readyz",
            "actions": f"http://127.0.0.1:{env['ACTIONS_PORT']}/health",
        }
        ends = time.monotonic() + 120
        for name, door in doors.items():

            def answers(name: str = name, door: str = door) -> bool:
                assert running[name].poll() is None and time.monotonic() < ends, (tmp_path / f"{name}.log").read_text()[
                    -2000:
                ]
                return requests.get(door, timeout=5).status_code == 200

            wait_for(answers, seconds=120)
        gateway = doors["gateway"].removesuffix("/healthz")
        # Nothing of the sandbox is there, and a customer may begin.
        assert requests.post(gateway + "/sandbox/login", json={"account": "demo-zh"}, timeout=5).status_code == 404
        assert requests.get(gateway + "/metrics", timeout=5).status_code == 404
        assert requests.post(gateway + "/api/v1/conversations", json={}, timeout=5).status_code == 201
        agent = {"username": "agent", "password": "agent"}
        assert requests.post(gateway + "/api/desk/v1/session", json=agent, timeout=5).status_code == 401
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(30)


def test_the_image_of_rasa_holds_what_its_code_imports(tmp_path: pathlib.Path) -> None:
    tree(tmp_path, "rasa")
    modules = [path.stem for path in (ROOT / "brain").glob("*.py") if path.stem != "__init__"]
    said = subprocess.run(
        [python("rasa"), "-c", "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module('brain.' + name)", *modules],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3", "JIEBANG_HOME": str(tmp_path / "home")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr[-2000:]
    for name in ("--endpoints", "--credentials"):
        command = compose()["services"]["rasa"]["command"]
        assert (tmp_path / command[command.index(name) + 1]).is_file()


def test_the_rooms_of_a_node_outlive_its_gateway() -> None:
    pod = node()
    pauses = {one["name"]: int(one["lifecycle"]["preStop"]["exec"]["command"][1]) for one in pod["containers"]}
    longest_turn, last_deliveries = 17, 5
    for name in set(pauses) - {"gateway"}:
        assert pauses[name] >= pauses["gateway"] + longest_turn + last_deliveries
        assert pauses[name] < pod["terminationGracePeriodSeconds"]


@pytest.fixture
def rooms() -> Iterator[dict[str, str]]:
    """Runs databases.sql on the test server, with names of its own; yields an address for each room."""
    psql = shutil.which("psql") or missing("psql")
    drop(postgres(empty=True))  # skips when there is no PostgreSQL
    prefix = f"jiebang_{uuid.uuid4().hex[:8]}_"
    script = (DEPLOY / "databases.sql").read_text().replace("jiebang_", prefix)
    words = {f"{room.upper()}_DATABASE_PASSWORD": f"word-of-{room}" for room in ROOMS}
    subprocess.run([psql, ADMIN, "-q"], input=script, text=True, env={**os.environ, **words}, check=True)
    server = ADMIN.partition("@")[2].rsplit("/", 1)[0]
    try:
        yield {room: f"postgresql://{prefix}{room}:word-of-{room}@{server}/{prefix}{room}" for room in ROOMS}
    finally:
        for room in ROOMS:
            drop(f"{ADMIN.rsplit('/', 1)[0]}/{prefix}{room}")
        with psycopg.connect(ADMIN, autocommit=True) as admin:
            for room in ROOMS:
                admin.execute(f"DROP ROLE {prefix}{room}")


def test_no_room_opens_anothers_database(rooms: dict[str, str]) -> None:
    database = Database(rooms["gateway"])
    database.migrate()
    database.close()
    for room, url in rooms.items():
        for other in set(ROOMS) - {room}:
            with pytest.raises(psycopg.OperationalError, match="permission denied"):
                psycopg.connect(url.rsplit("/", 1)[0] + "/" + rooms[other].rsplit("/", 1)[1])
