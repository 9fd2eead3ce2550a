"""The figures of the desk, their CSV, and what is told and erased of one customer."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import uuid

import pytest

from tests.gateway.conftest import ROOT
from tests.gateway.desk_ear import taken
from tests.gateway.office import Office
from tests.gateway.test_desk import Person


def test_the_figures_and_their_csv(branch: Office) -> None:
    boss, agent = Person(branch, "supervisor"), Person(branch, "agent")
    before = boss.get("/reports").json()
    talk = branch.talk(language="en")
    talk.say("how long does it take")
    formula = f"=HYPERLINK({uuid.uuid4().hex[:6]})"
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
