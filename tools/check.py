"""Runs every test of the project, a group at a time, and says what each took. `python -m tools.check [group …]`."""

from __future__ import annotations

import os
import pathlib
import re
import sys
import time
from dataclasses import dataclass

from tools import quiet
from tools.stack import QUIET, ROOT, python

APP, RASA = python("app"), python("rasa")
REAL_PAGES = "tests/web/test_real_stack.py"
COUNT = re.compile(r"(\d+) (passed|failed|skipped|error|rerun)")
RASA_ENV = {
    "PYTHONWARNINGS": "ignore",
    "ACTIONS_WEBHOOK_URL": "http://127.0.0.1:5055/webhook",
    "RASA_TRACKER_URL": "sqlite:///",
}


@dataclass(frozen=True)
class Check:
    """One command of a group; `needs` is a path without which there is nothing to run."""

    group: str
    title: str
    argv: list[str]
    needs: str


def pytest(group: str, title: str, *paths: str, interpreter: str = APP) -> Check:
    """Returns a pytest run."""
    return Check(group, title, [interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths], paths[0])


CHECKS = (
    Check("lint", "style (ruff)", [APP, "-m", "ruff", "check", "--quiet", "."], "pyproject.toml"),
    Check("lint", "types (mypy)", [APP, "-m", "mypy"], "mypy.ini"),
    pytest("unit", "data and labels", "tests/data"),
    pytest("unit", "tools", "tests/tools"),
    pytest("unit", "actions", "tests/actions"),
    # The services' libraries are not in Rasa's environment, so the conftest that starts the stack stays out.
    pytest("unit", "brain", "tests/brain", "--confcutdir=tests/brain", interpreter=RASA),
    Check("rasa", "rasa data validate", [RASA, "-m", "rasa", "data", "validate", "--fail-on-warnings"], "domain.yml"),
    Check(
        "rasa",
        "rasa test core",
        [
            RASA,
            "-m",
            "rasa",
            "test",
            "core",
            "--stories",
            "tests/stories",
            "--fail-on-prediction-errors",
            "--out",
            "var/reports/core",
        ],
        "tests/stories",
    ),
    pytest("nlu", "understanding: gates", "tests/nlu", "--confcutdir=tests/nlu", interpreter=RASA),
    pytest("binding", "binding", "tests/binding"),
    pytest("gateway", "gateway", "tests/gateway"),
    # The browser tests with the trained model share the stack that the transcripts run against.
    pytest("dialogue", "transcripts and end to end", "tests/dialogue", "tests/e2e", REAL_PAGES),
    # A browser on a busy machine is late now and then: such a test is tried once more, and is named at the end (-r R).
    pytest("web", "pages in Chromium", "tests/web", f"--ignore={REAL_PAGES}", "--reruns=1", "-r", "fER"),
)


def run(check: Check) -> tuple[int, float, dict[str, int]]:
    """Runs one command with its output shown; returns its exit code, the seconds and the counts that pytest printed."""
    began = time.monotonic()
    env = (
        {**os.environ, **QUIET, **RASA_ENV, "PYTHONPATH": str(ROOT)}
        if check.argv[0] == RASA
        else {**os.environ, **QUIET, "PYTHONPATH": str(ROOT)}
    )
    counts: dict[str, int] = {}

    def count(line: str) -> None:
        if " in " in line and COUNT.search(line):
            counts.clear()
            counts.update({what: int(number) for number, what in COUNT.findall(line)})

    return quiet.run(check.argv, env=env, each=count), time.monotonic() - began, counts


def main(groups: list[str]) -> int:
    """Runs the named groups, or all; returns 0 when every command succeeded."""
    chosen = [check for check in CHECKS if (not groups or check.group in groups) and (ROOT / check.needs).exists()]
    (ROOT / "var" / "reports").mkdir(parents=True, exist_ok=True)
    lines, passed, failed, began = [], 0, 0, time.monotonic()
    for check in chosen:
        print(f"\n━━ {check.title}", flush=True)
        code, seconds, counts = run(check)
        # A command without counts of its own is one check.
        passed += counts.get("passed", 0) if counts else int(code == 0)
        failed += counts.get("failed", 0) + counts.get("error", 0) if counts else int(code != 0)
        skipped = f", {counts['skipped']} skipped" if counts.get("skipped") else ""
        again = f", {counts['rerun']} tried again" if counts.get("rerun") else ""
        lines.append(f"{'ok  ' if code == 0 else 'FAIL'} {seconds:6.0f} s  {check.title}{skipped}{again}")
        if code and not counts.get("failed") and not counts.get("error"):
            failed += int(bool(counts))
    print("\n" + "\n".join(lines) + f"\n{time.monotonic() - began:11.0f} s  in all\n")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or any(line.startswith("FAIL") for line in lines) else 0


if __name__ == "__main__":
    pathlib.Path(ROOT / "var").mkdir(exist_ok=True)
    sys.exit(main(sys.argv[1:]))
