"""What the phone company says of a code, or does not say: only a refusal means that the customer has none."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator

import pytest

from .conftest import Cluster, Customer, running

CARDS = [{"bank": "cmb", "tail": "1234"}]


class PhoneCompany:
    """It delivers every text and then answers as it is told: a status, or nothing (0)."""

    def __init__(self) -> None:
        self.answers, self.texts = [202], dict[str, str]()
        company = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = company.answers[0] if len(company.answers) == 1 else company.answers.pop(0)
                if not 400 <= status < 500 and body["purpose"] == "code":
                    company.texts[self.headers["Idempotency-Key"]] = body["text"]
                if not status:
                    self.close_connection = True  # it goes away without a word
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def code(self) -> str:
        """Read the newest code that was delivered."""
        return re.findall(r"[0-9]{6}", list(self.texts.values())[-1])[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, PhoneCompany]]:
    """A ledger whose texts go by that company."""
    company = PhoneCompany()
    with running(tmp_path_factory.mktemp("phone"), None, SMS_URL=company.url) as cluster:
        yield cluster, company
    company.server.shutdown()


def audit_of(customer: Customer, op: dict) -> list[str]:
    with customer.cluster.engine().connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT event FROM audit_log WHERE operation_id = '{op['id']}' ORDER BY seq")
        return list(rows.scalars())


@pytest.mark.parametrize("answers", [[0], [503], [0, 409]], ids=["no answer", "5xx", "no answer, then a refusal"])
def test_a_code_that_may_have_arrived_can_be_used_and_counts(
    world: tuple[Cluster, PhoneCompany], answers: list[int]
) -> None:
    cluster, company = world
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    texts, company.answers = len(company.texts), list(answers)
    challenge = customer.challenge(op)
    for _ in range(5):
        assert customer.challenge(op, expect=429)["code"] == "send_too_soon"
    assert len(company.texts) == texts + 1
    company.answers = [202]
    assert customer.answer(op, challenge, company.code(), expect=200)["status"] == "succeeded"


def test_five_that_may_have_arrived_are_the_days_five(world: tuple[Cluster, PhoneCompany]) -> None:
    cluster, company = world
    customer = cluster.customer(cards=CARDS)
    op, company.answers = customer.unbind("1234"), [0]
    for _ in range(5):
        customer.challenge(op)
        cluster.advance(61)
    assert customer.challenge(op, expect=429)["code"] == "daily_send_limit"


def test_a_code_that_was_refused_counts_nowhere_and_is_written_down(world: tuple[Cluster, PhoneCompany]) -> None:
    cluster, company = world
    customer = cluster.customer(cards=CARDS)
    op, company.answers = customer.unbind("1234"), [400]
    assert customer.challenge(op, expect=502, key="send-1")["code"] == "sms_not_sent"
    company.answers = [202]
    challenge = customer.challenge(op, key="send-1")
    assert customer.answer(op, challenge, company.code(), expect=200)["status"] == "succeeded"
    sent = [event for event in audit_of(customer, op) if event.startswith("challenge")]
    assert sent == ["challenge.sent", "challenge.undelivered", "challenge.sent"]
