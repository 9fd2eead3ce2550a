"""What `deploy/` promises and can be tried here: nothing is missing from the example, and no room's role opens another's database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator

import psycopg
import pytest
import yaml

from gateway.database import Database
from tests.gateway.conftest import ADMIN, ROOT, drop, postgres
from tests.services import missing

DEPLOY = ROOT / "deploy"
ROOMS = ("gateway", "binding", "rasa")


def test_the_example_names_everything_that_compose_needs() -> None:
    compose = (DEPLOY / "compose.yml").read_text()
    example = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "production.env.example").read_text(), re.M))
    assert set(re.findall(r"\$\{([A-Z_]+):\?", compose)) <= example
    assert example <= set(re.findall(r"\$\{([A-Z_]+):", compose))


def test_the_rooms_of_a_node_outlive_its_gateway() -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "jiebang.yml").read_text()))
    [pod] = [one["spec"]["template"]["spec"] for one in documents if one["kind"] == "StatefulSet"]
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
