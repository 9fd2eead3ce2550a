"""Guessed codes: against processes over HTTP, and in large numbers against the routes in this process."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import random
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.torture.common import FULL, TINY, Campaign, Found, Row, cluster_on, folder, row, scaled, total
from binding import database as ledger
from tests.binding.conftest import Cluster
from tests.binding.inside import Inside, inside

FILES = ("bench/torture/codes.py", "tests/binding/inside.py")
DAY = 86_400
AT_ONCE = 8


def codes(database: str) -> Campaign:
    """Guess codes in parallel with resends, new operations and right codes at the wrong time; count what was compared."""
    pieces = scaled(full=20, short=1) if database == "sqlite" else scaled(full=5, short=1)
    over_http = (500 if database == "sqlite" else 2_000) if FULL else 100 if TINY else 300  # of a piece
    more = (50_000 if FULL else 200 if TINY else 3_000) if database == "sqlite" else 0
    target = f"{pieces * (over_http + more):,} guesses: ≤ 10 compared per account and day; a used, old or other operation's code never passes"

    def conclude(found: list[Found]) -> Row:
        figure = f"{total(found, 'over_http'):,} guesses over HTTP"
        if more:
            figure += f" and {total(found, 'inside'):,} in one process"
        most, passed, misplaced = max(f["most"] for f in found), total(found, "passed"), total(found, "misplaced")
        figure += f": at most {most} compared in a day, {passed} passed; {misplaced:,} right codes at the wrong time or place refused"
        return row("codes", database, figure, target, most <= 10 and not passed and misplaced > 0)

    return Campaign(f"codes-{database}", pieces, lambda n: _guessed(database, over_http, more, n), conclude, FILES)


def _guessed(database: str, over_http: int, more: int, piece: int) -> Found:
    with cluster_on(database) as cluster:
        first = Guesser(cluster, piece).guess(over_http)
        found = first.figures(cluster.engine()) | {"over_http": first.tried, "inside": 0}
    if more:
        with folder() as home, inside(Path(home)) as world:
            second = Guesser(world, 1_000 + piece, parallel=False).guess(more)
            others = second.figures(ledger.engine())
        found |= {"inside": second.tried, "most": max(found["most"], others["most"])}
        found |= {name: found[name] + others[name] for name in ("passed", "misplaced")}
    return found


class Guesser:
    """Somebody who holds a customer's session but not the phone, and one who has codes that are no longer good."""

    def __init__(self, world: Cluster | Inside, seed: int, *, parallel: bool = True) -> None:
        self.world, self.dice = world, random.Random(seed)
        self.customer: Any = world.customer(cards=[{"bank": "cmb", "tail": f"{n:04d}"} for n in range(20)])
        self.cards = [c["id"] for c in self.customer.get("/cards?limit=100")["items"]]
        self.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE) if parallel else None
        self.tried = self.passed = self.misplaced = 0
        self._use_and_use_again(world.customer(cards=[{"bank": "cmb", "tail": f"{n:04d}"} for n in range(4)]))

    def _use_and_use_again(self, owner: Any) -> None:
        """Let somebody who has the phone remove cards, and try each used code again: on its operation and on the next one."""
        mine, self.customer, used = self.customer, owner, None
        for card in [c["id"] for c in owner.get("/cards?limit=100")["items"]]:
            op = owner.call("POST", "/operations", {"kind": "card.unbind", "target": card}).json()
            body = {"method": "sms", "effects_version": op["effects_version"]}
            opened = owner.call("POST", f"/operations/{op['id']}/challenges", body)
            assert opened.status_code == 201, opened.text
            challenge, code, version = opened.json()["id"], owner.code(), op["effects_version"]
            if used is not None and used != code:
                self._misplace(challenge, used, version)
            assert self._passes(challenge, code, version), "the right code at its time and place passes"
            self._misplace(challenge, code, version)
            used = code
            self.world.advance(61)
        self.customer = mine

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

    def figures(self, engine: sa.Engine) -> Found:
        """Return what was compared at most, what passed, and how many right codes were refused at the wrong time or place."""
        return {"most": self.most_compared(engine), "passed": self.passed, "misplaced": self.misplaced}

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
