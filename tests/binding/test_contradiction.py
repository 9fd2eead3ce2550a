"""The bank and the staff: what one person may cause, and what becomes of a bank that says otherwise than two decided."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from binding import audit, workflows
from binding.database import reading, writing
from binding.models import AuditRow, Card, Operation
from binding.service import finish
from binding.staff import people, review

from .browser import Browser
from .conftest import Cluster, eventually
from .inside import Inside, InsideCustomer, inside
from .test_staff import stuck

__all__ = ["stuck"]
SPEC: dict[str, Any] = {
    "cards": [{"bank": "cmb", "tail": "1234"}],
    "operations": [{"kind": "card.unbind", "target": "1234", "status": "manual_review"}],
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as world:
        with writing() as session:
            people.seed(session)
        yield world


def in_review(world: Inside) -> tuple[InsideCustomer, str]:
    """Make an operation in review that its bank never heard of."""
    customer = world.customer(**SPEC)
    with reading() as session:
        return customer, session.scalars(sa.select(Operation.id).where(Operation.account_id == customer.account)).one()


def decided(operation_id: str, outcome: str) -> None:
    """Let two people decide; the work is queued."""
    proposal = review.propose(
        username="reviewer1", operation_id=operation_id, outcome=outcome, reason="the bank's letter"
    )
    review.confirm(username="reviewer2", decision_id=proposal)


def late_answers(operation_id: str) -> list[dict[str, Any]]:
    with reading() as session:
        lines = sa.select(AuditRow.data).where(AuditRow.operation_id == operation_id)
        return list(session.scalars(lines.where(AuditRow.event == "bank.late_answer")))


def test_one_person_who_asks_the_bank_has_nothing_done(world: Inside) -> None:
    customer, op = in_review(world)
    review.ask_bank(username="reviewer1", operation_id=op)
    world.work()
    assert (world.at_bank, customer.card_states()) == ({}, {"1234": "unbinding"})
    assert customer.get(f"/operations/{op}")["status"] == "manual_review"


def test_work_that_was_begun_before_the_review_sends_nothing_after_it(world: Inside) -> None:
    customer, op = in_review(world)
    inspect.unwrap(workflows.settle_operation)(op)
    assert (world.at_bank, customer.get(f"/operations/{op}")["status"]) == ({}, "manual_review")
    world.at_bank[op] = "done"
    inspect.unwrap(workflows.settle_operation)(op)
    assert customer.get(f"/operations/{op}")["status"] == "succeeded"


def test_what_goes_to_the_staff_while_the_bank_is_asked_is_not_sent(world: Inside) -> None:
    customer = world.customer(cards=SPEC["cards"], operations=[SPEC["operations"][0] | {"status": "pending"}])
    with reading() as session:
        op = session.scalars(sa.select(Operation.id)).one()

    def slow(*, operation_id: str) -> dict[str, Any]:
        with writing(customer.account) as session:
            session.get_one(Operation, operation_id).status = "manual_review"
        return {"state": "missing"}

    with mock.patch.object(workflows.bank, "ask", slow):
        inspect.unwrap(workflows.ask_bank)(op, 3)
    assert world.at_bank == {}


@pytest.mark.parametrize(("outcome", "said", "told"), [("failed", "done", 1), ("succeeded", "rejected", 1),
                                                       ("succeeded", "done", 0), ("failed", "rejected", 0)])  # fmt: skip
def test_a_bank_that_says_otherwise_than_was_decided_is_written_down_once(
    world: Inside, outcome: str, said: str, told: int
) -> None:
    customer, op = in_review(world)
    decided(op, outcome)
    world.work()
    states = customer.card_states()
    world.at_bank[op] = said
    with mock.patch.object(finish, "log", mock.Mock(spec=logging.Logger)) as log:
        for _ in range(2):  # the bank calls back, and once more
            with writing() as session:
                workflows.nudge(session, op)
            world.work()
    assert late_answers(op) == [{"bank": said, "bank_ref": None, "ledger": outcome}] * told
    assert log.error.call_count == 2 * told
    assert (customer.get(f"/operations/{op}")["status"], customer.card_states()) == (outcome, states)
    with reading() as session:
        assert audit.verify(session)[1] == []


def test_an_answer_that_was_under_way_while_two_decided_does_not_vanish(world: Inside) -> None:
    customer, op = in_review(world)

    def slow(*, operation_id: str) -> dict[str, Any]:
        decided(operation_id, "failed")
        world.work()
        return {"state": "done", "ref": "BK1"}

    with mock.patch.object(workflows.bank, "ask", slow):
        inspect.unwrap(workflows.ask_bank)(op, -1)
    assert customer.get(f"/operations/{op}")["status"] == "failed"
    assert late_answers(op) == [{"bank": "done", "bank_ref": "BK1", "ledger": "failed"}]


def test_nothing_succeeds_whose_target_another_hand_moved(world: Inside) -> None:
    customer = world.customer(cards=SPEC["cards"], operations=[SPEC["operations"][0] | {"status": "pending"}])
    with writing() as session:
        op = session.scalars(sa.select(Operation.id)).one()
        session.execute(sa.update(Card).values(state="bound"))  # as the database lets anybody who may write to it
    world.at_bank[op] = "done"
    with pytest.raises(finish.TargetMoved, match="is bound, not on its way to unbound"):
        inspect.unwrap(workflows.ask_bank)(op, -1)
    assert (customer.get(f"/operations/{op}")["status"], customer.card_states()) == ("pending", {"1234": "bound"})
    with writing() as session:
        session.execute(sa.update(Card).values(state="unbinding"))
    inspect.unwrap(workflows.ask_bank)(op, -1)
    assert (customer.get(f"/operations/{op}")["status"], customer.card_states()) == ("succeeded", {})


def test_a_renewal_that_its_card_took_along_is_ended_all_the_same(world: Inside) -> None:
    asked = [SPEC["operations"][0], {"kind": "agreement.terminate", "target": "爱奇艺", "status": "pending"}]
    customer = world.customer(
        cards=SPEC["cards"], agreements=[{"merchant": "爱奇艺", "card": "1234"}], operations=asked
    )
    with reading() as session:
        ids = dict(session.execute(sa.select(Operation.kind, Operation.id)).tuples().all())
    for op in (ids["card.unbind"], ids["agreement.terminate"]):
        world.at_bank[op] = "done"
        inspect.unwrap(workflows.ask_bank)(op, -1)
        assert customer.get(f"/operations/{op}")["status"] == "succeeded"


def test_the_banks_call_after_the_decision_is_asked_about(cluster: Cluster, stuck: tuple[Any, str]) -> None:
    customer, op = stuck
    first, second = Browser(cluster).signed_in("reviewer1"), Browser(cluster).signed_in("reviewer2")
    first.get(f"/review/{op}")
    first.submit(f"/review/{op}/propose", outcome="failed", reason="it never arrived there")
    second.get(f"/review/{op}")
    decision = second.page.split("/decisions/")[1].split("/")[0]
    second.submit(f"/decisions/{decision}/confirm")
    customer.until({"id": op}, "failed")
    cluster.settle()
    eventually(lambda: "bank.late_answer" in second.get(f"/operations/{op}"), what="the line in the audit")
    assert customer.operation({"id": op})["status"] == "failed"
    logs = (cluster.home / "binding-0.log").read_text()
    assert any("the bank says otherwise" in line and op in line for line in logs.splitlines())
