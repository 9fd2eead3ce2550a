"""Several Rasas behind one gateway, and a queue that nobody serves."""

from __future__ import annotations

import asyncio
import sqlite3

import aiohttp
import pytest
import requests
from aiohttp import web

from gateway.brain_client import BrainClient, BrainUnavailable
from tests.gateway.conftest import World, free_port, wait_for


def at(world: World, name: str) -> dict[str, list[str]]:
    """Returns which lines of which conversation a Rasa saw."""
    found: dict[str, list[str]] = {}
    for body in requests.get(f"http://127.0.0.1:{world.ports[name]}/control", timeout=5).json()["seen"]:
        if body["text"]:
            found.setdefault(body["conversation_id"], []).append(body["text"])
    return found


def test_a_conversation_stays_at_its_rasa_and_moves_when_that_is_gone(fresh: World) -> None:
    fresh.ports["rasa2"] = free_port()
    fresh.env["RASA_URL"] += f", http://127.0.0.1:{fresh.ports['rasa2']}/"
    fresh.start("rasa", "rasa2", "binding", "gateway")
    talks = [fresh.talk() for _ in range(16)]
    for line in ("one", "two", "three"):
        assert all(talk.replies(line) == ["echo: " + line] for talk in talks)
    one, two = at(fresh, "rasa"), at(fresh, "rasa2")
    assert one and two and not set(one) & set(two) and len(one) + len(two) == 16
    assert all(lines == ["one", "two", "three"] for lines in [*one.values(), *two.values()])
    # One that is up but has no model yet is passed over; so is one that is gone.
    requests.post(f"http://127.0.0.1:{fresh.ports['rasa2']}/control", json={"mode": "loading"}, timeout=5)
    assert all(talk.replies("three and a half") == ["echo: three and a half"] for talk in talks)
    fresh.kill("rasa2")
    ready = fresh.http.get(fresh.url + "/readyz")
    assert ready.status_code == 200 and ready.json()["checks"]["rasa"]["away"] == 1
    assert all(talk.replies("four") == ["echo: four"] for talk in talks)
    assert {talk.id for talk in talks} == set(at(fresh, "rasa"))
    fresh.start("rasa2")

    def home() -> bool:
        return all(talk.say("back").status_code == 200 for talk in talks) and set(at(fresh, "rasa2")) == set(two)

    wait_for(home)


class Stub:
    """A Rasa in this process: hangs while `hanging` is set, else answers with its name."""

    def __init__(self, name: str) -> None:
        self.name, self.hanging, self.asked = name, False, list[str]()
        self.released = asyncio.Event()

    async def turn(self, request: web.Request) -> web.Response:
        """Answers one turn."""
        self.asked.append((await request.json())["turn_id"])
        if self.hanging:
            await self.released.wait()
        return web.json_response({"replies": [{"text": self.name}]})

    async def start(self) -> str:
        """Serves it; returns its address."""
        app = web.Application()
        app.router.add_post("/webhooks/gateway/turn", self.turn)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}"


async def test_a_turn_without_an_answer_goes_back_to_where_it_may_still_run() -> None:
    stubs = {await stub.start(): stub for stub in (Stub("one"), Stub("two"))}
    body = {"conversation_id": "conv_1", "turn_id": "msg_1"}
    first, second = (stubs[url] for url in BrainClient.order(tuple(stubs), "conv_1"))
    async with aiohttp.ClientSession() as session:
        client = BrainClient(urls=tuple(stubs), token="t", session=session, timeout=0.3)
        for breaker in client.breakers.values():
            breaker.limit, breaker.rest = 1, 3600  # one failure closes a door for the rest of this test
        first.hanging = True
        with pytest.raises(BrainUnavailable) as lost:
            await client.turn(body)
        assert lost.value.unknown and second.asked == []
        # The door of the first is shut for others now; this turn goes back to it and gets what it was answered there.
        assert (await client.turn(body | {"turn_id": "msg_2"}))["replies"] == [{"text": second.name}]
        first.hanging = False
        first.released.set()
        assert (await client.turn(body))["replies"] == [{"text": first.name}]
        assert second.asked == ["msg_2"] and first.asked == ["msg_1", "msg_1"]
        # Where nothing runs any more (the process is gone), the other takes it.
        first.hanging = True
        first.released.clear()
        with pytest.raises(BrainUnavailable):
            await client.turn(body | {"turn_id": "msg_3"})
        await first.runner.cleanup()
        assert (await client.turn(body | {"turn_id": "msg_3"}))["replies"] == [{"text": second.name}]
    await second.runner.cleanup()


def test_a_queue_that_nobody_serves_gives_the_talk_back(alone: World) -> None:
    talk, patient, victim = alone.talk(), alone.talk(), alone.talk()
    for one, words in ((talk, "a person please"), (patient, "a person please"), (victim, "a person, fraud!")):
        assert one.say(words).json()["mode"] == "queue"
    with sqlite3.connect(alone.home / "gateway.sqlite", timeout=20) as database:
        database.execute(
            "UPDATE handoffs SET created_at = '2020-01-01 00:00:00' WHERE conversation_id IN (?, ?)",
            (talk.id, victim.id),
        )
    wait_for(lambda: talk.get("").json()["mode"] == "bot")
    assert talk.history()[-1] == (
        "system",
        "Sorry, all our agents are still busy. You can keep asking me, or call 950618.",
    )
    assert talk.replies("so?") == ["echo: so?"] and patient.get("").json()["mode"] == "queue"
    assert victim.get("").json()["mode"] == "queue" and victim.replies("so?") == ["echo: so?"]
