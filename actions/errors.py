"""What can go wrong between the actions and their neighbours."""
from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A neighbour answered with a problem (RFC 9457); `code` names the reply `utter_error_<code>`."""

    def __init__(self, *, status: int, code: str, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.body = status, code, body


class NotSignedIn(Exception):
    """The conversation belongs to nobody yet, or its sign-in is too old."""


class Unreachable(Exception):
    """A neighbour gave no usable answer. For a write, whether it happened is unknown: `maybe_done`."""

    def __init__(self, *, what: str, maybe_done: bool) -> None:
        super().__init__(what)
        self.maybe_done = maybe_done
