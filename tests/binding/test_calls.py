"""Calls at the desk: nothing of the account before the code is read back."""

from __future__ import annotations

import uuid
from typing import Any

from .conftest import Cluster


def desk(
    cluster: Cluster, path: str, body: Any = None, *, agent: str = "agent", expect: int = 201, service: str = "gw-"
) -> dict:
    headers = {
        "Authorization": f"Bearer {service}{cluster.service_token}",
        "X-Agent": agent,
        "Idempotency-Key": uuid.uuid4().hex,
    }
    answer = cluster.http.post(f"{cluster.base}/v1/callers{path}", json=body, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


def test_a_caller_is_known_after_the_code_is_read_back(cluster: Cluster) -> None:
    customer = cluster.customer(phone=f"138{uuid.uuid4().int % 10**8:08d}", cards=[{"bank": "cmb", "tail": "1234"}])
    phone = customer.truth()["phone"]
    call = desk(cluster, "", {"phone": phone})
    assert customer.account not in str(call)
    desk(cluster, f"/{call['ref']}/verify", {"code": "000000"}, expect=410)
    sent = desk(cluster, f"/{call['ref']}/challenges")
    assert sent["attempts_left"] == 3 and customer.account not in str(sent)
    text = customer.messages()[-1]["text"]
    assert "950618" in text and customer.code() in text
    wrong = desk(cluster, f"/{call['ref']}/verify", {"code": customer.wrong_code()}, expect=422)
    assert wrong["attempts_left"] == 2
    desk(cluster, f"/{call['ref']}/verify", {"code": customer.code()}, agent="another", expect=404)
    proved = desk(cluster, f"/{call['ref']}/verify", {"code": customer.code()}, expect=200)
    assert (proved["account"], proved["agent"]) == (customer.account, "agent")
    assert desk(cluster, f"/{call['ref']}/verify", {"code": customer.code()}, expect=409)["code"] == "call_closed"


def test_a_number_that_nobody_registered_looks_the_same(cluster: Cluster) -> None:
    call = desk(cluster, "", {"phone": "19900000000"})
    sent = desk(cluster, f"/{call['ref']}/challenges")
    assert set(sent) == {"ref", "expires_at", "resend_at", "attempts_left"}
    lefts = [desk(cluster, f"/{call['ref']}/verify", {"code": "123456"}, expect=422)["attempts_left"] for _ in range(3)]
    assert lefts == [2, 1, 0]
    desk(cluster, f"/{call['ref']}/verify", {"code": "123456"}, expect=409)


def test_calls_and_operations_share_their_limits(cluster: Cluster) -> None:
    customer = cluster.customer(phone=f"137{uuid.uuid4().int % 10**8:08d}", cards=[{"bank": "cmb", "tail": "1234"}])
    customer.challenge(customer.unbind("1234"))
    call = desk(cluster, "", {"phone": customer.truth()["phone"]})
    assert desk(cluster, f"/{call['ref']}/challenges", expect=429)["code"] == "send_too_soon"


def test_a_proved_caller_need_not_wait_for_the_operations_code(cluster: Cluster) -> None:
    customer = cluster.customer(
        phone=f"136{uuid.uuid4().int % 10**8:08d}",
        cards=[{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}],
    )
    op = customer.unbind("1234")
    call = desk(cluster, "", {"phone": customer.truth()["phone"]})
    desk(cluster, f"/{call['ref']}/challenges")
    # Sent, and not read back yet, or read back wrong: the next code waits its minute.
    assert customer.challenge(op, expect=429)["code"] == "send_too_soon"
    desk(cluster, f"/{call['ref']}/verify", {"code": customer.wrong_code()}, expect=422)
    assert customer.challenge(op, expect=429)["code"] == "send_too_soon"
    desk(cluster, f"/{call['ref']}/verify", {"code": customer.code()}, expect=200)
    challenge = customer.challenge(op)
    # That was one step of patience, not an open door: the operation's own code holds the next one back, all count for the day.
    assert customer.challenge(op, expect=429)["code"] == "send_too_soon"
    customer.answer(op, challenge, customer.code())
    other = customer.unbind("5678")
    assert customer.challenge(other, expect=429)["code"] == "send_too_soon"
    for _ in range(3):
        cluster.advance(61)
        customer.challenge(other)
    cluster.advance(61)
    assert customer.challenge(other, expect=429)["code"] == "daily_send_limit"


def test_only_the_gateway_may_open_calls(cluster: Cluster) -> None:
    assert desk(cluster, "", {"phone": "13800000000"}, service="", expect=403)["code"] == "forbidden"
