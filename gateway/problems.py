"""Errors that callers see: RFC 9457 problem details with a stable code and, for customers, a sentence in both languages."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from gateway import words
from gateway.database import UnstorableText
from gateway.locks import LocksUnavailable
from gateway.log import log

# The database or the locks are away: a minute's trouble of ours, to be tried again, and no fault in the request.
UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout, LocksUnavailable)
STATUS = {
    "malformed_json": 400,
    "invalid_request": 422,
    "empty_text": 422,
    "text_too_long": 413,
    "body_too_large": 413,
    "unauthenticated": 401,
    "sign_in_again": 401,
    "customer_token_invalid": 401,
    "forbidden": 403,
    "not_signed_in": 403,
    "link_of_another": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "button_expired": 409,
    "conversation_of_another_account": 409,
    "anonymous_conversation": 409,
    "no_turn": 409,
    "owner_changed": 409,
    "code_gone": 410,
    "too_many_requests": 429,
    "too_many_pending": 429,
    "internal_error": 500,
    "assistant_unavailable": 503,
    "binding_unavailable": 503,
    "signature_invalid": 401,
    "locked_out": 423,
    "csrf_failed": 403,
    "conflict": 409,
}


class Problem(Exception):
    """An answer that is an error. `code` is the stable name; `extra` members are added to the body."""

    def __init__(self, code: str, detail: str = "", *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(code)
        self.code, self.detail, self.extra, self.headers = code, detail, extra, headers or {}
        self.status = STATUS[code]

    def body(self) -> dict[str, Any]:
        """Returns the problem document."""
        body = {
            "type": f"urn:jiebang:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            body["detail"] = self.detail
        if sentence := words.both(self.code):
            body["message"] = sentence
        return body | self.extra

    def response(self) -> JSONResponse:
        """Returns the problem as an HTTP answer."""
        headers = dict(self.headers)
        if self.status == 401:
            headers.setdefault("WWW-Authenticate", "Bearer")
        return JSONResponse(self.body(), self.status, headers, media_type="application/problem+json")


def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return error.response()


def _validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem("malformed_json", "The body is not valid JSON.").response()
    # The offending input is never echoed: it may hold what should not be shown again.
    where = [
        {"where": ".".join(str(part) for part in fault["loc"])[:100], "what": fault["type"]} for fault in faults[:10]
    ]
    return Problem("invalid_request", "The request does not have the expected shape.", errors=where).response()


def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Problem):
        return error.__cause__.response()  # raised while the body was read
    code = {400: "malformed_json", 404: "not_found", 405: "method_not_allowed"}.get(error.status_code)
    if code is None:
        body = {"type": "about:blank", "title": str(error.detail), "status": error.status_code, "code": "http_error"}
        return JSONResponse(body, error.status_code, error.headers, media_type="application/problem+json")
    return Problem(code, headers=dict(error.headers or {})).response()


def _unavailable(_: Request, error: Exception) -> JSONResponse:
    log.error("storage_unavailable", error=type(error).__name__)
    return Problem("assistant_unavailable", headers={"Retry-After": "3"}, retry_after=3).response()


def _unstorable(_: Request, error: Exception) -> JSONResponse:
    return Problem("invalid_request", "A text holds a character that cannot be kept (NUL).").response()


def install(app: FastAPI) -> None:
    """Makes every error of `app` a problem document; an unknown one says nothing of its inside."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(UnstorableText, _unstorable)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _unavailable)
    app.add_exception_handler(Exception, lambda *_: Problem("internal_error").response())
