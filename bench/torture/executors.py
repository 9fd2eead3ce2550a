"""Executors that die, and executors that wake up again."""

from __future__ import annotations

import json
import random
import signal
import time
import zlib
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.torture.common import FULL, Campaign, Found, Row, cluster_on, row, scaled, total
from tests.binding.conftest import Cluster, Customer, eventually

FILES = ("bench/torture/executors.py", "bench/torture/light.py", "bench/torture/sleepless.py")
SLOTS_HELD = sa.text("SELECT executor_id, workflow_uuid FROM dbos.workflow_status WHERE status = 'PENDING'")
OTHERS = "AND classid = :c AND objid = :k AND pid <> pg_backend_pid()"
Asked = tuple[Customer, Row, Row, str]


def adoption(database: str) -> Campaign:
    """Kill executors for good in the middle of bank calls; how long until their work goes on elsewhere?"""
    pieces, deaths = scaled(full=5, short=1), 20 if FULL else 2
    target = f"{pieces * deaths}/{pieces * deaths} adopted ≤ 30 s"

    def conclude(found: list[Found]) -> Row:
        times = [seconds for piece in found for seconds in piece["seconds"]]
        good, lost = sum(t <= 30 for t in times), total(found, "not_done_once")
        held = total(found, "operations")
        figure = f"{good}/{len(times)} adopted, slowest {max(times):.1f} s; {held} operations, {lost} not done once"
        return row("dead executor", database, figure, target, good == len(times) and not lost)

    return Campaign("adoption", pieces, lambda n: _die_for_good(database, deaths, n), conclude, FILES)


def _die_for_good(database: str, deaths: int, piece: int) -> Found:
    dice, times, operations, count = random.Random(piece), list[float](), list[str](), 4 if FULL else 2
    options: dict[str, Any] = {"binding_processes": count, "module": "bench.torture.light", "SANDBOX_SLOW_S": "60",
                               "BINDING_BANK_TIMEOUT_S": "60"}  # fmt: skip
    with cluster_on(database, **options) as cluster:
        while len(times) < deaths:
            asked = _asked(cluster, 3 * count)
            cluster.bank("slow")
            for number, (customer, op, challenge, code) in enumerate(asked):
                cluster.base = f"http://127.0.0.1:{cluster.ports[number % count]}"
                customer.answer(op, challenge, code, expect=202, wait=0)
            ids = {op["id"] for _, op, _, _ in asked}
            with cluster.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                held = _in_bank_calls(cluster, connection, ids)
                slots = sorted(set(held.values()))
                dead = dice.sample(slots, min(count - 1, len(slots), deaths - len(times)))
                processes = {slot: _process_of(cluster, slot) for slot in dead}
                for name in processes.values():
                    cluster.kill(name)
                began = time.monotonic()
                left = set(dead)
                while left:
                    now = {executor for executor, _ in connection.execute(SLOTS_HELD)}
                    times += [time.monotonic() - began for _ in left - now]
                    left &= now
                    assert time.monotonic() - began < 120, f"{left} was never adopted"
                    time.sleep(0.05)
            for name in processes.values():
                cluster.start_process(name, "binding", cluster.ports[int(name[-1])])
            cluster.wait_ready()
            cluster.bank("ok")
            _settled(cluster, asked)
            operations += ids
        at_bank = cluster.bank_requests()
        wrong = sum(at_bank.get(op, {}).get("done") != 1 for op in operations) + _not_once(cluster)
    return {"seconds": [round(t, 2) for t in times], "operations": len(operations), "not_done_once": wrong}


def zombies(database: str) -> Campaign:
    """Stop an executor in the middle of bank calls, let its lock go, let the other finish, wake it."""
    pieces, late = scaled(full=5, short=1), 200 if FULL else 3
    target = f"{pieces * late:,} late answers: 0 doubled"

    def conclude(found: list[Found]) -> Row:
        late, doubled = total(found, "late"), total(found, "doubled")
        figure = (
            f"{late:,} answers brought late by {total(found, 'woken')} executors that woke up, "
            f"{total(found, 'operations'):,} operations: {doubled} doubled"
        )
        return row("zombie executor", database, figure, target, doubled == 0 and late > 0)

    return Campaign("zombies", pieces, lambda _: _wake_late(database, late), conclude, FILES)


