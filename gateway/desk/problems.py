"""Errors of the desk's own, and those of binding that the desk passes on with its words."""

from __future__ import annotations

from typing import Any

from gateway.problems import Problem

STATUS = {
    "asks_for_secret": 409,
    "call_not_verified": 409,
    "call_closed": 409,
    "unknown_variable": 422,
    "name_taken": 409,
    "code_expired": 410,
    "sso_failed": 403,
}


class DeskProblem(Problem):
    """A problem whose code only the desk's page meets; `status` is needed for codes that are not the desk's own."""

    def __init__(self, code: str, detail: str = "", *, status: int | None = None, **extra: Any) -> None:
        Exception.__init__(self, code)
        self.code, self.detail, self.extra = code, detail, extra
        self.status = status or STATUS[code]
        self.headers = {"Retry-After": str(extra["retry_after"])} if extra.get("retry_after") else {}
