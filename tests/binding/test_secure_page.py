"""The one-time secure page: payment password and a new card's details."""

from __future__ import annotations

import re
from typing import Any

import requests

from .conftest import Cluster, Customer

CARDS = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}]
DETAILS = {"number": "6225 8800 0000 0006", "holder": "张三", "id_number": "110105199001010017", "phone": "13800138000"}


def luhn_complete(prefix: str) -> str:
    digits = [int(d) for d in prefix + "0"]
    total = sum(d if i % 2 == 0 else (d * 2 - 9 if d * 2 > 9 else d * 2) for i, d in enumerate(reversed(digits)))
    return prefix + str((10 - total % 10) % 10)


def id_complete(first: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return first + "10X98765432"[sum(int(d) * w for d, w in zip(first, weights, strict=True)) % 11]


DETAILS["number"] = luhn_complete("622588000000777")
DETAILS["id_number"] = id_complete("11010519900101001")


def page(customer: Customer, op: dict[str, Any]) -> str:
    return customer.challenge(op, method="payment_password")["url"]


def submit(customer: Customer, url: str, form: dict[str, str], expect: int) -> dict[str, Any]:
    headers = {"X-Customer-Token": customer.cluster.token(customer.account)}
    answer = customer.cluster.http.post(f"{customer.cluster.base}{url}", json=form, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


def show(cluster: Cluster, url: str) -> requests.Response:
    return cluster.http.get(f"{cluster.base}{url}")


def test_the_right_password_goes_through_once(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS, phone="13712345678", payment_password="135791")
    op = customer.unbind("1234")
    url = page(customer, op)
    shown = show(cluster, url)
    assert shown.status_code == 200 and "137****5678" in shown.text and "解绑尾号1234的招商银行卡" in shown.text
    assert "13712345678" not in shown.text and customer.account not in shown.text
    policy = shown.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
    assert nonce and f'nonce="{nonce[1]}"' in shown.text and "default-src 'none'" in policy
    assert shown.headers["cache-control"] == "no-store"
    assert submit(customer, url, {"password": "135791"}, 202)["accepted"] is True
    customer.until(op, "succeeded")
    assert submit(customer, url, {"password": "135791"}, 409)["code"] == "code_used"
    assert show(cluster, url).status_code == 409


def test_wrong_passwords_are_counted_with_the_codes(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    url = page(customer, op)
    assert submit(customer, url, {"password": "000000"}, 422)["attempts_left"] == 2
    customer.answer(op, challenge, customer.wrong_code(), expect=422)
    last = submit(customer, url, {"password": "111111"}, 422)
    assert (last["code"], last["attempts_left"]) == ("password_wrong", 0)
    assert customer.operation(op)["reason_code"] == "too_many_attempts"
    assert submit(customer, url, {"password": "246810"}, 409)["code"] == "operation_closed"


def test_five_wrong_passwords_a_day_lock_the_password_but_not_the_code(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    for tail, tries in (("1234", 3), ("5678", 2)):
        op = customer.unbind(tail)
        url = page(customer, op)
        for _ in range(tries):
            submit(customer, url, {"password": "000000"}, 422)
    assert submit(customer, url, {"password": "246810"}, 423)["code"] == "challenges_locked"
    assert customer.challenge(op, method="payment_password", expect=423)["code"] == "challenges_locked"
    assert customer.verified(op)["status"] == "succeeded"


def test_the_page_belongs_to_one_account_and_five_minutes(cluster: Cluster) -> None:
    customer, stranger = cluster.customer(cards=CARDS), cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    url = page(customer, op)
    assert submit(stranger, url, {"password": "246810"}, 404)["code"] == "not_found"
    unsigned = cluster.http.post(f"{cluster.base}{url}", json={"password": "246810"})
    assert (unsigned.status_code, unsigned.json()["code"]) == (401, "unauthenticated")
    newer = page(customer, op)
    assert submit(customer, url, {"password": "246810"}, 409)["code"] == "code_replaced"
    cluster.advance(301)
    assert submit(customer, newer, {"password": "246810"}, 410)["code"] == "code_expired"
    assert show(cluster, newer).status_code == 410 and show(cluster, "/secure/nothing").status_code == 404
    assert customer.operation(op)["attempts_left"] == 3


def test_the_conversation_hears_of_what_was_done_on_the_page(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS, language="en")
    op = customer.unbind("1234")
    cluster.bank("pending")
    url = page(customer, op)
    assert "Unbind China Merchants Bank card ending 1234" in show(cluster, url).text
    submit(customer, url, {"password": "246810"}, 202)
    customer.until(op, "pending")
    cluster.settle()
    customer.until(op, "succeeded")


def test_a_card_is_bound_on_the_page_and_its_number_is_kept_nowhere(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.ask("card.bind", "cmb")
    assert op["target_summary"] == {"type": "new_card", "bank": "cmb"} and op["verification"]["methods"] == [
        "card_details"
    ]
    url = page(customer, op)
    assert 'name="id_number"' in show(cluster, url).text
    wrong = submit(customer, url, DETAILS | {"number": "6225880000007771", "phone": "12"}, 422)
    assert (wrong["code"], wrong["fields"]) == ("card_details_invalid", ["number", "phone"])
    other = submit(customer, url, DETAILS | {"number": luhn_complete("622202000000777")}, 422)
    assert other["code"] == "card_of_other_bank"
    submit(customer, url, DETAILS, 202)
    done = customer.until(op, "succeeded")
    tail = DETAILS["number"][-4:]
    assert done["result"]["tail"] == tail
    assert customer.card(tail)["reserved_phone_masked"] == "138****8000"
    assert {"cmb": tail}.items() <= {
        c["bank"]: c["tail"] for c in customer.truth()["cards"] if c["tail"] == tail
    }.items()
    secrets = [DETAILS["number"], DETAILS["id_number"], DETAILS["phone"], DETAILS["holder"]]
    logs = "".join(p.read_text() for p in cluster.home.glob("*.log"))
    rows = ""
    with cluster.engine().connect() as connection:
        for table in ("operations", "challenges", "cards", "idempotency_keys", "audit_log"):
            rows += str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
    assert not [s for s in secrets if s in logs or s in rows]


def test_a_bank_that_is_away_leaves_the_page_usable(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.ask("card.bind", "cmb")
    url = page(customer, op)
    cluster.bank("down")
    assert submit(customer, url, DETAILS, 503)["code"] == "service_unavailable"
    cluster.bank("reject")
    assert submit(customer, url, DETAILS, 422)["code"] == "card_details_refused"
    cluster.bank("ok")
    submit(customer, url, DETAILS, 202)
    customer.until(op, "succeeded")