def _wake_late(database: str, wanted: int) -> Found:
    rounds = operations = 0
    workers = 24 if FULL else 8
    options: dict[str, Any] = {
        "binding_processes": 2, "module": "bench.torture.light", "BINDING_BANK_TIMEOUT_S": "60", "SANDBOX_SLOW_S": "45",
        "BINDING_WORKERS": str(workers),
    }  # fmt: skip
    with cluster_on(database, **options) as cluster:
        late = cluster.home / "late"
        late.touch()
        cluster.kill("binding-1")
        while len(late.read_text().split()) < wanted:
            _start_sleepless(cluster, late)
            asked = _asked(cluster, workers)
            cluster.bank("slow")
            for number, (customer, op, challenge, code) in enumerate(asked):
                cluster.base = f"http://127.0.0.1:{cluster.ports[number % 2]}"
                customer.answer(op, challenge, code, expect=202, wait=0)
            cluster.base = f"http://127.0.0.1:{cluster.port}"
            before, victim = len(late.read_text().split()), cluster.processes["binding-1"]
            with cluster.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                ids = {op["id"] for _, op, _, _ in asked}
                held = _in_bank_calls(cluster, connection, ids)
                slot = _slot_of(cluster, "binding-1")
                mine = sum(executor == slot for executor in held.values())
                victim.send_signal(signal.SIGSTOP)
                # A stopped process keeps its connection; cutting it is what a dead network does to a live process.
                connection.execute(
                    sa.text(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' {OTHERS}"),
                    {"c": 0x4A42, "k": _slot_key(slot)},
                )
            cluster.bank("ok")
            _settled(cluster, asked)
            victim.send_signal(signal.SIGCONT)
            eventually(lambda n=before + mine: len(late.read_text().split()) >= n, within=60, what="the late answers")
            cluster.kill("binding-1")
            rounds, operations = rounds + 1, operations + len(asked)
        doubled = sum(r["done"] > 1 for r in cluster.bank_requests().values()) + _not_once(cluster)
        audit = cluster.run("-m", "binding.audit", "verify").returncode
        return {
            "late": len(late.read_text().split()), "woken": rounds, "operations": operations, "doubled": doubled + audit,
        }  # fmt: skip


def _asked(cluster: Cluster, count: int) -> list[Asked]:
    cluster.bank("ok")
    found = []
    for _ in range(count):
        customer = cluster.customer(cards=[{"bank": "cmb", "tail": "1234"}])
        op = customer.unbind("1234")
        found.append((customer, op, customer.challenge(op), customer.code()))
    return found


def _settled(cluster: Cluster, asked: list[Asked]) -> None:
    cluster.base = f"http://127.0.0.1:{cluster.port}"
    cluster.settle()
    for customer, op, _, _ in asked:
        customer.until(op, "succeeded", within=90)


def _in_bank_calls(cluster: Cluster, connection: sa.Connection, ids: set[str]) -> dict[str, str]:
    """Wait until each operation's request is at the bank; returns which executor waits for its answer."""
    eventually(lambda: ids <= set(cluster.bank_requests()), within=90, every=0.2, what="all requests at the bank")
    return {work: executor for executor, work in connection.execute(SLOTS_HELD) if work in ids}


def _not_once(cluster: Cluster) -> int:
    """Count the cards that were not removed exactly once, and the operations with more or less than one message."""
    queries = (
        "SELECT count(*) FROM cards WHERE account_id NOT LIKE 'demo%' AND unbound_count <> 1",
        "SELECT count(*) FROM (SELECT operation_id FROM audit_log WHERE event = 'operation.succeeded' "
        "GROUP BY operation_id HAVING count(*) <> 1) doubled",
    )
    with cluster.engine().connect() as connection:
        return sum(connection.scalar(sa.text(query)) or 0 for query in queries)


def _process_of(cluster: Cluster, slot: str) -> str:
    return next(f"binding-{n}" for n in range(len(cluster.ports)) if _slot_of(cluster, f"binding-{n}") == slot)


def _slot_of(cluster: Cluster, name: str) -> str:
    """Return the slot that a process took at its last start, by its log."""
    lines = (cluster.home / f"{name}.log").read_text().splitlines()
    return str(json.loads([line for line in lines if '"event": "ready"' in line][-1])["executor"])


def _start_sleepless(cluster: Cluster, late: Path) -> None:
    module, cluster.module = cluster.module, "bench.torture.sleepless"
    log = cluster.home / "binding-1.log"
    log.write_text("")
    cluster.start_process("binding-1", "binding", cluster.ports[1], LATE_FILE=str(late))
    cluster.module = module
    cluster.wait_ready()
    eventually(lambda: '"event": "ready"' in log.read_text(), what="the slot")


def _slot_key(name: str) -> int:
    return (zlib.crc32(name.encode()) - 2**31) & 0xFFFFFFFF
