"""The service inside the test's own process: its routes and its workflows on a SQLite file, with a bank and a phone that are played.

It has the doors of a `Cluster` that a model of the service needs, and takes a few milliseconds a step.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa
from fastapi import Response
from sqlalchemy import event

from binding import database, durable, policy, settings, workflows
from binding.api import acting, reading, sandbox, schemas
from binding.database import writing
from binding.errors import Problem
from binding.models import Base, Card, SandboxState
from binding.ports import bank, phone
from binding.service.accounts import AccountSpec, create
from binding.tokens import Caller

CODE = re.compile(r"[0-9]{6}")
_cards = Card.__table__
_STATES = sa.select(_cards.c.tail, _cards.c.state).where(
    _cards.c.account_id == sa.bindparam("owner"), _cards.c.state != "unbound"
)
ENVIRONMENT = {
    "JIEBANG_SANDBOX": "1", "EVENTS_SECRET": "whsec_dGVzdA==", "BINDING_PEPPER": "pepper", "BANK_TOKEN": "b", "SMS_TOKEN": "s",
}  # fmt: skip


class Answer:
    """An answer with the doors of `requests.Response` that customers use."""

    def __init__(self, status_code: int, body: Any, headers: Mapping[str, str]) -> None:
        self.status_code, self.body, self.headers = status_code, body, headers

    def json(self) -> Any:
        """Return the body."""
        return self.body

    @property
    def text(self) -> str:
        """Return the body as text."""
        return json.dumps(self.body, ensure_ascii=False)


class Inside:
    """The ledger, the played bank and the played phones."""

    def __init__(self) -> None:
        self.mode, self.phones = "ok", dict[str, list[str]]()
        self.at_bank: dict[str, str] = {}
        self.done_at_bank: list[str] = []
        self.queue: dict[str, tuple[str, tuple[Any, ...]]] = {}
        self.started: set[str] = set()
        self.loop = asyncio.Runner()

    def customer(self, **spec: Any) -> InsideCustomer:
        """Make an account."""
        with writing() as session:
            return InsideCustomer(self, create(session, spec=AccountSpec(**spec)))

    def advance(self, seconds: int) -> None:
        """Move the clock."""
        sandbox.advance_clock(sandbox.Advance(advance_s=seconds))

    def bank(self, mode: str) -> None:
        """Set the bank's mode: ok, reject, pending."""
        self.mode = mode

    def settle(self, outcome: str) -> None:
        """End what waits at the bank, and let the ledger ask."""
        for operation_id, state in self.at_bank.items():
            if state == "pending":
                self._end(operation_id, outcome)
        workflows.nudge_all()
        self.work()

    def work(self) -> None:
        """Run what is queued for now."""
        while self.queue:
            _, (name, arguments) = self.queue.popitem()
            inspect.unwrap(getattr(workflows, name))(*arguments)

    # The played neighbours, in the place of `durable.enqueue`, `bank.submit`, `bank.ask` and `phone.send`.

    def enqueue(self, session: Any, name: str, workflow_id: str, *arguments: Any, delay_s: float = 0) -> None:
        """Keep a workflow, once; what is for later is asked about by `settle`, and events go nowhere here."""
        if workflow_id not in self.started and delay_s == 0 and name != "deliver_event":
            self.started.add(workflow_id)
            self.queue[workflow_id] = (name, arguments)

    def submit(self, *, operation_id: str, **_: Any) -> dict[str, Any]:
        """Take an operation as the mode has it, once."""
        if operation_id not in self.at_bank:
            self._end(operation_id, {"ok": "done", "reject": "rejected", "pending": "pending"}[self.mode])
        return self.ask(operation_id=operation_id)

    def ask(self, *, operation_id: str) -> dict[str, Any]:
        """Tell what became of an operation."""
        return {"state": self.at_bank.get(operation_id, "missing")}

    def send(self, *, account_id: str, text: str, purpose: str, **_: Any) -> phone.Sent:
        """Receive a message."""
        if purpose == "code":
            self.phones.setdefault(account_id, []).append(text)
        return "taken"

    def _end(self, operation_id: str, state: str) -> None:
        self.at_bank[operation_id] = state
        if state == "done":
            self.done_at_bank.append(operation_id)


