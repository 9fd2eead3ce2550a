"""The audit trail: append-only, and any change is found."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding import database
from binding.clock import real_now
from binding.models import AuditRow

from .conftest import Cluster, eventually
from .test_calls import desk

CARDS = [{"bank": "cmb", "tail": "1234"}]


def verify(cluster: Cluster, *marks: str) -> tuple[int, str]:
    done = cluster.run("-m", "binding.audit", "verify", *marks)
    return done.returncode, done.stdout


def test_a_trail_tells_the_whole_story(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    customer.verified(op)
    query = sa.text("SELECT event FROM audit_log WHERE operation_id = :id ORDER BY seq")
    with cluster.engine().connect() as connection:
        events = list(connection.scalars(query, {"id": op["id"]}))
    assert events == ["operation.asked", "challenge.sent", "operation.accepted", "operation.succeeded"]


def test_lines_cannot_be_changed_by_the_service(cluster: Cluster) -> None:
    cluster.customer(cards=CARDS)
    for statement in ("UPDATE audit_log SET event = 'x'", "DELETE FROM audit_log"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), cluster.engine().begin() as connection:
            connection.exec_driver_sql(statement)


@pytest.fixture
def account(cluster: Cluster) -> str:
    """An account with an operation and the four lines of its story."""
    customer = cluster.customer(cards=CARDS)
    customer.verified(customer.unbind("1234"))
    return customer.account


@pytest.fixture
def intruder(cluster: Cluster, account: str) -> Iterator[sa.Connection]:
    """Somebody who, once the account's story is written, switches the triggers off, inside a transaction that is never kept."""
    engine = cluster.engine()
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for verb in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER audit_log_no_{verb}")
        else:
            connection.exec_driver_sql("ALTER TABLE audit_log DISABLE TRIGGER ALL")
        yield connection
        connection.rollback()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_log SET event = 'operation.cancelled' WHERE account_id = :a AND seq = 3",
        "UPDATE audit_log SET actor = 'nobody' WHERE account_id = :a AND seq = 1",
        "UPDATE audit_log SET data = '{}' WHERE account_id = :a AND seq = 2",
        "DELETE FROM audit_log WHERE account_id = :a AND seq = 1",
        "DELETE FROM audit_log WHERE account_id = :a AND seq = 2",
        "DELETE FROM audit_log WHERE account_id = :a AND seq = (SELECT max(seq) FROM audit_log WHERE account_id = :a)",
        "DELETE FROM audit_log WHERE account_id = :a",
        "DELETE FROM audit_heads WHERE account_id = :a",
        "UPDATE audit_heads SET seq = seq - 1 WHERE account_id = :a",
    ],
)
def test_any_change_is_found(
    cluster: Cluster, account: str, intruder: sa.Connection, monkeypatch: pytest.MonkeyPatch, tampering: str
) -> None:
    from sqlalchemy.orm import Session

    from binding import audit
    from binding.settings import Settings

    monkeypatch.setattr(audit, "settings", lambda: Settings(BINDING_PEPPER=cluster.env["BINDING_PEPPER"]))
    with Session(bind=intruder) as session:
        assert not [f for f in audit.verify(session)[1] if account in f]
        intruder.execute(sa.text(tampering), {"a": account})
        session.expire_all()
        assert [f for f in audit.verify(session)[1] if account in f]


