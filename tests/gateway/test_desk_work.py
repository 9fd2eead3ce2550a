"""Chats at the desk: help with the customer's own data, operations, ready sentences, response times, the review queue and the figures."""

from __future__ import annotations

import concurrent.futures
import csv
import io
import json
import pathlib
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import sqlalchemy
import yaml

from gateway.database import Database
from tests.gateway.conftest import ROOT, Talk, drop, postgres, wait_for
from tests.gateway.office import Office
from tests.gateway.test_desk import Person


@pytest.fixture(scope="module", name="office")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office on PostgreSQL where there is one; the calls are tested on SQLite."""
    try:
        url = postgres()
    except pytest.skip.Exception:
        url = ""
    made = Office(tmp_path_factory.mktemp("branch"), GATEWAY_DATABASE_URL=url)
    try:
        yield made.open().wait()
    finally:
        made.close()
        if url:
            drop(url)


def once() -> str:
    """Returns a client id of its own."""
    return uuid.uuid4().hex


def taken(office: Office, person: Person, talk: Talk, wish: str) -> str:
    """Has a customer say something and ask for a person; returns the path of the talk that the person took."""
    talk.say(wish)
    talk.say("a person please")
    at = f"/conversations/{talk.id}"
    assert person.post(at + "/take").status_code == 200
    return at


class Ear:
    """Listens to the desk's stream in a thread."""

    def __init__(self, person: Person, **headers: str) -> None:
        self.events: list[tuple[str, str, Any]] = []
        self.response = person.http.get(person.url + "/stream", headers=headers, stream=True, timeout=60)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.response.iter_lines(chunk_size=1, decode_unicode=True):
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                elif "event" in fields:
                    self.events.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
                    fields = {}
        except (requests.RequestException, AttributeError):
            pass

    def rows(self) -> dict[str, dict[str, Any]]:
        """Returns the newest row of each talk that was told."""
        return {data["id"]: data for event, _, data in self.events if event == "conversation"}

    def names(self) -> list[str]:
        """Returns the names of the events so far."""
        return [event for event, _, _ in self.events]


def test_help_for_a_line_with_the_customers_own_data(office: Office) -> None:
    customer, agent = office.customer(), Person(office, "agent")
    talk = customer.talk()
    at = taken(office, agent, talk, "帮我解绑招商的卡，我要投诉")
    line = next(one for one in agent.get(at).json()["messages"] if "投诉" in one["text"])
    help_ = agent.get(at + "/assist", message=line["id"]).json()
    assert (help_["intent"]["name"], help_["intent"]["title"]["zh"], help_["understood"]) == (
        "unbind_card",
        "解绑银行卡",
        True,
    )
    first = help_["suggestions"][0]
    assert (
        "招商银行储蓄卡（1234）" in first["text"]
        and "China Merchants Bank" in first["texts"]["en"]
        and "{" not in "".join(first["texts"].values())
    )
    assert [one["title"]["zh"] for one in help_["start"]] == ["解绑招商银行储蓄卡（1234）"]
    assert help_["mood"] == {"name": "angry", "title": {"zh": "不满", "en": "Upset"}, "words": ["投诉"]}
    assert {"never_password", "angry"} <= {one["name"] for one in help_["prompts"]}
    assert help_["translation"] == {
        "language": "en",
        "text": "Unbind a bank card · China Merchants Bank",
        "exact": False,
    }
    # Sent as it is, edited, dismissed: each is remembered.
    used = {"message": line["id"], "label": first["label"], "text": first["text"]}
    for text, key in ((first["text"], "1"), ("好的，马上为您处理。", "2")):
        said = agent.post(at + "/messages", {"text": text, "client_id": key, "suggestion": used})
        assert said.status_code == 201
    dismissed = {"message": line["id"], "label": first["label"], "outcome": "dismissed"}
    assert agent.post(at + "/assist/feedback", dismissed).status_code == 204
    counts = Person(office, "supervisor").get("/reports").json()["suggestions"]
    assert counts["sent"] >= 1 and counts["edited"] >= 1 and counts["dismissed"] >= 1
    # Somebody who has not taken the talk is helped without the customer's data.
    other = office.customer().talk()
    other.say("解绑招商1234")
    curious = agent.get(f"/conversations/{other.id}/assist").json()
    assert curious["start"] == [] and "1234" not in curious["suggestions"][0]["text"]
    assert agent.get(f"/conversations/{other.id}/customer").json()["code"] == "forbidden"
    office.rasa(mode="error")
    assert agent.get(at + "/assist").status_code == 503
    office.rasa(mode="ok")
    asked = agent.get("/answers", query="解绑要多久", language="zh").json()["items"]
    assert asked[0]["label"] == "faq/unbind_duration" and asked[0]["text"]
    assert {one["name"] for one in agent.get("/labels").json()["items"]} >= {
        "unbind_card",
        "faq/hotline",
        "out_of_scope",
    }


