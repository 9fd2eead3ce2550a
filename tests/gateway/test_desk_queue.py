"""The queue and its people: who is served next, by when, what the pages hear of it live, and what becomes of talks whose agent left."""

from __future__ import annotations

import concurrent.futures
import subprocess
import sys
from collections import Counter

import sqlalchemy

from gateway.database import Database
from tests.gateway.conftest import ROOT, wait_for
from tests.gateway.desk_ear import Ear
from tests.gateway.office import Office
from tests.gateway.test_desk import Person


def test_the_queue_goes_by_language_and_priority_and_tells_the_time_that_is_left(branch: Office) -> None:
    agent, boss = Person(branch, "agent"), Person(branch, "supervisor")
    while agent.post("/queue/next").status_code == 200:
        pass  # what other tests left waiting
    chinese, english = branch.talk(), branch.talk(language="en")
    chinese.say("你好")
    for talk in (chinese, english):
        talk.say("a person please" if talk is english else "找 person")
    only_english = boss.http.put(boss.url + "/agents/agent", json={"languages": ["en"]}, timeout=10)
    assert only_english.json()["languages"] == ["en"]
    assert agent.http.put(agent.url + "/agents/agent", json={"languages": ["zh"]}, timeout=10).status_code == 403
    row = agent.post("/queue/next").json()
    assert (
        row["id"] == english.id
        and row["ticket"]["sla"]["responded_at"] is None
        and row["ticket"]["sla"]["first_response_due_at"]
    )
    assert agent.post("/queue/next").json()["code"] == "not_found"
    at = f"/conversations/{english.id}"
    agent.post(at + "/messages", {"text": "Hello", "client_id": "1"})
    english.say("still there?")
    ticket = agent.get(at).json()["ticket"]
    assert ticket["sla"]["responded_at"] and ticket["sla"]["next_response_due_at"] and not ticket["sla"]["breached"]
    assert agent.get(at).json()["unanswered"] == 1
    # Back into the queue for the other language: first for who speaks it.
    moved = agent.post(at + "/transfer", {"to": "queue", "language": "zh", "note": "writes Chinese really"}).json()
    assert (moved["mode"], moved["ticket"]["language"]) == ("queue", "zh")
    assert agent.post("/queue/next").status_code == 404
    listed = agent.get("/conversations", state="queue").json()["items"]
    assert [one["id"] for one in listed] == [english.id, chinese.id] or {one["id"] for one in listed} >= {
        english.id,
        chinese.id,
    }
    boss.http.put(boss.url + "/agents/agent", json={"languages": ["zh", "en"]}, timeout=10)
    first = agent.http.put(agent.url + "/presence", json={"status": "away"}, timeout=10)
    assert first.json() == {"status": "away"}
    assert {one["username"] for one in agent.get("/agents").json()["items"]} >= {"agent", "supervisor"}
    agent.http.put(agent.url + "/presence", json={"status": "available"}, timeout=10)
    for talk in (chinese, english):
        agent.post(f"/conversations/{talk.id}/take")
        agent.post(f"/conversations/{talk.id}/close", {"wrap_up": "other"})


def test_a_long_talk_is_read_from_its_end(branch: Office) -> None:
    agent, talk = Person(branch, "agent"), branch.talk()
    for number in range(6):
        talk.say(f"line {number}")
    at, texts = f"/conversations/{talk.id}", []
    page = agent.get(at, limit=4).json()
    assert [one["text"] for one in page["messages"]][-2:] == ["line 5", "echo: line 5"] and page["has_more"]
    while True:
        texts = [one["text"] for one in page["messages"]] + texts
        if not page["has_more"]:
            break
        page = agent.get(at, limit=4, before=page["messages"][0]["id"]).json()
    assert texts == [text for _, text in talk.history()]
    assert agent.get(at, before="msg_nothing").status_code == 422


def test_the_stream_goes_on_where_it_broke_off(branch: Office) -> None:
    agent, boss, talk = Person(branch, "agent"), Person(branch, "supervisor"), branch.talk()
    ear = Ear(agent)
    wait_for(lambda: "resync" in ear.names())
    talk.say("hello")
    wait_for(lambda: talk.id in ear.rows() and ear.rows()[talk.id]["last"]["text"] == "echo: hello")
    last = ear.events[-1][1]
    talk.say("a person please")
    back = Ear(agent, **{"Last-Event-ID": last})
    wait_for(lambda: back.rows().get(talk.id, {}).get("mode") == "queue")
    assert "resync" not in back.names()
    for stale in ("1", "x", "99999999999999999"):
        late = Ear(agent, **{"Last-Event-ID": stale})
        wait_for(lambda late=late: late.names()[0] == "resync")
    boss.post(f"/conversations/{talk.id}/take")
    boss.post(f"/conversations/{talk.id}/typing")
    boss.http.put(boss.url + "/presence", json={"status": "away"}, timeout=10)
    wait_for(lambda: {"typing", "presence"} <= set(back.names()))
    boss.http.put(boss.url + "/presence", json={"status": "available"}, timeout=10)
    assert back.rows()[talk.id]["agent"] == "supervisor"
    agent.http.delete(agent.url + "/session")
    wait_for(lambda: back.names()[-1] == "closed")


