"""People at the desk: sign-in, taking over, handing back; never two in one talk."""

from __future__ import annotations

import concurrent.futures
import json
import subprocess
import sys
from typing import Any

import requests

from tests.gateway.conftest import ROOT, World, wait_for
from tests.gateway.test_internal import deliver, event
from tests.gateway.test_streams import Ear


class Person:
    """An agent's browser."""

    def __init__(self, world: World, username: str, password: str | None = None) -> None:
        self.url, self.http = world.url + "/api/desk/v1", requests.Session()
        answer = self.http.post(self.url + "/session", json={"username": username, "password": password or username})
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/api/desk" in cookie
        self.http.headers["X-CSRF-Token"] = answer.json()["csrf"]

    def get(self, path: str, **params: Any) -> Any:
        """Gets a path of the desk."""
        return self.http.get(self.url + path, params=params, timeout=20)

    def post(self, path: str, body: Any = None) -> requests.Response:
        """Posts to a path of the desk."""
        return self.http.post(self.url + path, json=body, timeout=20)


def test_signing_in_and_out(world: World) -> None:
    url = world.url + "/api/desk/v1"
    for body, status in (
        ({"username": "agent", "password": "no"}, 401),
        ({"username": "nobody", "password": "x"}, 401),
        ({}, 422),
        ({"username": "agent"}, 422),
    ):
        assert requests.post(url + "/session", json=body).status_code == status
    person = Person(world, "agent")
    me = {
        "username": "agent",
        "name": "林晓 Lynn",
        "name_en": "Lynn",
        "role": "agent",
        "languages": ["zh", "en"],
        "status": "available",
    }
    assert person.get("/session").json()["agent"] == me
    assert requests.get(url + "/sign-in").json() == {"password": True, "oidc": None, "sandbox": True}
    assert requests.get(url + "/oidc/start", allow_redirects=False).status_code == 404
    for path in ("/session", "/conversations", "/stream", "/audit", "/conversations/conv_1"):
        assert requests.get(url + path).status_code == 401
    forged = requests.post(url + "/conversations/conv_1/take", cookies=person.http.cookies.get_dict())
    assert (forged.status_code, forged.json()["code"]) == (403, "csrf_failed")
    assert person.get("/audit").status_code == 403
    assert person.http.delete(url + "/session").status_code == 204
    assert person.get("/session").status_code == 401


def test_a_person_takes_a_talk_and_gives_it_back(world: World) -> None:
    account = world.account()
    talk = world.talk(account=account)
    talk.say("how do I unbind")
    talk.say("a person please, my card 4111111111111111")
    ear = Ear(talk)
    agent, boss = Person(world, "agent"), Person(world, "supervisor")
    row = next(row for row in agent.get("/conversations", state="queue").json()["items"] if row["id"] == talk.id)
    assert (
        row["mode"] == "queue"
        and row["ticket"]["reason"] == "requested"
        and row["ticket"]["summary"] == "卡号 [card ending 1111]"
    )
    assert (
        agent.post(f"/conversations/{talk.id}/messages", {"text": "hi", "client_id": "1"}).json()["code"]
        == "owner_changed"
    )
    assert agent.post(f"/conversations/{talk.id}/take").json()["agent"] == "agent"
    assert boss.post(f"/conversations/{talk.id}/take").json()["code"] == "owner_changed"
    for _ in range(2):
        said = agent.post(
            f"/conversations/{talk.id}/messages", {"text": "Hello, 卡号4111111111111111?", "client_id": "same"}
        )
        assert said.status_code == 201 and said.json()["text"] == "Hello, 卡号[card ending 1111]?"
    assert agent.post(f"/conversations/{talk.id}/notes", {"text": "seems upset"}).status_code == 201
    ran = world.rasa()["ran"]
    quiet = talk.say("thank you").json()
    assert (quiet["mode"], quiet["replies"]) == ("human", []) and world.rasa()["ran"] == ran
    assert deliver(world, event(talk, account)).status_code == 204
    shown = agent.get(f"/conversations/{talk.id}").json()
    assert [line["author"] for line in shown["messages"]][-5:] == ["system", "agent", "note", "customer", "system"]
    assert shown["messages"][-1]["text"] == "Unbinding your card (ending 1234): done." and shown["last_intent"] == "x"
    assert [author for author, _ in talk.history()].count("note") == 0
    back = agent.post(f"/conversations/{talk.id}/hand-back")
    assert back.json()["mode"] == "bot" and talk.history()[-1] == ("bot", "handed_back  []")
    assert talk.replies("again") == ["echo: again"]
    texts = wait_for(lambda: "echo: again" in ear.texts() and ear.texts())
    assert "seems upset" not in texts and "Hello, 卡号[card ending 1111]?" in texts
    actions = [line["action"] for line in boss.get("/audit", conversation_id=talk.id).json()["items"]]
    assert actions[::-1] == ["take", "message", "note", "view", "handed_back"]
    assert boss.get("/audit").json()["broken_at"] is None


