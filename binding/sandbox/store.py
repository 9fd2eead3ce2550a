"""What the stand-in remembers: requests by their key, agreements, messages, and the bank's mode."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import sqlalchemy as sa

from binding.database import make_engine

metadata = sa.MetaData()
requests = sa.Table(
    "requests", metadata,
    sa.Column("id", sa.String, primary_key=True), sa.Column("account", sa.String, index=True), sa.Column("action", sa.String),
    sa.Column("body", sa.JSON), sa.Column("state", sa.String), sa.Column("reason", sa.String), sa.Column("ready_at", sa.Float),
    sa.Column("settled", sa.Boolean), sa.Column("done_count", sa.Integer), sa.Column("calls", sa.Integer),
    sa.Column("created_at", sa.Float),
)  # fmt: skip
agreements = sa.Table(
    "agreements", metadata,
    sa.Column("protocol", sa.String, primary_key=True), sa.Column("account", sa.String, index=True),
    sa.Column("live", sa.Boolean), sa.Column("ended_count", sa.Integer),
)  # fmt: skip
messages = sa.Table(
    "messages", metadata,
    sa.Column("seq", sa.Integer, primary_key=True), sa.Column("id", sa.String, unique=True), sa.Column("kind", sa.String),
    sa.Column("recipient", sa.String), sa.Column("customer", sa.String, index=True), sa.Column("text", sa.String),
    sa.Column("code", sa.String), sa.Column("at", sa.String),
)  # fmt: skip
card_checks = sa.Table(
    "card_checks", metadata,
    sa.Column("key", sa.String, primary_key=True), sa.Column("seal", sa.String), sa.Column("answer", sa.JSON),
)  # fmt: skip
control = sa.Table("control", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("mode", sa.String))

Row = dict[str, Any]


class Store:
    """The stand-in's database. `state` of a request: unseen | slow | pending | lost | done | rejected."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url, pool_size=5)
        metadata.create_all(self.engine)

    def mode(self) -> str:
        """Return the bank's mode."""
        with self.engine.connect() as c:
            return c.scalar(sa.select(control.c.mode)) or "ok"

    def set_mode(self, mode: str) -> None:
        """Set the bank's mode."""
        with self._writing() as c:
            if c.execute(sa.update(control).values(mode=mode)).rowcount == 0:
                c.execute(sa.insert(control).values(id=1, mode=mode))

    def submit(
        self, *, key: str, action: str, body: Row, state: str, ready_at: float | None = None, reason: str | None = None
    ) -> Row:
        """Take a request once; a key that is known gets what it got, unless the bank never really saw it."""
        with self._writing() as c:
            row = c.execute(sa.select(requests).where(requests.c.id == key)).mappings().first()
            if row is None:
                c.execute(
                    sa.insert(requests).values(
                        id=key, account=body.get("account"), action=action, body=body, state=state, reason=reason,
                        ready_at=ready_at, settled=False, done_count=0, calls=1, created_at=time.time(),
                    )
                )  # fmt: skip
            else:
                c.execute(sa.update(requests).where(requests.c.id == key).values(calls=requests.c.calls + 1))
                if row["state"] == "unseen" and state != "unseen":
                    c.execute(
                        sa.update(requests).where(requests.c.id == key).values(
                            state=state, ready_at=ready_at, reason=reason, body=body
                        )
                    )  # fmt: skip
            return self._ripe(c, key)

    def check_card(self, *, key: str, seal: str, answer: Row) -> Row | None:
        """Keep the answer to a card's details and return it; a known key gets its first answer, None for other details."""
        with self._writing() as c:
            kept = c.execute(sa.select(card_checks).where(card_checks.c.key == key)).mappings().first()
            if kept is None:
                c.execute(sa.insert(card_checks).values(key=key, seal=seal, answer=answer))
                return answer
            return dict(kept["answer"]) if kept["seal"] == seal else None

    def find(self, key: str) -> Row | None:
        """Return a request as it stands now."""
        with self._writing() as c:
            if c.scalar(sa.select(requests.c.id).where(requests.c.id == key)) is None:
                return None
            return self._ripe(c, key)

    def settle(self, outcome: str) -> list[str]:
        """End every request that has not ended; returns their ids."""
        with self._writing() as c:
            ids = list(
                c.scalars(sa.select(requests.c.id).where(requests.c.state.in_(("unseen", "slow", "pending", "lost"))))
            )
            lost = set(c.scalars(sa.select(requests.c.id).where(requests.c.state == "lost")))
            for key in ids:
                # What was done stays done: a lost reply can be found, not undone.
                self._end(c, key, "done" if key in lost else outcome)
            return ids

    def _ripe(self, c: sa.Connection, key: str) -> Row:
        row = c.execute(sa.select(requests).where(requests.c.id == key)).mappings().one()
        if (
            row["state"] in ("slow", "lost")
            and row["ready_at"] is not None
            and row["ready_at"] <= time.time()
            or row["state"] == "done"
            and row["done_count"] == 0
        ):
            self._end(c, key, "done")
        elif row["state"] == "lost":
            self._apply(c, row)
        return dict(c.execute(sa.select(requests).where(requests.c.id == key)).mappings().one())

    def _end(self, c: sa.Connection, key: str, outcome: str) -> None:
        row = c.execute(sa.select(requests).where(requests.c.id == key)).mappings().one()
        if outcome == "done":
            self._apply(c, row)
        reason = "bank_rejected" if outcome == "rejected" else None
        ended = {"state": outcome, "settled": True, "reason": reason, "ready_at": time.time()}
        c.execute(sa.update(requests).where(requests.c.id == key).values(ended))

    def _apply(self, c: sa.Connection, row: Any) -> None:
        if row["done_count"]:
            return
        c.execute(sa.update(requests).where(requests.c.id == row["id"]).values(done_count=1))
        if row["action"] == "terminations":
            for protocol in row["body"].get("protocols", []):
                known = c.execute(
                    sa.update(agreements).where(agreements.c.protocol == protocol).values(
                        live=False, ended_count=agreements.c.ended_count + 1
                    )
                )  # fmt: skip
                if known.rowcount == 0:
                    values = {"protocol": protocol, "account": row["account"], "live": False, "ended_count": 1}
                    c.execute(sa.insert(agreements).values(**values))
        elif row["action"] == "signings":
            values = {"protocol": f"BP{row['id']}", "account": row["account"], "live": True, "ended_count": 0}
            c.execute(sa.insert(agreements).values(**values))

    def register(self, *, rows: list[Row], pending: list[Row]) -> None:
        """Make agreements and waiting requests known."""
        with self._writing() as c:
            for row in rows:
                if c.scalar(sa.select(agreements.c.protocol).where(agreements.c.protocol == row["protocol"])) is None:
                    c.execute(sa.insert(agreements).values(**row, ended_count=0))
            for row in pending:
                if c.scalar(sa.select(requests.c.id).where(requests.c.id == row["id"])) is None:
                    body = row["request"] or {}
                    c.execute(
                        sa.insert(requests).values(
                            id=row["id"], account=row["account"], action=body.get("action", "terminations"), body=body,
                            state="pending", settled=False, done_count=0, calls=0, created_at=time.time(),
                        )
                    )  # fmt: skip

    def list_agreements(self, account: str) -> list[Row]:
        """List an account's agreements."""
        with self.engine.connect() as c:
            return [dict(r) for r in c.execute(sa.select(agreements).where(agreements.c.account == account)).mappings()]

    def list_requests(self, *, after: str, limit: int) -> list[Row]:
        """List requests by id."""
        with self.engine.connect() as c:
            query = sa.select(requests).where(requests.c.id > after).order_by(requests.c.id).limit(limit)
            return [dict(r) for r in c.execute(query).mappings()]

    def add_message(self, *, id: str, kind: str, to: str, customer: str, text: str, code: str | None) -> bool:
        """Store a message; returns False when its id is known."""
        with self._writing() as c:
            if c.scalar(sa.select(messages.c.seq).where(messages.c.id == id)) is not None:
                return False
            at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            values = {
                "id": id,
                "kind": kind,
                "recipient": to,
                "customer": customer,
                "text": text,
                "code": code,
                "at": at,
            }
            c.execute(sa.insert(messages).values(**values))
            return True

    def phone(self, customer: str) -> list[Row]:
        """List a customer's messages, oldest first."""
        with self.engine.connect() as c:
            rows = c.execute(
                sa.select(messages).where(messages.c.customer == customer).order_by(messages.c.seq)
            ).mappings()
            return [{k: r[k] for k in ("id", "kind", "text", "code", "at") if r[k] is not None} for r in rows]

    def _writing(self) -> Any:
        return _Writing(self.engine)


class _Writing:
    """One transaction that holds the write lock from its start."""

    def __init__(self, engine: sa.Engine) -> None:
        self.context = engine.begin()

    def __enter__(self) -> sa.Connection:
        connection = self.context.__enter__()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        return connection

    def __exit__(self, *error: Any) -> Any:
        return self.context.__exit__(*error)
