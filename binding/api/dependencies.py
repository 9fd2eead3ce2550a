"""Who is calling, which page, and which key: the parts that all routes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from binding import tokens
from binding.database import writing
from binding.errors import Problem, not_found
from binding.service import idempotency
from binding.service.idempotency import Answer
from binding.tokens import Caller

NOT_KEPT = {404, 423, 429}


async def sane_path(request: Request) -> None:
    """Answer 404 for a path that names what nothing can be called: PostgreSQL has no text with NUL."""
    if any("\0" in str(value) for value in request.path_params.values()):
        raise not_found()


async def service(authorization: Annotated[str | None, Header(description="Bearer <service token>")] = None) -> str:
    """Name the calling service."""
    return tokens.check_service(authorization)


async def caller(
    name: Annotated[str, Depends(service)],
    x_customer_token: Annotated[str | None, Header(description="the customer token (JWT)")] = None,
) -> Caller:
    """Name the customer."""
    return tokens.check_customer(x_customer_token, name)


async def key(
    idempotency_key: Annotated[str | None, Header(description="1 to 128 printable characters")] = None,
) -> str:
    """Demand the idempotency key."""
    if not idempotency_key:
        raise Problem(400, "idempotency_key_missing")
    if len(idempotency_key) > 128 or not idempotency_key.isprintable() or not idempotency_key.isascii():
        raise Problem(422, "invalid_request", "Idempotency-Key: at most 128 printable ASCII characters")
    return idempotency_key


CallerOf = Annotated[Caller, Depends(caller)]
KeyOf = Annotated[str, Depends(key)]
Limit = Annotated[int, Query(ge=1, le=100, description="objects per page")]
Cursor = Annotated[str | None, Query(max_length=128, description="`next_cursor` of the page before")]


def perform(*, who: Caller, route: str, key: str, body: Any, work: Callable[[Session], Answer]) -> Answer:
    """Do a request once: its work, the counters it moves and the answer under its key commit together."""
    digest = idempotency.body_hash(route, body)
    try:
        return _once(who.account_id, route, key, digest, work)
    except sa.exc.IntegrityError as error:
        # Two at once where no account's row could be locked: the database kept one of them. Any other broken rule is a fault of
        # ours, and whoever asks again must not be told that it is only a matter of time.
        if not idempotency.is_taken(error):
            raise
        raise Problem(409, "request_in_progress", retry_after=1) from error


def _once(owner: str, route: str, key: str, digest: str, work: Callable[[Session], Answer]) -> Answer:
    with writing(owner) as session:
        row = idempotency.recall(session, owner=owner, route=route, key=key, digest=digest)
        if row is not None and row.state == "done":
            return Answer(row.status or 200, row.body or {}, replayed=True)
        try:
            answer = work(session)
        except Problem as problem:
            answer = Answer(problem.status, problem.body())
        if answer.status not in NOT_KEPT and answer.status < 500:
            idempotency.remember(
                session,
                owner=owner,
                route=route,
                key=key,
                digest=digest,
                status=answer.status,
                body=answer.body,
            )
    return answer


def respond(answer: Answer) -> Response:
    """Turn an answer into HTTP."""
    kind = "application/problem+json" if answer.status >= 400 else "application/json"
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    if answer.status >= 400 and "retry_after" in answer.body:
        headers["Retry-After"] = str(answer.body["retry_after"])
    return JSONResponse(answer.body, answer.status, headers=headers, media_type=kind)