def test_fifty_talks_at_once(branch: Office) -> None:
    boss = Person(branch, "supervisor")
    ear = Ear(boss)
    wait_for(lambda: "resync" in ear.names())
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        talks = list(pool.map(lambda _: branch.talk(), range(50)))
        answers = list(pool.map(lambda talk: talk.say("a person please").status_code, talks))
        assert Counter(answers) == {200: 50}
        wanted = {talk.id for talk in talks}
        wait_for(lambda: {one for one, row in ear.rows().items() if row["mode"] == "queue"} >= wanted)
        # Two people grab what they can: every talk has one owner, and both heard who.
        crew = [Person(branch, name) for name in ("agent", "supervisor")] * 2

        def grab(person: Person) -> list[str]:
            got = []
            while (answer := person.post("/queue/next")).status_code == 200:
                got.append(answer.json()["id"])
            return got

        grabbed = [one for found in pool.map(grab, crew) for one in found]
        assert len(grabbed) == len(set(grabbed)) and wanted <= set(grabbed)
        wait_for(lambda: all(ear.rows()[one]["mode"] == "human" for one in wanted))
        told = pool.map(lambda talk: [author for author, _ in talk.history()].count("system"), talks)
        assert Counter(told) == {1: 50}  # each customer hears once, and of one person
        mine = {one["id"]: one["agent"] for state in ("mine",) for person in crew[:2] for one in person.get("/conversations", state=state, limit=100).json()["items"]}  # fmt: skip
        assert wanted <= set(mine)
        people = {"agent": crew[0], "supervisor": crew[1]}
        said = pool.map(lambda one: people[mine[one]].post(f"/conversations/{one}/messages", {"text": "hello there", "client_id": one}).status_code, wanted)  # fmt: skip
        assert Counter(said) == {201: 50}
        wait_for(lambda: all(ear.rows()[one]["last"]["text"] == "hello there" for one in wanted))
        heard = pool.map(lambda talk: [text for author, text in talk.history() if author == "agent"], talks)
        assert list(heard) == [["hello there"]] * 50
        closed = pool.map(lambda one: people[mine[one]].post(f"/conversations/{one}/close", {"wrap_up": "other"}).status_code, wanted)  # fmt: skip
        assert Counter(closed) == {200: 50}


def test_a_talk_of_somebody_who_left_goes_back_into_the_queue_first(branch: Office) -> None:
    made = [sys.executable, "-m", "gateway.desk", "add", "lina", "--name", "Li Na"]
    subprocess.run(made, input="correct horse battery\n", env=branch.env, cwd=ROOT, text=True, check=True)
    lina, boss, talk = Person(branch, "lina", "correct horse battery"), Person(branch, "supervisor"), branch.talk()
    talk.say("a person please")
    at = f"/conversations/{talk.id}"
    with lina.http.get(lina.url + "/stream", stream=True, timeout=30) as stream:
        assert next(line for line in stream.iter_lines(chunk_size=1) if line.startswith(b"event"))
        assert lina.post(at + "/take").status_code == 200
        assert "available" in [
            one["status"] for one in boss.get("/agents").json()["items"] if one["username"] == "lina"
        ]
    talk.say("are you there?")
    # Her page has been gone for longer than DESK_ABSENCE_S.
    database = Database(branch.env["GATEWAY_DATABASE_URL"] or f"sqlite:///{branch.home / 'gateway.sqlite'}")
    with database.session() as session:
        session.execute(sqlalchemy.text("UPDATE agents SET seen_at = '2020-01-01 00:00:00' WHERE username = 'lina'"))
    database.close()
    row = wait_for(lambda: (found := boss.get(at).json())["mode"] == "queue" and found)
    assert row["ticket"]["priority"] == "high" and row["ticket"]["taken_by"] is None
    assert talk.history()[-1][0] == "system" and "first in line" in talk.history()[-1][1]
    assert "returned" in [one["action"] for one in boss.get("/audit", conversation_id=talk.id).json()["items"]]
    assert lina.post(at + "/messages", {"text": "back", "client_id": "1"}).json()["code"] == "owner_changed"
    assert boss.post(at + "/take").status_code == 200
