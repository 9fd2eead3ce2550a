"""Nothing lost or doubled: executors are killed at random while cards are removed and the bank misbehaves."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import random
import threading
import time

import requests
import sqlalchemy as sa

from bench.torture.common import FULL, TINY, Campaign, Found, Row, cluster_on, patiently, row, scaled, total
from tests.binding.conftest import Cluster, Customer, eventually

FILES = ("bench/torture/loss.py", "bench/torture/light.py")
ACCOUNTS, CARDS, KILLS = (25, 40, 50) if FULL else (2, 3, 1) if TINY else (6, 4, 5)  # of a piece


def unbind_all(customer: Customer, bases: list[str], seed: int, done: collections.Counter[str]) -> None:
    """Remove every card of a customer by the payment password's page, keys repeated at random."""
    dice = random.Random(seed)
    for card in patiently(lambda: customer.call("GET", "/cards", base=bases[0])).json()["items"]:
        key = f"{card['id']}-ask"

        def ask(card: Row = card, key: str = key) -> requests.Response:
            body = {"kind": "card.unbind", "target": card["id"]}
            return customer.call("POST", "/operations", body, key=key, base=dice.choice(bases))

        for _ in range(dice.choice((1, 1, 2, 3))):
            asked = patiently(ask)
        op = asked.json()
        version = op["effects_version"]
        while True:
            body = {"method": "payment_password", "effects_version": version}
            key = f"{op['id']}-{version}"
            page = patiently(
                lambda body=body, key=key, op=op: customer.call(
                    "POST", f"/operations/{op['id']}/challenges", body, key=key, base=dice.choice(bases)
                )
            ).json()
            if page.get("code") != "effects_changed":
                break
            version = page["effects_version"]
        for _ in range(dice.choice((1, 2))):
            headers = {"X-Customer-Token": customer.cluster.token(customer.account)}
            patiently(
                lambda page=page, headers=headers: customer.cluster.http.post(
                    dice.choice(bases) + page["url"], json={"password": "246810"}, headers=headers, timeout=20
                )
            )
        done["accepted"] += 1


def nothing_lost(database: str) -> Campaign:
    """Kill executors at random while cards are removed and the bank misbehaves; then count."""
    pieces = scaled(full=10, short=1)
    target = f"{pieces * ACCOUNTS * CARDS:,} operations, {pieces * KILLS} kills: 0 lost, 0 doubled, every notice sent"

    def conclude(found: list[Found]) -> Row:
        sums = {name: total(found, name) for name in found[0]}
        doubled = sums["doubled"] + sums["wrong_cards"]
        lost = sums["wanted"] - sums["succeeded"]
        figure = (
            f"{sums['operations']:,} operations, {sums['kills']} kills: {lost} lost, {doubled} doubled, "
            f"{sums['notices']:,} notices, {sums['repeats']} repeats taken by the bank's key, "
            f"audit {sums['audit']}, reconcile {sums['reconcile']}"
        )
        ok = lost == doubled == sums["audit"] == sums["reconcile"] == 0
        ok = ok and sums["notices"] == sums["operations"] == sums["wanted"]
        return row("nothing lost or doubled", database, figure, target, ok)

    return Campaign(f"nothing-lost-{database}", pieces, lambda n: _kill_and_count(database, n), conclude, FILES)


def _kill_and_count(database: str, piece: int) -> Found:
    count = 1 if database == "sqlite" else 2
    wanted = ACCOUNTS * CARDS
    options = {"binding_processes": count, "module": "bench.torture.light", "SANDBOX_SLOW_S": "4"}
    with cluster_on(database, **options) as cluster:
        bases = [f"http://127.0.0.1:{port}" for port in cluster.ports]
        spec = [{"bank": "cmb", "tail": f"{n:04d}"} for n in range(CARDS)]
        customers = [cluster.customer(cards=spec) for _ in range(ACCOUNTS)]
        done: collections.Counter[str] = collections.Counter()
        stop = threading.Event()
        moods = threading.Thread(target=_moods, args=(cluster, stop, piece), daemon=True)
        moods.start()
        kills, dice = 0, random.Random(1000 + piece)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            work = [pool.submit(unbind_all, c, bases, 100 * piece + i, done) for i, c in enumerate(customers)]
            # Spread over the work, so that each comes while requests and calls are on their way.
            for due in (wanted * n // (KILLS + 1) for n in range(KILLS)):
                eventually(lambda due=due: done["accepted"] >= due, within=600, what="the work going on")
                time.sleep(0.3 * dice.random())
                name = f"binding-{dice.randrange(count)}"
                cluster.kill(name)
                kills += 1
                cluster.start_process(name, "binding", cluster.ports[int(name[-1])])
                _wait_up(cluster.ports[int(name[-1])])
            [w.result() for w in work]
        stop.set()
        moods.join()
        cluster.wait_ready()
        cluster.bank("ok")
        cluster.settle()
        return _count(cluster, wanted) | {"wanted": wanted, "kills": kills}


def _moods(cluster: Cluster, stop: threading.Event, piece: int) -> None:
    dice = random.Random(2000 + piece)
    url = f"http://127.0.0.1:{cluster.sandbox_port}/control/"
    headers = {"Authorization": f"Bearer {cluster.env['BANK_TOKEN']}"}
    while not stop.wait(1.0):
        mode = dice.choice(("ok", "ok", "ok", "slow", "lost_reply", "down", "pending"))
        with contextlib.suppress(requests.RequestException):
            requests.put(url + "bank", json={"mode": mode}, headers=headers, timeout=5)
            if dice.random() < 0.3:
                requests.post(url + "settle", json={"outcome": "done"}, headers=headers, timeout=5)


def _wait_up(port: int) -> None:
    def up() -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1).ok
        return False

    eventually(up, within=60, what="a restarted process")


def _count(cluster: Cluster, wanted: int) -> Found:
    queries = {
        "operations": "SELECT count(*) FROM operations",
        "succeeded": "SELECT count(*) FROM operations WHERE status = 'succeeded'",
        "wrong_cards": "SELECT count(*) FROM cards c WHERE c.account_id NOT LIKE 'demo%' "
        "AND (c.unbound_count <> 1 OR c.state <> 'unbound')",
        "notices": "SELECT count(*) FROM notices WHERE template = 'succeeded' AND channel = 'sms' AND state = 'sent'",
    }

    def figures() -> dict[str, int]:
        with cluster.engine().connect() as connection:
            return {name: connection.scalar(sa.text(query)) or 0 for name, query in queries.items()}

    def finished() -> bool:
        now = figures()
        return now["succeeded"] == wanted and now["notices"] == wanted

    with contextlib.suppress(AssertionError):
        eventually(finished, within=600 if FULL else 90, every=0.5)
    at_bank = cluster.bank_requests().values()
    return figures() | {
        "doubled": sum(r["done"] > 1 for r in at_bank),
        "repeats": sum(max(0, r["calls"] - 1) for r in at_bank),
        "audit": cluster.run("-m", "binding.audit", "verify").returncode,
        "reconcile": cluster.run("-m", "binding.reconcile").returncode,
    }
