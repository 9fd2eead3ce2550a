"""The state machines in the database itself: every step that the table names is taken, every other one is refused."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from typing import Any

import pytest
import sqlalchemy as sa

from binding.models import Agreement, Base, Call, Card, Challenge, Operation, Wallet
from binding.models.states import MACHINES

from .conftest import Cluster

TABLES: dict[str, type[Base]] = {t.__tablename__: t for t in (Agreement, Call, Card, Challenge, Operation, Wallet)}
MOMENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def rows(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """One row of each table as the service makes them; calls have no account."""
    customer = cluster.customer(
        cards=[{"bank": "cmb", "tail": "1234"}], wallets=["alipay"], agreements=[{"merchant": "爱奇艺", "card": "1234"}]
    )
    customer.challenge(customer.unbind("1234"))
    found = {
        "calls": {"id": "", "account_id": None, "agent": "a", "failed_attempts": 0, "sends": 0, "created_at": MOMENT}
    }
    with cluster.engine().connect() as connection:
        for name, table in TABLES.items():
            if name != "calls":
                columns = table.__table__
                query = sa.select(columns).where(columns.c.account_id == customer.account)
                found[name] = dict(connection.execute(query).mappings().one())
    return found


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_the_database_takes_the_steps_of_the_machine_and_no_other(
    cluster: Cluster, rows: dict[str, dict[str, Any]], name: str
) -> None:
    column, steps = MACHINES[name]
    table = TABLES[name].__table__
    engine = cluster.engine()
    for old, new in itertools.product(steps, steps):
        row = rows[name] | {"id": uuid.uuid4().hex, column: old} | unlike_the_others(name) | ended(name, old)
        step = sa.update(table).where(table.c.id == row["id"]).values(**{column: new} | ended(name, new))
        with engine.connect() as connection:
            connection.execute(sa.insert(table).values(**row))
            if new == old or new in steps[old]:
                assert connection.execute(step).rowcount == 1, (old, new)
            else:
                with pytest.raises(sa.exc.IntegrityError, match=f"no such step of {name}"):
                    connection.execute(step)
            connection.rollback()


def unlike_the_others(name: str) -> dict[str, Any]:
    """Make what is unique in a table unique."""
    other = uuid.uuid4().hex
    return {
        "operations": {"target_key": other, "reference": other},
        "wallets": {"kind": other, "protocol_no": other},
        "cards": {"protocol_no": other},
        "agreements": {"protocol_no": other},
        "challenges": {"method": "payment_password"},
    }.get(name, {})


def ended(name: str, status: str) -> dict[str, Any]:
    """Give an operation the moment of its end, when it has one."""
    closed = status in ("succeeded", "failed", "cancelled", "expired")
    return {"finished_at": MOMENT if closed else None} if name == "operations" else {}
