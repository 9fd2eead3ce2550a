"""Several Rasas behind one gateway, and a queue that nobody serves."""

from __future__ import annotations

import sqlite3

import requests

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
