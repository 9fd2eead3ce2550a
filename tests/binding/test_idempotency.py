"""The same key twice is one request."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import requests
import sqlalchemy as sa

from binding.clock import real_now
from binding.database import writing
from binding.models import Idempotency
from binding.ports import phone
from binding.service import idempotency

from .conftest import Cluster
from .inside import inside

CARDS = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}]


def test_a_key_is_needed_and_belongs_to_one_body(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    one, other = (customer.card(t)["id"] for t in ("1234", "5678"))
    bare = {"Authorization": f"Bearer {cluster.service_token}", "X-Customer-Token": cluster.token(customer.account)}
    body = {"kind": "card.unbind", "target": one}
    missing = cluster.http.post(f"{cluster.base}/v1/operations", json=body, headers=bare)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    first = customer.call("POST", "/operations", body, key="k1")
    again = customer.call("POST", "/operations", body, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    reused = customer.call("POST", "/operations", body | {"target": other}, key="k1")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert reused.headers["content-type"].startswith("application/problem+json")


def test_the_same_key_of_another_customer_is_another_request(cluster: Cluster) -> None:
    one, other = cluster.customer(cards=CARDS), cluster.customer(cards=CARDS)
    ops = [c.ask("card.unbind", c.card("1234")["id"], key="same") for c in (one, other)]
    assert ops[0]["id"] != ops[1]["id"]


def test_eight_at_once_open_one_operation(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    card, answers = customer.card("1234")["id"], []
    gate = threading.Barrier(8)

    def go(key: str) -> None:
        gate.wait()
        answers.append(customer.call("POST", "/operations", {"kind": "card.unbind", "target": card}, key=key))

    for keys in (["same"] * 8, [f"k{n}" for n in range(8)]):
        threads = [threading.Thread(target=go, args=(key,)) for key in keys]
        [t.start() for t in threads]
        [t.join() for t in threads]
    created = {a.json()["id"] for a in answers if a.status_code == 201}
    assert len(created) == 1 and len(customer.get("/operations")["items"]) == 1
    assert {a.status_code for a in answers} == {201, 409}


def test_a_verified_request_repeated_shows_the_outcome(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    challenge, code = customer.challenge(op), customer.code()
    first = customer.answer(op, challenge, code, expect=202, wait=0, key="v1")
    assert first["status"] == "processing"
    customer.until(op, "succeeded")
    assert customer.answer(op, challenge, code, expect=200, wait=3, key="v1")["status"] == "succeeded"


def test_a_key_that_two_desks_write_at_once_is_being_worked_on(cluster: Cluster) -> None:
    """For a number that nobody registered there is no account to lock: the table itself keeps one of the two."""
    headers = {"Authorization": f"Bearer gw-{cluster.service_token}", "X-Agent": "agent"}
    gate, answers = threading.Barrier(8), list[requests.Response]()

    def go(key: str) -> None:
        gate.wait()
        body = {"phone": "13900000000"}
        answers.append(requests.post(f"{cluster.base}/v1/callers", json=body, headers=headers | {"Idempotency-Key": key}))

    for key in ("c1", "c2", "c3"):
        threads = [threading.Thread(target=go, args=(key,)) for _ in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    assert {(a.status_code, a.json().get("code")) for a in answers} <= {(201, None), (409, "request_in_progress")}
    assert len({a.json()["ref"] for a in answers if a.status_code == 201}) == 3


def test_a_second_send_under_a_key_is_waited_for_like_the_first(tmp_path: Path) -> None:
    """The process died between the text and its answer: who repeats takes over once, and others wait for that one."""
    with inside(tmp_path) as world:
        customer = world.customer(cards=CARDS)
        op = customer.call("POST", "/operations", {"kind": "card.unbind", "target": customer.card("1234")["id"]}).json()
        path, body = f"/operations/{op['id']}/challenges", {"method": "sms", "effects_version": op["effects_version"]}

        def dies(**_: object) -> str:
            raise KeyboardInterrupt

        with mock.patch.object(phone, "send", dies), pytest.raises(KeyboardInterrupt):
            customer.call("POST", path, body, key="k1")
        assert customer.call("POST", path, body, key="k1").json()["code"] == "request_in_progress"
        long_ago = real_now() - dt.timedelta(seconds=idempotency.STALE_AFTER_S + 1)
        with writing(customer.account) as session:
            session.execute(sa.update(Idempotency).values(created_at=long_ago))
        again: list[Any] = []

        def slow(**_: object) -> str:
            again.append(customer.call("POST", path, body, key="k1").json()["code"])
            return "taken"

        with mock.patch.object(phone, "send", slow):
            assert customer.call("POST", path, body, key="k1").status_code == 201
        assert again == ["request_in_progress"]
