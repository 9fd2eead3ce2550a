"""A new card's details at the bank: each try is looked at as what it is, and not more of them than the limits allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from binding.database import engine
from binding.errors import Problem
from binding.ports import bank
from binding.verification import pages

from .conftest import Cluster
from .inside import Inside, InsideCustomer, inside
from .test_secure_page import DETAILS, luhn_complete, page, submit

CARDS = [{"bank": "icbc", "tail": "5678"}]
OTHER = DETAILS | {"number": luhn_complete("622588000000888")}


def test_a_corrected_typo_is_looked_at_anew(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.ask("card.bind", "cmb")
    url = page(customer, op)
    cluster.bank("reject")
    wrong = submit(customer, url, DETAILS | {"phone": "13800138001"}, 422)
    assert (wrong["code"], wrong["attempts_left"]) == ("card_details_refused", 2)
    cluster.bank("ok")
    submit(customer, url, DETAILS, 202)
    assert customer.until(op, "succeeded")["result"]["tail"] == DETAILS["number"][-4:]


def test_a_card_that_came_to_nothing_is_not_bound_in_the_place_of_the_next(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.ask("card.bind", "cmb")
    url = page(customer, op)

    def freeze(frozen: bool) -> None:
        with cluster.engine().begin() as connection:
            told = sa.text("UPDATE accounts SET frozen = :frozen WHERE id = :id")
            connection.execute(told, {"frozen": frozen, "id": customer.account})

    freeze(True)
    assert submit(customer, url, DETAILS, 409)["code"] == "blocked"
    assert customer.operation(op)["attempts_left"] == 3, "the details were right"
    freeze(False)
    submit(customer, url, OTHER, 202)
    assert customer.until(op, "succeeded")["result"]["tail"] == OTHER["number"][-4:] != DETAILS["number"][-4:]


def test_a_card_of_another_bank_is_a_try_and_a_bank_that_is_away_is_none(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.ask("card.bind", "cmb")
    url = page(customer, op)
    cluster.bank("down")
    for _ in range(4):
        assert submit(customer, url, DETAILS, 503)["code"] == "service_unavailable"
    assert customer.operation(op)["attempts_left"] == 3
    cluster.bank("ok")
    foreign = DETAILS | {"number": luhn_complete("622202000000777")}
    for left in (2, 1, 0):
        refused = submit(customer, url, foreign, 422)
        assert (refused["code"], refused["fields"], refused["attempts_left"]) == ("card_of_other_bank", ["number"], left)
    assert customer.operation(op)["reason_code"] == "too_many_attempts"
    assert submit(customer, url, DETAILS, 409)["code"] == "operation_closed"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as made:
        yield made


def opened(customer: InsideCustomer) -> tuple[dict[str, Any], str]:
    """Open a page for a new card; returns (operation, ticket)."""
    op = customer.call("POST", "/operations", {"kind": "card.bind", "target": "cmb"}).json()
    body = {"method": "card_details", "effects_version": op["effects_version"]}
    return op, customer.call("POST", f"/operations/{op['id']}/challenges", body).json()["url"].split("/")[-1]


def looking(answer: Callable[[dict[str, str]], dict[str, Any]]) -> Any:
    """Play the bank that looks at card details."""
    return mock.patch.object(bank, "tokenise", lambda *, key, details: answer(details))


def test_while_the_bank_looks_at_three_no_fourth_gets_there(world: Inside) -> None:
    customer = world.customer(cards=CARDS)
    op, ticket = opened(customer)
    seen: list[str] = []
    told: list[str] = []

    def enter(phone: str) -> None:
        with pytest.raises(Problem) as refused:
            pages.submit_card(ticket=ticket, who=customer.who, **DETAILS | {"phone": phone})
        told.append(refused.value.code)

    def slow(details: dict[str, str]) -> dict[str, Any]:
        seen.append(details["phone"])
        if len(seen) < 20:
            enter(f"138{len(seen):08d}")  # another window, while this one still waits
        return {"state": "rejected"}

    with looking(slow):
        enter("13800000000")
    assert seen == ["13800000000", "13800000001", "13800000002"]
    assert told == ["request_in_progress", "card_details_refused", "operation_closed", "operation_closed"]
    assert customer.operation(op)["reason_code"] == "too_many_attempts"
    with engine().connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM verification_failures")) == 3


def test_a_refusal_that_comes_late_does_not_end_what_another_window_began(world: Inside) -> None:
    customer = world.customer(cards=CARDS)
    op, ticket = opened(customer)

    def slow(details: dict[str, str]) -> dict[str, Any]:
        if details["phone"] == DETAILS["phone"]:
            tail = details["number"][-4:]
            return {"state": "checked", "card_token": "ct_1", "tail": tail, "card_type": "debit", "bank": "cmb"}
        pages.submit_card(ticket=ticket, who=customer.who, **DETAILS)
        return {"state": "rejected"}

    with looking(slow), pytest.raises(Problem) as refused:
        pages.submit_card(ticket=ticket, who=customer.who, **DETAILS | {"phone": "13800138001"})
    assert (refused.value.code, refused.value.extra["operation_status"]) == ("operation_closed", "processing")
    world.work()
    assert customer.operation(op)["status"] == "succeeded"


def test_a_last_try_whose_process_died_ends_the_operation_and_keeps_nobody_waiting(world: Inside) -> None:
    customer = world.customer(cards=CARDS)
    op, ticket = opened(customer)

    def dies(_: dict[str, str]) -> dict[str, Any]:
        raise KeyboardInterrupt

    for _ in range(3):
        with looking(dies), pytest.raises(KeyboardInterrupt):
            pages.submit_card(ticket=ticket, who=customer.who, **DETAILS)
    for passed, code in ((0, "request_in_progress"), (61, "operation_closed")):
        world.advance(passed)
        with pytest.raises(Problem) as refused:
            pages.submit_card(ticket=ticket, who=customer.who, **DETAILS)
        assert refused.value.code == code
    assert customer.operation(op)["reason_code"] == "too_many_attempts"


def test_an_answer_about_another_card_is_none(world: Inside) -> None:
    customer = world.customer(cards=CARDS)
    op, ticket = opened(customer)
    other = {"state": "checked", "card_token": "ct_1", "tail": "0000", "card_type": "debit", "bank": "cmb"}
    with looking(lambda _: other), pytest.raises(Problem) as refused:
        pages.submit_card(ticket=ticket, who=customer.who, **DETAILS)
    assert refused.value.code == "service_unavailable"
    shown = customer.operation(op)
    assert (shown["status"], shown["attempts_left"]) == ("awaiting_verification", 3)
