"""Two of each process on PostgreSQL and Redis: a gateway and a Rasa are killed while a card is being unbound, and it is unbound once."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator

import pytest
import requests

from gateway.brain_client import BrainClient
from tests.e2e.customer import Customer, open_account, until
from tests.e2e.test_main_job import CARDS, WORDS, done
from tests.services import missing
from tools.cluster import DOORS, NODES, REDIS, Cluster, Databases
from tools.stack import ROOT, free_ports


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A running cluster with databases and a home of its own."""
    import psycopg
    import redis

    models = pathlib.Path(os.environ.get("JIEBANG_TEST_MODEL", ROOT / "models"))
    if not any(models.glob("*.tar.gz")):
        missing("a trained model (make train)")
    databases = Databases(suffix="_" + uuid.uuid4().hex[:8])
    try:
        databases.make()
        redis.Redis.from_url(REDIS).ping()
    except (psycopg.OperationalError, redis.RedisError):
        missing("PostgreSQL and Redis")
    home = pathlib.Path(tempfile.mkdtemp(prefix="jiebang-cluster-"))
    more = free_ports()
    doors = {door: more[port] for door, port in DOORS.items()}
    made = Cluster(
        home=home,
        node_ports=[free_ports() for _ in range(NODES)],
        door_ports=doors,
        databases=databases,
        redis_url=REDIS.rsplit("/", 1)[0] + "/8",
        model=str(models),
        nginx=shutil.which("nginx"),
    )
    try:
        made.up()
        yield made
    finally:
        made.stop()
        databases.drop()
        shutil.rmtree(home, ignore_errors=True)


def door(cluster: Cluster, number: int) -> str:
    """Returns the address that a customer's client uses when gateway `number` is the one that answers."""
    return cluster.url if cluster.nginx else cluster.urls[number - 1]


def node_of(cluster: Cluster, conversation: str) -> int:
    """Returns the number of the node whose Rasa a conversation keeps."""
    urls = cluster["gateway-1"].env["RASA_URL"].split(",")
    return urls.index(BrainClient.order(urls, conversation)[0]) + 1


def on(customer: Customer, url: str) -> Customer:
    """Returns the same customer at another door."""
    made = Customer(url, conversation={"id": customer.id, "token": customer.token})
    made.account = customer.account
    return made


def test_a_gateway_and_a_rasa_die_while_a_card_is_unbound(cluster: Cluster) -> None:
    account = open_account(door(cluster, 1), language="zh", cards=CARDS)
    begun = Customer(door(cluster, 1), account=account, language="zh")
    node = node_of(cluster, begun.id)
    here, there = on(begun, door(cluster, node)), on(begun, door(cluster, 3 - node))
    # Two gateways, one talk.
    here.says(WORDS["zh"]["ask"])
    assert "****" in there.says(WORDS["zh"]["yes"])
    code, client_id = there.code(), uuid.uuid4().hex

    def tell() -> None:
        with contextlib.suppress(requests.RequestException, AssertionError):
            here.says(code, client_id=client_id)

    telling = threading.Thread(target=tell)
    telling.start()
    until(lambda: there.history()[-1]["text"] == "[code]")
    dead = (f"gateway-{node}", f"rasa-{node}")
    for name in dead:
        cluster.kill(name)
    telling.join()
    # The same message again, at the door that is left.
    until(lambda: there.post("messages", {"text": code, "client_id": client_id}).ok, seconds=90)
    until(lambda: there.tails() == ["5678"], seconds=60)
    (operation,) = there.state()["operations"]
    assert (operation["kind"], operation["status"]) == ("card.unbind", "succeeded")
    headers = {"Authorization": f"Bearer {cluster.env['BANK_TOKEN']}"}
    books = requests.get(f"{cluster.env['BANK_URL']}/bank/v1/requests", headers=headers, timeout=30).json()["items"]
    assert len([entry for entry in books if operation["id"] in str(entry)]) == 1
    until(lambda: any(done("zh", message["text"]) for message in there.history()), seconds=60)
    # What died comes back and goes on with the same talk.
    for name in dead:
        cluster.restart(name, seconds=180)
    assert done("zh", here.says(WORDS["zh"]["status"]))