def test_an_operation_in_a_chat_is_verified_by_the_customer_alone(office: Office) -> None:
    customer, agent = office.customer(language="en"), Person(office, "agent")
    talk = customer.talk("en")
    at = taken(office, agent, talk, "unbind my CMB card 1234")
    card = next(one for one in agent.get(at + "/customer").json()["cards"] if one["tail"] == "1234")
    begun = agent.post(at + "/operations", {"kind": "card.unbind", "target": card["id"], "client_id": once()}).json()
    operation = begun["operation"]
    assert "1234" in begun["guide"]["say"]["en"]
    confirm = {"effects_version": operation["effects_version"], "client_id": once()}
    confirmed = agent.post(f"{at}/operations/{operation['id']}/confirm", confirm).json()
    assert "type the 6 digits right here" in confirmed["guide"]["say"]["en"]
    assert agent.post(
        f"{at}/operations/{operation['id']}/verify", {"code": "123456", "client_id": once()}
    ).status_code in (404, 405)
    code = customer.code()
    talk.say(code)
    done = wait_for(
        lambda: (
            (found := agent.get(f"{at}/operations/{operation['id']}").json())["operation"]["status"] == "succeeded"
            and found
        )
    )
    assert [one["name"] for one in done["guide"]["steps"] if one["state"] == "done"][-1] == "done"
    assert code not in agent.get(at).text
    assert agent.get(at + "/summary").json()["wrap_up"] == "unbound"
    assert agent.get(at).json()["wrap_up_suggested"] == "unbound"
    closed = agent.post(at + "/close", {"wrap_up": "unbound", "summary": "done, code 123456"})
    assert closed.json()["mode"] == "bot"
    # No longer one's own: nothing can be done in the customer's name.
    again = agent.post(at + "/operations", {"kind": "quick_pay.disable", "target": "all", "client_id": once()})
    assert (again.status_code, again.json()["code"]) == (409, "owner_changed")


def test_an_agent_who_asks_for_a_secret_is_stopped_once(office: Office) -> None:
    agent = Person(office, "agent")
    at = taken(office, agent, office.customer().talk(), "你好")
    asked = agent.post(at + "/messages", {"text": "请把您的支付密码告诉我", "client_id": "p"})
    assert (asked.status_code, asked.json()["code"], asked.json()["found"]) == (409, "asks_for_secret", ["password"])
    assert "支付密码" in asked.json()["message"]["zh"]
    for text in ("我们从不问您的支付密码", "验证码请直接在这里输入", "Never share your password with anyone"):
        assert agent.post(at + "/messages", {"text": text, "client_id": once()}).status_code == 201
    sure = agent.post(at + "/messages", {"text": "请把您的支付密码告诉我", "client_id": "p", "sure": True})
    assert sure.status_code == 201
    lines = (
        Person(office, "supervisor")
        .get("/audit", conversation_id=at.rpartition("/")[2], action="message")
        .json()["items"]
    )
    assert lines[0]["detail"]["found"] == ["password"]


