"""Typing and seen, both ways: what the customer's page tells the desk, and the desk's page the customer."""

from __future__ import annotations

from gateway.limits import SIGNALS_PER_MINUTE
from tests.gateway.conftest import Talk, World, wait_for
from tests.gateway.desk_ear import Ear as DeskEar
from tests.gateway.test_desk import Person
from tests.gateway.test_streams import Ear, socket


def heard(ear: DeskEar, name: str, talk: Talk) -> list[dict[str, object]]:
    """Returns what the desk was told of a talk under a name."""
    found = [data for event, _, data in ear.events if event == name and data["conversation"] == talk.id]
    return [{key: one[key] for key in one if key != "conversation"} for one in found]


def started(world: World) -> tuple[Talk, Person, DeskEar]:
    """Returns a talk that a person has, the person, and an ear on the person's stream."""
    talk, agent = world.talk(), Person(world, "agent")
    ear = DeskEar(agent)
    wait_for(lambda: "resync" in ear.names())
    talk.say("a person please")
    assert agent.post(f"/conversations/{talk.id}/take").status_code == 200
    return talk, agent, ear


async def test_the_agent_sees_that_the_customer_types_and_what_they_have_seen(world: World) -> None:
    talk, agent, ear = started(world)
    at = f"/conversations/{talk.id}"
    said = agent.post(at + "/messages", {"text": "How can I help?", "client_id": "1"}).json()
    assert talk.post("/typing", {"typing": True}).status_code == 204
    wait_for(lambda: heard(ear, "typing", talk) == [{"author": "customer", "typing": True}])
    assert agent.get(at).json()["customer_typing"] is True
    client, _ = await socket(world, talk)
    assert await client.call("typing", {"typing": False}) == {"ok": True}
    wait_for(lambda: heard(ear, "typing", talk)[1:] == [{"author": "customer", "typing": False}])
    shown = agent.get(at).json()
    assert shown["customer_typing"] is False and not [line for line in shown["messages"] if line.get("seen")]
    assert await client.call("seen", {"message": said["id"]}) == {"ok": True}
    wait_for(lambda: heard(ear, "seen", talk) == [{"author": "customer", "message": said["id"]}])
    lines = agent.get(at).json()["messages"]
    assert all(line.get("seen") for line in lines if line["author"] != "customer") and lines[-1]["id"] == said["id"]
    # An older line that comes into view again is no news, and what was said since is not seen yet.
    later = agent.post(at + "/messages", {"text": "Still there?", "client_id": "2"}).json()
    assert talk.post("/seen", {"message": lines[0]["id"]}).status_code == 204
    newest = agent.get(at).json()["messages"][-1]
    assert newest["id"] == later["id"] and "seen" not in newest
    for wrong in ({"message": "msg_nothing"}, {"message": 5}, {}, {"message": world.talk().say("x").json()["id"]}):
        assert talk.post("/seen", wrong).status_code == 422
        assert (await client.call("seen", wrong))["error"]["code"] == "invalid_request"
    assert (await client.call("typing", {"typing": "yes"}))["error"]["code"] == "invalid_request"
    await client.disconnect()


def test_nobody_is_told_what_a_customer_types_to_the_assistant(world: World) -> None:
    talk, other = world.talk(), started(world)
    assert talk.post("/typing", {}).status_code == 204
    assert other[0].post("/typing", {}).status_code == 204
    wait_for(lambda: heard(other[2], "typing", other[0]))
    assert heard(other[2], "typing", talk) == []


def test_the_customer_sees_that_the_agent_types_and_has_read(world: World) -> None:
    talk, agent, _ = started(world)
    at, ear = f"/conversations/{talk.id}", Ear(talk)
    line = talk.say("my card 6222021234567893 is lost").json()["id"]
    note = agent.post(at + "/notes", {"text": "careful"}).json()["id"]
    agent.post(at + "/typing", {"typing": True})
    wait_for(lambda: ("typing", None, {"author": "agent", "typing": True}) in ear.events)
    # Somebody who only looks in has not read it for the customer; the owner has.
    assert Person(world, "supervisor").post(at + "/seen", {"message": line}).status_code == 204
    assert agent.post(at + "/seen", {"message": note}).status_code == 204
    read = ("seen", None, {"author": "agent", "message": line})
    wait_for(lambda: read in ear.events)
    assert [event for event in ear.events if event[0] == "seen"] == [read]
    wait_for(lambda again=Ear(talk): read in again.events)
    assert agent.post(at + "/seen", {"message": "msg_nothing"}).status_code == 422


def test_signals_have_a_limit_of_their_own(alone: World) -> None:
    talk = alone.talk()
    told = [talk.post("/typing", {}).status_code for _ in range(SIGNALS_PER_MINUTE + 1)]
    assert set(told[:-1]) == {204} and told[-1] == 429
    assert talk.replies("still heard") == ["echo: still heard"]
