"""Plays a transcript (YAML) against the real processes: what the customer says, what must be answered, what must be true afterwards.

A transcript holds `account` (the body of POST /sandbox/accounts, or null), `language`, `anonymous: true` (the customer has an account but is not signed in), and `turns`. A turn is one step:
  user: a text to say            press: a button's title (a part of it)        again: true (the last message once more, with the same client id)
  code: right | wrong | old | full sentence with {code}
  secure: {password: …} or {number, holder, id_number, phone}     fills in the secure page that the newest reply links to
  sign_in: true                  clock: seconds to advance
  bank: ok | slow | pending | reject | down | lost_reply         settle: true
  kill: a process                start: a process                restart: a process (SIGTERM, then again)
  away: minutes of silence (the assistant's memory of the talk and the bank's clock are that much older)        suspended: the tail of a card that its bank suspends
  rates: 1 to 5                  window: a number               the same customer's first, second … conversation, opened when it is new
  agent: take | hand_back | close | begin 1234 (the unbinding of that card) | confirm (it: the code goes out) | a sentence that the agent says
and, beside it, what must hold after it:
  says: [parts of the reply]     never: [parts that must not appear]     buttons: [titles]     no_buttons: [titles]     silent: true
  fails: HTTP status             mode: bot | queue | human               language: zh | en     card: {field of the reply's card: value}
  hears: [parts]                 waits until a message with all parts stands in the history      once: [parts] (exactly one such message)
  asked: how many times so far a score was asked for (waits for as many)
  cards: [tails still bound]     wallets: [kinds]     agreements: [merchants]     quick_pay: {tail: bool}
  operation: {kind, status}      an operation of the true state, waited for          operations: [statuses, oldest first]
  phone: [parts]                 the newest message on the phone contains them       codes: how many codes were sent so far
  ticket: {reason, priority …}   what the desk's queue shows of this talk; null: it shows none
  ratings: [scores]              by these scores the supervisor's report has grown since the transcript began
"""
from __future__ import annotations

import json
import pathlib
import sqlite3
import uuid
from functools import lru_cache
from typing import Any

import requests
import yaml

from tests.e2e.customer import Customer, open_account, until
from tools.stack import Stack

STEPS = {"user", "press", "again", "code", "secure", "sign_in", "clock", "bank", "settle", "kill", "start", "restart", "window", "agent", "away", "suspended", "rates"}
STATE = {"cards", "wallets", "agreements", "quick_pay", "operation", "operations", "phone", "codes"}
DESK = {"ticket", "ratings"}
CHECKS = {"says", "never", "buttons", "no_buttons", "silent", "fails", "mode", "language", "card", "hears", "once", "asked", *STATE, *DESK}


@lru_cache
def agent_of(url: str, name: str = "agent") -> Agent:
    """Returns one of the desk's people, signed in once (checking a password takes its time on purpose)."""
    return Agent(url, name)


