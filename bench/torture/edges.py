"""Every crash edge: for each kind of work and each k, the process exits at the k-th edge, starts again, and all must be well."""

from __future__ import annotations

import collections
import contextlib
import json
import random
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import requests
import sqlalchemy as sa

from bench.torture.common import FULL, TINY, Campaign, Found, Row, cluster_on, patiently, row, scaled, told, total
from tests.binding.browser import Browser
from tests.binding.conftest import Cluster, Customer, eventually

CARDS = [{"bank": "cmb", "tail": "1234"}]
NEW_CARD = {"number": "6225880212345673", "holder": "王小明", "id_number": "11010519491231002X", "phone": "13800138000"}


class Trial:
    """One account, one piece of work, at most one death."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.plan = cluster, Path(cluster.env["DOOM_FILE"])
        self.op = ""
        self.nonce = uuid.uuid4().hex[:8]

    def arm(self, k: int) -> None:
        """Plan the death."""
        self.plan.write_text(f"{k} {self.nonce}{'' if k else 'off'}")

    def died_at(self) -> str | None:
        """Tell where the process died, if it did."""
        deaths = self.plan.with_suffix(".deaths")
        lines = deaths.read_text().splitlines() if deaths.exists() else []
        return next((line for line in lines if f" {self.nonce} " in line), None)

    def by_code(self, customer: Customer, kind: str, target: str) -> None:
        """Ask, have a code sent, answer it: each request again with its key until it is answered."""
        asked = patiently(
            lambda: customer.call("POST", "/operations", {"kind": kind, "target": target}, key="ask")
        ).json()
        op = asked.get("operation", asked)
        self.op = op["id"]
        body = {"method": "sms", "effects_version": op["effects_version"]}
        path = f"/operations/{self.op}/challenges"
        sent = patiently(lambda: customer.call("POST", path, body, key="send")).json()
        answer = {"code": customer_code(customer), "effects_version": op["effects_version"]}
        patiently(lambda: customer.call("POST", f"/challenges/{sent['id']}/verify", answer, key="answer"))

    def card_unbind(self, k: int) -> Customer:
        """Remove a card."""
        customer = self.cluster.customer(cards=CARDS, agreements=[{"merchant": "爱奇艺", "card": "1234"}])
        card = customer.card("1234")["id"]
        self.arm(k)
        self.by_code(customer, "card.unbind", card)
        return customer

    def quick_pay_disable(self, k: int) -> Customer:
        """Turn quick payment off on every card."""
        customer = self.cluster.customer(cards=CARDS)
        self.arm(k)
        self.by_code(customer, "quick_pay.disable", "all")
        return customer

    def wallet_unbind(self, k: int) -> Customer:
        """Unlink a wallet."""
        customer = self.cluster.customer(wallets=["alipay"])
        wallet = customer.get("/wallets")["items"][0]["id"]
        self.arm(k)
        self.by_code(customer, "wallet.unbind", wallet)
        return customer

    def wallet_bind(self, k: int) -> Customer:
        """Link a wallet."""
        customer = self.cluster.customer()
        self.arm(k)
        self.by_code(customer, "wallet.bind", "ecny")
        return customer

    def agreement_terminate(self, k: int) -> Customer:
        """End an automatic deduction."""
        customer = self.cluster.customer(cards=CARDS, agreements=[{"merchant": "爱奇艺", "card": "1234"}])
        agreement = customer.get("/agreements")["items"][0]["id"]
        self.arm(k)
        self.by_code(customer, "agreement.terminate", agreement)
        return customer

    def card_bind(self, k: int) -> Customer:
        """Add a card by the secure page."""
        customer = self.cluster.customer()
        self.arm(k)
        body = {"kind": "card.bind", "target": "cmb"}
        op = patiently(lambda: customer.call("POST", "/operations", body, key="ask")).json()
        self.op = op["id"]
        body = {"method": "card_details", "effects_version": op["effects_version"]}
        page = patiently(lambda: customer.call("POST", f"/operations/{self.op}/challenges", body, key="page")).json()
        headers = {"X-Customer-Token": self.cluster.token(customer.account)}
        patiently(
            lambda: self.cluster.http.post(self.cluster.base + page["url"], json=NEW_CARD, headers=headers, timeout=20)
        )
        return customer

    def bank_later(self, k: int) -> Customer:
        """Remove a card at a bank that answers later: the questions to the bank are under test."""
        customer = self.cluster.customer(cards=CARDS)
        self.cluster.bank("pending")
        self.by_code(customer, "card.unbind", customer.card("1234")["id"])
        customer.until({"id": self.op}, "pending")
        self.arm(k)
        settle = {"Authorization": f"Bearer {self.cluster.env['BANK_TOKEN']}"}
        base = f"http://127.0.0.1:{self.cluster.sandbox_port}/control"
        requests.post(f"{base}/settle", json={"outcome": "done"}, headers=settle, timeout=10)
        requests.put(f"{base}/bank", json={"mode": "ok"}, headers=settle, timeout=10)
        return customer

    def decision(self, k: int) -> Customer:
        """Let two members of the staff decide."""
        operations = [{"kind": "card.unbind", "target": "1234", "status": "manual_review"}]
        customer = self.cluster.customer(cards=CARDS, operations=operations)
        self.op = customer.get("/operations?open=true")["items"][0]["id"]
        first, second = Browser(self.cluster).signed_in("reviewer1"), Browser(self.cluster).signed_in("reviewer2")
        self.arm(k)
        until_answered(lambda: first.get(f"/review/{self.op}"))
        if "/decisions/" not in first.page:
            form = {"outcome": "succeeded", "reason": "the bank's letter says so"}
            until_answered(lambda: first.submit(f"/review/{self.op}/propose", expect=(200, 409), **form))
        until_answered(lambda: second.get(f"/review/{self.op}"))
        decision = re.findall(r"/decisions/(dec_\w+)/", second.page)[0]
        until_answered(lambda: second.submit(f"/decisions/{decision}/confirm", expect=(200, 409)))
        return customer

    def problems(self, customer: Customer, kind: str) -> list[str]:
        """List what is not as it must be, once all is at rest."""
        schema = "dbos." if "BINDING_DATABASE_URL" in self.cluster.env else ""
        at_rest = [
            f"SELECT count(*) FROM {schema}workflow_status WHERE status IN ('PENDING', 'ENQUEUED', 'DELAYED') "
            "AND name <> 'register_at_bank'",
            "SELECT count(*) FROM operations WHERE id = :op AND status <> 'succeeded'",
            "SELECT count(*) FROM notices WHERE operation_id = :op AND state <> 'sent'",
            "SELECT count(*) FROM outbox_events WHERE operation_id = :op AND state = 'queued'",
        ]
        with self.cluster.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:

            def ask(query: str) -> int:
                return connection.scalar(sa.text(query), {"op": self.op} if ":op" in query else {}) or 0

            with contextlib.suppress(AssertionError):
                eventually(lambda: not any(ask(q) for q in at_rest), within=45, every=0.1)
            self.arm(0)
            found = [q for q in at_rest if ask(q)]
            once = {
                "accepted once": "SELECT count(*) FROM audit_log WHERE operation_id = :op AND event = 'operation.accepted'",
                "succeeded once": "SELECT count(*) FROM audit_log WHERE operation_id = :op AND event = 'operation.succeeded'",
                "one operation": "SELECT count(*) FROM operations WHERE account_id = "
                "(SELECT account_id FROM operations WHERE id = :op)",
            }
            if kind == "decision":
                del once["accepted once"]
            if kind in ("card_unbind", "bank_later", "decision"):
                once["unbound once"] = (
                    "SELECT unbound_count FROM cards WHERE id = (SELECT target FROM operations WHERE id = :op)"
                )
            found += [f"{what}: {ask(query)}" for what, query in once.items() if ask(query) != 1]
            texts = list(
                connection.scalars(sa.text("SELECT text FROM notices WHERE operation_id = :op"), {"op": self.op})
            )
        until_answered(lambda: customer.cluster.http.get(f"{customer.cluster.base}/healthz", timeout=5).text)
        got = collections.Counter(m["text"] for m in customer.messages() if "code" not in m)
        if got != collections.Counter(texts):
            found.append(f"{sum(got.values())} messages arrived of {len(texts)} notices")
        if kind != "decision" and self.cluster.bank_requests().get(self.op, {}).get("done") != 1:
            found.append("not done once at the bank")
        if not [e for e in self.cluster.sink.of(self.op) if e["data"]["operation"]["status"] == "succeeded"]:
            found.append("the gateway was not told")
        truth = customer.truth()
        if kind in ("card_bind", "wallet_bind") and len(truth["cards"]) + len(truth["wallets"]) != 1:
            found.append("not bound once")
        return found


FILES = ("bench/torture/edges.py", "bench/torture/doomed.py", "tests/binding/browser.py")
SURELY = 18  # every kind has at least so many edges (a removed card has 36)
KINDS = ("card_unbind", "quick_pay_disable", "wallet_unbind", "wallet_bind", "agreement_terminate", "card_bind", "bank_later",
         "decision")  # fmt: skip


def customer_code(customer: Customer) -> str:
    """Read the newest code, with patience."""
    return eventually(lambda: until_answered(customer.code))  # type: ignore[no-any-return]


def until_answered(act: Callable[[], str]) -> str:
    """Do something again until the service is there to answer."""
    found: list[str] = []

    def tried() -> bool:
        with contextlib.suppress(requests.RequestException):
            found.append(act())
        return bool(found)

    eventually(tried, within=60, every=0.1)
    return found[0]


def every_edge(database: str) -> Campaign:
    """Let the process exit at each edge of each kind of work, a kind a piece; below full scale a sample of the edges."""
    kinds = ("card_unbind",) if TINY else KINDS
    if not FULL and database == "postgresql":
        kinds = ("card_unbind", "bank_later", "decision")
    groups = [(kind,) for kind in kinds] if FULL else [kinds]
    groups = groups[: scaled(full=len(groups), short=1)]

    def conclude(found: list[Found]) -> Row:
        violations = [v for piece in found for v in piece["violations"]]
        died, edges = total(found, "deaths"), total(found, "edges")
        of = f"{edges} edges" if FULL else "sampled edges"
        figure = (
            f"{died} deaths at {of} of {total(found, 'kinds')} kinds, {len(violations)} violations{told(violations)}"
        )
        target = f"every edge of {len(KINDS)} kinds, 0 violations" if FULL else "a sample of the edges, 0 violations"
        return row("every crash edge", database, figure, target, not violations and died > 0)

    return Campaign(f"edges-{database}", len(groups), lambda n: _die_at_each(database, groups[n]), conclude, FILES)


def _die_at_each(database: str, kinds: tuple[str, ...]) -> Found:
    dice, died, edges, violations = random.Random(7), 0, 0, []
    decided = set()
    with cluster_on(database, module="bench.torture.doomed") as cluster:
        for kind in kinds:
            chosen = dice.sample(range(1, SURELY + 1), 2 if kind == "card_unbind" and database == "sqlite" else 1)
            if FULL:
                dry = Trial(cluster)
                violations += [f"{kind} unharmed: {w}" for w in dry.problems(getattr(dry, kind)(10**6), kind)]
                decided |= {dry.op} if kind == "decision" else set()
                chosen = list(range(1, int(dry.plan.with_suffix(".count").read_text()) + 1))
                edges += len(chosen)
            for k in chosen:
                trial = Trial(cluster)
                wrong = trial.problems(getattr(trial, kind)(k), kind)
                decided |= {trial.op} if kind == "decision" else set()
                place = trial.died_at()
                died += place is not None
                violations += [f"{kind} at {k} ({place}): {w}" for w in wrong]
        audit = cluster.run("-m", "binding.audit", "verify").returncode
        differences = [json.loads(line) for line in cluster.run("-m", "binding.reconcile").stdout.splitlines()]
        # What the staff decided without the bank is a difference, rightly.
        violations += [str(d) for d in differences if "operation" in d and d["operation"] not in decided]
        violations += ["audit"] if audit else []
    return {"kinds": len(kinds), "deaths": died, "edges": edges, "violations": violations}
