"""Work that cannot end: it lets its worker go, and its operation reaches the staff all the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from binding import database, durable, housekeeping, workflows
from binding.clock import real_now
from binding.database import reading, writing
from binding.models import AuditRow, Notice, Operation, OutboxEvent

from .conftest import Cluster, eventually
from .inside import Inside, InsideCustomer, inside
from .test_bank import accepted

CARDS = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}]
DAY = dt.timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as world:
        yield world


def waiting(world: Inside, since: dt.timedelta) -> tuple[InsideCustomer, dict[str, Any]]:
    """Make an operation that waits for its bank since a while, as if no work had come to it meanwhile."""
    customer = world.customer(cards=CARDS[:1])
    world.bank("pending")
    op = accepted(customer)
    with writing(customer.account) as session:
        session.get_one(Operation, op["id"]).accepted_at = real_now() - since
    return customer, op


def test_work_that_the_database_refuses_each_time_lets_its_worker_go(
    world: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, op = waiting(world, since=DAY / 2)
    later = []
    monkeypatch.setattr(durable, "enqueue", lambda _session, *what, delay_s=0: later.append((what, delay_s)))
    monkeypatch.setattr(durable, "PAUSES_S", (0.0,))
    with database.engine().begin() as connection:
        connection.exec_driver_sql("ALTER TABLE operations RENAME TO away")
    with pytest.raises(sa.exc.OperationalError, match="no such table"):
        workflows.ask_bank.__wrapped__(op["id"], 3)  # type: ignore[attr-defined]  # the work as the engine runs it
    assert [(what[0], what[2:], delay) for what, delay in later] == [("ask_bank", (op["id"], 3), 5)]


def test_after_its_deadline_an_operation_is_the_staffs_whatever_became_of_its_work(world: Inside) -> None:
    customer, op = waiting(world, since=DAY)
    younger, other = waiting(world, since=DAY - dt.timedelta(minutes=1))
    assert housekeeping.review() == 1
    shown = customer.operation(op)
    assert (shown["status"], shown["reason_code"], shown["eta"]) == ("manual_review", "manual_review", None)
    assert younger.operation(other)["status"] == "pending"
    assert housekeeping.review() == 0
    world.work()
    with reading() as session:
        notices = session.scalars(sa.select(Notice).where(Notice.operation_id == op["id"])).all()
        assert {n.template: n.state for n in notices} == {"pending": "sent", "manual_review": "sent"}
        events = session.scalars(sa.select(OutboxEvent.status).where(OutboxEvent.operation_id == op["id"])).all()
        assert events[-1] == "manual_review"
        lines = sa.select(AuditRow.event, AuditRow.actor).where(AuditRow.operation_id == op["id"])
        assert session.execute(lines.order_by(AuditRow.seq)).all()[-1] == ("operation.manual_review", "clock")
    world.settle("done")
    assert customer.operation(op)["status"] == "succeeded"


def test_one_that_cannot_be_handed_over_does_not_keep_the_next(world: Inside) -> None:
    (_, broken), (customer, op) = waiting(world, since=2 * DAY), waiting(world, since=DAY)
    with database.engine().begin() as connection:  # a row that the notice's text cannot be made from
        connection.exec_driver_sql(f"UPDATE operations SET target_summary = '{{}}' WHERE id = '{broken['id']}'")
    assert housekeeping.review() == 1
    assert customer.operation(op)["status"] == "manual_review"


def told(cluster: Cluster, op: dict[str, Any]) -> list[str]:
    return [event["data"]["operation"]["status"] for event in cluster.sink.of(op["id"])]


def test_the_service_looks_for_them_itself(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    cluster.bank("pending")
    assert customer.verified(op)["status"] == "pending"
    with cluster.engine().begin() as connection:
        older = sa.update(Operation).where(Operation.id == op["id"]).values(accepted_at=real_now() - DAY)
        connection.execute(older)
    customer.until(op, "manual_review")
    eventually(lambda: [m for m in customer.messages() if "转人工核实" in m["text"]], what="the notice")
    eventually(lambda: "manual_review" in told(cluster, op), what="the event")
    cluster.settle()
    customer.until(op, "succeeded")


def test_all_finished_work_that_is_old_enough_is_forgotten(world: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [durable.FORGET_AT_ONCE, durable.FORGET_AT_ONCE, 3]
    monkeypatch.setattr(durable, "forget_before", lambda _: kept.pop(0))
    housekeeping.forget()
    assert kept == []


def test_an_account_that_fails_keeps_no_other_from_expiring(world: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, other = (world.customer(cards=CARDS[:1]) for _ in range(2))
    asked = {
        who.account: who.call(
            "POST", "/operations", {"kind": "card.unbind", "target": who.get("/cards")["items"][0]["id"]}
        ).json()
        for who in (stuck, other)
    }
    world.advance(31 * 60)
    whole = housekeeping.expire_due

    def failing(session: Any, owner: str) -> int:
        if owner == stuck.account:
            raise sa.exc.DataError("a row that no statement takes", None, Exception())
        return whole(session, owner)

    monkeypatch.setattr(housekeeping, "expire_due", failing)
    housekeeping.sweep()
    with reading() as session:
        states = {owner: session.get_one(Operation, op["id"]).status for owner, op in asked.items()}
    assert states == {stuck.account: "awaiting_verification", other.account: "expired"}