class Agent:
    """A person at the desk."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.http = f"{url}/api/desk/v1", requests.Session()
        answer = self.http.post(f"{self.url}/session", json={"username": name, "password": name}, timeout=30)
        assert answer.ok, answer.text
        self.http.headers["X-CSRF-Token"] = answer.json()["csrf"]
        self.begun: dict[str, dict[str, Any]] = {}

    def does(self, conversation: str, what: str) -> None:
        """Takes the talk, hands it back, closes it, begins or confirms an unbinding, or says something in it."""
        path, body = {"take": ("take", None), "hand_back": ("hand-back", None), "close": ("close", {"wrap_up": "solved"})}.get(what, ("messages", {"text": what, "client_id": uuid.uuid4().hex}))
        if what.startswith("begin "):
            cards = self.sees(f"conversations/{conversation}/customer")["cards"]
            card = next(card["id"] for card in cards if card["tail"] == what.removeprefix("begin "))
            path, body = "operations", {"kind": "card.unbind", "target": card, "client_id": uuid.uuid4().hex}
        elif what == "confirm":
            begun = self.begun[conversation]
            path, body = f"operations/{begun['id']}/confirm", {"effects_version": begun["effects_version"], "client_id": uuid.uuid4().hex}
        answer = self.http.post(f"{self.url}/conversations/{conversation}/{path}", json=body, timeout=30)
        assert answer.ok, f"{what}: {answer.status_code} {answer.text}"
        if path == "operations":
            self.begun[conversation] = answer.json()["operation"]

    def sees(self, path: str, **params: Any) -> dict[str, Any]:
        """Returns what the desk shows at a path."""
        answer = self.http.get(f"{self.url}/{path}", params=params, timeout=30)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return dict(answer.json())

    def ticket(self, conversation: str) -> dict[str, Any] | None:
        """Returns the ticket of a talk that waits in the queue."""
        cursor: dict[str, str] = {}
        while True:
            page = self.sees("conversations", state="queue", limit=100, **cursor)
            found = next((dict(row["ticket"]) for row in page["items"] if row["id"] == conversation), None)
            if found or not page["next_cursor"]:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def ratings(self) -> tuple[int, float]:
        """Returns how many scores the report holds, and their sum."""
        totals = self.sees("reports")["totals"]
        return totals["ratings"], totals["ratings"] * (totals["satisfaction"] or 0.0)


class Player:
    """Plays one transcript."""

    def __init__(self, stack: Stack, script: dict[str, Any]) -> None:
        self.stack, self.script = stack, script
        self.account = open_account(stack.url, language=script["language"], **script["account"]) if script.get("account") else None
        self.windows: dict[int, Customer] = {}
        self.open_window(1)
        self.reply, self.status = "", 200
        self.last_text = ("", "")
        self.seen: list[str] = []
        self.spoken: list[str] = []
        self.rated = agent_of(stack.url, "supervisor").ratings() if any("ratings" in turn for turn in script["turns"]) else (0, 0.0)

    def open_window(self, number: int) -> None:
        """Turns to one of the customer's conversations."""
        if number not in self.windows:
            account = None if self.script.get("anonymous") else self.account
            self.windows[number] = Customer(self.stack.url, account=account, language=self.script["language"])
        self.customer = self.windows[number]

    def play(self) -> None:
        """Plays every turn; an AssertionError names the turn and what was said so far."""
        self.bank("ok")
        try:
            for number, turn in enumerate(self.script["turns"], 1):
                unknown = set(turn) - STEPS - CHECKS
                assert not unknown, f"unknown keys {unknown}"
                try:
                    self.step(turn)
                    self.check(turn)
                except AssertionError as error:
                    raise AssertionError(f"turn {number}: {error}\n" + "\n".join(self.spoken)) from error
        finally:
            for process in self.stack.processes.values():
                if not process.alive():
                    self.stack.restart(process.name)
            self.bank("ok")

    def bank(self, mode: str) -> None:
        """Sets the bank's mode."""
        assert requests.put(f"{self.stack.url}/sandbox/bank", json={"mode": mode}, timeout=30).ok

    def step(self, turn: dict[str, Any]) -> None:
        """Does what the turn does."""
        if "user" in turn:
            self.say(turn["user"])
        elif "again" in turn:
            self.post("messages", {"text": self.last_text[0], "client_id": self.last_text[1]}, said=f"{self.last_text[0]} (again)")
        elif "press" in turn:
            self.press(turn["press"])
        elif "code" in turn:
            self.say(self.code(str(turn["code"])))
        elif "secure" in turn:
            self.fill_in(turn["secure"])
        elif "sign_in" in turn:
            self.reply = self.customer.signs_in(self.account or "")
            self.note("(signs in)")
        elif "clock" in turn:
            assert requests.post(f"{self.stack.url}/sandbox/clock", json={"advance_s": turn["clock"]}, timeout=30).ok
        elif "bank" in turn:
            self.bank(turn["bank"])
        elif "settle" in turn:
            assert requests.post(f"{self.stack.url}/sandbox/bank/settle", timeout=30).ok
        elif "kill" in turn:
            self.seen = self.codes() if self.account else []
            self.stack.kill(turn["kill"])
        elif "start" in turn:
            self.stack.restart(turn["start"])
        elif "restart" in turn:
            self.stack[turn["restart"]].end()
            self.stack.restart(turn["restart"])
        elif "window" in turn:
            self.open_window(turn["window"])
        elif "away" in turn:
            self.away(seconds=60 * turn["away"])
        elif "suspended" in turn:
            with sqlite3.connect(self.stack.home / "binding.sqlite", timeout=20) as ledger:
                assert ledger.execute("UPDATE cards SET state = 'suspended' WHERE account_id = ? AND tail = ?", (self.account, turn["suspended"])).rowcount == 1
        elif "rates" in turn:
            answer = self.customer.post("feedback", {"score": turn["rates"]})
            assert answer.status_code == 204, answer.text
        elif "agent" in turn:
            agent_of(self.stack.url).does(self.customer.id, turn["agent"])

    def away(self, *, seconds: float) -> None:
        """Lets time pass: what Rasa remembers of this talk is as old as if it had, which ends its session after an hour."""
        with sqlite3.connect(self.stack.home / "rasa.sqlite", timeout=20) as memory:
            for row, data in memory.execute("SELECT id, data FROM events WHERE sender_id = ?", (self.customer.id,)).fetchall():
                event = json.loads(data)
                event["timestamp"] -= seconds
                memory.execute("UPDATE events SET timestamp = ?, data = ? WHERE id = ?", (event["timestamp"], json.dumps(event), row))
        assert requests.post(f"{self.stack.url}/sandbox/clock", json={"advance_s": int(seconds)}, timeout=30).ok

    def say(self, text: str) -> None:
        """Says a text."""
        self.last_text = (text, uuid.uuid4().hex)
        self.post("messages", {"text": text, "client_id": self.last_text[1]}, said=text)

    def press(self, title: str) -> None:
        """Presses a button of the newest replies."""
        shown = [button for reply in reversed(self.customer.replies) for button in reply.get("buttons", [])]
        token = next((button["token"] for button in shown if title in button["title"] and button.get("token")), None)
        assert token, f"no button {title!r} in {[button['title'] for button in shown]}"
        self.post("press", {"token": token, "client_id": uuid.uuid4().hex}, said=f"[{title}]")

    def post(self, path: str, body: dict[str, Any], *, said: str) -> None:
        """Sends one turn and keeps what was answered."""
        answer = self.customer.post(path, body)
        self.status = answer.status_code
        if answer.ok:
            self.customer.last = answer.json()
            self.customer.replies = self.customer.last["replies"]
        self.reply = "\n".join(reply["text"] for reply in self.customer.replies) if answer.ok else f"({answer.status_code} {answer.text})"
        self.note(said)

    def fill_in(self, form: dict[str, str]) -> None:
        """Sends the secure page's form, as its script does with the bearer that the widget gave it."""
        urls = [button["url"] for reply in self.customer.replies for button in reply.get("buttons", []) if button.get("url")]
        assert urls, f"no link to a secure page: {self.reply}"
        assert requests.get(self.stack.url + urls[-1], timeout=30).ok
        answer = requests.post(self.stack.url + urls[-1], json=form, headers=self.customer.headers, timeout=30)
        self.status = answer.status_code
        self.reply = f"({answer.status_code} {answer.json().get('code', '')})"
        self.note("(fills in the secure page)")

    def note(self, said: str) -> None:
        """Keeps what was said, for the message of a failure."""
        self.spoken += [f"  customer: {said}", f"  assistant: {self.reply}"]

    def code(self, which: str) -> str:
        """Returns a code to type: the newest, a wrong one, the one before the newest, or a sentence around the newest."""
        codes = self.codes()
        assert codes, "no code was sent"
        if which == "wrong":
            return f"{(int(codes[-1]) + 1) % 1_000_000:06d}"
        if which == "old":
            return str(codes[-2])
        return codes[-1] if which == "right" else which.replace("{code}", codes[-1])

    def codes(self) -> list[str]:
        """Returns every code that arrived on the phone, oldest first; while the ledger is down, those seen before."""
        if not self.stack["binding"].alive():
            return self.seen
        self.customer.account = self.account
        return [message["code"] for message in self.customer.phone() if message.get("code")]

    def check(self, turn: dict[str, Any]) -> None:
        """Checks what must hold after the turn."""
        if set(turn) & {"user", "again", "press", "code", "secure"}:
            assert turn.get("fails", self.status) == self.status and (self.status < 400 or "fails" in turn), f"answered {self.status}: {self.reply}"
        for part in turn.get("says", []):
            assert part.casefold() in self.reply.casefold(), f"the reply lacks {part!r}: {self.reply!r}"
        for part in turn.get("never", []):
            assert part.casefold() not in self.reply.casefold(), f"the reply holds {part!r}: {self.reply!r}"
        if turn.get("silent"):
            assert not self.customer.replies, f"the assistant was to be silent: {self.reply!r}"
        titles = [button["title"] for reply in self.customer.replies for button in reply.get("buttons", [])]
        for title in turn.get("buttons", []):
            assert any(title in shown for shown in titles), f"no button {title!r} in {titles}"
        for title in turn.get("no_buttons", []):
            assert not any(title in shown for shown in titles), f"there is a button {title!r}"
        for name in ("mode", "language"):
            if name in turn:
                assert self.customer.last.get(name) == turn[name], f"{name} is {self.customer.last.get(name)!r}"
        if "card" in turn:
            drawn = [reply["card"] for reply in self.customer.replies if reply.get("card")]
            assert any(all(one.get(k) == v for k, v in turn["card"].items()) for one in drawn), f"no such card in {drawn}"
        self.check_history(turn)
        if self.account and set(turn) & STATE:
            self.check_state(turn)
        if set(turn) & DESK:
            self.check_desk(turn)

    def check_desk(self, turn: dict[str, Any]) -> None:
        """Checks what people at the desk see."""
        if "ticket" in turn:
            found = agent_of(self.stack.url).ticket(self.customer.id)
            wanted = turn["ticket"]
            assert (found is None) == (wanted is None) and all((found or {}).get(name) == value for name, value in (wanted or {}).items()), f"the ticket is {found}"
        if "ratings" in turn:
            count, total = agent_of(self.stack.url, "supervisor").ratings()
            # The report rounds its average.
            assert count - self.rated[0] == len(turn["ratings"]) and abs(total - self.rated[1] - sum(turn["ratings"])) < 0.5, f"the report grew from {self.rated} to {(count, total)}"

    def check_history(self, turn: dict[str, Any]) -> None:
        """Checks what stands in the conversation, whoever asked for it."""
        def found(part: str) -> list[str]:
            return [message["text"] for message in self.customer.history() if message["author"] != "customer" and part.casefold() in message["text"].casefold()]

        for part in [*turn.get("hears", []), *turn.get("once", [])]:
            try:
                until(lambda part=part: found(part), seconds=25)
            except AssertionError:
                raise AssertionError(f"never heard {part!r}: {[message['text'] for message in self.customer.history()][-3:]}") from None
        if "asked" in turn:
            until(lambda: self.asked() >= turn["asked"], seconds=25)
            assert self.asked() == turn["asked"], f"a score was asked for {self.asked()} times"
        for part in turn.get("once", []):
            assert len(found(part)) == 1, f"heard {len(found(part))} times: {part!r}"

    def asked(self) -> int:
        """Counts how many times a score was asked for."""
        return sum((message.get("card") or {}).get("type") == "rating" for message in self.customer.history())

    def check_state(self, turn: dict[str, Any]) -> None:
        """Checks the true state of the account."""
        self.customer.account = self.account
        state = self.customer.state()
        if "operation" in turn:
            wanted = turn["operation"]

            def as_wanted() -> dict[str, Any] | None:
                now = self.customer.state()
                return now if any(all(operation[k] == v for k, v in wanted.items()) for operation in now["operations"]) else None

            try:
                state = until(as_wanted, seconds=25)
            except AssertionError:
                raise AssertionError(f"no operation {wanted} in {self.customer.state()['operations']}") from None
        if "operations" in turn:
            assert sorted(operation["status"] for operation in state["operations"]) == sorted(turn["operations"]), f"operations: {state['operations']}"
        if "cards" in turn:
            assert sorted(card["tail"] for card in state["cards"]) == sorted(map(str, turn["cards"])), f"cards: {state['cards']}"
        if "wallets" in turn:
            assert sorted(wallet["kind"] if isinstance(wallet, dict) else wallet for wallet in state["wallets"]) == sorted(turn["wallets"]), f"wallets: {state['wallets']}"
        if "agreements" in turn:
            assert sorted(agreement["merchant"] for agreement in state["agreements"]) == sorted(turn["agreements"]), f"agreements: {state['agreements']}"
        for tail, on in turn.get("quick_pay", {}).items():
            assert {card["tail"]: card["quick_pay"] for card in state["cards"]}[str(tail)] is on, f"quick payment of {tail}: {state['cards']}"
        for part in turn.get("phone", []):
            try:
                until(lambda part=part: any(part in message["text"] for message in self.customer.phone()), seconds=15)
            except AssertionError:
                raise AssertionError(f"the phone lacks {part!r}: {[message['text'] for message in self.customer.phone()]}") from None
        if "codes" in turn:
            assert len(self.codes()) == turn["codes"], f"{len(self.codes())} codes were sent"


def scripts() -> list[pathlib.Path]:
    """Returns every transcript, in the folders named by their phenomenon."""
    return sorted(pathlib.Path(__file__).parent.glob("*/*.yml"))


def load(path: pathlib.Path) -> dict[str, Any]:
    """Reads one transcript."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))
