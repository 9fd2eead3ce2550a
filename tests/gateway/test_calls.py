"""On the phone: nothing of the account before the code is read back, no operation without a code of its own, help at every line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from binding.database import make_engine
from tests.gateway.conftest import ROOT, wait_for
from tests.gateway.desk_ear import Ear, once
from tests.gateway.office import Customer, Office
from tests.gateway.test_desk import Person
from tests.gateway.test_internal import deliver


class Phone:
    """A call as an agent leads it."""

    def __init__(self, person: Person, customer_or_number: Customer | str, language: str = "zh") -> None:
        self.person = person
        number = customer_or_number if isinstance(customer_or_number, str) else customer_or_number.phone
        answer = person.post("/calls", {"phone": number, "language": language})
        assert answer.status_code == 201, answer.text
        self.opened = answer.json()
        self.id = self.opened["id"]

    def post(self, path: str, body: Any = None) -> requests.Response:
        """Posts to a path of this call."""
        return self.person.post(f"/calls/{self.id}{path}", body)

    def get(self, path: str = "", **params: Any) -> requests.Response:
        """Gets a path of this call."""
        return self.person.get(f"/calls/{self.id}{path}", **params)

    def hear(self, text: str) -> dict[str, Any]:
        """Types what the caller said; returns `{line, assist}`."""
        answer = self.post("/transcript", {"speaker": "caller", "text": text, "client_id": once()})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def prove(self, customer: Customer) -> None:
        """Has the caller read back the code."""
        assert self.post("/challenge").status_code == 200
        assert self.post("/verify", {"code": customer.code()}).json()["state"] == "verified"


def state_of(guide: dict[str, Any]) -> dict[str, str]:
    """Returns `{step: state}`."""
    return {step["name"]: step["state"] for step in guide["steps"]}


TALKS = {
    "zh": ("帮我解绑招商1234的卡", "解绑招商银行储蓄卡（1234）", "来电（138****"),
    "en": ("please unbind my CMB card 1234", "Unbind China Merchants Bank debit card (1234)", "Call from 138****"),
}


def the_merchant_ends(office: Office, customer: Customer) -> None:
    """Ends the customer's renewals, as their merchant may at any time, without a word to whoever is looking."""
    with make_engine(f"sqlite:///{office.home}/binding.sqlite", pool_size=1).begin() as connection:
        ended = sa.text("UPDATE agreements SET state = 'terminated' WHERE account_id = :account")
        assert connection.execute(ended, {"account": customer.account}).rowcount == 1


def test_the_code_stands_for_the_effects_that_the_agent_read_out(office: Office) -> None:
    customer, agent = office.customer(agreements=[{"merchant": "爱奇艺", "card": "1234"}]), Person(office, "agent")
    phone = Phone(agent, customer)
    phone.prove(customer)
    card = next(one["id"] for one in phone.get("/customer").json()["cards"] if one["tail"] == "1234")
    began = phone.post("/operations", {"kind": "card.unbind", "target": card, "client_id": once()}).json()["operation"]
    at, read_out = f"/operations/{began['id']}", began["effects_version"]
    assert phone.post(at + "/confirm", {"effects_version": read_out, "client_id": once()}).status_code == 200
    the_merchant_ends(office, customer)

    # The agent hands in the code twice, a third time as a page of before does, and then knowing what the effects are now.
    for seen in ({"effects_version": read_out}, {"effects_version": read_out}, {}):
        body = {"code": customer.code(), "client_id": once()} | seen
        refused = phone.post(at + "/verify", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "effects_changed")
    now = refused.json()["effects_version"]
    assert now != read_out and "renewal_stops" not in [one["code"] for one in refused.json()["effects"]]
    known = {"code": customer.code(), "effects_version": now, "client_id": once()}
    assert phone.post(at + "/verify", known).json()["code"] == "effects_changed", "to know them is no yes"

    # The caller says yes to them; the code of a moment ago stands for that, and no second text is sent.
    assert phone.post(at + "/confirm", {"effects_version": now, "client_id": once()}).json()["code"] == "send_too_soon"
    done = phone.post(at + "/verify", known | {"client_id": once()})
    assert done.status_code == 200, done.text
    wait_for(lambda: phone.get(at).json()["operation"]["status"] == "succeeded")


