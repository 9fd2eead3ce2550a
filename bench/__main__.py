"""`make bench`: every figure of the README, measured on this machine, written to var/reports/bench.json."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from bench import turns
from tools.stack import QUIET, ROOT, python


def main() -> None:
    """Runs the benchmarks one after the other and prints their figures."""
    reports = ROOT / "var" / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    figures = turns.measure()
    (reports / "bench.json").write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    for name, value in figures.items():
        print(f"{name:44} {value}")
    env = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT)}
    subprocess.run([python("rasa"), "-m", "bench.understanding"], cwd=ROOT, env=env, check=True)
    if "--all" in sys.argv:
        subprocess.run([python("rasa"), "-m", "bench.nlu"], cwd=ROOT, env=env, check=True)


if __name__ == "__main__":
    main()
