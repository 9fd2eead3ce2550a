"""Who asks too often: an account, a calling service, an agent of the desk. Counted in the tables, over every account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from sqlalchemy.exc import IntegrityError

from binding.database import writing
from binding.errors import Problem
from binding.policy import policy
from binding.tokens import Caller
from binding.verification import calls

from .inside import Inside, InsideCustomer, inside

CARDS = [{"bank": "cmb", "tail": f"{n:04d}"} for n in range(8)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Inside]:
    """The ledger with limits that a test reaches."""
    with inside(tmp_path) as made:
        low = {"operations_per_hour": 6, "operations_of_caller": 4, "operations_of_agent": 2, "calls_of_agent": 2}
        with mock.patch.multiple(policy().limits, **low):
            yield made


def ask(customer: InsideCustomer, number: int, **who: str | None) -> tuple[int, str | None]:
    """Ask for the removal of a card; returns status and code."""
    given = {"service": "actions", "account_id": customer.account, "conversation": "conv_1", "actor": None} | who
    customer.who = Caller(**given)  # type: ignore[arg-type]
    card = customer.card(f"{number:04d}")["id"]
    answer = customer.call("POST", "/operations", {"kind": "card.unbind", "target": card})
    return answer.status_code, answer.json().get("code")


def test_an_account_asks_for_so_many_operations_an_hour(world: Inside) -> None:
    customer = world.customer(cards=CARDS)
    for n in range(6):
        assert ask(customer, n) == (201, None)
        world.advance(11)  # the service's own window is shorter
    assert ask(customer, 6) == (429, "too_many_requests")
    world.advance(3600)
    assert ask(customer, 6) == (201, None)


def test_a_service_asks_for_so_many_operations_over_all_accounts(world: Inside) -> None:
    customers = [world.customer(cards=CARDS) for _ in range(5)]
    assert [ask(c, 0)[0] for c in customers] == [201, 201, 201, 201, 429]
    assert ask(customers[4], 0, service="another") == (201, None), "another service has a window of its own"
    assert ask(customers[0], 0) == (409, "operation_in_progress"), "who asks again is answered"
    world.advance(policy().limits.caller_window_s)
    assert ask(customers[4], 1) == (201, None)


def test_an_agent_asks_for_so_many_operations_over_all_accounts(world: Inside) -> None:
    customers = [world.customer(cards=CARDS) for _ in range(3)]
    assert [ask(c, 0, actor="agent")[0] for c in customers] == [201, 201, 429]
    assert ask(customers[2], 0, actor="another") == (201, None)
    world.advance(policy().limits.agent_window_s)
    assert ask(customers[0], 1, actor="agent") == (201, None)


def test_an_agent_looks_up_so_many_numbers_whoever_registered_them(world: Inside) -> None:
    def look_up(phone: str, agent: str = "agent") -> str:
        with writing() as session:
            return str(calls.open_call(session, phone=phone, agent=agent)["state"])

    assert [look_up(f"1380000000{n}") for n in range(2)] == ["open", "open"]
    with pytest.raises(Problem) as refused:
        look_up("13800000009")
    assert (refused.value.status, refused.value.code) == (429, "too_many_requests")
    assert 0 < refused.value.body()["retry_after"] <= policy().limits.agent_window_s
    assert look_up("13800000009", "another") == "open"
    world.advance(policy().limits.agent_window_s)
    assert look_up("13800000009") == "open"


def test_a_count_that_the_tables_refuse_is_a_fault_and_no_matter_of_patience(world: Inside) -> None:
    customer = world.customer(cards=CARDS)
    op = customer.call("POST", "/operations", {"kind": "card.unbind", "target": customer.card("0000")["id"]}).json()
    yes = {"effects_version": op["effects_version"]}
    challenge = customer.call("POST", f"/operations/{op['id']}/challenges", {"method": "sms"} | yes).json()
    wrong = {"code": "000000" if customer.code() != "000000" else "111111"} | yes
    with mock.patch.multiple(policy().limits, tries_per_operation=5):  # no policy file may say so
        for _ in range(3):
            assert customer.call("POST", f"/challenges/{challenge['id']}/verify", wrong).status_code == 422
        with pytest.raises(IntegrityError):
            customer.call("POST", f"/challenges/{challenge['id']}/verify", wrong)
