"""Executors that die, and executors that wake up again."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
import zlib

import sqlalchemy as sa

from bench.torture.common import Row, cluster_on, row, scaled
from tests.binding.conftest import Cluster, eventually


def adoption(database: str) -> Row:
    """Kill an executor for good in the middle of a bank call; how long until its work goes on elsewhere?"""
    rounds = scaled(full=100, short=2)
    times: list[float] = []
    with cluster_on(database, binding_processes=2) as cluster:
        for _ in range(rounds):
            customer = cluster.customer(cards=[{"bank": "cmb", "tail": "1234"}])
            op = customer.unbind("1234")
            challenge = customer.challenge(op)
            cluster.bank("slow")
            customer.answer(op, challenge, customer.code(), wait=0)
            held = sa.text(
                "SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING' AND workflow_uuid = :id"
            ).bindparams(id=op["id"])
            with cluster.engine().connect() as connection:
                holder = eventually(lambda c=connection, q=held: c.scalar(q), every=0.02)
            name = _holder(cluster, holder)
            cluster.kill(name)
            started = time.monotonic()
            index = int(name[-1])
            cluster.base = f"http://127.0.0.1:{cluster.ports[1 - index]}"
            with contextlib.suppress(AssertionError):
                customer.until(op, "pending", "succeeded", within=40)
            times.append(time.monotonic() - started)
            cluster.start_process(name, "binding", cluster.ports[index])
            cluster.wait_ready()
            cluster.settle()
            cluster.bank("ok")
            customer.until(op, "succeeded")
    good = sum(t <= 30 for t in times)
    return row(
        "dead executor", database, f"{good}/{rounds} adopted, slowest {max(times):.1f} s", "all ≤ 30 s", good == rounds
    )


def _holder(cluster: Cluster, executor: str) -> str:
    """Find the process that holds a slot now: the one whose log names it last."""
    latest = {}
    for index in range(len(cluster.ports)):
        for line in (cluster.home / f"binding-{index}.log").read_text().splitlines():
            if '"event": "ready"' in line:
                latest[f"binding-{index}"] = json.loads(line)["executor"]
    return next(name for name, slot in latest.items() if slot == executor)


def zombies(database: str) -> Row:
    """Stop an executor in the middle of bank calls, let its lock go, let the other finish, wake it."""
    rounds = scaled(full=170, short=1)
    total = doubled = 0
    with cluster_on(database, binding_processes=2, BINDING_BANK_TIMEOUT_S="8", SANDBOX_SLOW_S="6") as cluster:
        for _ in range(rounds):
            cluster.bank("ok")
            customers = [cluster.customer(cards=[{"bank": "cmb", "tail": "1234"}]) for _ in range(6)]
            ready = []
            for customer in customers:
                op = customer.unbind("1234")
                ready.append((customer, op, customer.challenge(op), customer.code()))
            cluster.bank("slow")
            for customer, op, challenge, code in ready:
                customer.answer(op, challenge, code, wait=0)
            time.sleep(1)
            victim = cluster.processes["binding-1"]
            victim.send_signal(signal.SIGSTOP)
            with cluster.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                # A stopped process keeps its connection; cutting it is what a dead network does to a live process.
                slot = json.loads((cluster.home / "binding-1.log").read_text().split("\n")[0])["executor"]
                connection.execute(
                    sa.text(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = :c "
                        "AND objid = :k"
                    ),
                    {"c": 0x4A42, "k": _slot_key(slot)},
                )
            cluster.settle()
            for customer, op, _, _ in ready:
                customer.until(op, "succeeded", within=60)
            victim.send_signal(signal.SIGCONT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                victim.wait(15)
            if victim.poll() is None:
                cluster.kill("binding-1")
            (cluster.home / "binding-1.log").write_text("")
            cluster.restart("binding-1")
            with cluster.engine().connect() as connection:
                ids = [op["target"] for _, op, _, _ in ready]
                query = sa.text("SELECT unbound_count FROM cards WHERE id IN :ids").bindparams(
                    sa.bindparam("ids", expanding=True)
                )
                counts = list(connection.scalars(query, {"ids": ids}))
            total += len(counts)
            doubled += sum(c != 1 for c in counts)
        doubled += sum(r["done"] > 1 for r in cluster.bank_requests().values())
    return row("zombie executor", database, f"{total} operations, {doubled} doubled", "0 doubled", doubled == 0)


def _slot_key(name: str) -> int:
    return (zlib.crc32(name.encode()) - 2**31) & 0xFFFFFFFF
