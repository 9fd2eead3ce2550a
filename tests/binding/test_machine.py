"""Operations and codes against a model: whatever the order of steps, the ledger and the model agree.

The same model runs against the routes in this process, many times, and against real processes over HTTP, a few times.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .conftest import Cluster, eventually
from .inside import Inside, inside

THINGS = ("1111", "2222", "alipay")
EXAMPLES, STEPS = int(os.environ.get("BINDING_EXAMPLES", "200")), int(os.environ.get("BINDING_STEPS", "30"))
EXAMPLES_OVER_HTTP = int(os.environ.get("BINDING_EXAMPLES_OVER_HTTP", "4"))


class Outside:
    """Real processes over HTTP, with the doors of `Inside`."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.customer, self.advance, self.bank = cluster.customer, cluster.advance, cluster.bank

    def settle(self, outcome: str) -> None:
        """End what waits at the bank; the operations follow."""
        self.cluster.sandbox("POST", "/bank/settle", {"outcome": outcome})


class Ledger(RuleBasedStateMachine):
    """One customer with two cards and a wallet; the model keeps what the limits and states must be."""

    world: Inside | Outside

    @initialize()
    def open_account(self) -> None:
        self.world.bank("ok")
        cards = [{"bank": "cmb", "tail": tail} for tail in THINGS[:2]]
        self.customer = self.world.customer(cards=cards, wallets=["alipay"])
        self.mode, self.now = "ok", 0.0
        self.bound = set(THINGS)
        self.ops: dict[str, dict[str, Any]] = {}  # thing → {op, wrong, step, challenge, code, pending}
        self.ended: list[tuple[dict[str, Any], str]] = []
        self.sends: list[float] = []
        self.failures: list[float] = []
        self.live: str | None = None
        self.live_until = 0.0
        self.ids = {t: self.customer.card(t)["id"] for t in THINGS[:2]}
        self.ids["alipay"] = self.customer.get("/wallets")["items"][0]["id"]
        self.last: tuple[str, Any, str, int, Any] | None = None

    def _post(self, path: str, body: Any) -> Any:
        key = uuid.uuid4().hex
        answer = self.customer.call("POST", path, body, key=key)
        kept = answer.status_code not in (404, 423, 429) and answer.status_code < 500
        self.last = (path, body, key, answer.status_code, answer.json()) if kept else None
        return answer

    def _expire(self) -> None:
        for thing in [t for t, o in self.ops.items() if not o["pending"] and self.now - o["step"] >= 1800]:
            self._close(thing, "expired")

    def _close(self, thing: str, status: str) -> None:
        self.ended.append((self.ops.pop(thing)["op"], status))
        if self.live == thing:
            self.live = None
        if status == "succeeded":
            self.bound.discard(thing)

    def _locked(self) -> bool:
        return len([f for f in self.failures if self.now - f < 86400]) >= 10

    @rule(thing=st.sampled_from(THINGS))
    def ask(self, thing: str) -> None:
        self._expire()
        kind = "wallet.unbind" if thing == "alipay" else "card.unbind"
        answer = self._post("/operations", {"kind": kind, "target": self.ids[thing]})
        if thing in self.ops:
            assert (answer.status_code, answer.json()["operation_id"]) == (409, self.ops[thing]["op"]["id"])
        elif thing not in self.bound:
            assert (answer.status_code, answer.json()["code"]) == (409, "already_done")
        else:
            assert answer.status_code == 201, answer.text
            entry = {"op": answer.json(), "wrong": 0, "step": self.now, "challenge": None, "code": None}
            self.ops[thing] = entry | {"pending": False}

    @precondition(lambda self: self.ops)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        self._expire()
        if not self.ops:
            return
        self._send(data.draw(st.sampled_from(sorted(self.ops))))

    def _send(self, thing: str) -> None:
        entry = self.ops[thing]
        path = f"/operations/{entry['op']['id']}/challenges"
        body = {"method": "sms", "effects_version": entry["op"]["effects_version"]}
        answer = self._post(path, body)
        if entry["pending"]:
            assert (answer.status_code, answer.json()["code"]) == (409, "operation_closed")
            return
        if answer.status_code == 409:
            # Effects move when another thing goes: the new version comes with the refusal, and is asked again.
            assert answer.json()["code"] == "effects_changed"
            body = body | {"effects_version": answer.json()["effects_version"]}
            answer = self._post(path, body)
        if answer.status_code != 423:
            # The customer's yes to these effects holds for the code that is there, also when no other may be sent.
            entry["op"] = entry["op"] | {"effects_version": body["effects_version"]}
        today = [s for s in self.sends if self.now - s < 86400]
        if self._locked():
            assert answer.status_code == 423
        elif today and self.now - today[-1] < 60:
            assert (answer.status_code, answer.json()["code"]) == (429, "send_too_soon")
        elif len(today) >= 5:
            assert (answer.status_code, answer.json()["code"]) == (429, "daily_send_limit")
        else:
            assert answer.status_code == 201, answer.text
            assert answer.json()["attempts_left"] == 3 - entry["wrong"]
            self.sends.append(self.now)
            entry |= {"challenge": answer.json()["id"], "code": self.customer.code(), "step": self.now}
            self.live, self.live_until = thing, self.now + 300

    @precondition(lambda self: any(o["challenge"] for o in self.ops.values()))
    @rule(right=st.booleans(), data=st.data())
    def answer(self, right: bool, data: st.DataObject) -> None:
        self._expire()
        waiting = sorted(t for t, o in self.ops.items() if o["challenge"])
        if not waiting:
            return
        self._answer(data.draw(st.sampled_from(waiting)), right)

    def _answer(self, thing: str, right: bool) -> None:
        entry = self.ops[thing]
        code = entry["code"] if right else f"{(int(entry['code']) + 7) % 10**6:06d}"
        answer = self._verify(entry, code)
        if answer.json().get("code") == "effects_changed":
            # To name the new version is no yes: the code stands for the effects that it was sent for until the customer says so.
            entry["op"] = entry["op"] | {"effects_version": answer.json()["effects_version"]}
            assert self._verify(entry, code).json()["code"] == "effects_changed"
            self._send(thing)
            code = entry["code"] if right else f"{(int(entry['code']) + 7) % 10**6:06d}"
            answer = self._verify(entry, code)
        if entry["pending"]:
            assert (answer.status_code, answer.json()["code"]) == (409, "code_used")
        elif self.live != thing:
            assert (answer.status_code, answer.json()["code"]) == (409, "code_replaced")
        elif self.now >= self.live_until:
            assert (answer.status_code, answer.json()["code"]) == (410, "code_expired")
        elif self._locked():
            assert answer.status_code == 423
        elif right:
            assert answer.status_code in (200, 202), answer.text
            wanted = {"ok": "succeeded", "reject": "failed", "pending": "pending"}[self.mode]
            self.customer.until(entry["op"], wanted)
            self.live = None
            if wanted == "pending":
                entry["pending"] = True
            else:
                self._close(thing, wanted)
        else:
            entry["wrong"] += 1
            entry["step"] = self.now
            self.failures.append(self.now)
            assert (answer.status_code, answer.json()["attempts_left"]) == (422, 3 - entry["wrong"])
            if entry["wrong"] == 3:
                self._close(thing, "failed")

    def _verify(self, entry: dict[str, Any], code: str) -> Any:
        body = {"code": code, "effects_version": entry["op"]["effects_version"]}
        return self._post(f"/challenges/{entry['challenge']}/verify?wait=5", body)

    @rule(thing=st.sampled_from(THINGS), first_wrong=st.booleans())
    def go_all_the_way(self, thing: str, first_wrong: bool) -> None:
        self.wait(70)
        self.ask(thing)
        if thing in self.ops:
            self._send(thing)
        for right in (False, True) if first_wrong else (True,):
            if thing in self.ops and self.ops[thing]["challenge"]:
                self._answer(thing, right)

    @precondition(lambda self: self.ops)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self._expire()
        if not self.ops:
            return
        thing = data.draw(st.sampled_from(sorted(self.ops)))
        answer = self._post(f"/operations/{self.ops[thing]['op']['id']}/cancel", {})
        if self.ops[thing]["pending"]:
            assert (answer.status_code, answer.json()["code"]) == (409, "operation_closed")
        else:
            assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
            self._close(thing, "cancelled")

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeat_the_last_request(self) -> None:
        path, body, key, status, said = self.last  # type: ignore[misc]
        again = self.customer.call("POST", path, body, key=key)
        assert again.headers.get("Idempotent-Replayed") == "true"
        if "verify" in path and status in (200, 202):
            assert (again.status_code, again.json()["id"]) == (200, said["id"])
        else:
            assert (again.status_code, again.json()) == (status, said)
        if body:  # to cancel takes none
            other = self.customer.call("POST", path, self._another(body), key=key)
            assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    @staticmethod
    def _another(body: dict[str, Any]) -> dict[str, Any]:
        """Change a body that its route still understands."""
        return body | ({"target": body["target"] + "x"} if "target" in body else {"effects_version": "0" * 16})

    @rule(mode=st.sampled_from(["ok", "ok", "reject", "pending"]))
    def the_bank_changes_its_mood(self, mode: str) -> None:
        self.world.bank(mode)
        self.mode = mode

    @precondition(lambda self: any(o["pending"] for o in self.ops.values()))
    @rule(outcome=st.sampled_from(["done", "rejected"]))
    def the_bank_decides(self, outcome: str) -> None:
        self.world.settle(outcome)
        for thing in [t for t, o in self.ops.items() if o["pending"]]:
            status = "succeeded" if outcome == "done" else "failed"
            self.customer.until(self.ops[thing]["op"], status)
            self._close(thing, status)

    @rule(seconds=st.sampled_from([30, 70, 290, 320, 1830, 90_000]))
    def wait(self, seconds: int) -> None:
        self.world.advance(seconds)
        self.now += seconds

    @invariant()
    def things_are_as_the_model_has_them(self) -> None:
        if hasattr(self, "customer"):
            # What is on its way has not gone yet.
            pending = {t for t, o in self.ops.items() if o["pending"]}
            states = {t: "unbinding" if t in pending else "bound" for t in self.bound if t != "alipay"}
            assert self.customer.card_states() == states

    def teardown(self) -> None:
        for op, status in getattr(self, "ended", []):
            assert self.customer.operation(op)["status"] == status


def check(world: Inside | Outside, examples: int, steps: int = STEPS) -> None:
    """Run the model against a world."""
    limits = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(type("LedgerHere", (Ledger,), {"world": world}), settings=limits)


def test_the_ledger_agrees_with_the_model(tmp_path: Path, record_property: Any) -> None:
    with inside(tmp_path) as world:
        check(world, EXAMPLES)
        assert len(world.done_at_bank) == len(set(world.done_at_bank))
    record_property("examples", EXAMPLES)
    record_property("steps each", STEPS)


def test_the_processes_agree_with_the_model(cluster: Cluster, record_property: Any) -> None:
    if "BINDING_DATABASE_URL" in cluster.env and "BINDING_MACHINE_BOTH" not in os.environ:
        pytest.skip("the short run is on SQLite; `make torture` runs both")
    check(Outside(cluster), EXAMPLES_OVER_HTTP, 20)
    eventually(lambda: all(r["done"] <= 1 for r in cluster.bank_requests().values()))
    record_property("examples over HTTP", EXAMPLES_OVER_HTTP)
