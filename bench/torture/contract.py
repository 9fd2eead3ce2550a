"""The contract: Schemathesis in all its phases, sequences of requests included, against a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
import yaml

from bench.torture.common import FULL, ROOT, Campaign, Found, Row, cluster_on, row, scaled, told, total
from binding.settings import Settings
from tests.binding.conftest import Cluster

FILES = ("bench/torture/contract.py", "bench/torture/contract_hooks.py")
PHASES = ("examples", "coverage", "fuzzing", "stateful")
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "unsupported_method",
)  # fmt: skip
WIDE = {  # the limits have their own campaign; here they would hide what lies behind them
    "send_interval_s": 0, "sends_per_day": 1_000_000, "failures_per_day": 1_000_000, "operations_per_hour": 1_000_000,
    "operations_of_caller": 1_000_000, "calls_of_agent": 1_000_000, "password_failures_per_day": 1_000_000,
}  # fmt: skip


def contract(database: str) -> Campaign:
    """Send whatever the document allows and what it does not, one by one and in sequences."""
    pieces, examples = scaled(full=4, short=1), 250 if FULL else 4

    def conclude(found: list[Found]) -> Row:
        failures = [failure for piece in found for failure in piece["failures"]]
        figure = (
            f"{total(found, 'requests'):,} requests in the phases {', '.join(PHASES)}; "
            f"{total(found, 'crashed')} answers ≥ 500, {len(failures)} failures{told(failures)}"
        )
        return row(
            "contract", database, figure, "0 failures, 0 answers ≥ 500", not failures and not total(found, "crashed")
        )

    return Campaign(f"contract-{database}", pieces, lambda n: _explore(database, examples, n), conclude, FILES)


def _explore(database: str, examples: int, piece: int) -> Found:
    with cluster_on(database, module="bench.torture.light", BINDING_POLICY_FILE=str(_policy())) as cluster:
        given = cluster.home / "contract.json"
        given.write_text(json.dumps(_known(cluster)))
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", f"{cluster.base}/openapi.json", "--phases", ",".join(PHASES),
            "--checks", ",".join(CHECKS), "--include-path-regex", "^/v1/", "-n", str(examples), "--seed", str(100 + piece),
            "-H", f"Authorization: Bearer gw-{cluster.service_token}", "-H", "X-Agent: agent",
            "--suppress-health-check", "all", "--generation-database", "none", "--continue-on-failure", "--no-color",
            "--warnings", "off",
        ]  # fmt: skip
        env = os.environ | {
            "CONTRACT_FILE": str(given), "SCHEMATHESIS_HOOKS": "bench.torture.contract_hooks", "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        done = subprocess.run(command, cwd=cluster.home, env=env, capture_output=True, text=True, check=False)
        (Path(os.environ.get("JIEBANG_HOME", "var")) / "contract.log").write_text(done.stdout + done.stderr)
        figures = requests.get(f"{cluster.base}/metrics", timeout=10).text
        answered = _answers(figures)
    # A failed check is a line that begins with a dash; what could not be run is counted behind a no-entry sign.
    said = [line.strip() for line in done.stdout.splitlines()]
    failures = sorted({line for line in said if line.startswith("- ") or line.startswith("🚫")})
    if done.returncode and not failures:
        failures = [done.stdout[-200:] + done.stderr[-200:]]
    return {"requests": sum(answered.values()), "failures": failures,
            "crashed": sum(count for status, count in answered.items() if status >= 500)}  # fmt: skip


def _policy() -> Path:
    table = yaml.safe_load(Settings().policy_file.read_text(encoding="utf-8"))  # type: ignore[call-arg]
    table["limits"] |= WIDE
    made = Path(os.environ.get("JIEBANG_HOME", "var")) / "contract-policy.yml"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
    return made.resolve()


def _known(cluster: Cluster) -> dict[str, Any]:
    """Make an account and write down what it has, for the hooks."""
    customer = cluster.customer(
        cards=[{"bank": "cmb", "tail": f"{n:04d}"} for n in range(60)],
        wallets=["alipay", "wechat_pay"],
        agreements=[{"merchant": f"M{n}", "card": f"{n:04d}"} for n in range(30)],
    )
    ids = {
        path: [x["id"] for x in customer.get(f"/{path}?limit=100")["items"]]
        for path in ("cards", "wallets", "agreements")
    }
    return {
        "url": cluster.base, "account": customer.account, "service_token": cluster.service_token,
        "key": cluster.signer.as_dict(private=True),
        "targets": {
            "card.unbind": ids["cards"], "quick_pay.disable": ["all", *ids["cards"]], "wallet.unbind": ids["wallets"],
            "agreement.terminate": ids["agreements"], "wallet.bind": ["ecny", "apple_pay"], "card.bind": ["cmb", "icbc"],
        },
    }  # fmt: skip


def _answers(figures: str) -> dict[int, int]:
    """Count the process's answers by status, from its figures."""
    found: dict[int, int] = {}
    for line in figures.splitlines():
        if line.startswith("binding_requests_total{"):
            status, count = int(line.split('status="')[1].split('"')[0]), int(float(line.rsplit(" ", 1)[1]))
            found[status] = found.get(status, 0) + count
    return found