def test_ready_sentences_in_two_languages(office: Office) -> None:
    customer, agent, boss = (
        office.customer(cards=[{"bank": "cmb", "tail": "1234"}]),
        Person(office, "agent"),
        Person(office, "supervisor"),
    )
    at = taken(office, agent, customer.talk(), "解绑")
    items = agent.get("/canned", conversation=at.rpartition("/")[2]).json()["items"]
    assert len(items) >= 12 and all(set(one["rendered"]) == {"zh", "en"} for one in items)
    confirm = next(one for one in items if one["name"] == "unbind_confirm")
    assert "招商银行储蓄卡（1234）" in confirm["rendered"]["zh"] and confirm["missing"] == []
    assert next(one for one in items if one["name"] == "in_progress")["missing"] == ["reference"]
    assert all(one["rendered"] is None for one in agent.get("/canned").json()["items"])
    body = {
        "topic": "general",
        "title": {"zh": "周末", "en": "Weekend"},
        "texts": {"zh": "周末愉快，{agent}", "en": "Enjoy the weekend, {agent}"},
    }
    assert agent.post("/canned", body).status_code == 403
    made = boss.post("/canned", body)
    assert made.status_code == 201 and made.json()["variables"] == ["agent"]
    wrong = boss.post("/canned", body | {"texts": {"zh": "{password}", "en": "x"}})
    assert (wrong.status_code, wrong.json()["variables"]) == (422, ["password"])
    assert boss.post("/canned", body | {"texts": {"zh": "{agent.name}", "en": "{"}}).status_code == 422
    assert (
        boss.post("/canned", body | {"texts": {"zh": "请告诉我您的密码", "en": "x"}}).json()["code"]
        == "asks_for_secret"
    )
    changed = boss.http.put(boss.url + "/canned/hotline", json=body, timeout=10)
    assert changed.status_code == 200
    assert next(one for one in agent.get("/canned").json()["items"] if one["id"] == "hotline")["texts"][
        "zh"
    ].startswith("周末")
    for name in ("hotline", made.json()["id"]):
        assert boss.http.delete(f"{boss.url}/canned/{name}", timeout=10).status_code == 204
        assert boss.http.delete(f"{boss.url}/canned/{name}", timeout=10).status_code == 404
    assert not {"hotline", made.json()["id"]} & {one["id"] for one in agent.get("/canned").json()["items"]}


def test_the_queue_goes_by_language_and_priority_and_tells_the_time_that_is_left(office: Office) -> None:
    agent, boss = Person(office, "agent"), Person(office, "supervisor")
    while agent.post("/queue/next").status_code == 200:
        pass  # what other tests left waiting
    chinese, english = office.talk(), office.talk(language="en")
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


def test_a_long_talk_is_read_from_its_end(office: Office) -> None:
    agent, talk = Person(office, "agent"), office.talk()
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


def test_the_stream_goes_on_where_it_broke_off(office: Office) -> None:
    agent, boss, talk = Person(office, "agent"), Person(office, "supervisor"), office.talk()
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


def test_fifty_talks_at_once(office: Office) -> None:
    boss = Person(office, "supervisor")
    ear = Ear(boss)
    wait_for(lambda: "resync" in ear.names())
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        talks = list(pool.map(lambda _: office.talk(), range(50)))
        answers = list(pool.map(lambda talk: talk.say("a person please").status_code, talks))
        assert Counter(answers) == {200: 50}
        wanted = {talk.id for talk in talks}
        wait_for(lambda: {one for one, row in ear.rows().items() if row["mode"] == "queue"} >= wanted)
        # Two people grab what they can: every talk has one owner, and both heard who.
        crew = [Person(office, name) for name in ("agent", "supervisor")] * 2

        def grab(person: Person) -> list[str]:
            got = []
            while (answer := person.post("/queue/next")).status_code == 200:
                got.append(answer.json()["id"])
            return got

        grabbed = [one for found in pool.map(grab, crew) for one in found]
        assert len(grabbed) == len(set(grabbed)) and wanted <= set(grabbed)
        wait_for(lambda: all(ear.rows()[one]["mode"] == "human" for one in wanted))
        for talk in talks:
            assert [author for author, _ in talk.history()].count("system") == 1
            break
        mine = {one["id"]: one["agent"] for state in ("mine",) for person in crew[:2] for one in person.get("/conversations", state=state, limit=100).json()["items"]}  # fmt: skip
        assert wanted <= set(mine)
        people = {"agent": crew[0], "supervisor": crew[1]}
        said = pool.map(lambda one: people[mine[one]].post(f"/conversations/{one}/messages", {"text": "hello there", "client_id": one}).status_code, wanted)  # fmt: skip
        assert Counter(said) == {201: 50}
        wait_for(lambda: all(ear.rows()[one]["last"]["text"] == "hello there" for one in wanted))
        closed = pool.map(lambda one: people[mine[one]].post(f"/conversations/{one}/close", {"wrap_up": "other"}).status_code, wanted)  # fmt: skip
        assert Counter(closed) == {200: 50}


