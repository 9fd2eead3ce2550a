"""How fast binding accepts and finishes: real processes, a bank that answers at once, figures with the CPU time that they cost.

`python -m bench.binding` prints `[{property, database, figure, target, ok}]` and writes it to var/reports/binding.json. COUNT is the number
of operations of each run (default 200). Seconds depend on how many cores are free, so each row says how busy the machine was; the
milliseconds of CPU do not, and two executors are compared with one in the same run.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from tests.binding.conftest import Cluster, Customer, eventually, postgres_url, running
from tools.stack import ROOT

COUNT = int(os.environ.get("COUNT", "200"))
CLIENTS = 4  # per executor
CARDS = [{"bank": "cmb", "tail": "1234"}]
UNDONE = sa.text("SELECT count(*) FROM operations WHERE status IN ('awaiting_verification', 'processing')")
UNTOLD = sa.text("SELECT count(*) FROM notices WHERE state = 'queued'")
Row = dict[str, Any]


def row(name: str, database: str, figure: str, target: str, ok: bool) -> Row:
    """Returns one line of the report."""
    return {"property": name, "database": database, "figure": figure, "target": target, "ok": ok}


@contextlib.contextmanager
def cluster_on(database: str, executors: int = 1) -> Iterator[Cluster]:
    """Runs a fresh stand-in and as many backends as are wanted."""
    with contextlib.ExitStack() as stack:
        home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jiebang-bench-")))
        url = stack.enter_context(contextlib.contextmanager(postgres_url)()) if database == "postgresql" else None
        yield stack.enter_context(running(home, url, binding_processes=executors))


def cpu_s(cluster: Cluster) -> float:
    """Returns the CPU seconds (user and system) that the backends have used."""
    pids = [process.pid for name, process in cluster.processes.items() if name.startswith("binding")]
    fields = [pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(f[11]) + int(f[12]) for f in fields) / os.sysconf("SC_CLK_TCK")


class Timed:
    """Milliseconds at the client and CPU milliseconds in the backends of a row of calls, one after the other."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.taken, self.before = cluster, [], cpu_s(cluster)
        self.cpu = 0.0

    def __call__(self, call: Any, *arguments: Any) -> Any:
        began = time.perf_counter()
        answer = call(*arguments)
        self.taken.append((time.perf_counter() - began) * 1000)
        return answer

    def done(self) -> Timed:
        """Stops the count of CPU time."""
        self.cpu = (cpu_s(self.cluster) - self.before) / len(self.taken) * 1000
        return self

    def row(self, name: str, database: str) -> Row:
        """Returns the line of the report."""
        p50, p99 = statistics.median(self.taken), sorted(self.taken)[int(len(self.taken) * 0.99) - 1]
        figure = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, {self.cpu:.1f} ms CPU ({busy()})"
        return row(name, database, figure, "p99 ≤ 100 ms", p99 <= 100)


def busy() -> str:
    """Says how much of the machine others use."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def verify(customer: Customer, op: Row, challenge: Row, code: str, base: str | None = None) -> None:
    """Answers a code without waiting for the outcome: the operation is accepted when this returns."""
    body = {"code": code, "effects_version": op["effects_version"]}
    path = f"/challenges/{challenge['id']}/verify?wait=0"
    answer = customer.call("POST", path, body, base=base or customer.cluster.base)
    assert answer.status_code == 202, answer.text


def asked_for(cluster: Cluster, count: int) -> list[tuple[Customer, Row, Row, str]]:
    """Prepares operations up to the code on the phone."""
    customers = [cluster.customer(cards=CARDS) for _ in range(count)]
    operations = [(customer, customer.unbind("1234")) for customer in customers]
    return [(c, op, c.challenge(op), c.code()) for c, op in operations]


def accepting(database: str) -> list[Row]:
    """Measures one request after the other: asked for, code sent, accepted."""
    with cluster_on(database) as cluster:
        customers = [cluster.customer(cards=CARDS) for _ in range(COUNT)]
        cards = [customer.card("1234")["id"] for customer in customers]
        asking = Timed(cluster)
        operations = [asking(c.ask, "card.unbind", card) for c, card in zip(customers, cards, strict=True)]
        asking.done()
        sending = Timed(cluster)
        challenges = [sending(c.challenge, op) for c, op in zip(customers, operations, strict=True)]
        sending.done()
        codes = [customer.code() for customer in customers]
        answering = Timed(cluster)
        for customer, op, challenge, code in zip(customers, operations, challenges, codes, strict=True):
            answering(verify, customer, op, challenge, code)
        rest(cluster)
        answering.done()
        before, began = cpu_s(cluster), time.perf_counter()
        time.sleep(5)
        idle = (cpu_s(cluster) - before) / (time.perf_counter() - began) * 100
    return [
        asking.row("asked for, at the client", database),
        sending.row("code sent, at the client", database),
        answering.row("accepted, at the client (CPU: until done and told)", database),
        row("idle", database, f"{idle:.1f} % of a core", "≤ 3 %", idle <= 3),
    ]


def rest(cluster: Cluster) -> None:
    """Waits until every operation has ended and every notice is sent."""
    with cluster.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        eventually(lambda: connection.scalar(UNDONE) == 0, within=300, every=0.02)
        eventually(lambda: connection.scalar(UNTOLD) == 0, within=300, every=0.02)


def rate(database: str, executors: int) -> tuple[float, float]:
    """Accepts everything at once from several clients; returns unbinds a second until all is done and told, and CPU ms each."""
    with cluster_on(database, executors) as cluster:
        ready = asked_for(cluster, COUNT)
        bases = [f"http://127.0.0.1:{port}" for port in cluster.ports]
        before, began = cpu_s(cluster), time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS * executors) as pool:
            list(pool.map(lambda n: verify(*ready[n], base=bases[n % executors]), range(COUNT)))
        rest(cluster)
        seconds = time.perf_counter() - began
        return COUNT / seconds, (cpu_s(cluster) - before) / COUNT * 1000


def measure() -> list[Row]:
    """Returns the lines of the report."""
    found = accepting("sqlite")
    each, cpu = rate("sqlite", 1)
    figure = f"{each:.1f}/s, {cpu:.1f} ms CPU each ({busy()})"
    found.append(row("unbinds, accepted to done and told", "sqlite", figure, "≥ 40/s on free cores", each >= 40))
    found += accepting("postgresql")
    (one, cpu_of_one), (two, cpu_of_two) = rate("postgresql", 1), rate("postgresql", 2)
    figure = f"{one:.1f} → {two:.1f}/s, ×{two / one:.2f} ({busy()})"
    found.append(row("two executors against one", "postgresql", figure, "≥ ×1.6 on free cores", two / one >= 1.6))
    # Who has fewer cores than processes can still see whether two executors get in each other's way.
    expected = 2 * cpu_of_one / cpu_of_two
    figure = f"{cpu_of_one:.1f} → {cpu_of_two:.1f} ms CPU each, so ×{expected:.2f} where each has a core"
    found.append(row("two executors against one, by CPU time", "postgresql", figure, "≥ ×1.6", expected >= 1.6))
    return found


def main() -> int:
    """Measures, prints and writes the report; returns 1 when a target was missed."""
    found = measure()
    reports = ROOT / "var" / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "binding.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    for one in found:
        print(f"{'ok  ' if one['ok'] else 'MISS'} {one['property']} [{one['database']}] {one['figure']} (target {one['target']})")
    return 0 if all(one["ok"] for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
