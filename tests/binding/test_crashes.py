"""Processes that die: what was accepted is done once, whoever does it."""

from __future__ import annotations

import concurrent.futures
import json
from collections.abc import Iterator

import pytest

from .conftest import Cluster, eventually, free_port

CARDS = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}]


@pytest.fixture
def own(shared: Cluster) -> Iterator[Cluster]:
    """The shared cluster, whole again afterwards."""
    yield shared
    if shared.processes["binding-0"].poll() is not None:
        shared.restart()
    shared.bank("ok")


@pytest.mark.parametrize("mode", ["slow", "lost_reply", "ok"])
def test_killed_after_the_code_was_accepted_the_card_is_unbound_once(own: Cluster, mode: str) -> None:
    customer = own.customer(cards=CARDS)
    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    own.bank(mode)
    accepted = customer.answer(op, challenge, customer.code(), expect=202, wait=0, key="the-code")
    assert accepted["status"] == "processing"
    own.kill()
    own.restart()
    assert customer.operation(op)["status"] in ("processing", "pending", "succeeded")
    customer.until(op, "pending", "succeeded")
    own.settle()
    customer.until(op, "succeeded")
    assert customer.answer(op, challenge, customer.code(), expect=200, key="the-code")["status"] == "succeeded"
    assert own.bank_requests()[op["id"]]["done"] == 1
    with own.engine().connect() as connection:
        count = connection.exec_driver_sql(f"SELECT unbound_count FROM cards WHERE id = '{op['target']}'").scalar()
    assert count == 1
    told = eventually(
        lambda: [m for m in customer.messages() if m["kind"] == "sms" and "code" not in m], what="the notice"
    )
    assert len(told) == 1


def test_a_connection_that_is_cut_in_the_middle_loses_nothing(own: Cluster) -> None:
    if "BINDING_DATABASE_URL" not in own.env:
        pytest.skip("SQLite has no connection to cut")
    customer = own.customer(cards=CARDS)
    op = customer.unbind("1234")
    challenge, other = customer.challenge(op), customer.card("5678")["id"]
    own.bank("slow")
    customer.answer(op, challenge, customer.code(), expect=202, wait=0)
    waiting = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
        "AND strpos(query, 'FOR UPDATE') > 0"
    )
    admin = own.engine().connect().execution_options(isolation_level="AUTOCOMMIT")
    with admin, own.engine().connect() as holder, concurrent.futures.ThreadPoolExecutor() as pool:
        holder.exec_driver_sql(f"SELECT id FROM accounts WHERE id = '{customer.account}' FOR UPDATE")
        body = {"kind": "card.unbind", "target": other}
        asked = pool.submit(customer.call, "POST", "/operations", body, key="asked twice")
        pids = eventually(lambda: len(found := admin.exec_driver_sql(waiting).scalars().all()) == 2 and found)
        for pid in pids:
            admin.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
        refused = asked.result()
        assert (refused.status_code, refused.json()["code"]) == (503, "service_unavailable")
        assert refused.headers["Retry-After"] == "1"
    assert customer.call("POST", "/operations", body, key="asked twice").status_code == 201
    own.settle()
    customer.until(op, "succeeded")
    assert own.bank_requests()[op["id"]]["done"] == 1


def test_work_that_failed_runs_again_later(own: Cluster) -> None:
    customer = own.customer(cards=CARDS)
    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    own.bank("pending")
    customer.answer(op, challenge, customer.code())
    customer.until(op, "pending")
    change = "UPDATE operations SET target_summary = '{}' WHERE id = '%s'"
    with own.engine().begin() as connection:  # a row that the notice's text cannot be made from
        summary = connection.exec_driver_sql(f"SELECT target_summary FROM operations WHERE id = '{op['id']}'").scalar()
        connection.exec_driver_sql(change % op["id"])
    own.settle()
    log = own.home / "binding-0.log"
    eventually(lambda: "work failed; it runs again later" in log.read_text(), what="the failure being told")
    assert customer.operation(op)["status"] == "pending"
    with own.engine().begin() as connection:
        text = summary if isinstance(summary, str) else json.dumps(summary)
        connection.exec_driver_sql(f"UPDATE operations SET target_summary = '{text}' WHERE id = '{op['id']}'")
    customer.until(op, "succeeded")
    assert own.bank_requests()[op["id"]]["done"] == 1
    assert "binding_work_failed_total" in own.http.get(f"{own.base}/metrics", timeout=5).text


def test_a_second_process_on_the_same_sqlite_file_is_refused(shared: Cluster) -> None:
    if "BINDING_DATABASE_URL" in shared.env:
        pytest.skip("about SQLite only")
    second = shared.run("-m", "binding")
    assert second.returncode != 0 and "several processes need PostgreSQL" in second.stderr


@pytest.fixture
def pair(own: Cluster) -> Iterator[Cluster]:
    """Two executors on one PostgreSQL database."""
    if "BINDING_DATABASE_URL" not in own.env:
        pytest.skip("several executors need PostgreSQL")
    own.ports.append(free_port())
    own.start_process("binding-1", "binding", own.ports[1])
    try:
        own.wait_ready()
        yield own
    finally:
        own.base = f"http://127.0.0.1:{own.port}"
        own.processes.pop("binding-1").kill()
        own.ports.pop()


def test_a_dead_executors_work_is_adopted(pair: Cluster) -> None:
    customer = pair.customer(cards=CARDS)
    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    pair.bank("slow")
    customer.answer(op, challenge, customer.code(), expect=202, wait=0)
    running = "SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING' AND name = 'settle_operation'"
    with pair.engine().connect() as connection:
        holder = eventually(lambda: connection.exec_driver_sql(running).scalar(), every=0.02, what="a running workflow")
    name = _process_of(pair, holder)
    pair.kill(name)
    pair.base = f"http://127.0.0.1:{pair.ports[1 if name == 'binding-0' else 0]}"
    customer.until(op, "pending", within=30)
    pair.settle()
    customer.until(op, "succeeded", within=10)
    assert pair.bank_requests()[op["id"]]["done"] == 1
    assert customer.card("1234")["state"] == "unbound"


def _process_of(pair: Cluster, executor: str) -> str:
    for name in ("binding-0", "binding-1"):
        starts = [json.loads(x) for x in (pair.home / f"{name}.log").read_text().splitlines() if '"ready"' in x]
        if starts[-1]["executor"] == executor:
            return name
    raise AssertionError(f"no process has the slot {executor}")
