"""Campaigns against the ledger: `python -m bench.torture` with SCALE=short (default, a few minutes) or SCALE=full.

Prints a table and writes `JIEBANG_HOME/reports/torture.json`: [{property, database, figure, target, ok}]. ONLY=name,… picks
campaigns, MINUTES=n begins no piece later than that. Finished pieces are kept and not run again on the same code (FRESH=1 does).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from bench.torture.codes import codes
from bench.torture.common import Campaign, Row, row
from bench.torture.contract import contract
from bench.torture.edges import every_edge
from bench.torture.executors import adoption, zombies
from bench.torture.kept import Kept
from bench.torture.loss import nothing_lost
from bench.torture.repeats import idempotency
from bench.torture.suites import suites


def campaigns() -> list[Campaign]:
    """List the campaigns, in the order of the report."""
    both = ("sqlite", "postgresql")
    found = [make(database) for make in (nothing_lost, every_edge) for database in both]
    found += [adoption("postgresql"), zombies("postgresql")]
    found += [make(database) for make in (idempotency, codes) for database in both]
    found.append(contract("sqlite"))
    return found + [campaign for database in both for campaign in suites(database)]


def reports() -> Path:
    """Return the folder of the reports."""
    return Path(os.environ.get("JIEBANG_HOME", "var")) / "reports"


def conclude(campaign: Campaign, kept: Kept) -> Row | None:
    """Make the campaign's line from what is kept of it; unfinished ones say so and are not ok."""
    pieces = kept.of(campaign)
    if not pieces:
        return None
    line = campaign.conclude([pieces[n] for n in sorted(pieces)])
    if len(pieces) < campaign.pieces:
        line |= {"figure": f"{line['figure']} ({len(pieces)} of {campaign.pieces} pieces)", "ok": False}
    return line


def carry_out(campaign: Campaign, kept: Kept, until: float) -> Row | None:
    """Run the pieces that are not kept; returns the line, None when there was no time to begin. What broke a property is not kept."""
    for number in range(campaign.pieces):
        if number in kept.of(campaign):
            continue
        if time.monotonic() > until:
            break
        try:
            found = campaign.run(number)
        except BaseException as error:  # pytest's skips are no Exceptions
            if isinstance(error, KeyboardInterrupt):
                raise
            return row(campaign.name, "", f"{type(error).__name__}: {str(error)[:200]}", "to run", False)
        line = campaign.conclude([found])
        if not line["ok"]:
            return line
        kept.add(campaign, number, found)
    return conclude(campaign, kept)


def say(line: Row, seconds: float) -> None:
    """Print one line."""
    sys.stdout.write(
        f"{'ok  ' if line['ok'] else 'FAIL'} {line['property']} [{line['database']}] {line['figure']} "
        f"(target: {line['target']}) {seconds:.0f} s\n"
    )
    sys.stdout.flush()


def main() -> int:
    """Run the campaigns and write the report; exit 1 when a figure misses its target."""
    wanted = os.environ.get("ONLY", "").split(",") if os.environ.get("ONLY") else None
    until = time.monotonic() + 60 * float(os.environ.get("MINUTES", "inf"))
    kept, every = Kept(reports() / "torture.kept.json"), campaigns()
    lines = {c.name: line for c in every if (line := conclude(c, kept)) is not None}
    chosen = [c for c in every if wanted is None or c.name in wanted]
    for campaign in chosen:
        started = time.monotonic()
        line = carry_out(campaign, kept, until)
        if line is None:
            continue
        lines[campaign.name] = line
        say(line, time.monotonic() - started)
        report = [lines[c.name] for c in every if c.name in lines]
        (reports() / "torture.json").parent.mkdir(parents=True, exist_ok=True)
        (reports() / "torture.json").write_text(
            json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    return 0 if chosen and all(c.name in lines and lines[c.name]["ok"] for c in chosen) else 1


if __name__ == "__main__":
    raise SystemExit(main())
