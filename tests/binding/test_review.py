"""An operation whose bank never says: it goes to the staff, stays undecided, and the books can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from .conftest import Cluster, eventually, running

CARDS = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}]


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A backend that hands over to the staff after three seconds instead of a day."""
    with running(tmp_path_factory.mktemp("binding-review"), None, BINDING_REVIEW_AFTER_S="3") as cluster:
        yield cluster


def reconcile(cluster: Cluster) -> list[dict[str, str]]:
    done = cluster.run("-m", "binding.reconcile")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == (1 if lines[:-1] else 0), done.stderr
    return lines[:-1]


def test_a_bank_that_never_says_is_a_matter_for_the_staff(hasty: Cluster) -> None:
    customer = hasty.customer(cards=CARDS)
    op = customer.unbind("1234")
    hasty.bank("pending")
    assert customer.verified(op)["status"] == "pending"
    shown = customer.until(op, "manual_review", within=15)
    assert (shown["reason_code"], shown["finished_at"]) == ("manual_review", None)
    assert customer.ask("card.unbind", op["target"], expect=409)["code"] == "operation_in_progress"
    assert customer.call("POST", f"/operations/{op['id']}/cancel").status_code == 409
    eventually(lambda: [m for m in customer.messages() if "转人工核实" in m["text"]], what="the notice")
    assert reconcile(hasty) == []
    hasty.settle()
    customer.until(op, "succeeded")
    assert customer.card("1234")["state"] == "unbound"


def test_books_that_differ_are_found(hasty: Cluster) -> None:
    hasty.bank("ok")
    customer = hasty.customer(cards=CARDS)
    op = customer.unbind("1234")
    assert customer.verified(op)["status"] == "succeeded"
    assert reconcile(hasty) == []
    falsify = sa.text("UPDATE operations SET status = 'failed' WHERE id = :id").bindparams(id=op["id"])
    with pytest.raises(sa.exc.IntegrityError, match="no such step"), hasty.engine().begin() as connection:
        connection.execute(falsify)
    with hasty.engine().begin() as connection:  # somebody who may change the database itself
        connection.execute(sa.text("DROP TRIGGER operations_steps"))
        connection.execute(falsify)
    found = reconcile(hasty)
    assert [(f["operation"], f["difference"]) for f in found] == [(op["id"], "failed here, done at the bank")]