@pytest.mark.parametrize("language", TALKS)
def test_from_ring_to_wrap_up(office: Office, language: str) -> None:
    wish, beginning, summed_up = TALKS[language]
    customer, agent = office.customer(language=language), Person(office, "agent")
    phone = Phone(agent, customer, language)
    assert phone.opened["phone"] == f"138****{customer.phone[-4:]}" and phone.opened["state"] == "open"
    assert state_of(phone.opened["guide"])["identify"] == "current" and phone.opened["guide"]["say"][language]

    # Before the caller is verified: help without data, and nothing of the account anywhere.
    heard = phone.hear(wish)
    assert heard["assist"]["intent"]["name"] == "unbind_card" and heard["assist"]["start"] == []
    assert "verify_first" in [one["name"] for one in heard["assist"]["prompts"]]
    # Nobody signs in by telephone.
    first = heard["assist"]["suggestions"][0]["text"]
    assert ("预留手机" in first and "登录" not in first) or ("registered phone" in first and "sign in" not in first)
    for path in ("/customer", "/operations/op_1"):
        assert (phone.get(path).status_code, phone.get(path).json()["code"]) == (409, "call_not_verified")
    begun = phone.post("/operations", {"kind": "card.unbind", "target": "card_1", "client_id": once()})
    assert begun.json()["code"] == "call_not_verified"
    seen = phone.get().text + json.dumps(heard) + phone.get("/summary").text
    assert customer.account not in seen and customer.phone not in seen and "5678" not in seen

    assert phone.post("/verify", {"code": "000000"}).json()["code"] == "code_expired"
    sent = phone.post("/challenge").json()
    assert sent["challenge"]["attempts_left"] == 3
    assert customer.code() and "950618" in customer.texts()[-1]["text"]
    wrong = phone.post("/verify", {"code": "000000" if customer.code() != "000000" else "111111"})
    assert (wrong.status_code, wrong.json()["attempts_left"]) == (422, 2)
    proved = phone.post("/verify", {"code": customer.code()}).json()
    assert (proved["state"], proved["challenge"], state_of(proved["guide"])["choose"]) == ("verified", None, "current")

    # Now the brain words its answer with the caller's own cards.
    offered = phone.get("/assist", line=heard["line"]["id"]).json()
    assert [one["title"][language] for one in offered["start"]][0] == beginning
    assert "1234" in offered["suggestions"][0]["text"] and "{" not in offered["suggestions"][0]["text"]
    data = phone.get("/customer").json()
    assert {card["tail"] for card in data["cards"]} == {"1234", "5678"} and customer.phone not in json.dumps(data)

    card = offered["start"][0]["target"]
    begun = phone.post("/operations", {"kind": "card.unbind", "target": card, "client_id": once()}).json()
    operation, guide = begun["operation"], begun["guide"]
    assert state_of(guide) == {
        "identify": "done", "choose": "done", "confirm": "current", "code": "todo", "process": "todo", "done": "todo",
    }  # fmt: skip
    assert (
        guide["effects"]
        and all(one["title"][language] for one in guide["effects"])
        and "1234" in guide["say"][language]
    )
    # The code cannot be skipped, and the effects that were read out must be the true ones.
    at = f"/operations/{operation['id']}"
    assert phone.post(at + "/verify", {"code": "123456", "client_id": once()}).json()["code"] == "code_gone"
    stale = phone.post(at + "/confirm", {"effects_version": "old", "client_id": once()}).json()
    assert stale["code"] == "effects_changed" and stale["effects_version"] == operation["effects_version"]
    # Who has just proved the phone is theirs waits no minute for the second code.
    confirmed = phone.post(
        at + "/confirm", {"effects_version": operation["effects_version"], "client_id": once()}
    ).json()
    assert state_of(confirmed["guide"])["code"] == "current" and "138****" in confirmed["guide"]["say"][language]
    assert "1234" in customer.texts()[-1]["text"]

    # The caller reads the code out; the transcript never shows it, the line hands it in once.
    code = customer.code()
    said = phone.hear(f"验证码是{code}" if language == "zh" else f"the code is {code}")["line"]
    assert said["has_code"] and code not in said["text"] and "[code]" in said["text"]
    key = once()
    for _ in range(2):
        done = phone.post(at + "/verify", {"line": said["id"], "client_id": key})
        if done.status_code != 200:
            assert done.json()["code"] == "code_gone"
    shown = wait_for(lambda: (found := phone.get(at).json())["operation"]["status"] == "succeeded" and found)
    assert set(state_of(shown["guide"]).values()) == {"done"} and shown["operation"]["actor"] == "agent"
    assert customer.cards().get("1234") != "bound" and customer.cards()["5678"] == "bound"

    told = phone.get("/assist", line=heard["line"]["id"]).json()["suggestions"][0]["text"]
    assert "1234" in told and ("办好了" in told or "All done" in told) and "5678" not in told
    summary = phone.get("/summary").json()
    assert summary["wrap_up"] == "unbound" and summary["text"][language].startswith(summed_up)
    ended = phone.post(
        "/end", {"wrap_up": "unbound", "summary": summary["text"][language] + " 6222021234567893"}
    ).json()
    assert (ended["state"], ended["wrap_up"]) == ("ended", "unbound") and "[card ending 7893]" in ended["summary"]
    assert phone.post("/transcript", {"speaker": "caller", "text": "x"}).json()["code"] == "call_closed"
    # With the call ends the view of the customer, in ready sentences too; a supervisor may still look.
    assert (phone.get("/customer").status_code, phone.get("/customer").json()["code"]) == (409, "call_closed")
    ready = agent.get("/canned", call=phone.id).json()["items"]
    assert next(one for one in ready if one["name"] == "unbind_confirm")["missing"] == ["card"]
    assert phone.post("/operations", {"kind": "card.unbind", "target": card, "client_id": once()}).status_code == 409

    boss = Person(office, "supervisor")
    assert boss.get(f"/calls/{phone.id}/customer").status_code == 200
    actions = [line["action"] for line in boss.get("/audit", conversation_id=phone.id).json()["items"]][::-1]
    expected = (
        "call_opened", "call_code_sent", "call_code_wrong", "call_verified", "customer_view", "operation_begun",
        "operation_confirmed", "operation_verified", "call_ended",
    )  # fmt: skip
    places = [actions.index(one) for one in expected]
    assert places == sorted(places)
    assert code not in boss.get("/audit").text and code not in office.log_text()
    assert [one["wrap_up"] for one in customer_view(office, customer)["earlier"]] == ["unbound"]


