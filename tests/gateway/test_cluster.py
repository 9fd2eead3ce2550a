"""Two gateways on one PostgreSQL and one Redis."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator

import pytest

from tests.gateway.conftest import Talk, World, drop, free_port, postgres, redis_url, wait_for
from tests.gateway.test_streams import Ear


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    """Two gateways, one Rasa."""
    shared = {"GATEWAY_DATABASE_URL": postgres(), "REDIS_URL": redis_url()}
    tmp_path = tmp_path_factory.mktemp("pair")
    one = World(tmp_path, **shared).start()
    two = World(tmp_path, **shared)
    two.ports |= {"rasa": one.ports["rasa"], "binding": one.ports["binding"], "public": free_port()}
    two.env |= {name: one.env[name] for name in ("RASA_URL", "BINDING_URL")}
    two.start("gateway")
    yield one, two
    two.close()
    one.close()
    drop(shared["GATEWAY_DATABASE_URL"])


def test_two_gateways_keep_order_dedupe_and_tell_each_other(pair: tuple[World, World]) -> None:
    one, two = pair
    here = one.talk(account=one.account())
    there = Talk(two, here.id, here.token)
    here.say("hello")
    ear = Ear(there)
    one.rasa(mode="ok", delay=0.1)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        twice = [pool.submit(side.say, "same", "c1") for side in (here, there, here, there)]
        lines = [pool.submit(side.say, f"line {number}") for number, side in enumerate([here, there] * 4)]
        assert len({str(answer.result().json()) for answer in twice}) == 1
        assert {answer.result().status_code for answer in lines} == {200}
    found = one.rasa(mode="ok")
    assert found["faults"] == [] and set(found["ran"].values()) == {1}
    asked = [text for author, text in here.history() if author == "customer"]
    assert asked.count("same") == 1 and len(asked) == 10
    assert [text for author, text in here.history() if author == "bot"] == [
        "您好",
        *("echo: " + text for text in asked),
    ]
    wait_for(lambda: ear.texts() == [text for _, text in here.history()])
    assert there.replies("who am i")[0].startswith("token 200")


def test_a_dead_gateways_turn_is_taken_up_by_the_other(pair: tuple[World, World]) -> None:
    one, two = pair
    here = one.talk()
    here.say("hello")
    one.rasa(mode="ok", delay=1)
    from tests.gateway.test_crash import in_background

    thread = in_background(lambda: here.say("in the middle", "m1"))
    wait_for(lambda: any(body["text"] == "in the middle" for body in one.rasa()["seen"]))
    one.kill("gateway")
    thread.join()
    there = Talk(two, here.id, here.token)
    assert there.replies("in the middle", "m1") == ["echo: in the middle"]
    assert set(one.rasa(mode="ok")["ran"].values()) == {1}
