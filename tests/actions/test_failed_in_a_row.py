"""How many requests failed one after the other: what was never tried does not count, and what went through begins anew."""
from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from actions.ending import failed_in_a_row
from actions.errors import NotSignedIn, Unreachable


class Talk:
    """A turn whose customer has the given operations, newest first."""

    def __init__(self, *statuses: str, hours_ago: float = 0, fault: Exception | None = None) -> None:
        at = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat().replace("+00:00", "Z")
        self.items = [{"id": f"op_{place}", "status": status, "finished_at": at} for place, status in enumerate(statuses)]
        self.fault = fault

    async def binding(self) -> Any:
        """Returns itself as binding."""
        if self.fault:
            raise self.fault
        return self

    async def operations(self, *, limit: int) -> Any:
        """Returns the operations."""
        return self.items[:limit]


def counted(*statuses: str, **more: Any) -> int:
    """Counts."""
    return asyncio.run(failed_in_a_row(Talk(*statuses, **more)))  # type: ignore[arg-type]


def test_failures_one_after_the_other() -> None:
    assert counted("failed", "failed", "failed", "succeeded") == 3 and counted() == 0


def test_what_was_never_tried_is_passed_over() -> None:
    assert counted("awaiting_verification", "failed", "cancelled", "failed", "expired", "failed") == 3


def test_what_went_through_or_is_with_the_bank_begins_anew() -> None:
    assert counted("failed", "succeeded", "failed") == 1 == counted("failed", "pending", "failed")


def test_yesterdays_failures_are_forgotten() -> None:
    assert counted("failed", "failed", hours_ago=25) == 0


def test_while_binding_cannot_tell_nobody_is_called() -> None:
    assert counted("failed", fault=NotSignedIn()) == 0 == counted("failed", fault=Unreachable(what="x", maybe_done=False))
