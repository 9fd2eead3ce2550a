"""Repeated requests and guessed codes: against processes over HTTP, and in large numbers against the routes in this process."""

from __future__ import annotations

import collections
import concurrent.futures
import datetime as dt
import random
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.torture.common import Row, cluster_on, row, scaled
from tests.binding.conftest import Cluster
from tests.binding.inside import Inside, inside

HOUR, DAY = 3600, 86_400
AT_ONCE = 8


def idempotency(database: str) -> Row:
    """Send the same key from eight threads, and other bodies under it, in any order."""
    created: collections.Counter[int] = collections.Counter()
    keys = scaled(full=500, short=60, tiny=20)
    with cluster_on(database) as cluster:
        wrong = _same_keys(cluster, keys, created)
    figure = f"{keys * AT_ONCE} requests over HTTP"
    if database == "sqlite":
        more = scaled(full=12_500, short=250, tiny=20)
        with tempfile.TemporaryDirectory() as home, inside(Path(home)) as world:
            wrong += _same_keys(world, more, created)
        figure, keys = f"{figure} and {more * AT_ONCE} in one process", keys + more
    figure += f": operations per key {dict(created)}, {wrong} other answers"
    ok = created == {1: keys} and not wrong
    return row("idempotency", database, figure, "one operation per key, other body 422", ok)


def _same_keys(world: Cluster | Inside, keys: int, created: collections.Counter[int]) -> int:
    """Ask under each key seven times for one thing and once for another; returns how many answers were neither 201 nor 422."""
    wrong, dice = 0, random.Random(5)
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


def codes(database: str) -> Row:
    """Guess codes in parallel with resends, new operations and right codes at the wrong time; count what was compared."""
    with cluster_on(database) as cluster:
        found = Guesser(cluster).guess(scaled(full=10_000, short=300, tiny=100))
        most = found.most_compared(cluster.engine())
    figure = f"{found.tried} guesses over HTTP"
    passed, misplaced = found.passed, found.misplaced
    if database == "sqlite":
        with tempfile.TemporaryDirectory() as home, inside(Path(home)) as world:
            more = Guesser(world, parallel=False).guess(scaled(full=1_000_000, short=3_000, tiny=200))
            from binding.database import engine

            most = max(most, more.most_compared(engine()))
        figure, passed = f"{figure} and {more.tried} in one process", passed + more.passed
        misplaced += more.misplaced
    figure += f": at most {most} compared in a day, {passed} passed; {misplaced} right codes at the wrong time or place refused"
    target = "≤ 10 compared per account and day; a used, old or other operation's code never passes"
    return row("codes", database, figure, target, most <= 10 and not passed and misplaced > 0)


class Guesser:
    """Somebody who holds a customer's session but not the phone, and one who has codes that are no longer good."""

    def __init__(self, world: Cluster | Inside, *, parallel: bool = True) -> None:
        self.world, self.dice = world, random.Random(3)
        self.customer: Any = world.customer(cards=[{"bank": "cmb", "tail": f"{n:04d}"} for n in range(20)])
        self.cards = [c["id"] for c in self.customer.get("/cards?limit=100")["items"]]
        self.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE) if parallel else None
        self.tried = self.passed = self.misplaced = 0

    def guess(self, count: int) -> Guesser:
        """Guess so often, day after day."""
        while self.tried < count:
            older: tuple[str, str, str] | None = None  # challenge, code, version of an operation before
            for card in self.cards:
                asked = self.customer.call("POST", "/operations", {"kind": "card.unbind", "target": card}).json()
                op = asked.get("operation", asked)
                body = {"method": "sms", "effects_version": op["effects_version"]}
                opened = self.customer.call("POST", f"/operations/{op['id']}/challenges", body)
                if opened.status_code != 201:
                    break
                challenge, real, version = opened.json()["id"], self.customer.code(), op["effects_version"]
                if older is not None:
                    self._misplace(older[0], older[1], older[2])  # replaced by the one that was just sent
                    if older[1] != real:
                        self._misplace(challenge, older[1], version)  # another operation's
                self._wrong(challenge, real, version)
                older = (challenge, real, version)
                self.world.advance(61)
            if older is not None:
                self.world.advance(301)
                self._misplace(*older)  # expired, and by now the account is locked as well
            self.world.advance(DAY)
        return self

    def _wrong(self, challenge: str, real: str, version: str) -> None:
        batch = [f"{(int(real) + self.dice.randrange(1, 10**6)) % 10**6:06d}" for _ in range(50)]
        run: Any = self.pool.map if self.pool else map
        self.passed += sum(run(lambda code: self._passes(challenge, code, version), batch))
        self.tried += len(batch)

    def _misplace(self, challenge: str, code: str, version: str) -> None:
        if self._passes(challenge, code, version):
            self.passed += 1
        else:
            self.misplaced += 1

    def _passes(self, challenge: str, code: str, version: str) -> bool:
        body = {"code": code, "effects_version": version}
        return bool(self.customer.call("POST", f"/challenges/{challenge}/verify", body).status_code < 300)

    def most_compared(self, engine: sa.Engine) -> int:
        """Return how many wrong answers were compared at most within any 24 hours."""
        with engine.connect() as connection:
            query = sa.text("SELECT at FROM verification_failures WHERE account_id = :a ORDER BY at")
            rows = connection.scalars(query, {"a": self.customer.account}).all()
        moments = [at if isinstance(at, dt.datetime) else dt.datetime.fromisoformat(at) for at in rows]
        most = first = 0
        for last, moment in enumerate(moments):
            while moment - moments[first] >= dt.timedelta(days=1):
                first += 1
            most = max(most, last - first + 1)
        return most