def test_two_people_fight_for_one_talk(world: World) -> None:
    talk = world.talk()
    talk.say("a person please")
    people = [Person(world, name) for name in ("agent", "supervisor")] * 4
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda person: (
                    person.get("/session").json()["agent"]["name_en"],
                    person.post(f"/conversations/{talk.id}/take").status_code,
                ),
                people,
            )
        )
    winners = {name for name, status in answers if status == 200}
    assert len(winners) == 1 and {status for _, status in answers} == {200, 409}
    assert [text for _, text in talk.history()].count(f"You're now talking to {winners.copy().pop()}.") == 1


def test_transfer_and_close(world: World) -> None:
    talk = world.talk()
    talk.say("a person please")
    agent, boss = Person(world, "agent"), Person(world, "supervisor")
    agent.post(f"/conversations/{talk.id}/take")
    assert agent.post(f"/conversations/{talk.id}/transfer", {"to": "nobody"}).status_code == 422
    assert agent.post(f"/conversations/{talk.id}/transfer", {"to": "supervisor"}).json()["agent"] == "supervisor"
    # The colleague is the one whom the customer's page names, before they have written a word.
    assert [m["agent"] for m in talk.get("/messages").json()["messages"] if m.get("agent")] == ["Lynn", "May"]
    assert agent.post(f"/conversations/{talk.id}/close", {"wrap_up": "solved"}).json()["code"] == "owner_changed"
    assert boss.post(f"/conversations/{talk.id}/transfer", {"to": "queue"}).json()["mode"] == "queue"
    assert talk.get("").json()["mode"] == "queue"
    boss.post(f"/conversations/{talk.id}/take")
    assert boss.post(f"/conversations/{talk.id}/close", {"wrap_up": "whatever"}).status_code == 422
    assert boss.post(f"/conversations/{talk.id}/close", {"wrap_up": "solved"}).json()["mode"] == "bot"
    # What the assistant says to the end, if it says something, may stand below it already.
    assert [line for line in talk.history() if line[0] == "system"][-1] == ("system", "This chat with our agent has ended. Come back any time.")
    assert talk.replies("hello") == ["echo: hello"]


def test_the_bot_does_not_talk_over_a_person_who_took_the_talk_meanwhile(world: World) -> None:
    talk = world.talk()
    talk.say("hello")
    agent = Person(world, "agent")
    world.rasa(mode="ok", delay=0.6)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(talk.say, "slow one")
        wait_for(lambda: any(body["text"] == "slow one" for body in world.rasa()["seen"]))
        assert agent.post(f"/conversations/{talk.id}/take").status_code == 200
        assert answer.result().json()["mode"] == "human" and answer.result().json()["replies"] == []
    last = agent.get(f"/conversations/{talk.id}").json()["messages"][-1]
    assert (last["author"], last["text"]) == ("note", "echo: slow one")
    assert "echo: slow one" not in str(talk.history())


def test_what_became_of_a_code_is_told_although_a_person_came_meanwhile(world: World) -> None:
    talk = world.talk(account=world.account())
    talk.say("a person please")
    agent = Person(world, "agent")
    world.rasa(mode="ok", delay=0.6)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(talk.say, "493817")
        wait_for(lambda: (world.rasa()["seen"][-1]["command"] or {}).get("name") == "submit_code")
        assert agent.post(f"/conversations/{talk.id}/take").status_code == 200
        assert answer.result().json()["replies"][0]["text"].startswith("code 200")


def test_the_desk_hears_of_changes(world: World) -> None:
    talk, agent = world.talk(), Person(world, "agent")
    stream = agent.http.get(agent.url + "/stream", stream=True, timeout=30)
    lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
    assert next(line for line in lines if line.startswith("event")) == "event: resync"
    talk.say("a person please")
    for line in lines:
        if (
            line.startswith('data: {"id"')
            and json.loads(line[6:])["id"] == talk.id
            and json.loads(line[6:])["mode"] == "queue"
        ):
            break