class InsideCustomer:
    """One customer at the routes' functions."""

    def __init__(self, world: Inside, account: str) -> None:
        self.world, self.account = world, account
        self.who = Caller(service="actions", account_id=account, conversation="conv_1", actor=None)

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        """Call a route, and run what it queued before the answer is read, as `wait` does."""
        key = key or uuid.uuid4().hex
        parts = path.split("?")[0].strip("/").split("/")
        try:
            answer = self._route(method, parts, body, key)
        except Problem as problem:
            return Answer(problem.status, problem.body(), {})
        self.world.work()
        if isinstance(answer, Response):
            return Answer(answer.status_code, json.loads(bytes(answer.body)), answer.headers)
        return Answer(200, answer, {})

    def _route(self, method: str, parts: list[str], body: Any, key: str) -> Any:
        match (method, *parts):
            case ("POST", "operations"):
                return acting.ask_operation(schemas.AskOperation(**body), self.who, key)
            case ("POST", "operations", which, "challenges"):
                return acting.open_challenge(which, schemas.AskChallenge(**body), self.who, key)
            case ("POST", "challenges", which, "verify"):
                answering = acting.answer_challenge(which, schemas.AnswerChallenge(**body), self.who, key, 0)
                return self.world.loop.run(answering)
            case ("POST", "operations", which, "cancel"):
                return acting.cancel_operation(which, self.who, key)
            case ("GET", "operations", which):
                return reading.show_operation(which, self.who)
            case ("GET", "cards"):
                return reading.list_cards(self.who, "all" if body else "live", 50, None)
            case ("GET", "wallets"):
                return reading.list_wallets(self.who, "live", 50, None)
        raise AssertionError((method, parts))

    def get(self, path: str) -> Any:
        """GET and return the body."""
        return self.call("GET", path).json()

    def card(self, tail: str) -> dict[str, Any]:
        """Find a card by its tail."""
        return next(c for c in self.get("/cards")["items"] if c["tail"] == tail)

    def card_states(self) -> dict[str, str]:
        """Tell the state of each card that is not unbound, by its tail; straight from the table, as it is asked often."""
        with database.engine().connect() as connection:
            return dict(connection.execute(_STATES, {"owner": self.account}).tuples().all())

    def operation(self, op: dict[str, Any]) -> dict[str, Any]:
        """Show an operation."""
        return self.get(f"/operations/{op['id']}")

    def until(self, op: dict[str, Any], *statuses: str, within: float = 0) -> dict[str, Any]:
        """Show an operation that has one of the statuses."""
        shown = self.operation(op)
        assert shown["status"] in statuses, shown
        return shown

    def code(self) -> str:
        """Read the newest code on the phone."""
        return CODE.findall(self.world.phones[self.account][-1])[0]


async def _here(work: Any, *arguments: Any) -> Any:
    return work(*arguments)


@contextlib.contextmanager
def inside(home: Path) -> Iterator[Inside]:
    """Run the service in this process for the length of a block, with settings of its own."""
    caches: list[Any] = [settings.settings, policy.policy, database.engine]
    with mock.patch.dict("os.environ", ENVIRONMENT | {"JIEBANG_HOME": str(home)}), contextlib.ExitStack() as stack:
        for cached in caches:
            cached.cache_clear()
            stack.callback(cached.cache_clear)
        stack.callback(database.engine().dispose)

        @event.listens_for(database.engine(), "connect")
        def _quick(connection: Any, _: Any) -> None:
            connection.execute("PRAGMA synchronous=OFF")  # nothing here outlives the process

        Base.metadata.create_all(database.engine())
        world = Inside()
        stack.enter_context(world.loop)
        for place, name in ((durable, "enqueue"), (bank, "submit"), (bank, "ask"), (phone, "send")):
            stack.enter_context(mock.patch.object(place, name, getattr(world, name)))
        stack.enter_context(
            mock.patch.object(acting, "run_in_threadpool", _here)
        )  # a thread more is half of a step's time
        stack.enter_context(mock.patch.object(workflows.webhooks, "deliver", lambda **_: True))
        with writing() as session:
            session.add(SandboxState(id=1, clock_offset_s=0))
        yield world
