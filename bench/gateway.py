"""The gateway's proofs, measured: reconnect storm, concurrent conversations, fuzzed doors, slash texts. Rasa and binding are stand-ins.

`python -m bench.gateway [slashes crowd storm webhooks fuzz]` (SCALE=short, some minutes; SCALE=full; SCALE=tiny is a part of the tests) prints
`[{part, property, figure, target, ok}]` and writes it to var/reports/gateway.json, where the parts that were not run stay as they were.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.gateway_fuzz import Fuzz, Webhooks
from gateway.guard import TextEmpty, guard
from tests.gateway.conftest import ROOT, Talk, World, drop, postgres
from tests.gateway.test_guard import forces_an_intent, payload
from tests.gateway.test_streams import socket

ECHO = "echo: "
INNOCENT = ["怎么解绑", "招行卡", "1/2", "and/or", "好的", "尾号1234", " please", "，", "。", "I want", " to unbind", " a/b", "？", " 😀", "km/h", "二选一/都行"]


@dataclass(frozen=True)
class Scale:
    """How much of each: sockets, talks for seconds, bodies, texts."""

    sockets: int
    talks: int
    seconds: float
    bodies: int
    texts: int


SCALES = {
    "tiny": Scale(12, 10, 2, 800, 4_000),
    "short": Scale(60, 40, 8, 5_000, 60_000),
    "full": Scale(500, 200, 60, 100_000, 1_000_000),
}


def row(prop: str, figure: float, target: str, ok: bool) -> dict[str, Any]:
    """Returns one line of the report."""
    return {"property": prop, "figure": figure, "target": target, "ok": ok}


def zero(prop: str, figure: int) -> dict[str, Any]:
    """Returns a line for what must not happen."""
    return row(prop, figure, "0", figure == 0)


def world(folder: pathlib.Path, **extra: str) -> World:
    """Returns a world whose rate limits do not stand in the way of the measurement."""
    limits = {f"GATEWAY_{name}_PER_MINUTE": "100000000" for name in ("MESSAGES", "ADDRESS_MESSAGES", "CONVERSATIONS")}
    return World(folder, **limits, GATEWAY_ACCOUNT_MESSAGES_PER_MINUTE="100000000", GATEWAY_TURN_TIMEOUT="15", **extra)


class Tab:
    """One customer's browser tab: its socket, and every message it was ever sent, in the order of arrival."""

    def __init__(self, talk: Talk) -> None:
        self.talk, self.client, self.heard = talk, None, []  # type: ignore[var-annotated]

    def ids(self) -> list[str]:
        """Returns the ids of all messages so far."""
        return [
            message["id"]
            for event, data in self.heard
            for message in (data["messages"] if event == "history" else data["replies"] if event == "replies" else [])
        ]

    async def connect(self) -> None:
        """Connects, again and again as a browser does, after the last message it has."""
        known = self.ids()
        for attempt in range(60):
            try:
                after = {"after": known[-1]} if known else {}
                self.client, heard = await socket(self.talk.world, self.talk, **after)
                earlier, self.heard = self.heard, heard
                heard[:0] = earlier
                return
            except Exception:  # noqa: BLE001
                await asyncio.sleep(min(2.0, 0.1 * 1.5**attempt) * random.random())
        raise AssertionError("a socket never came back")