def test_hard_lines_become_training_data(office: Office, tmp_path: pathlib.Path) -> None:
    boss, agent = Person(office, "supervisor"), Person(office, "agent")
    assert agent.get("/review").status_code == 403
    talk = office.talk()
    unclear, secret = f"咕噜咕噜{uuid.uuid4().hex[:4]}这个咋整", "我的卡号6222021234567893咕噜咕噜"
    for text in (unclear, secret, "咕噜 " + unclear):
        talk.say(text)
    talk.say("解绑要多久啊")
    talk.post("/feedback", {"score": 1})
    at = f"/conversations/{talk.id}"
    agent.post(at + "/take")
    line = next(one for one in agent.get(at).json()["messages"] if one["text"] == "解绑要多久啊")
    wrong = {"message": line["id"], "label": "faq/unbind_duration", "outcome": "wrong", "right": "faq/unbind_delayed"}
    assert agent.post(at + "/assist/feedback", wrong).status_code == 204
    agent.post(at + "/close", {"wrap_up": "advised"})
    items = {
        one["text"]: one for one in boss.get("/review", limit=100).json()["items"] if one["conversation"] == talk.id
    }
    assert (
        items[unclear]["reason"] in ("not_understood", "thumbs_down", "handed_off")
        and items["解绑要多久啊"]["reason"] == "corrected"
    )
    assert items["解绑要多久啊"]["proposed"] == "faq/unbind_delayed"
    masked = next(text for text in items if "[card ending 7893]" in text)
    for text, label in (
        (unclear, "faq/unbind_delayed"),
        (masked, "unbind_card"),
        ("咕噜 " + unclear, "new"),
        ("解绑要多久啊", "faq/unbind_delayed"),
    ):
        decided = boss.post(f"/review/{items[text]['id']}", {"label": label})
        assert decided.status_code == 200 and decided.json()["decided_by"] == "supervisor"
    assert boss.post(f"/review/{items[unclear]['id']}", {"label": "no_such"}).status_code == 422
    stats = boss.get("/review/stats").json()
    assert any(
        one["understood"] == "faq/unbind_duration" and one["right"] == "faq/unbind_delayed"
        for one in stats["confusions"]
    )
    assert stats["days"][-1]["reviewed"] >= 4

    # A test sentence is never written, nor what is trained with already.
    (tmp_path / "tests" / "nlu").mkdir(parents=True)
    known = {"version": "3.1", "nlu": [{"intent": "faq/unbind_delayed", "examples": "- 解绑要多久啊！\n"}]}
    (tmp_path / "tests" / "nlu" / "zh.yml").write_text(yaml.safe_dump(known, allow_unicode=True))
    env = office.env | {"REVIEW_INTO": str(tmp_path)}
    for expected in ("2 sentences written to data/review, 1 need a new label", "Nothing was decided"):
        told = subprocess.run(
            [sys.executable, "-m", "tools.review"], env=env, cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert expected in told.stdout
    written = (tmp_path / "data" / "review" / "nlu.zh.yml").read_text(encoding="utf-8")
    blocks = {one["intent"]: one["examples"] for one in yaml.safe_load(written)["nlu"]}
    assert (
        unclear in blocks["faq/unbind_delayed"]
        and "[card ending 7893]" in blocks["unbind_card"]
        and "6222" not in written
    )
    assert (
        "解绑要多久啊" not in written
        and yaml.safe_load((tmp_path / "data" / "review" / "nlu.en.yml").read_text())["nlu"] == []
    )
    assert unclear in (office.home / "reports" / "review-new.yml").read_text(encoding="utf-8")
    assert boss.post(f"/review/{items[unclear]['id']}", {"label": "skip"}).json()["code"] == "conflict"


def test_the_figures_and_their_csv(office: Office) -> None:
    boss, agent = Person(office, "supervisor"), Person(office, "agent")
    before = boss.get("/reports").json()
    talk = office.talk(language="en")
    talk.say("how long does it take")
    formula = f"=HYPERLINK({uuid.uuid4().hex[:6]})"
    other = office.talk(language="en")
    other.say(formula)
    at = taken(office, agent, other, "nonsense")
    agent.post(at + "/messages", {"text": "hi", "client_id": "1"})
    agent.post(at + "/close", {"wrap_up": "advised"})
    other.post("/feedback", {"score": 4})
    report = boss.get("/reports").json()
    grown = {
        name: report["totals"][name] - before["totals"][name]
        for name in ("conversations", "contained", "handoffs", "ratings")
    }
    assert grown == {"conversations": 2, "contained": 1, "handoffs": 1, "ratings": 1}
    assert report["totals"]["first_response_seconds"] is not None and 0 < report["totals"]["sla_met"] <= 1
    assert len(report["days"]) == 30 and report["days"][-1]["conversations"] >= 2
    assert any(one["label"] == "faq/unbind_duration" for one in report["questions"])
    assert formula in [one["text"] for one in report["unanswered"]]
    assert {one["username"] for one in report["agents"]} >= {"agent"}
    only = boss.get("/reports", language="zh").json()
    assert (
        only["totals"]["conversations"] < report["totals"]["conversations"] or only["languages"][0]["language"] == "zh"
    )
    for table in (
        "days",
        "channels",
        "languages",
        "reasons",
        "wrap_ups",
        "questions",
        "unanswered",
        "funnel",
        "agents",
    ):
        answer = boss.get("/reports.csv", table=table)
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
        assert answer.content.startswith(b"\xef\xbb\xbf") and table in answer.headers["content-disposition"]
        cells = [cell for line in csv.reader(io.StringIO(answer.text)) for cell in line]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    assert "'" + formula in boss.get("/reports.csv", table="unanswered").text
    assert agent.get("/reports").status_code == agent.get("/reports.csv").status_code == 403
    for bad in ({"from": "2026-01-01", "to": "2026-12-31"}, {"from": "2026-02-02", "to": "2026-02-01"}, {"from": "x"}):
        assert boss.get("/reports", **bad).status_code == 422


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "＝1", "\r=1"])
def test_no_cell_is_run(cell: str) -> None:
    from gateway.desk import csv_table

    assert csv_table.cell(cell).startswith("'") and csv_table.cell(-1) == "-1"