def customer_view(office: Office, customer: Customer) -> dict[str, Any]:
    """Returns what an agent sees of the customer in a chat of theirs."""
    talk, boss = customer.talk(), Person(office, "supervisor")
    talk.say("hello")
    return boss.get(f"/conversations/{talk.id}/customer").json()


def lines_of(phone: Phone) -> list[tuple[str, str]]:
    """Returns (speaker, text) of the transcript."""
    return [(line["speaker"], line["text"]) for line in phone.get().json()["lines"]]


def test_the_end_of_an_operation_comes_to_its_call_by_itself(office: Office) -> None:
    customer, agent = office.customer(language="en"), Person(office, "agent")
    phone = Phone(agent, customer, "en")
    phone.prove(customer)
    ear, boss = Ear(agent), Ear(Person(office, "supervisor"))
    wait_for(lambda: "resync" in ear.names() and "resync" in boss.names())
    assert office.http.put(office.url + "/sandbox/bank", json={"mode": "pending"}).ok
    ended = []
    try:
        for tail in ("1234", "5678"):
            card = next(one["id"] for one in phone.get("/customer").json()["cards"] if one["tail"] == tail)
            begun = phone.post("/operations", {"kind": "card.unbind", "target": card, "client_id": once()}).json()
            operation = begun["operation"]
            at = f"/operations/{operation['id']}"
            if tail == "5678":
                office.wait_a_minute()
            sure = {"effects_version": operation["effects_version"], "client_id": once()}
            assert phone.post(at + "/confirm", sure).status_code == 200
            answer = phone.post(at + "/verify", {"code": customer.code(), "client_id": once()}).json()
            assert answer["operation"]["status"] in ("processing", "pending")
            ended.append(operation["id"])
    finally:
        office.http.put(office.url + "/sandbox/bank", json={"mode": "ok"})
    # The caller has hung up and the agent is elsewhere: the outcome comes all the same, into the transcript and by the stream.
    assert phone.post("/end", {"wrap_up": "unbound"}).json()["state"] == "ended"
    assert office.http.post(office.url + "/sandbox/bank/settle").ok
    done = [("system", f"Unbinding your card (ending {tail}): done.") for tail in ("1234", "5678")]
    wait_for(lambda: sorted(line for line in lines_of(phone) if line[0] == "system") == done)
    for listener in (ear, boss):
        told = wait_for(
            lambda listener=listener: [
                data["line"]["text"]
                for event, _, data in listener.events
                if event == "call" and data["id"] == phone.id and data["line"] and data["line"]["speaker"] == "system"
            ]
        )
        assert set(told) <= {text for _, text in done}
    assert [phone.get(f"/operations/{one}").json()["operation"]["status"] for one in ended] == ["succeeded"] * 2
    # A delivery that comes twice, one that is late, and one for somebody else's account tell nothing new.
    event = {"id": ended[0], "kind": "card.unbind", "status": "succeeded", "target_summary": {"tail": "1234"}}
    for change, account in (
        ({}, customer.account),
        ({"status": "pending"}, customer.account),
        ({"status": "failed"}, "acct_other"),
    ):
        body = {
            "type": "operation.updated",
            "data": {"operation": event | change, "account": account, "conversation": phone.id},
        }
        assert deliver(office, body).status_code == 204
    assert len([line for line in lines_of(phone) if line[0] == "system"]) == 2


