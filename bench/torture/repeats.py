"""Repeated requests: against processes over HTTP, and in large numbers against the routes in this process."""

from __future__ import annotations

import collections
import concurrent.futures
import random
from pathlib import Path
from typing import Any

from bench.torture.common import FULL, TINY, Campaign, Found, Row, cluster_on, folder, row, scaled, total
from tests.binding.conftest import Cluster
from tests.binding.inside import Inside, inside

FILES = ("bench/torture/repeats.py", "tests/binding/inside.py")
HOUR = 3600
AT_ONCE = 8


def idempotency(database: str) -> Campaign:
    """Send the same key from eight threads, and other bodies under it, in any order."""
    pieces = scaled(full=5, short=1)
    keys = 100 if FULL else 20 if TINY else 60  # over HTTP, of a piece
    more = (2_400 if FULL else 20 if TINY else 250) if database == "sqlite" else 0
    target = f"{pieces * (keys + more) * AT_ONCE:,} requests: one operation per key, other body always 422"

    def conclude(found: list[Found]) -> Row:
        places = f"{total(found, 'over_http'):,} requests over HTTP"
        if more:
            places += f" and {total(found, 'inside'):,} in one process"
        created: collections.Counter[str] = collections.Counter()
        for piece in found:
            created.update(piece["operations_per_key"])
        wrong = total(found, "wrong")
        figure = f"{places}: operations per key {dict(created)}, {wrong} other answers"
        return row("idempotency", database, figure, target, set(created) == {"1"} and not wrong)

    return Campaign(f"idempotency-{database}", pieces, lambda n: _repeat(database, keys, more, n), conclude, FILES)


def _repeat(database: str, keys: int, more: int, piece: int) -> Found:
    created: collections.Counter[int] = collections.Counter()
    with cluster_on(database) as cluster:
        wrong = _same_keys(cluster, keys, created, piece)
    if more:
        with folder() as home, inside(Path(home)) as world:
            wrong += _same_keys(world, more, created, piece)
    return {
        "over_http": keys * AT_ONCE, "inside": more * AT_ONCE, "wrong": wrong,
        "operations_per_key": {str(n): count for n, count in created.items()},
    }  # fmt: skip


def _same_keys(world: Cluster | Inside, keys: int, created: collections.Counter[int], seed: int) -> int:
    """Ask under each key seven times for one thing and once for another; returns how many answers were neither 201 nor 422."""
    wrong, dice = 0, random.Random(5000 + seed)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, keys, 50):
            customer: Any = world.customer(cards=[{"bank": "cmb", "tail": f"{n:04d}"} for n in range(50)])
            cards = [c["id"] for c in customer.get("/cards?limit=100")["items"]]
            for n, card in enumerate(cards[: keys - start]):
                bodies = [{"kind": "card.unbind", "target": card}] * (AT_ONCE - 1)
                bodies.insert(dice.randrange(AT_ONCE), {"kind": "quick_pay.disable", "target": card})
                key = f"key-{start + n}"
                answers = list(
                    pool.map(lambda b, key=key, who=customer: who.call("POST", "/operations", b, key=key), bodies)
                )
                created[len({a.json()["id"] for a in answers if a.status_code == 201})] += 1
                wrong += sum(a.status_code not in (201, 422) for a in answers)
                wrong += sum(a.status_code == 422 for a in answers) not in (1, AT_ONCE - 1)
            world.advance(HOUR + 100)
    return wrong
