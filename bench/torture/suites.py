"""Campaigns that are tests with larger numbers: one pytest run per database, one row per property."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from bench.torture.common import FULL, ROOT, Row, row, scaled

PROPERTIES = {  # property: (file, part of the test's name, target)
    "tokens": ("test_access", "token", "always 401"),
    "ownership": ("test_access", "another", "always 404, nothing changed"),
    "audit": ("test_audit", "", "every change is found"),
    "secrets": ("test_secrets", "", "0 found"),
    "state machines": ("test_machine", "", "the ledger agrees with the model"),
    "contract": ("test_contract", "", "0 failures, 0 answers ≥ 500"),
}


def suites(database: str) -> list[Row]:
    """Run the tests and read what they counted."""
    env = {
        "BINDING_EXAMPLES": str(scaled(full=10_000, short=100, tiny=2)),
        "BINDING_EXAMPLES_OVER_HTTP": str(scaled(full=300, short=6, tiny=2)),
        "BINDING_STEPS": "50" if FULL else "30",
        "BINDING_CONTRACT_EXAMPLES": str(scaled(full=1000, short=12, tiny=3)),
        "BINDING_MACHINE_BOTH": "1",
    }
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        files = sorted({f"tests/binding/{file}.py" for file, _, _ in PROPERTIES.values()})
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            *files,
            "-k",
            f"{database} or ledger_agrees"
            if database == "sqlite"
            else database,  # the model runs in one process as well
            "--timeout",
            "36000",
            "-p",
            "no:cacheprovider",
        ]
        subprocess.run(
            [*command, f"--junitxml={report}"],
            cwd=ROOT,
            env=os.environ | env,
            capture_output=True,
            text=True,
            check=False,
        )
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - our own file
    return [found for name in PROPERTIES if (found := _property(name, database, cases)) is not None]


def _property(name: str, database: str, cases: list[ElementTree.Element]) -> Row | None:
    file, part, target = PROPERTIES[name]
    mine = [c for c in cases if c.get("classname", "").endswith(file) and part in c.get("name", "")]
    skipped = [c for c in mine if c.find("skipped") is not None]
    failed = [c for c in mine if c.find("failure") is not None or c.find("error") is not None]
    if len(skipped) == len(mine) and mine:
        return None
    counts = [f"{p.get('value')} {p.get('name')}" for c in mine for p in c.iter("property")]
    figure = f"{len(mine) - len(skipped)} tests, {len(failed)} failed" + (": " + ", ".join(counts) if counts else "")
    return row(name, database, figure, target, bool(mine) and not failed)