def test_a_number_that_nobody_registered_looks_the_same(office: Office) -> None:
    agent = Person(office, "agent")
    phone = Phone(agent, "199 0000 0000")
    assert phone.opened["phone"] == "199****0000"
    assert phone.post("/challenge").json()["challenge"]["attempts_left"] == 3
    lefts = [phone.post("/verify", {"code": "123456"}).json()["attempts_left"] for _ in range(3)]
    assert lefts == [2, 1, 0] and phone.get().json()["state"] == "failed"
    assert phone.post("/verify", {"code": "123456"}).json()["code"] == "call_closed"
    for number in ("12345678901", "010-12345678", "abc", "1380000"):
        assert agent.post("/calls", {"phone": number}).status_code == 422


def test_a_code_for_something_else_a_moment_ago_tells_nothing_at_the_desk(office: Office) -> None:
    customer, agent = office.customer(), Person(office, "agent")
    first, again = Phone(agent, customer), Phone(agent, customer)
    assert first.post("/challenge").status_code == 200 and customer.code()
    # The line broke and the same number rings again at once: a code goes out as on any other call, and works.
    assert again.post("/challenge").status_code == 200
    wait_for(lambda: len([one for one in customer.texts() if one.get("code")]) == 2)
    assert again.post("/challenge").json()["code"] == "send_too_soon"
    nobodys = Phone(agent, "199 0000 0001")
    assert nobodys.post("/challenge").status_code == 200
    assert nobodys.post("/challenge").json()["code"] == "send_too_soon"
    assert again.post("/verify", {"code": customer.code()}).json()["state"] == "verified"
    assert first.post("/verify", {"code": customer.code()}).json()["code"] == "code_wrong"
    note = again.post("/notes", {"text": "rang twice, 6222021234567893"})
    assert note.status_code == 201 and note.json()["speaker"] == "note" and "[card ending 7893]" in note.json()["text"]
    audited = Person(office, "supervisor").get("/audit", conversation_id=again.id, action="note").json()["items"]
    assert [line["detail"] for line in audited] == [{"line": note.json()["id"]}]
    for one in (first, again, nobodys):
        one.post("/end", {"wrap_up": "other"})


def test_a_call_is_its_agents(office: Office) -> None:
    customer, agent, boss = office.customer(), Person(office, "agent"), Person(office, "supervisor")
    phone = Phone(boss, customer)
    for method, path in (("get", ""), ("get", "/customer"), ("post", "/challenge"), ("post", "/end")):
        answer = getattr(agent, method)(f"/calls/{phone.id}{path}", *([{"wrap_up": "other"}] if path == "/end" else []))
        assert answer.status_code == 404, path
    mine = Phone(agent, customer)
    assert boss.get(f"/calls/{mine.id}").status_code == 200
    assert boss.post(f"/calls/{mine.id}/challenge").status_code == 404
    assert mine.id in [one["id"] for one in agent.get("/calls", state="open").json()["items"]]
    assert agent.get("/calls", state="all").status_code == 403 and boss.get("/calls", state="all").status_code == 200
    for one in (mine, phone):
        one.post("/end", {"wrap_up": "no_answer"})


