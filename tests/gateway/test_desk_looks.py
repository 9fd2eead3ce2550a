"""No look at a customer leaves no trace: every door of the desk is listed with the audit line of who opens it."""

from __future__ import annotations

import subprocess
import sys
import uuid

import pytest
import requests

from tests.gateway.conftest import ROOT
from tests.gateway.desk_ear import taken
from tests.gateway.office import Office
from tests.gateway.test_calls import Phone
from tests.gateway.test_desk import Person

AT, CALL = "/conversations/{conversation_id}", "/calls/{call_id}"
# What is read of customers, and the line that says so.
LOOKS = {
    "/conversations": "list_view", AT: "view", AT + "/summary": "view", AT + "/customer": "customer_view", AT + "/assist": "assist",
    AT + "/operations/{operation_id}": "operation_view", "/calls": "list_view", CALL: "call_view", CALL + "/lines": "call_view",
    CALL + "/summary": "call_view", CALL + "/assist": "assist", CALL + "/customer": "customer_view",
    CALL + "/operations/{operation_id}": "operation_view", "/canned": "customer_view", "/review": "review_view",
    "/reports": "report", "/reports.csv": "report", "/stream": "list_view",
}  # fmt: skip
# What tells nothing of a customer: oneself, colleagues, labels, counts, the audit.
NO_CUSTOMER = {
    "/sign-in", "/session", "/oidc/start", "/oidc/callback", "/agents", "/labels", "/answers", "/review/stats", "/audit",
}  # fmt: skip


def test_every_door_that_is_read_from_is_listed(branch: Office) -> None:
    paths = requests.get(branch.url + "/openapi.json", timeout=10).json()["paths"]
    root = "/api/desk/v1"
    read = {path.removeprefix(root) for path, how in paths.items() if path.startswith(root + "/") and "get" in how}
    assert read == LOOKS.keys() | NO_CUSTOMER


@pytest.mark.parametrize("door", LOOKS)
def test_who_looks_is_told(branch: Office, door: str) -> None:
    agent, boss, customer = Person(branch, "agent"), Person(branch, "supervisor"), branch.customer()
    made: dict[str, str] = {"operation_id": "op_1"}
    params: dict[str, str] = {}
    if door.startswith(AT) or door == "/canned":
        talk = customer.talk()
        taken(branch, agent, talk, "解绑要多久")
        made["conversation_id"] = params["conversation"] = talk.id
    elif door.startswith(CALL):
        phone = Phone(agent, customer)
        phone.prove(customer)
        phone.hear("解绑要多久")
        made["call_id"] = phone.id
    place = made.get("conversation_id") or made.get("call_id")

    looker = boss
    if LOOKS[door] == "list_view":  # one in ten minutes: of somebody who has not looked yet
        looker = newcomer(branch)
    name = looker.get("/session").json()["agent"]["username"]

    def told() -> list[int]:
        about = {"action": LOOKS[door], "agent": name} | ({"conversation_id": place} if place else {})
        return [line["number"] for line in boss.get("/audit", **about).json()["items"]]

    before = told()
    with looker.http.get(looker.url + door.format(**made), params=params, stream=True, timeout=20) as answer:
        assert answer.status_code in (200, 404)  # the operation is nobody's; the look is told all the same
    assert set(told()) > set(before)


def newcomer(office: Office) -> Person:
    """Adds a person to the desk; returns their browser."""
    name = "u" + uuid.uuid4().hex[:8]
    made = [sys.executable, "-m", "gateway.desk", "add", name, "--name", name]
    subprocess.run(made, input="correct horse battery\n", env=office.env, cwd=ROOT, text=True, check=True)
    return Person(office, name, "correct horse battery")