def test_customers_read_an_agents_name_in_their_language(alone: World) -> None:
    def add(username: str, *names: str) -> Person:
        argv = [sys.executable, "-m", "gateway.desk", "add", username, *names]
        subprocess.run(argv, input="correct horse battery\n", env=alone.env, cwd=ROOT, text=True, check=True)
        return Person(alone, username, "correct horse battery")

    agent = add("wangfang", "--name", "王芳", "--name-en", "Wendy Wang")
    plain = add("zhaolei", "--name", "赵磊")
    for language, name, joined in (
        ("zh", "王芳", "客服 王芳 为您服务。"),
        ("en", "Wendy Wang", "You're now talking to Wendy Wang."),
    ):
        talk = alone.talk(language=language)
        talk.say("转人工" if language == "zh" else "a person please")
        agent.post(f"/conversations/{talk.id}/take")
        agent.post(f"/conversations/{talk.id}/messages", {"text": "您好 Hello", "client_id": "1"})
        lines = talk.get("/messages").json()["messages"][-2:]
        assert [(line["author"], line["agent"]) for line in lines] == [("system", name), ("agent", name)]
        assert lines[0]["text"] == joined
        # The colleagues know the person by the one name, and a ready sentence names the customer's.
        assert agent.get(f"/conversations/{talk.id}").json()["agent_name"] == "王芳"
        canned = [
            one for one in agent.get("/canned", conversation=talk.id).json()["items"] if "agent" in one["variables"]
        ]
        assert canned and all("王芳" in one["rendered"]["zh"] for one in canned)
        assert all("Wendy Wang" in one["rendered"]["en"] for one in canned)
        # Who has one name has it in both languages.
        agent.post(f"/conversations/{talk.id}/transfer", {"to": "zhaolei"})
        plain.post(f"/conversations/{talk.id}/messages", {"text": "在的 I'm here", "client_id": "2"})
        assert {line["agent"] for line in talk.get("/messages").json()["messages"][-2:]} == {"赵磊"}


def test_five_wrong_passwords_lock_a_name(alone: World) -> None:
    env = alone.env
    made = subprocess.run(
        [sys.executable, "-m", "gateway.desk", "add", "lina", "--name", "Li Na"],
        input="correct horse battery\n",
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    weak = subprocess.run(
        [sys.executable, "-m", "gateway.desk", "add", "x"],
        input="short\n",
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert weak.returncode == 1
    lina = Person(alone, "lina", "correct horse battery")

    def run(*command: str) -> str:
        argv = [sys.executable, "-m", "gateway.desk", *command]
        return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    # Who left signs in no more, and what was open ends.
    assert "lina\tagent\tactive\tpassword\tLi Na" in run("list")
    assert "no longer" in run("disable", "lina") and lina.get("/session").status_code == 401
    gone = requests.post(alone.url + "/api/desk/v1/session", json={"username": "lina", "password": "correct horse battery"})  # fmt: skip
    assert gone.status_code == 401 and "disabled" in run("list")
    assert "again" in run("enable", "lina")
    lines = Person(alone, "supervisor").get("/audit", agent="operator").json()["items"]
    of_lina = [line for line in lines if line["detail"]["who"] == "lina"]
    assert [(line["action"], line["detail"]["who"]) for line in of_lina][::-1] == [
        ("person_set", "lina"), ("disabled", "lina"), ("enabled", "lina"),
    ]  # fmt: skip
    Person(alone, "lina", "correct horse battery")
    url = alone.url + "/api/desk/v1/session"
    for _ in range(5):
        assert requests.post(url, json={"username": "lina", "password": "wrong"}).status_code == 401
    locked = requests.post(url, json={"username": "lina", "password": "correct horse battery"})
    assert (locked.status_code, locked.json()["code"]) == (423, "locked_out") and int(
        locked.headers["retry-after"]
    ) > 800
    Person(alone, "agent")
    account = alone.account()
    talk = alone.talk(account=account)
    talk.say("remember me")
    told = subprocess.run(
        [sys.executable, "-m", "gateway.privacy", "export", account],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line["text"] for line in json.loads(told.stdout)["conversations"][0]["messages"]] == [
        "您好",
        "remember me",
        "echo: remember me",
    ]
    subprocess.run(
        [sys.executable, "-m", "gateway.privacy", "erase", account], env=env, cwd=ROOT, capture_output=True, check=True
    )
    assert talk.get("/messages").status_code == 401
    kept = alone.talk()
    kept.say("hello")
    subprocess.run(
        [sys.executable, "-m", "gateway.privacy", "retain", "--days", "1"],
        env=env,
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert len(kept.history()) == 3


def test_the_end_of_a_persons_talk_asks_for_a_score_once(world: World) -> None:
    talk, agent = world.talk(), Person(world, "agent")

    def asked() -> list[str]:
        messages = talk.get("/messages").json()["messages"]
        return [message["author"] for message in messages if (message.get("card") or {}).get("type") == "rating"]

    agent.post(f"/conversations/{talk.id}/take")
    agent.post(f"/conversations/{talk.id}/messages", {"text": "Hello", "client_id": "1"})
    assert asked() == []
    agent.post(f"/conversations/{talk.id}/close", {"wrap_up": "solved"})
    assert asked() == ["system"]
    # Nothing was said since: a second end is none.
    agent.post(f"/conversations/{talk.id}/take")
    agent.post(f"/conversations/{talk.id}/close", {"wrap_up": "solved"})
    assert asked() == ["system"]
    talk.say("and another thing")
    agent.post(f"/conversations/{talk.id}/take")
    agent.post(f"/conversations/{talk.id}/close", {"wrap_up": "solved"})
    assert asked() == ["system", "system"]
