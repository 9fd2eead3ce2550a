"""Books that are compared while the service works: what changes meanwhile is no difference, what is overlooked is one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from binding import reconcile
from binding.sandbox.store import requests as at_bank

from .conftest import Cluster, running
from .inside import Inside, inside
from .test_bank import accepted
from .test_review import reconcile as compared

CARDS = [{"bank": "cmb", "tail": "1234"}]


def listed(world: Inside) -> dict[str, Any]:
    items = [{"id": i, "state": s, "done": world.done_at_bank.count(i)} for i, s in world.at_bank.items()]
    return {"items": items, "next_cursor": None}


@pytest.mark.parametrize("outcome", ["done", "rejected"])
def test_what_ends_between_the_two_lists_is_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcome: str
) -> None:
    with inside(tmp_path) as world:
        world.bank("pending")
        customer = world.customer(cards=CARDS)
        op = accepted(customer)
        earlier = listed(world)
        monkeypatch.setattr(reconcile.bank, "list_requests", lambda **_: earlier)
        world.settle(outcome)
        assert customer.operation(op)["status"] in ("succeeded", "failed")
        assert reconcile.main() == 0
        assert json.loads(capsys.readouterr().out) == {"requests": 1, "differences": 0}


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Cluster]:
    """A backend of its own, to be killed."""
    with running(tmp_path, None) as cluster:
        yield cluster


def test_what_ended_at_the_bank_an_hour_ago_and_is_open_here_is_found(alone: Cluster) -> None:
    customer = alone.customer(cards=CARDS)
    op = customer.unbind("1234")
    alone.bank("pending")
    assert customer.verified(op)["status"] == "pending"
    alone.kill()  # nobody asks any more, and the bank's callback reaches nobody

    def ended(seconds_ago: float) -> None:
        with sa.create_engine(f"sqlite:///{alone.home}/sandbox.sqlite").begin() as connection:
            row = sa.update(at_bank).where(at_bank.c.id == op["id"])
            connection.execute(row.values(state="done", done_count=1, ready_at=time.time() - seconds_ago))

    ended(3500)
    assert compared(alone) == []
    ended(3700)
    found = compared(alone)
    assert [(f["operation"], f["ledger"], f["bank"], f["difference"]) for f in found] == [
        (op["id"], "pending", "done", "ended at the bank, still open here")
    ]
    alone.restart()
    customer.until(op, "succeeded")
    assert compared(alone) == []