async def say(http: aiohttp.ClientSession, talk: Talk, text: str, client_id: str | None = None) -> tuple[int, Any]:
    """Says something over REST."""
    url = f"{talk.world.api}/conversations/{talk.id}/messages"
    body = {"text": text, "client_id": client_id or uuid.uuid4().hex}
    async with http.post(url, json=body, headers=talk.headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def begin(http: aiohttp.ClientSession, where: World) -> Talk:
    """Opens a conversation."""
    async with http.post(where.api + "/conversations", json={"language": "zh"}) as answer:
        found = await answer.json()
        return Talk(where, found["id"], found["token"])


async def storm(where: World, count: int) -> list[dict[str, Any]]:
    """Kills the gateway under all sockets; while they come back, everybody says something."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as http:
        tabs = [Tab(talk) for talk in await asyncio.gather(*(begin(http, where) for _ in range(count)))]
        await asyncio.gather(*(say(http, tab.talk, "before") for tab in tabs))
        await asyncio.gather(*(tab.connect() for tab in tabs))
        where.kill("gateway", signal.SIGKILL)
        began = time.perf_counter()
        await asyncio.to_thread(where.start, "gateway")

        async def back(tab: Tab) -> None:
            speaking = asyncio.create_task(say(http, tab.talk, "meanwhile"))
            await tab.connect()
            assert (await speaking)[0] == 200 and (await say(http, tab.talk, "after"))[0] == 200

        await asyncio.gather(*(back(tab) for tab in tabs))
        seconds, lost, doubled = time.perf_counter() - began, 0, 0
        for tab in tabs:
            url = f"{where.api}/conversations/{tab.talk.id}/messages"
            async with http.get(url, headers=tab.talk.headers) as answer:
                expected = [message["id"] for message in (await answer.json())["messages"]]
            for _ in range(500):
                if tab.ids()[-1:] == expected[-1:]:
                    break
                await asyncio.sleep(0.02)
            lost += len(set(expected) - set(tab.ids())) + (len(expected) != 7)
            doubled += len(tab.ids()) - len(set(tab.ids()))
            assert tab.client is not None
            await tab.client.disconnect()
    return [
        row("sockets dropped by a kill -9 and back", count, str(count), True),
        row("seconds from the kill until all were back and answered", round(seconds, 1), "-", True),
        zero("messages lost in the reconnect storm", lost),
        zero("messages doubled in the reconnect storm", doubled),
    ]


async def crowd(where: World, count: int, seconds: float) -> list[dict[str, Any]]:
    """Lets customers talk at the same time, each with a pause of 1 s on average between an answer and the next message."""
    times: list[float] = []
    faults: Counter[str] = Counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        talks = await asyncio.gather(*(begin(http, where) for _ in range(count)))
        ends = time.perf_counter() + seconds

        async def customer(talk: Talk) -> None:
            for number in itertools.count():
                await asyncio.sleep(random.random() * 2)
                if time.perf_counter() > ends:
                    return
                began = time.perf_counter()
                try:
                    status, body = await say(http, talk, f"line {number}")
                except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                    faults[type(error).__name__] += 1
                    continue
                times.append(time.perf_counter() - began)
                right = status == 200 and [one["text"] for one in body["replies"]] == [f"{ECHO}line {number}"]
                faults[f"status {status}"] += not right

        await asyncio.gather(*(customer(talk) for talk in talks))
    found = where.rasa()
    faults["promises broken"] += len(found["faults"]) + sum(runs != 1 for runs in found["ran"].values())
    times.sort()
    return [
        row(f"conversations at the same time for {seconds:g} s", count, str(count), True),
        row("turns answered", len(times), "-", True),
        row("median time of a turn, ms", round(statistics.median(times) * 1000, 1), "-", True),
        row("95th percentile of a turn, ms", round(times[int(len(times) * 0.95)] * 1000, 1), "-", True),
        zero("errors among concurrent conversations", sum(faults.values())),
    ]


def slashes(count: int) -> list[dict[str, Any]]:
    """Guards texts that try to be commands, and innocent ones that hold slashes."""
    chance, forced, changed = random.Random(17), 0, 0
    for number in range(count):
        if number % 2:
            text = chance.choice(INNOCENT[:3] + INNOCENT[4:]).strip() + "".join(
                chance.choice(INNOCENT) for _ in range(chance.randrange(6))
            )
            changed += guard(text, seal=lambda _: "code_x").text != text
            continue
        with contextlib.suppress(TextEmpty):
            forced += forces_an_intent(guard(payload(chance), seal=lambda _: "code_x").text)
    return [
        row("texts tried against the slash guard", count, str(count), True),
        zero("intents forced by text", forced),
        zero("innocent texts changed", changed),
    ]


PARTS = ("slashes", "crowd", "storm", "webhooks", "fuzz")


def measure(
    scale: Scale, parts: Sequence[str] = PARTS, *, report: Callable[[str, list[dict[str, Any]]], None] = lambda *_: None
) -> list[dict[str, Any]]:
    """Returns all figures of the named parts; `report` is told after each part."""
    found: list[dict[str, Any]] = []

    def told(part: str, rows: list[dict[str, Any]]) -> None:
        found.extend(rows)
        report(part, rows)

    if "slashes" in parts:
        told("slashes", slashes(scale.texts))
    if {"crowd", "storm"} & set(parts):
        with running() as where:
            if "crowd" in parts:
                told("crowd", asyncio.run(crowd(where, scale.talks, scale.seconds)))
            if "storm" in parts:
                told("storm", asyncio.run(storm(where, scale.sockets)))
    for part, kind in (("webhooks", Webhooks), ("fuzz", Fuzz)):
        if part in parts:
            rows = []
            for database, count in (("sqlite", scale.bodies // 2), ("postgresql", scale.bodies - scale.bodies // 2)):
                # WeChat's plain mode on the one, its safe mode on the other.
                with running(database=database, aes=database == "postgresql") as where:
                    rows += fuzzed(where, count, kind)
            told(part, rows)
    return found


def fuzzed(where: World, count: int, kind: type[Fuzz] = Fuzz) -> list[dict[str, Any]]:
    """Sends odd bodies to the doors of a running gateway, and sees whether it still talks afterwards."""
    fuzz, on = kind(where), "PostgreSQL, WeChat sealed" if where.env["GATEWAY_DATABASE_URL"] else "SQLite, WeChat plain"
    to = "every webhook" if kind is Webhooks else "every door"
    statuses = asyncio.run(fuzz.run(count))
    lost = where.talk().replies("still here?") != [ECHO + "still here?"]
    for fault in fuzz.faults[:20]:
        print(fault, file=sys.stderr)
    seconds, door = fuzz.slowest
    return [
        row(f"bodies sent to {to} ({on})", sum(statuses.values()), str(count), sum(statuses.values()) == count),
        zero(f"answers of 500 and above from {to} ({on})", sum(n for status, n in statuses.items() if status >= 500)),
        zero(f"talks without an answer afterwards ({on})", int(lost)),
        row(f"different statuses of 2xx and 4xx seen ({on})", len(statuses), "5 at least", len(statuses) >= 5),
        row(f"of them taken in (2xx) ({on})", sum(n for status, n in statuses.items() if status // 100 == 2), "-", True),
        row(f"slowest answer to a fuzzed body, ms ({on}; {door})", round(seconds * 1000), "-", True),
    ]


@contextlib.contextmanager
def running(*, database: str = "sqlite", aes: bool = False) -> Iterator[World]:
    """Runs a gateway with every channel, on a database of its own."""
    url = postgres() if database == "postgresql" else ""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="jiebang-proofs-"))
    where = world(folder, GATEWAY_DATABASE_URL=url, **Fuzz.environment(aes=aes))
    try:
        yield where.start("rasa", "binding", "platforms", "gateway")
    finally:
        where.close()
        shutil.rmtree(folder, ignore_errors=True)
        if url:
            drop(url)


def main() -> None:
    """Measures the parts named as arguments (all by default), prints and writes the report; ends with 1 when a target was missed."""
    path = ROOT / "var" / "reports" / "gateway.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = sys.argv[1:] or PARTS

    def write(part: str, rows: list[dict[str, Any]]) -> None:
        kept = [one for one in json.loads(path.read_text()) if one.get("part") != part] if path.exists() else []
        path.write_text(json.dumps(kept + [{"part": part} | one for one in rows], indent=2, ensure_ascii=False) + "\n")
        for one in rows:
            print(f"{'ok  ' if one['ok'] else 'MISS'} {one['property']:76} {one['figure']:>10} (target {one['target']})", flush=True)

    found = measure(SCALES[os.environ.get("SCALE", "short")], parts, report=write)
    sys.exit(0 if all(one["ok"] for one in found) else 1)


if __name__ == "__main__":
    main()
