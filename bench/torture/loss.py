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

from bench.torture.common import FULL, TINY, Row, cluster_on, patiently, row, scaled
from tests.binding.conftest import Cluster, Customer, eventually


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


def nothing_lost(database: str) -> Row:
    """Kill executors at random while cards are removed and the bank misbehaves; then count."""
    accounts, cards = scaled(full=250, short=6, tiny=2), 40 if FULL else 3 if TINY else 4
    kills_wanted, every = scaled(full=500, short=5, tiny=1), 1.0 if TINY else 1.5
    count = 1 if database == "sqlite" else 2
    target = f"{accounts * cards} operations, {kills_wanted} kills: 0 lost, 0 doubled, every notice sent"
    with cluster_on(database, binding_processes=count, SANDBOX_SLOW_S="4") as cluster:
        bases = [f"http://127.0.0.1:{port}" for port in cluster.ports]
        spec = [{"bank": "cmb", "tail": f"{n:04d}"} for n in range(cards)]
        customers = [cluster.customer(cards=spec) for _ in range(accounts)]
        done: collections.Counter[str] = collections.Counter()
        stop = threading.Event()
        moods = threading.Thread(target=_moods, args=(cluster, stop), daemon=True)
        moods.start()
        kills, dice = 0, random.Random(1)
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            work = [pool.submit(unbind_all, c, bases, i, done) for i, c in enumerate(customers)]
            while kills < kills_wanted or not all(w.done() for w in work):
                time.sleep(every * dice.random())
                if kills < kills_wanted:
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
        return _count(cluster, database, accounts * cards, kills, target)


def _moods(cluster: Cluster, stop: threading.Event) -> None:
    dice = random.Random(2)
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


def _count(cluster: Cluster, database: str, wanted: int, kills: int, target: str) -> Row:
    def figures() -> dict[str, int]:
        queries = {
            "operations": "SELECT count(*) FROM operations",
            "succeeded": "SELECT count(*) FROM operations WHERE status = 'succeeded'",
            "wrong_cards": "SELECT count(*) FROM cards c WHERE c.account_id NOT LIKE 'demo%' "
            "AND (c.unbound_count <> 1 OR c.state <> 'unbound')",
            "notices": "SELECT count(*) FROM notices WHERE template = 'succeeded' AND channel = 'sms' AND state = 'sent'",
        }
        with cluster.engine().connect() as connection:
            return {name: connection.scalar(sa.text(query)) or 0 for name, query in queries.items()}

    def finished() -> bool:
        now = figures()
        return now["succeeded"] == wanted and now["notices"] == wanted

    with contextlib.suppress(AssertionError):
        eventually(finished, within=900 if FULL else 90, every=0.5)
    found = figures()
    at_bank = cluster.bank_requests()
    doubled = sum(r["done"] > 1 for r in at_bank.values())
    repeats = sum(max(0, r["calls"] - 1) for r in at_bank.values())
    lost = wanted - found["succeeded"]
    audit = cluster.run("-m", "binding.audit", "verify").returncode
    reconciled = cluster.run("-m", "binding.reconcile").returncode
    figure = (
        f"{found['operations']} operations, {kills} kills: {lost} lost, {doubled + found['wrong_cards']} doubled, "
        f"{found['notices']} notices, {repeats} repeats taken by the bank's key, audit {audit}, reconcile {reconciled}"
    )
    ok = lost == doubled == found["wrong_cards"] == audit == reconciled == 0 and found["notices"] == wanted
    return row("nothing lost or doubled", database, figure, target, ok and found["operations"] == wanted)
