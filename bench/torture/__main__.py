"""Campaigns against the ledger: `python -m bench.torture` with SCALE=short (default, a few minutes) or SCALE=full.

Prints a table and writes `JIEBANG_HOME/reports/torture.json`: [{property, database, figure, target, ok}]. ONLY=name,… picks campaigns.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.torture.common import Row, row
from bench.torture.edges import every_edge
from bench.torture.executors import adoption, zombies
from bench.torture.loss import nothing_lost
from bench.torture.repeats import codes, idempotency
from bench.torture.suites import suites


def campaigns() -> dict[str, Callable[[], Row | list[Row]]]:
    """Name the campaigns."""
    found: dict[str, Callable[[], Row | list[Row]]] = {}
    for database in ("sqlite", "postgresql"):
        found |= {
            f"nothing-lost-{database}": lambda d=database: nothing_lost(d),  # type: ignore[misc]
            f"edges-{database}": lambda d=database: every_edge(d),  # type: ignore[misc]
            f"idempotency-{database}": lambda d=database: idempotency(d),  # type: ignore[misc]
            f"codes-{database}": lambda d=database: codes(d),  # type: ignore[misc]
            f"suites-{database}": lambda d=database: suites(d),  # type: ignore[misc]
        }
    return found | {
        "adoption": lambda: adoption("postgresql"),
        "zombies": lambda: zombies("postgresql"),
    }


def write(report: list[Row]) -> None:
    """Write what is known so far."""
    path = Path(os.environ.get("JIEBANG_HOME", "var")) / "reports" / "torture.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Run the campaigns and write the report; exit 1 when a figure misses its target."""
    wanted = os.environ.get("ONLY", "").split(",") if os.environ.get("ONLY") else None
    report: list[Row] = []
    for name, campaign in campaigns().items():
        if wanted is not None and name not in wanted:
            continue
        started = time.monotonic()
        try:
            found = campaign()
        except BaseException as error:  # pytest's skips are no Exceptions
            if isinstance(error, KeyboardInterrupt):
                raise
            found = row(name, "", f"{type(error).__name__}: {str(error)[:200]}", "to run", False)
        for line in found if isinstance(found, list) else [found]:
            report.append(line)
            sys.stdout.write(
                f"{'ok  ' if line['ok'] else 'FAIL'} {line['property']} [{line['database']}] {line['figure']} "
                f"(target: {line['target']}) {time.monotonic() - started:.0f} s\n"
            )
            sys.stdout.flush()
        write(report)
    return 0 if report and all(line["ok"] for line in report) else 1


if __name__ == "__main__":
    raise SystemExit(main())