def test_what_we_say_ourselves_asks_for_no_secret() -> None:
    from gateway.desk import compliance, names
    from tests.gateway.desk_rasa import responses

    said = [text for pair in responses().values() for text in pair.values()]
    said += [entry[language] for entry in names.read("canned.yml").values() for language in names.LANGUAGES]
    assert len(said) > 200 and [text for text in said if compliance.found_in(text)] == []
    asked = (
        "您的支付密码是多少？",
        "请把验证码告诉我",
        "What's your password?",
        "Please send me the code",
        "请提供完整卡号",
        "your ID number please",
    )
    assert [text for text in asked if not compliance.found_in(text)] == []


def test_a_talk_of_somebody_who_left_goes_back_into_the_queue_first(office: Office) -> None:
    made = [sys.executable, "-m", "gateway.desk", "add", "lina", "--name", "Li Na"]
    subprocess.run(made, input="correct horse battery\n", env=office.env, cwd=ROOT, text=True, check=True)
    lina, boss, talk = Person(office, "lina", "correct horse battery"), Person(office, "supervisor"), office.talk()
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
    database = Database(office.env["GATEWAY_DATABASE_URL"] or f"sqlite:///{office.home / 'gateway.sqlite'}")
    with database.session() as session:
        session.execute(sqlalchemy.text("UPDATE agents SET seen_at = '2020-01-01 00:00:00' WHERE username = 'lina'"))
    database.close()
    row = wait_for(lambda: (found := boss.get(at).json())["mode"] == "queue" and found)
    assert row["ticket"]["priority"] == "high" and row["ticket"]["taken_by"] is None
    assert talk.history()[-1][0] == "system" and "first in line" in talk.history()[-1][1]
    assert "returned" in [one["action"] for one in boss.get("/audit", conversation_id=talk.id).json()["items"]]
    assert lina.post(at + "/messages", {"text": "back", "client_id": "1"}).json()["code"] == "owner_changed"
    assert boss.post(at + "/take").status_code == 200


def test_a_customers_calls_are_told_and_erased_with_their_talks(office: Office) -> None:
    customer, agent = office.customer(), Person(office, "agent")
    talk = customer.talk()
    talk.say("咕噜咕噜 erase me")
    call = agent.post("/calls", {"phone": customer.phone}).json()["id"]
    agent.post(f"/calls/{call}/challenge")
    agent.post(f"/calls/{call}/verify", {"code": customer.code()})
    agent.post(f"/calls/{call}/transcript", {"speaker": "caller", "text": "please forget me"})
    Person(office, "supervisor").get("/review")

    def privacy(*command: str) -> str:
        argv = [sys.executable, "-m", "gateway.privacy", *command]
        return subprocess.run(argv, env=office.env, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    told = json.loads(privacy("export", customer.account))
    assert [line["text"] for line in told["calls"][0]["lines"]] == ["please forget me"] and told["conversations"]
    privacy("erase", customer.account)
    assert json.loads(privacy("export", customer.account)) == {
        "account": customer.account,
        "conversations": [],
        "calls": [],
    }
    assert agent.get(f"/calls/{call}").status_code == 404
    kept = Person(office, "supervisor").get("/review", limit=100).json()["items"]
    assert "咕噜咕噜 erase me" not in [one["text"] for one in kept]
