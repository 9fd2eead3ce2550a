"""The desk under load: fifty live chats and some calls at once, the trained model behind them. How soon help and news are on an agent's page.

    python -m bench.desk        # TALKS=50 CALLS=5 LINES=4 PAUSE_S=8; prints a table, writes JIEBANG_HOME/reports/desk.json

Every customer writes a line each PAUSE_S seconds or so; the agent's page asks for help to each, as it does by itself, and the agent answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tools.stack import ROOT, Stack, free_ports

TALKS, CALLS, LINES, PAUSE_S = (
    int(os.environ.get(name, value)) for name, value in (("TALKS", 50), ("CALLS", 5), ("LINES", 4), ("PAUSE_S", 8))
)
PATIENCE_S, START_S = 30.0, 300
# What each is to keep at its 95th percentile, in milliseconds; None: told, not held.
GOALS = {
    "a caller's line → help (typed, in its answer)": 150,
    "a customer's line → help (asked for by the page)": 150,
    "a customer's line → the agent's page": None,
    "a wish for a person → the queue on a page": None,
    "a take → a colleague's page": None,
    "an agent's line → its answer": None,
}
SAID = {
    "zh": ["解绑要多久才能好", "帮我解绑尾号1234的招行卡", "续费会不会停", "收不到验证码", "怎么关闭快捷支付", "支付宝也想解绑", "我的卡被盗刷了怎么办", "绑了什么", "客服电话多少", "手机号换了怎么验证"],
    "en": ["how long does it take", "unbind my CMB card ending 1234 please", "do my renewals stop", "I get no code", "turn quick payment off", "unlink alipay", "my card was stolen", "what is on my account", "what is the hotline", "my phone number changed"],
}  # fmt: skip


class Refused(RuntimeError):
    """An answer with an error's status."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status} {words}")
        self.status = status


@dataclass
class Desk:
    """One person of the desk: a session, and what the stream told it of each talk."""

    url: str
    http: aiohttp.ClientSession
    csrf: str = ""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def sign_in(self, name: str) -> None:
        """Signs in."""
        async with self.http.post(self.url + "/session", json={"username": name, "password": name}) as answer:
            self.csrf = (await answer.json())["csrf"]

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Calls the desk's API; raises on an error."""
        headers = {"X-CSRF-Token": self.csrf}
        async with self.http.request(method, self.url + path, json=body, headers=headers) as answer:
            if answer.status >= 400:
                raise Refused(answer.status, f"{method} {path}: {await answer.text()}")
            return await answer.json(content_type=None)

    async def listen(self, ready: asyncio.Event) -> None:
        """Reads the event stream."""
        name = ""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
        async with self.http.get(self.url + "/stream", timeout=timeout) as stream:
            async for raw in stream.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line[7:]
                    if name == "resync":
                        ready.set()
                elif line.startswith("data: ") and name == "conversation":
                    row = json.loads(line[6:])
                    async with self.news:
                        self.rows[row["id"]] = row
                        self.news.notify_all()

    async def until(self, talk: str, check: Any) -> None:
        """Waits until the row of a talk is as wanted."""
        async with self.news:
            await asyncio.wait_for(self.news.wait_for(lambda: talk in self.rows and check(self.rows[talk])), PATIENCE_S)