def test_removing_every_trace_of_an_account_is_found(
    cluster: Cluster, account: str, intruder: sa.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.orm import Session

    from binding import audit
    from binding.settings import Settings

    monkeypatch.setattr(audit, "settings", lambda: Settings(BINDING_PEPPER=cluster.env["BINDING_PEPPER"]))
    for table in ("audit_log", "audit_heads"):
        intruder.execute(sa.text(f"DELETE FROM {table} WHERE account_id = :a"), {"a": account})
    with Session(bind=intruder) as session:
        assert f"{account}: has operations but no lines" in audit.verify(session)[1]


def test_removing_every_trace_of_the_staff_or_of_a_caller_is_found(
    cluster: Cluster, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = cluster.customer()
    desk(cluster, f"/{desk(cluster, '', {'phone': customer.truth()['phone']})['ref']}/challenges")

    audit = audit_of(cluster, monkeypatch)
    intruder: sa.Connection = request.getfixturevalue("intruder")
    for table in ("audit_log", "audit_heads"):
        intruder.execute(sa.text(f"DELETE FROM {table} WHERE account_id IN ('staff', :a)"), {"a": customer.account})
    with Session(bind=intruder) as session:
        found = audit.verify(session)[1]
        assert f"{customer.account}: has calls but no lines" in found and "staff: has members but no lines" in found
        assert audit.verify(session, account_id="staff")[1] == ["staff: has members but no lines"]
        assert audit.verify(session, account_id=customer.account)[1] == [f"{customer.account}: has calls but no lines"]


def test_a_chain_cut_back_together_with_its_head_is_found_by_a_mark_that_was_kept(
    cluster: Cluster, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit, customer = audit_of(cluster, monkeypatch), cluster.customer(cards=CARDS)
    op, owner = customer.unbind("1234"), {"a": customer.account}
    with cluster.engine().connect() as connection:
        head = sa.text("SELECT seq, hash, seal FROM audit_heads WHERE account_id = :a")
        older = connection.execute(head, owner).one()._asdict()
    customer.verified(op)
    with Session(bind=cluster.engine()) as session:
        latest = session.scalar(sa.select(sa.func.max(AuditRow.at)))
        assert latest is not None
        kept = audit.mark(session, at=latest)
    eventually(lambda: real_now() >= latest + dt.timedelta(seconds=1), what="the second after the mark")
    customer.ask("card.bind", "icbc")

    intruder: sa.Connection = request.getfixturevalue("intruder")
    with Session(bind=intruder) as session:
        assert audit.verify(session, marks=[kept])[1] == [], "what is added later changes no mark"
        after = owner | older
        intruder.execute(sa.text("DELETE FROM audit_log WHERE account_id = :a AND seq > :seq"), after)
        intruder.execute(
            sa.text("UPDATE audit_heads SET seq = :seq, hash = :hash, seal = :seal WHERE account_id = :a"), after
        )
        session.expire_all()
        assert audit.verify(session)[1] == [], "the older head has a good seal"
        assert audit.verify(session, marks=[kept])[1] == [f"{kept}: the lines of that time are no longer what they were"]


def test_a_line_that_is_written_meanwhile_is_no_finding(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audit, customer, engine = audit_of(cluster, monkeypatch), cluster.customer(cards=CARDS), cluster.engine()
    monkeypatch.setattr(database, "engine", lambda: engine)
    monkeypatch.setattr(sys, "argv", ["audit", "verify"])
    asked: list[str] = []

    @sa.event.listens_for(engine, "after_cursor_execute")
    def _meanwhile(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "FROM audit_heads" in statement and not asked:
            asked.append(customer.unbind("1234")["id"])

    assert audit.main() == 0 and asked, capsys.readouterr().out


def audit_of(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the audit with the cluster's keys."""
    from binding import audit
    from binding.settings import Settings

    monkeypatch.setattr(audit, "settings", lambda: Settings(BINDING_PEPPER=cluster.env["BINDING_PEPPER"]))
    return audit


def test_the_command_says_what_it_found(cluster: Cluster) -> None:
    code, said = verify(cluster)
    assert code == 0 and "0 findings" in said
    kept = said.splitlines()[-1].removeprefix("keep elsewhere: ")
    assert verify(cluster, kept)[0] == 0
    other = kept[:-1] + ("0" if kept[-1] != "0" else "1")
    code, said = verify(cluster, kept, other)
    assert code == 1 and f"{other}: the lines of that time" in said and "keep elsewhere" not in said
    assert verify(cluster, "yesterday")[0] == 2
