"""One-time codes: what passes, what is counted, what stays counted."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
import sqlalchemy as sa

from .conftest import Cluster, Customer, eventually

CARDS = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}, {"bank": "ccb", "tail": "9012"}]


def test_a_wrong_code_says_how_many_tries_are_left_and_the_third_ends_it(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    for left in (2, 1, 0):
        wrong = customer.answer(op, challenge, customer.wrong_code(), expect=422)
        assert (wrong["code"], wrong["attempts_left"]) == ("code_wrong", left)
    ended = customer.operation(op)
    assert (ended["status"], ended["reason_code"]) == ("failed", "too_many_attempts")
    assert customer.answer(op, challenge, customer.code(), expect=409)["code"] == "operation_closed"
    assert customer.card("1234")["state"] == "bound"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", "未能完成：多次验证未通过，如非本人操作请立即联系客服95118。绑定关系未改变。"),
        ("en", "was not completed: verification failed too often (if this was not you, call 95118 at once)."),
    ],
)
def test_who_owns_the_phone_hears_that_somebody_failed_three_times(cluster: Cluster, language: str, said: str) -> None:
    customer = cluster.customer(cards=CARDS, language=language)
    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    for _ in range(3):
        customer.answer(op, challenge, customer.wrong_code(), expect=422)
    told = eventually(lambda: [m for m in customer.messages() if op["reference"] in m["text"]], what="the notice")
    assert [m["kind"] for m in told] == ["push"] and said in told[0]["text"]
    cancelled = customer.unbind("5678")
    customer.call("POST", f"/operations/{cancelled['id']}/cancel")
    with cluster.engine().connect() as connection:
        query = f"SELECT operation_id, template FROM notices WHERE account_id = '{customer.account}'"
        assert connection.exec_driver_sql(query).all() == [(op["id"], "failed")], "what the customer ended needs no notice"


def test_sending_again_resets_no_count(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    customer.answer(op, customer.challenge(op), customer.wrong_code(), expect=422)
    cluster.advance(61)
    second = customer.challenge(op)
    assert second["attempts_left"] == 2
    customer.answer(op, second, customer.wrong_code(), expect=422)
    assert customer.answer(op, second, customer.wrong_code(), expect=422)["attempts_left"] == 0


def test_a_code_lives_five_minutes(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    code = customer.code()
    cluster.advance(301)
    assert customer.answer(op, challenge, code, expect=410)["code"] == "code_expired"
    assert customer.operation(op)["attempts_left"] == 3
    assert customer.verified(op)["status"] == "succeeded"


def test_a_newer_code_replaces_the_older_one_and_a_used_one_is_used(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    first = customer.challenge(op)
    code = customer.code()
    cluster.advance(61)
    second = customer.challenge(op)
    assert customer.answer(op, first, code, expect=409)["code"] == "code_replaced"
    assert customer.answer(op, second, customer.code(), expect=200)["status"] == "succeeded"
    assert customer.answer(op, second, customer.code(), expect=409)["code"] == "code_used"


def test_a_code_of_one_operation_does_not_open_another(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    one, other = customer.unbind("1234"), customer.unbind("5678")
    first = customer.challenge(one)
    code = customer.code()
    cluster.advance(61)
    second = customer.challenge(other)
    if code != customer.code():
        assert customer.answer(other, second, code, expect=422)["code"] == "code_wrong"
    assert customer.answer(one, first, code, expect=409)["code"] == "code_replaced"


def test_sends_are_sixty_seconds_apart_and_five_a_day(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    for _ in range(5):
        customer.challenge(op)
        soon = customer.challenge(op, expect=429)
        assert soon["code"] in ("send_too_soon", "daily_send_limit") and soon["retry_after"] >= 1
        cluster.advance(61)
    assert customer.challenge(op, expect=429)["code"] == "daily_send_limit"
    assert customer.challenge(customer.unbind("5678"), expect=429)["code"] == "daily_send_limit"
    assert customer.challenge(op, method="payment_password")["url"].startswith("/secure/")
    cluster.advance(86400)
    assert customer.challenge(customer.unbind("1234"))["method"] == "sms"


def test_ten_failures_a_day_lock_the_account(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    failures = 0
    while failures < 10:
        op = customer.unbind("1234")
        challenge = customer.challenge(op)
        for _ in range(min(3, 10 - failures)):
            customer.answer(op, challenge, customer.wrong_code(), expect=422)
            failures += 1
        cluster.advance(61)
    right = customer.code()
    locked = customer.answer(op, challenge, right, expect=423)
    assert locked["code"] == "challenges_locked" and 0 < locked["retry_after"] <= 86400
    assert customer.challenge(op, expect=423)["code"] == "challenges_locked"
    assert customer.challenge(op, method="payment_password", expect=423)["code"] == "challenges_locked"
    cluster.advance(86400)
    assert customer.verified(customer.unbind("1234"))["status"] == "succeeded"


def test_a_repeated_request_burns_no_try_and_sends_no_second_message(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    first = customer.challenge(op, key="send-1")
    assert customer.challenge(op, key="send-1") == first
    assert len([m for m in customer.messages() if "code" in m]) == 1
    wrong = customer.wrong_code()
    answers = [customer.answer(op, first, wrong, expect=422, key="guess-1") for _ in range(4)]
    assert {a["attempts_left"] for a in answers} == {2}
    assert customer.operation(op)["attempts_left"] == 2
    body = {"code": customer.code(), "effects_version": op["effects_version"]}
    reused = customer.call("POST", f"/challenges/{first['id']}/verify", body, key="guess-1")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


def test_codes_are_nowhere_in_the_database_or_the_logs(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    code = customer.code()
    customer.answer(op, challenge, customer.wrong_code(), expect=422)
    customer.answer(op, challenge, code, expect=200)
    alone = re.compile(rf"(?<![0-9a-zA-Z.]){code}(?![0-9a-zA-Z])")
    for log in cluster.home.glob("binding-*.log"):
        assert not alone.search(log.read_text())
    with cluster.engine().connect() as connection:
        for table in ("challenges", "operations", "idempotency_keys", "audit_log", "notices"):
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):
                assert not alone.search(" ".join(str(value) for value in row)), table


def test_the_trace_of_a_request_does_not_give_its_code_away(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    code = customer.code()
    customer.answer(op, challenge, code, expect=200, key="the right one")
    with cluster.engine().connect() as connection:
        query = sa.text("SELECT route, body_hash FROM idempotency_keys WHERE account_id = :a AND key = :k")
        route, kept = connection.execute(query, {"a": customer.account, "k": "the right one"}).one()
    # Who reads a backup knows the operation and tries a million codes
    body = {"code": code, "effects_version": op["effects_version"]}
    guess = json.dumps([route, body], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert re.fullmatch("[0-9a-f]{64}", kept) and kept != hashlib.sha256(guess.encode()).hexdigest()


def test_a_challenge_needs_a_method_that_the_policy_allows(cluster: Cluster) -> None:
    customer = cluster.customer(payment_password=None, cards=CARDS, wallets=["alipay"])
    op = customer.unbind("1234")
    assert op["verification"]["methods"] == ["sms"]
    assert customer.challenge(op, method="payment_password", expect=422)["code"] == "method_not_allowed"
    bind = customer.ask("wallet.bind", "ecny")
    assert customer.challenge(bind, method="payment_password", expect=422)["code"] == "method_not_allowed"


def test_when_the_phone_company_is_away_nothing_is_counted(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    cluster.kill("sandbox")
    try:
        failed = customer.challenge(op, expect=502, key="send-1")
        assert failed["code"] == "sms_not_sent"
    finally:
        cluster.start_process("sandbox", "binding.sandbox", cluster.sandbox_port)
        cluster.wait_ready()
    assert customer.challenge(op, key="send-1")["method"] == "sms"
    assert customer.answer(op, _latest(customer, op), customer.code(), expect=200)["status"] == "succeeded"


def _latest(customer: Customer, op: dict) -> dict:
    return customer.operation(op)["challenge"]