class Bench:
    """Customers, callers and two people of the desk on one running Jiebang."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession, agent: Desk, boss: Desk) -> None:
        self.url, self.http, self.agent, self.boss = stack.url, http, agent, boss
        self.samples: defaultdict[str, list[float]] = defaultdict(list)
        self.without = 0

    def took(self, name: str, began: float) -> None:
        """Keeps one measurement."""
        assert name in GOALS
        self.samples[name].append(time.perf_counter() - began)

    async def post(self, path: str, body: Any, token: str | None = None) -> Any:
        """Posts as a customer does."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.post(self.url + path, json=body, headers=headers) as answer:
            if answer.status >= 400:
                raise Refused(answer.status, f"{path}: {await answer.text()}")
            return await answer.json(content_type=None)

    async def account(self, language: str) -> tuple[str, str]:
        """Makes a customer; returns (account, phone)."""
        phone = f"139{uuid.uuid4().int % 10**8:08d}"
        cards = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}]
        body = {"language": language, "phone": phone, "cards": cards, "wallets": ["alipay"]}
        return (await self.post("/sandbox/accounts", body))["account"], phone

    async def chat(self, number: int) -> None:
        """One customer, from the wish for a person to the last answer."""
        language = ("zh", "en")[number % 2]
        account, _ = await self.account(language)
        customer = (await self.post("/sandbox/login", {"account": account}))["token"]
        begun = await self.post("/api/v1/conversations", {"language": language}, customer)
        talk, token = begun["id"], begun["token"]
        at, mine = f"/api/v1/conversations/{talk}/messages", f"/conversations/{talk}"
        await self.post(
            at,
            {"text": "转人工" if language == "zh" else "I want to talk to a person", "client_id": uuid.uuid4().hex},
            token,
        )
        # The queue is changed before the customer's own answer: what is measured is what comes after that.
        began = time.perf_counter()
        await self.agent.until(talk, lambda row: row["mode"] == "queue")
        self.took("a wish for a person → the queue on a page", began)
        began = time.perf_counter()
        await self.agent.ask("POST", mine + "/take")
        await self.boss.until(talk, lambda row: row["mode"] == "human")
        self.took("a take → a colleague's page", began)
        for line in range(LINES):
            await asyncio.sleep(random.uniform(0.5, 1.5) * PAUSE_S)
            text = f"{random.choice(SAID[language])} {line}"
            began = time.perf_counter()
            seen = asyncio.create_task(self.agent.until(talk, lambda row, text=text: row["last"]["text"] == text))
            said = await self.post(at, {"text": text, "client_id": uuid.uuid4().hex}, token)
            await seen
            self.took("a customer's line → the agent's page", began)
            began = time.perf_counter()
            offered = await self.help(f"{mine}/assist?message={said['id']}")
            self.took("a customer's line → help (asked for by the page)", began)
            answer = {"text": offered[0]["text"] if offered else "…", "client_id": uuid.uuid4().hex}
            if offered:
                answer["suggestion"] = {"message": said["id"], "label": offered[0]["label"], "text": offered[0]["text"]}
            began = time.perf_counter()
            await self.agent.ask("POST", mine + "/messages", answer)
            self.took("an agent's line → its answer", began)

    async def help(self, path: str) -> list[dict[str, Any]]:
        """Returns the best suggestion, if there is one; counts the lines to which none came in time."""
        try:
            return (await self.agent.ask("GET", path))["suggestions"][:1]
        except Refused as refused:
            if refused.status != 503:
                raise
            self.without += 1
            return []

    async def call(self, number: int) -> None:
        """One verified call whose caller's lines are typed along."""
        language = ("zh", "en")[number % 2]
        account, phone = await self.account(language)
        call = (await self.agent.ask("POST", "/calls", {"phone": phone, "language": language}))["id"]
        await self.agent.ask("POST", f"/calls/{call}/challenge")
        async with self.http.get(f"{self.url}/sandbox/phones/{account}") as answer:
            code = [one["code"] for one in (await answer.json())["messages"] if one.get("code")][-1]
        await self.agent.ask("POST", f"/calls/{call}/verify", {"code": code})
        for _ in range(LINES * 4):
            await asyncio.sleep(random.uniform(0.5, 1.5) * PAUSE_S / 4)
            began = time.perf_counter()
            body = {"speaker": "caller", "text": random.choice(SAID[language]), "client_id": uuid.uuid4().hex}
            told = await self.agent.ask("POST", f"/calls/{call}/transcript", body)
            self.took("a caller's line → help (typed, in its answer)", began)
            self.without += told["assist"] is None

    async def run(self) -> None:
        """Runs all of them at once; they come in over a few seconds, as people do."""

        async def later(work: Any) -> None:
            await asyncio.sleep(random.uniform(0, PAUSE_S))
            await work

        await asyncio.gather(*(later(self.chat(n)) for n in range(TALKS)), *(later(self.call(n)) for n in range(CALLS)))


def table(samples: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Returns a row for each measurement: how many, the median, the 95th percentile and its goal."""
    rows = []
    for name, goal in GOALS.items():
        ordered = sorted(one * 1000 for one in samples.get(name, []))
        if ordered:
            p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
            figures = {"p50_ms": round(statistics.median(ordered), 1), "p95_ms": round(p95, 1)}
            rows.append(
                {"what": name, "n": len(ordered), **figures, "goal_ms": goal, "ok": goal is None or p95 <= goal}
            )
    return rows


async def measure(stack: Stack) -> tuple[list[dict[str, Any]], int]:
    """Returns the table of one run against a running stack, and how many lines got no help because the brain was too slow."""
    limit = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with (
        aiohttp.ClientSession(connector=limit, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http,
        # Cookies of an address without a name are kept too.
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout) as one,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout) as two,
    ):
        people = [Desk(stack.url + "/api/desk/v1", session) for session in (one, two)]
        ears = []
        for person, name in zip(people, ("agent", "supervisor"), strict=True):
            await person.sign_in(name)
            ready = asyncio.Event()
            ears.append(asyncio.create_task(person.listen(ready)))
            await asyncio.wait_for(ready.wait(), PATIENCE_S)
        bench = Bench(stack, http, *people)
        try:
            await bench.run()
        finally:
            for ear in ears:
                ear.cancel()
            await asyncio.gather(*ears, return_exceptions=True)
        return table(bench.samples), bench.without


def main() -> None:
    """Starts a Jiebang of its own, measures, prints and keeps the table."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="jiebang-bench-desk-"))
    # Weights that are prepared already are not prepared again: that takes longer than all the rest of the start.
    ready = pathlib.Path(os.environ.get("JIEBANG_HOME") or ROOT / "var") / "weights"
    if ready.is_dir():
        shutil.copytree(ready, home / "weights")
    stack = Stack(home=home, ports=free_ports())
    try:
        stack.start()
        stack.wait(seconds=START_S)
        rows, without = asyncio.run(measure(stack))
    finally:
        stack.stop()
        shutil.rmtree(home, ignore_errors=True)
    print(f"{TALKS} chats and {CALLS} calls at once")
    print(f"{'':52}{'n':>6}{'p50 ms':>10}{'p95 ms':>10}{'goal':>8}")
    for row in rows:
        print(
            f"{row['what']:52}{row['n']:>6}{row['p50_ms']:>10}{row['p95_ms']:>10}{row['goal_ms'] or '':>8}{'' if row['ok'] else '  missed'}"
        )
    print(f"lines without help: {without}")
    reports = pathlib.Path(os.environ.get("JIEBANG_HOME") or ROOT / "var") / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "desk.json").write_text(
        json.dumps(
            {"talks": TALKS, "calls": CALLS, "without_help": without, "rows": rows}, indent=2, ensure_ascii=False
        )
        + "\n"
    )
    sys.exit(0 if not without and all(row["ok"] for row in rows) else 1)


if __name__ == "__main__":
    main()
