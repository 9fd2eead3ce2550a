"""POST: ask for an operation, open a challenge, answer it, cancel."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from binding import signals
from binding.api import schemas
from binding.api.dependencies import CallerOf, KeyOf, perform, respond
from binding.database import reading, writing
from binding.errors import Problem
from binding.models import Challenge, Operation
from binding.notices.render import code_text
from binding.policy import policy
from binding.ports import phone
from binding.repository import bindings
from binding.service import idempotency, operations, views
from binding.service.idempotency import Answer
from binding.service.tell import note_answered
from binding.tokens import Caller
from binding.verification import challenges, codes

router = APIRouter(prefix="/v1", responses=schemas.problems(400, 401, 404, 409, 422))
Wait = Annotated[float, Query(ge=0, le=5, description="seconds to wait for the outcome")]


@router.post(
    "/operations",
    status_code=201,
    response_model=schemas.Operation,
    responses=schemas.problems(429) | schemas.AFTER_ASKING,
    tags=["operations"],
)
def ask_operation(body: schemas.AskOperation, who: CallerOf, key: KeyOf) -> Response:
    """Ask for an operation. 409 `blocked` lists what stands in the way, and nothing is opened."""

    def work(session: Session) -> Answer:
        return Answer(201, operations.ask(session, caller=who, kind=body.kind, target=body.target))

    return respond(perform(who=who, route="operations", key=key, body=body.model_dump(), work=work))


@router.post("/operations/{operation_id}/cancel", response_model=schemas.Operation, tags=["operations"])
def cancel_operation(operation_id: str, who: CallerOf, key: KeyOf, body: schemas.Empty | None = None) -> Response:
    """Cancel an operation that awaits verification."""

    def work(session: Session) -> Answer:
        return Answer(200, operations.cancel(session, caller=who, operation_id=operation_id))

    return respond(perform(who=who, route=f"operations/{operation_id}/cancel", key=key, body={}, work=work))


@router.post(
    "/operations/{operation_id}/challenges",
    status_code=201,
    response_model=schemas.Challenge,
    responses=schemas.problems(423, 429, 502) | schemas.AFTER_SENDING,
    tags=["challenges"],
)
def open_challenge(operation_id: str, body: schemas.AskChallenge, who: CallerOf, key: KeyOf) -> Response:
    """Send a one-time code to the registered phone, or open a one-time secure page."""
    route, given = f"operations/{operation_id}/challenges", body.model_dump()
    if body.method != "sms":

        def work(session: Session) -> Answer:
            shown = challenges.open_page(
                session, caller=who, operation_id=operation_id, effects_version=body.effects_version, method=body.method
            )
            return Answer(201, shown)

        answer = perform(who=who, route=route, key=key, body=given, work=work)
        if answer.status == 201:  # the ticket opens the page, so it is not kept with the answer
            answer.body = answer.body | {"url": f"/secure/{codes.ticket_of(answer.body['id'])}"}
        return respond(answer)
    return respond(_send_code(who, operation_id, body.effects_version, route=route, key=key, given=given))


def _send_code(
    who: Caller, operation_id: str, effects_version: str, *, route: str, key: str, given: dict[str, Any]
) -> Answer:
    """Make a code in one transaction, send it, and note in another that it went out; a code is never stored to be sent later."""
    digest, owner = idempotency.body_hash(route, given), who.account_id
    with writing(owner) as session:
        row = idempotency.recall(session, owner=owner, route=route, key=key, digest=digest)
        if row is not None and row.state == "done":
            return Answer(row.status or 201, row.body or {}, replayed=True)
        try:
            challenge, found, code = challenges.open_code(
                session, caller=who, operation_id=operation_id, effects_version=effects_version,
                again=row.subject if row is not None else None,
            )  # fmt: skip
        except Problem as problem:
            if problem.status not in (404, 423, 429):
                idempotency.remember(
                    session,
                    owner=owner,
                    route=route,
                    key=key,
                    digest=digest,
                    status=problem.status,
                    body=problem.body(),
                )
            return Answer(problem.status, problem.body())
        idempotency.remember(
            session, owner=owner, route=route, key=key, digest=digest, status=201, body={}, subject=challenge.id,
            state="working",
        )  # fmt: skip
        account = bindings.account(session, owner)
        assert account is not None
        text = code_text(found, account.language, code, policy().limits.code_life_s)
    sent = _deliver(challenge, found, account.phone, text)
    with writing(owner) as session:
        if sent == "refused":
            challenges.confirm_undelivered(session, caller=who, challenge_id=challenge.id)
            idempotency.forget(session, owner=owner, route=route, key=key)
            return Answer(502, Problem(502, "sms_not_sent").body())
        # No answer is no "no": a code that may have arrived can be used, and counts like one that did.
        challenge, found = challenges.confirm_sent(session, owner=owner, challenge_id=challenge.id)
        shown = views.challenge(session, challenge, found)
        idempotency.remember(
            session, owner=owner, route=route, key=key, digest=digest, status=201, body=shown, subject=challenge.id
        )
    return Answer(201, shown)


def _deliver(challenge: Challenge, found: Operation, to: str, text: str) -> phone.Sent:
    # The salt changes with each new code of a challenge, so a code that replaces a cut-off one is a message of its own.
    message_id = f"{challenge.id}:{challenge.salt[:8]}"
    return phone.send(
        message_id=message_id, channel="sms", to=to, account_id=found.account_id, text=text, purpose="code", tries=2
    )


@router.post(
    "/challenges/{challenge_id}/verify",
    response_model=schemas.Operation,
    responses={**schemas.problems(410, 423), 202: {"model": schemas.Operation, "description": "still processing"}},
    tags=["challenges"],
)
async def answer_challenge(
    challenge_id: str, body: schemas.AnswerChallenge, who: CallerOf, key: KeyOf, wait: Wait = 0
) -> Response:
    """Check a code. When it is right the operation is accepted in the same transaction; `wait` waits for its outcome."""
    route, given = f"challenges/{challenge_id}/verify", body.model_dump()

    def work(session: Session) -> Answer:
        found = challenges.answer_code(
            session,
            caller=who,
            challenge_id=challenge_id,
            code=body.code,
            effects_version=body.effects_version,
            wait_s=wait,
        )
        return Answer(202, views.operation(session, found))

    answer = await run_in_threadpool(lambda: perform(who=who, route=route, key=key, body=given, work=work))
    if answer.status == 202:
        settled = await settled_view(who, answer.body["id"], wait) if wait or answer.replayed else answer.body
        if settled["status"] != "processing":
            digest = idempotency.body_hash(route, given)
            await run_in_threadpool(_note_answered, who, settled, route, key, digest)
            answer = Answer(200, settled, replayed=answer.replayed)
    return respond(answer)


async def settled_view(who: Caller, operation_id: str, wait_s: float) -> dict[str, Any]:
    """Wait until an operation leaves `processing`, at most `wait_s` seconds, and show it."""
    until, pause = time.monotonic() + wait_s, 0.1  # another executor's work is not heard, so it is looked for as well
    with signals.listening(operation_id) as heard:
        while True:
            heard.clear()
            shown = await run_in_threadpool(_show, who.account_id, operation_id)
            left = until - time.monotonic()
            if shown["status"] != "processing" or left <= 0:
                return shown
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), min(pause, left))
            pause = min(pause * 1.5, 0.25)


def _show(owner: str, operation_id: str) -> dict[str, Any]:
    with reading() as session:
        return views.operation(session, operations.find(session, owner=owner, operation_id=operation_id))


def _note_answered(who: Caller, shown: dict[str, Any], route: str, key: str, digest: str) -> None:
    with writing(who.account_id) as session:
        found = operations.find(session, owner=who.account_id, operation_id=shown["id"])
        note_answered(session, found, shown["status"])
        idempotency.remember(
            session, owner=who.account_id, route=route, key=key, digest=digest, status=200, body=shown, subject=found.id
        )
