"""A bank that answers in shapes that nobody agreed on: what does not fit says nothing, and the operation waits to hear more."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from binding import workflows
from binding.errors import Problem
from binding.ports import bank
from binding.verification import pages

from .inside import Inside, InsideCustomer, inside
from .test_secure_page import DETAILS

SUBMIT, ASK = bank.submit, bank.ask  # the real ones, which the world plays otherwise
CARDS = [{"bank": "cmb", "tail": "1234"}]
DONE = '{"state": "done", "ref": "BK1"}'
CHECKED = {"state": "checked", "card_token": "ct_1", "tail": DETAILS["number"][-4:], "card_type": "debit", "bank": "cmb"}


class OddBank(http.server.BaseHTTPRequestHandler):
    """Says what it was told to say, whatever it is asked."""

    says = DONE

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = self.says.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Inside]:
    """The service in this process, with the odd bank over HTTP."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OddBank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = {"BANK_URL": f"http://127.0.0.1:{server.server_address[1]}"}
    with contextlib.ExitStack() as stack:
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        stack.enter_context(mock.patch.dict("os.environ", address))
        world = stack.enter_context(inside(tmp_path))
        stack.enter_context(mock.patch.object(bank, "submit", SUBMIT))
        stack.enter_context(mock.patch.object(bank, "ask", ASK))
        yield world


def accepted(customer: InsideCustomer) -> dict[str, Any]:
    """Ask for a card's removal and hand in the right code."""
    op = customer.call("POST", "/operations", {"kind": "card.unbind", "target": customer.card("1234")["id"]}).json()
    body = {"method": "sms", "effects_version": op["effects_version"]}
    challenge = customer.call("POST", f"/operations/{op['id']}/challenges", body).json()
    answer = {"code": customer.code(), "effects_version": op["effects_version"]}
    assert customer.call("POST", f"/challenges/{challenge['id']}/verify", answer).status_code in (200, 202)
    return op


@pytest.mark.parametrize(
    "says",
    [
        '{"state": "pending", "eta_s": "7200"}', '{"state": "pending", "eta_s": 1e15}', '{"state": "pending", "eta_s": -1}',
        '{"state": "pending", "eta_s": NaN}', '{"state": "rejected", "reason": ["a"]}', '{"state": "done", "ref": {"id": 1}}',
        '{"state": "done", "ref": 12345}', r'{"state": "done", "ref": "a\u0000b"}', r'{"state": "done", "ref": "\ud800"}',
        '{"state": ["done"]}', '{"state": "checked"}', '"done"', "null", "[" * 100_000, "<html>",
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_says_nothing(world: Inside, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    customer = world.customer(cards=CARDS)
    monkeypatch.setattr(OddBank, "says", says)
    op = accepted(customer)
    shown = customer.operation(op)
    assert (shown["status"], customer.card_states()) == ("pending", {"1234": "unbinding"})
    assert shown["eta"] is not None
    monkeypatch.setattr(OddBank, "says", DONE)
    workflows.nudge_all()
    world.work()
    assert (customer.operation(op)["status"], customer.card_states()) == ("succeeded", {})


def test_what_a_bank_says_besides_is_left_out(world: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    says = {"state": "rejected", "reason": "bank_maintenance", "ref": None, "eta_s": None, "more": {"a": [1]}}
    monkeypatch.setattr(OddBank, "says", json.dumps(says))
    customer = world.customer(cards=CARDS)
    shown = customer.operation(accepted(customer))
    assert (shown["status"], shown["reason_code"]) == ("failed", "bank_maintenance")


@pytest.mark.parametrize(
    "odd",
    [
        {"card_type": "prepaid"}, {"card_type": None}, {"tail": None}, {"tail": "12345"}, {"tail": 1234}, {"tail": "١٢٣٤"},
        {"card_token": ""}, {"card_token": {"t": 1}}, {"bank": ["cmb"]}, {"bank": None}, {"state": "done"},
    ],
)  # fmt: skip
def test_a_card_is_not_bound_by_half_an_answer(
    world: Inside, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    customer = world.customer(cards=CARDS)
    op = customer.call("POST", "/operations", {"kind": "card.bind", "target": "cmb"}).json()
    body = {"method": "card_details", "effects_version": op["effects_version"]}
    ticket = customer.call("POST", f"/operations/{op['id']}/challenges", body).json()["url"].split("/")[-1]
    monkeypatch.setattr(OddBank, "says", json.dumps(CHECKED | odd))
    with pytest.raises(Problem) as refused:
        pages.submit_card(ticket=ticket, who=customer.who, **DETAILS)
    assert (refused.value.status, refused.value.code) == (503, "service_unavailable")
    shown = customer.operation(op)
    assert (shown["status"], shown["attempts_left"]) == ("awaiting_verification", 3)
    monkeypatch.setattr(OddBank, "says", json.dumps(CHECKED))
    assert pages.submit_card(ticket=ticket, who=customer.who, **DETAILS)["status"] == "processing"
