"""A customer in the queue: the assistant still speaks, what it said stands before the agent, and a person who comes has the word."""

from __future__ import annotations

from tests.gateway.conftest import World
from tests.gateway.test_desk import Person


def test_the_bot_speaks_in_the_queue_and_is_silent_once_a_person_came(world: World) -> None:
    talk = world.talk()
    answer = talk.say("a person please").json()
    assert answer["mode"] == "queue" and answer["replies"][0]["text"].startswith("handoff queue")
    waiting = talk.say("hello?").json()
    assert (waiting["mode"], [reply["text"] for reply in waiting["replies"]]) == ("queue", ["echo: hello?"])
    assert world.rasa()["seen"][-1]["notices"] == ["waiting"]
    place = talk.get("").json()["position"]
    assert talk.say("where is my person").json()["replies"][0]["text"] == f"handoff queue {place}"
    agent = Person(world, "agent")
    rows = [row for row in agent.get("/conversations", state="queue").json()["items"] if row["id"] == talk.id]
    assert len(rows) == 1 and rows[0]["last"]["text"] == f"handoff queue {place}"
    assert agent.post(f"/conversations/{talk.id}/take").status_code == 200
    ran = len(world.rasa()["ran"])
    quiet = talk.say("still there?").json()
    assert (quiet["mode"], quiet["replies"]) == ("human", []) and len(world.rasa()["ran"]) == ran


def test_a_code_in_the_queue_goes_to_the_bot(world: World) -> None:
    talk = world.talk(account=world.account())
    talk.say("a person please")
    before = len(world.binding()["seen"])
    assert talk.replies("493817")[0].startswith("code 200")
    assert len(world.binding()["seen"]) == before


def test_a_fraud_report_moves_a_waiting_customer_up(world: World) -> None:
    first, second = world.talk(), world.talk()
    assert first.say("a person please").json()["mode"] == second.say("a person please").json()["mode"] == "queue"
    assert second.get("").json()["position"] > first.get("").json()["position"]
    assert second.replies("a person, this is fraud")[0].startswith("handoff queue")
    assert second.get("").json()["position"] < first.get("").json()["position"]
    row = next(
        row
        for row in Person(world, "agent").get("/conversations", state="queue").json()["items"]
        if row["id"] == second.id
    )
    assert (row["ticket"]["reason"], row["ticket"]["priority"]) == ("fraud", "high")
