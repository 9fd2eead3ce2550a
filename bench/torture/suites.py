"""Campaigns that are tests with larger numbers: a pytest run for each property and database."""

from __future__ import annotations

import collections
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from bench.torture.common import FULL, ROOT, Campaign, Found, Row, folder, row, scaled, told, total


@dataclass(frozen=True)
class Suite:
    """Tests of one file whose names hold `part`; each piece runs them anew with the numbers of `env`."""

    name: str
    file: str
    part: str
    target: str
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    pieces: int = 1
    env: dict[str, str] = field(default_factory=dict)


MACHINE = 20 if FULL else 1  # pieces
EACH = "steps each"  # of what is counted, the one that does not add up
SUITES = (
    Suite("ownership", "test_access", "another_customers or unknown_account", "always 404, nothing changed"),
    Suite("tokens", "test_access", "token", "always 401"),
    Suite("audit", "test_audit", "", "every change is found"),
    Suite("secrets", "test_secrets", "", "0 found"),
    Suite(
        "state machines", "test_machine", "ledger_agrees", "the ledger agrees with the model in 10,000 examples × 50 steps" if FULL
        else "the ledger agrees with the model", ("sqlite",), MACHINE,
        {"BINDING_EXAMPLES": str(scaled(full=500, short=100, tiny=2)), "BINDING_STEPS": "50" if FULL else "30"},
    ),
    Suite(
        "state machines over HTTP", "test_machine", "processes_agree", "the processes agree with the model",
        pieces=3 if FULL else 1, env={"BINDING_EXAMPLES_OVER_HTTP": str(scaled(full=100, short=6, tiny=2)), "BINDING_MACHINE_BOTH": "1"},
    ),
)  # fmt: skip


def suites(database: str) -> list[Campaign]:
    """List the suites' campaigns on a database."""
    return [_campaign(suite, database) for suite in SUITES if database in suite.databases]


def _campaign(suite: Suite, database: str) -> Campaign:
    def conclude(found: list[Found]) -> Row:
        counts: collections.Counter[str] = collections.Counter()
        for piece in found:
            counts.update({name: count for name, count in piece["counts"].items() if name != EACH})
        counts.update({EACH: max((piece["counts"].get(EACH, 0) for piece in found), default=0)})
        counts = +counts
        failed = [name for piece in found for name in piece["failed"]]
        tests = max(piece["tests"] for piece in found)
        figure = f"{tests} tests" + (f" {len(found)} times" if len(found) > 1 else "") + f", {len(failed)} failed"
        figure += "".join(f", {count:,} {name}" for name, count in counts.items()) + told(failed)
        return row(suite.name, database, figure, suite.target, not failed and total(found, "tests") > 0)

    name = f"{suite.name.replace(' ', '-')}-{database}"
    files = (f"tests/binding/{suite.file}.py", "tests/binding/inside.py", "bench/torture/suites.py")
    return Campaign(name, suite.pieces, lambda _: _run(suite, database), conclude, files)


def _run(suite: Suite, database: str) -> Found:
    """Run the tests and read what they counted."""
    # The model in one process and the contract are not run once for each database.
    which = suite.part if suite.part == "ledger_agrees" else f"({suite.part or suite.file}) and {database}"
    with folder() as home:
        report = Path(home) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"tests/binding/{suite.file}.py", "-k", which, "--timeout", "36000",
                   "-p", "no:cacheprovider", f"--basetemp={home}/pytest", f"--junitxml={report}"]  # fmt: skip
        env = os.environ | suite.env
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        if not report.exists():
            raise RuntimeError(done.stdout[-200:] + done.stderr[-200:])
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - our own file
    ran = [c for c in cases if c.find("skipped") is None]
    failed = [f"{c.get('name', '')}: {why}" for c in ran if (why := _why(c))]
    counts = collections.Counter[str]()
    for case in ran:
        counts.update({p.get("name", ""): int(p.get("value", "0")) for p in case.iter("property")})
    if EACH in counts:
        counts[EACH] = int(suite.env["BINDING_STEPS"])
    return {"tests": len(ran), "failed": failed, "counts": dict(counts)}


def _why(case: ElementTree.Element) -> str:
    """Tell why a test failed, in its first words; nothing when it passed."""
    for outcome in (case.find("failure"), case.find("error")):
        if outcome is not None:
            return (outcome.get("message") or outcome.text or "no reason given")[:300]
    return ""