def test_what_stands_in_the_way_is_told(office: Office) -> None:
    owes = [{"kind": "debt", "card": "1234", "amount": 4900, "currency": "CNY"}]
    customer, agent = office.customer(obligations=owes), Person(office, "agent")
    phone = Phone(agent, customer)
    phone.prove(customer)
    card = next(one for one in phone.get("/customer").json()["cards"] if one["tail"] == "1234")
    blocked = phone.post("/operations", {"kind": "card.unbind", "target": card["id"], "client_id": once()})
    assert (blocked.status_code, blocked.json()["code"]) == (409, "blocked")
    assert "¥49.00" in blocked.json()["blockers"][0]["title"]["en"]
    # The same customer's open operation of another place is shown, not doubled; a cancelled one says that nothing changed.
    quick = {"kind": "quick_pay.disable", "target": "all", "client_id": once()}
    first, again = phone.post("/operations", quick).json(), phone.post("/operations", quick).json()
    assert first["operation"]["id"] == again["operation"]["id"]
    cancelled = phone.post(f"/operations/{first['operation']['id']}/cancel", {"client_id": once()}).json()
    assert cancelled["operation"]["status"] == "cancelled" and "没有改动" in cancelled["guide"]["next"]["zh"]
    # Only an operation's id goes into binding's path: whatever stands behind it would make another address of it.
    own = first["operation"]["id"]
    assert phone.get(f"/operations/{own}").status_code == 200
    for wrong in (f"{own}%23", f"{own}%3Fx", f"{own}%0A", f"{own}%252F..%252F{own}", f"{own}%5C", f"x%23{own}", "op_", "op_%3Fx", "op_%E8%A7%A3", "op_" + "a" * 61):  # fmt: skip
        assert phone.get(f"/operations/{wrong}").status_code == 404, wrong
        assert phone.post(f"/operations/{wrong}/cancel", {"client_id": once()}).status_code == 404, wrong


def test_a_recogniser_sends_lines_and_reads_nothing(office: Office) -> None:
    agent = Person(office, "agent")
    phone = Phone(agent, office.customer())
    old = phone.post("/feed").json()["token"]
    feed = phone.post("/feed").json()
    line = {"speaker": "caller", "text": "我要解绑，卡号6222021234567893", "client_id": "1"}

    def send(token: str, body: Any = line) -> requests.Response:
        return requests.post(feed["url"], json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10)

    assert [send(token).status_code for token in ("", "jbf_x", old)] == [401, 401, 401]
    assert send(feed["token"], {"speaker": "system", "text": "x"}).status_code == 422
    first, second = send(feed["token"]), send(feed["token"])
    assert first.status_code == 201 and first.json()["line"]["id"] == second.json()["line"]["id"]
    assert "[card ending 7893]" in first.json()["line"]["text"]
    heard: list[dict[str, Any]] = []
    ready = threading.Event()

    def listen() -> None:
        stream = agent.http.get(agent.url + "/stream", stream=True, timeout=30)
        ready.set()
        for row in stream.iter_lines(chunk_size=1, decode_unicode=True):
            if row.startswith('data: {"id": "' + phone.id):
                heard.append(json.loads(row[6:]))
                if (heard[-1]["line"] or {}).get("text") == "thanks":
                    return

    ear = threading.Thread(target=listen, daemon=True)
    ear.start()
    assert ready.wait(10)
    # The example of the documentation, over HTTP and over the socket.
    example = [sys.executable, "docs/examples/recogniser.py"]
    env = {**os.environ, "FEED_TOKEN": feed["token"], "FEED_URL": feed["url"], "FEED_SOCKET": feed["socket"]}
    told = subprocess.run(
        example,
        input="caller: 解绑要多久\nagent: 马上好\n",
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    told = subprocess.run(
        [*example, "--socket"], input="caller: thanks\n", env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    texts = [one["text"] for one in phone.get("/lines").json()["items"]]
    assert texts == ["我要解绑，卡号[card ending 7893]", "解绑要多久", "马上好", "thanks"]
    ear.join(15)
    assert heard and heard[-1]["line"]["text"] == "thanks"
    wait_for(lambda: (phone.get("/lines").json()["items"][1].get("parse") or {}).get("intent") == "faq/unbind_duration")
    phone.post("/end", {"wrap_up": "advised"})
    assert send(feed["token"]).status_code == 401


def test_the_call_goes_on_without_the_brain(office: Office) -> None:
    phone = Phone(Person(office, "agent"), office.customer())
    office.rasa(mode="error")
    try:
        heard = phone.hear("解绑要多久")
        assert heard["assist"] is None and heard["line"]["text"] == "解绑要多久"
        assert phone.get("/assist").status_code == 503
    finally:
        office.rasa(mode="ok")
    assert phone.get("/assist").json()["intent"]["name"] == "faq/unbind_duration"
