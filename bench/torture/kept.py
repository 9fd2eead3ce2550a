"""What finished pieces counted, kept beside the report: the same piece of the same code is not run again."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from pathlib import Path

from bench.torture.common import PART, ROOT, SCALE, Campaign, Found

PRODUCT = ("binding", "telemetry")
HARNESS = ("bench/torture/common.py", "tests/binding/conftest.py", "tests/binding/forks.py", "tests/binding/people.py")


class Kept:
    """The pieces by campaign; `FRESH=1` forgets them. A piece counts as long as the code that it ran on is the same."""

    def __init__(self, path: Path) -> None:
        self.path = path
        fresh = os.environ.get("FRESH") == "1"
        self._all: dict[str, dict] = json.loads(path.read_text()) if path.exists() and not fresh else {}

    def of(self, campaign: Campaign) -> dict[int, Found]:
        """Return what is kept of a campaign, by the piece's number."""
        entry = self._all.get(campaign.name, {})
        if entry.get("state") != state_of(campaign):
            return {}
        return {int(n): piece for n, piece in entry["pieces"].items() if int(n) < campaign.pieces}

    def add(self, campaign: Campaign, number: int, found: Found) -> None:
        """Keep one piece, at once on disk."""
        pieces = self.of(campaign) | {number: found}
        self._all[campaign.name] = {"state": state_of(campaign), "pieces": pieces}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(".new")
        written.write_text(json.dumps(self._all, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        written.replace(self.path)


def state_of(campaign: Campaign) -> str:
    """Name what a piece's result depends on: the product, the harness, the campaign's own files, and the scale."""
    digest = hashlib.sha256(_product().encode())
    for name in sorted({*HARNESS, *campaign.files}):
        digest.update((ROOT / name).read_bytes())
    return f"{digest.hexdigest()[:16]} {SCALE} {PART:g}"


@functools.cache
def _product() -> str:
    digest = hashlib.sha256()
    for path in sorted(
        p for room in PRODUCT for p in (ROOT / room).rglob("*") if p.suffix == ".py" or p.name == "policy.yml"
    ):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
