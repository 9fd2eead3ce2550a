"""A code or a page stands for the effects that the customer said yes to, and for no others."""

from __future__ import annotations

from .conftest import Cluster, Customer

CARDS = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}]
Shape = dict


def asked_and_then_changed(cluster: Cluster, method: str) -> tuple[Customer, Shape, Shape]:
    """A customer says yes to the end of a renewal; then the renewal ends by itself. Returns (customer, operation, challenge)."""
    customer = cluster.customer(cards=CARDS, wallets=["alipay"], agreements=[{"merchant": "爱奇艺", "card": "1234"}])
    ending = customer.ask("agreement.terminate", customer.get("/agreements")["items"][0]["id"])
    page = customer.challenge(ending, method="payment_password")
    op = customer.unbind("1234")
    challenge = customer.challenge(op, method=method)
    submit(customer, page, 202)
    customer.until(ending, "succeeded")
    return customer, op, challenge


def submit(customer: Customer, page: Shape, expect: int) -> Shape:
    headers = {"X-Customer-Token": customer.cluster.token(customer.account)}
    answer = customer.cluster.http.post(
        f"{customer.cluster.base}{page['url']}", json={"password": "246810"}, headers=headers
    )
    assert answer.status_code == expect, answer.text
    return answer.json()


def moved_on(customer: Customer, op: Shape) -> Shape:
    """Somebody looks, with what is known: binding says what the effects are now, and nobody says yes."""
    changed = customer.challenge(op, expect=409)
    assert changed["code"] == "effects_changed" and "renewal_stops" not in [e["code"] for e in changed["effects"]]
    now = customer.operation(op)
    assert now["effects_version"] == changed["effects_version"] != op["effects_version"]
    return now


def test_a_page_accepts_nothing_but_what_it_was_opened_for(cluster: Cluster) -> None:
    customer, op, page = asked_and_then_changed(cluster, "payment_password")
    now = moved_on(customer, op)
    for _ in range(2):
        refused = submit(customer, page, 409)
        assert (refused["code"], refused["effects_version"]) == ("effects_changed", now["effects_version"])
    assert customer.operation(op)["status"] == "awaiting_verification" and customer.card("1234")["state"] == "bound"
    submit(customer, customer.challenge(now, method="payment_password"), 202)
    customer.until(op, "succeeded")


def test_to_hand_in_the_same_code_again_with_the_new_version_is_no_yes(cluster: Cluster) -> None:
    customer, op, challenge = asked_and_then_changed(cluster, "sms")
    changed = customer.answer(op, challenge, customer.code(), expect=409)
    assert changed["code"] == "effects_changed"
    now = op | {"effects_version": changed["effects_version"]}
    for _ in range(2):
        assert customer.answer(now, challenge, customer.code(), expect=409)["code"] == "effects_changed"
    assert customer.operation(op)["attempts_left"] == 3


def test_a_yes_within_the_minute_lets_the_code_that_is_there_stand_for_it(cluster: Cluster) -> None:
    customer, op, challenge = asked_and_then_changed(cluster, "sms")
    now = moved_on(customer, op)
    assert customer.challenge(now, expect=429)["code"] == "send_too_soon"
    assert len([m for m in customer.messages() if "code" in m]) == 1
    assert customer.answer(op, challenge, customer.code(), expect=409)["code"] == "effects_changed", "the old yes is over"
    assert customer.answer(now, challenge, customer.code(), expect=200)["status"] == "succeeded"
    with cluster.engine().connect() as connection:
        told = connection.exec_driver_sql(
            f"SELECT event FROM audit_log WHERE operation_id = '{op['id']}' ORDER BY seq"
        ).scalars()
        assert [e for e in told if e.startswith("challenge")] == ["challenge.sent", "challenge.effects_confirmed"]


def test_a_yes_to_one_operation_is_none_to_another(cluster: Cluster) -> None:
    customer, op, challenge = asked_and_then_changed(cluster, "sms")
    moved_on(customer, op)
    assert customer.challenge(customer.unbind("5678"), expect=429)["code"] == "send_too_soon"
    changed = customer.answer(op, challenge, customer.code(), expect=409)
    now = op | {"effects_version": changed["effects_version"]}
    assert customer.answer(now, challenge, customer.code(), expect=409)["code"] == "effects_changed"
