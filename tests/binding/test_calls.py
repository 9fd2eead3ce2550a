"""Calls at the desk: nothing of the account before the code is read back."""

from __future__ import annotations

import uuid
from typing import Any

from .conftest import Cluster
from .people import Customer, eventually


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


def texted(customer: Customer, count: int) -> str:
    """Wait for the text that goes out after the answer, the customer's `count`th code; returns it."""
    eventually(lambda: sum("code" in one for one in customer.messages()) >= count, what="a text with a code")
    return customer.messages()[-1]["text"]


def test_a_caller_is_known_after_the_code_is_read_back(cluster: Cluster) -> None:
    customer = cluster.customer(phone=f"138{uuid.uuid4().int % 10**8:08d}", cards=[{"bank": "cmb", "tail": "1234"}])
    phone = customer.truth()["phone"]
    call = desk(cluster, "", {"phone": phone})
    assert customer.account not in str(call)
    desk(cluster, f"/{call['ref']}/verify", {"code": "000000"}, expect=410)
    sent = desk(cluster, f"/{call['ref']}/challenges")
    assert sent["attempts_left"] == 3 and customer.account not in str(sent)
    text = texted(customer, 1)
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


NOBODYS = "19900000001"


def told(cluster: Cluster, phone: str) -> list[tuple[int, Any, Any]]:
    """Ring, have a code sent, and another at once, and read two wrong ones back; returns what the desk was told."""
    call = desk(cluster, "", {"phone": phone})
    found = []
    for path in ("challenges", "challenges", "verify", "verify"):
        headers = {
            "Authorization": f"Bearer gw-{cluster.service_token}",
            "X-Agent": "agent",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        body = {"code": f"{uuid.uuid4().int % 10**6:06d}"} if path == "verify" else None
        answer = cluster.http.post(f"{cluster.base}/v1/callers/{call['ref']}/{path}", json=body, headers=headers)
        shape = answer.json()
        found.append((answer.status_code, shape.get("code"), shape.get("attempts_left")))
    return found


def test_what_the_account_was_sent_before_does_not_tell_that_there_is_one(cluster: Cluster) -> None:
    customer = cluster.customer(phone=f"137{uuid.uuid4().int % 10**8:08d}", cards=[{"bank": "cmb", "tail": "1234"}])
    phone, op = customer.truth()["phone"], customer.unbind("1234")
    nobodys = told(cluster, NOBODYS)
    assert nobodys == [(201, None, 3), (429, "send_too_soon", None), (422, "code_wrong", 2), (422, "code_wrong", 1)]
    # A code for something else went out a moment ago: the caller's goes out as well, and works.
    customer.challenge(op)
    call = desk(cluster, "", {"phone": phone})
    desk(cluster, f"/{call['ref']}/challenges")
    assert "950618" in texted(customer, 2)
    assert desk(cluster, f"/{call['ref']}/verify", {"code": customer.code()}, expect=200)["account"] == customer.account
    assert told(cluster, phone) == nobodys
    # A code that ran out, or that was replaced by a newer one of the customer's.
    call = desk(cluster, "", {"phone": phone})
    desk(cluster, f"/{call['ref']}/challenges")
    texted(customer, 4)
    cluster.advance(61)
    customer.challenge(op)
    assert desk(cluster, f"/{call['ref']}/verify", {"code": "000000"}, expect=422)["code"] == "code_wrong"
    other = desk(cluster, "", {"phone": NOBODYS})
    desk(cluster, f"/{other['ref']}/challenges")
    cluster.advance(301)
    for ref in (call["ref"], other["ref"]):
        assert desk(cluster, f"/{ref}/verify", {"code": "000000"}, expect=410)["code"] == "code_expired"
    # The day's five are used up: nothing goes out any more, and the desk is told the same.
    count = len(customer.messages())
    assert told(cluster, phone) == nobodys
    assert customer.challenge(op, expect=429)["code"] == "daily_send_limit"
    assert len(customer.messages()) == count


def test_a_locked_account_looks_like_a_number_that_nobody_registered(cluster: Cluster) -> None:
    customer = cluster.customer(phone=f"135{uuid.uuid4().int % 10**8:08d}", cards=[{"bank": "cmb", "tail": "1234"}])
    phone = customer.truth()["phone"]
    nobodys = told(cluster, NOBODYS)
    for count in (1, 2, 3, 4):
        call = desk(cluster, "", {"phone": phone})
        desk(cluster, f"/{call['ref']}/challenges")
        texted(customer, count)
        wrong = {"code": customer.wrong_code()}
        lefts = [desk(cluster, f"/{call['ref']}/verify", wrong, expect=422)["attempts_left"] for _ in range(3)]
        assert lefts == [2, 1, 0]
    assert customer.challenge(customer.unbind("1234"), expect=423)["code"] == "challenges_locked"
    assert told(cluster, phone) == nobodys
    assert len(customer.messages()) == 4


def test_a_proved_caller_need_not_wait_for_the_operations_code(cluster: Cluster) -> None:
    customer = cluster.customer(
        phone=f"136{uuid.uuid4().int % 10**8:08d}",
        cards=[{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}],
    )
    op = customer.unbind("1234")
    call = desk(cluster, "", {"phone": customer.truth()["phone"]})
    desk(cluster, f"/{call['ref']}/challenges")
    texted(customer, 1)  # it goes out after the answer
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
