"""Days as the desk counts them: in its own time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def day_of(at: datetime, zone: str) -> str:
    """Returns the day of a moment, `YYYY-MM-DD`."""
    return at.astimezone(ZoneInfo(zone)).date().isoformat()


def bounds(first: date, last: date, zone: str) -> tuple[datetime, datetime]:
    """Returns the moments at which `first` begins and `last` ends."""
    here = ZoneInfo(zone)
    begin = datetime(first.year, first.month, first.day, tzinfo=here)
    following = last + timedelta(days=1)
    return begin, datetime(following.year, following.month, following.day, tzinfo=here)


def span(first: date, last: date) -> list[str]:
    """Returns every day from `first` to `last`."""
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
