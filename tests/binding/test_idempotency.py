"""The same key twice is one request."""

from __future__ import annotations

import threading

from .conftest import Cluster

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
