"""The figures of the desk, their CSV, and what is told and erased of one customer."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import uuid
from typing import Any

import pytest

from tests.gateway.conftest import ROOT, wait_for
from tests.gateway.desk_ear import once, taken
from tests.gateway.office import Office
from tests.gateway.test_desk import Person


def test_the_figures_and_their_csv(branch: Office) -> None:
    boss, agent = Person(branch, "supervisor"), Person(branch, "agent")
    before = boss.get("/reports").json()
    talk = branch.talk(language="en")
    talk.say("how long does it take")
    formula = f"=HYPERLINK(x{uuid.uuid4().hex[:6]})"  # six digits alone would be taken for a code
    other = branch.talk(language="en")
    other.say(formula)
    at = taken(branch, agent, other, "nonsense")
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
        "suggestions",
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


def test_what_becomes_of_suggestions_is_counted(branch: Office) -> None:
    boss, agent = Person(branch, "supervisor"), Person(branch, "agent")

    def counts(**values: str) -> dict[str, Any]:
        return boss.get("/reports", **values).json()["suggestions"]

    before, english = counts(), counts(language="en", channel="web")
    talk = branch.talk(language="en")
    at = taken(branch, agent, talk, "hello")
    for text in ("how long does it take", "how do i unbind", "the hotline please", "nothing at all of it"):
        talk.say(text)
        offered = [agent.get(at + "/assist").json() for _ in range(2)][-1]
        if not offered["suggestions"]:
            continue  # nothing was offered, so nothing is counted as shown
        best = {"message": offered["message"], "label": offered["suggestions"][0]["label"]}
        suggestion = best | {"text": offered["suggestions"][0]["text"]}
        if "hotline" in text:
            assert agent.post(at + "/assist/feedback", best | {"outcome": "dismissed"}).status_code == 204
        else:
            said = suggestion["text"] + ("" if "long" in text else " Anything else?")
            body = {"text": said, "client_id": once(), "suggestion": suggestion}
            assert agent.post(at + "/messages", body).status_code == 201
    expected = {"shown": 3, "sent": 1, "edited": 1, "dismissed": 1, "wrong": 0, "right": 0}

    def grown(now: dict[str, Any], then: dict[str, Any]) -> dict[str, int]:
        return {name: now[name] - then[name] for name in expected}

    wait_for(lambda: grown(counts(), before) == expected)
    assert grown(counts(language="en", channel="web"), english) == expected
    assert grown(counts(language="zh"), counts(language="zh")) == dict.fromkeys(expected, 0)
    assert 0 < counts(language="en", channel="web")["used"] <= 1 and counts(channel="telegram")["used"] is None
    assert "shown" in boss.get("/reports.csv", table="suggestions").text.splitlines()[0]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "＝1", "\r=1"])
def test_no_cell_is_run(cell: str) -> None:
    from gateway.desk import csv_table

    assert csv_table.cell(cell).startswith("'") and csv_table.cell(-1) == "-1"


def test_a_customers_calls_are_told_and_erased_with_their_talks(branch: Office) -> None:
    customer, agent = branch.customer(), Person(branch, "agent")
    talk = customer.talk()
    talk.say("咕噜咕噜 erase me")
    call = agent.post("/calls", {"phone": customer.phone}).json()["id"]
    agent.post(f"/calls/{call}/challenge")
    agent.post(f"/calls/{call}/verify", {"code": customer.code()})
    agent.post(f"/calls/{call}/transcript", {"speaker": "caller", "text": "please forget me"})
    Person(branch, "supervisor").get("/review")

    def privacy(*command: str) -> str:
        argv = [sys.executable, "-m", "gateway.privacy", *command]
        return subprocess.run(argv, env=branch.env, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    told = json.loads(privacy("export", customer.account))
    assert [line["text"] for line in told["calls"][0]["lines"]] == ["please forget me"] and told["conversations"]
    privacy("erase", customer.account)
    assert json.loads(privacy("export", customer.account)) == {
        "account": customer.account,
        "conversations": [],
        "calls": [],
    }
    assert agent.get(f"/calls/{call}").status_code == 404
    kept = Person(branch, "supervisor").get("/review", limit=100).json()["items"]
    assert "咕噜咕噜 erase me" not in [one["text"] for one in kept]
