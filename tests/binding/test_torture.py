"""The campaigns of `make torture`, each very short: they run, and their report has the shape that is promised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT

ROWS = {"nothing lost or doubled", "every crash edge", "idempotency", "codes"}


def test_the_campaigns_run_and_report(tmp_path: Path) -> None:
    only = (
        "nothing-lost-sqlite,edges-sqlite,idempotency-sqlite,codes-sqlite"  # the first counts every operation there is
    )
    env = os.environ | {"SCALE": "tiny", "ONLY": only, "JIEBANG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "bench.torture"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=280
    )
    report = json.loads((tmp_path / "reports" / "torture.json").read_text())
    assert {line["property"] for line in report} == ROWS
    assert all(set(line) == {"property", "database", "figure", "target", "ok"} for line in report)
    assert done.returncode == 0, done.stdout
