"""The desk's calls. Only the gateway may ask; the agent it names is who acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, BackgroundTasks, Depends, Header, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from binding.api import schemas
from binding.api.dependencies import KeyOf, perform, respond, service
from binding.database import reading
from binding.errors import Problem
from binding.models import Call
from binding.notices.render import call_text
from binding.policy import policy
from binding.ports import phone
from binding.service.idempotency import Answer
from binding.tokens import Caller
from binding.verification import calls

router = APIRouter(prefix="/v1/callers", tags=["desk"], responses=schemas.problems(400, 401, 403, 404, 409, 422))


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class OpenCall(_Body):
    phone: Annotated[str, Field(pattern=r"^(\+?86)?1[3-9][0-9]{9}$")]


class ReadBack(_Body):
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]


def agent(
    name: Annotated[str, Depends(service)],
    x_agent: Annotated[str | None, Header(description="the agent's user name", max_length=64)] = None,
) -> str:
    """Name the agent; only the gateway may speak for one."""
    if name != "gateway":
        raise Problem(403, "forbidden", "only the gateway may open calls")
    if not x_agent or not x_agent.isprintable():
        raise Problem(422, "invalid_request", "X-Agent is needed")
    return x_agent


AgentOf = Annotated[str, Depends(agent)]
log = structlog.get_logger("calls")


@router.post("", status_code=201, responses=schemas.problems(429))
def open_call(body: OpenCall, who: AgentOf, key: KeyOf) -> Response:
    """Open a call: an opaque reference, the same for numbers that nobody registered."""

    def work(session: Session) -> Answer:
        return Answer(201, calls.open_call(session, phone=body.phone, agent=who))

    return respond(perform(who=_scope(f"desk:{who}"), route="callers", key=key, body=body.model_dump(), work=work))


@router.post("/{ref}/challenges", status_code=201, responses=schemas.problems(429))
def send_code(ref: str, who: AgentOf, key: KeyOf) -> Response:
    """Send a code to the registered phone, if there is one; neither the answer nor the time that it takes tells."""
    unsent: list[Any] = []

    def work(session: Session) -> Answer:
        shape, account, code, message_id = calls.send_code(session, call=calls.find_call(session, ref=ref, agent=who))
        if account is not None:
            text = call_text(account.language, code, policy().limits.code_life_s)
            unsent.append((message_id, account.phone, account.id, text))
        return Answer(201, shape)

    answer = perform(who=_owner(ref, who), route=f"callers/{ref}/challenges", key=key, body={}, work=work)
    found = respond(answer)
    # After the answer: the phone company's time, and what it says, would tell that there is a phone.
    found.background = after = BackgroundTasks()
    for message in unsent:
        after.add_task(_send, ref, *message)
    return found


def _send(ref: str, message_id: str, to: str, account_id: str, text: str) -> None:
    sent = phone.send(
        message_id=message_id, channel="sms", to=to, account_id=account_id, text=text, purpose="code", tries=2
    )
    if sent != "taken":
        log.error("a caller's code was not sent, as far as is known", call=ref, outcome=sent)


@router.post("/{ref}/verify", responses=schemas.problems(410))
def verify(ref: str, body: ReadBack, who: AgentOf, key: KeyOf) -> Response:
    """Check what the caller read back; right: `{ref, state, account, agent}`, from which the gateway makes its token with `act`."""
    return _act(ref, who, key, body, lambda session, call: calls.answer_code(session, call=call, code=body.code))


def _act(ref: str, who: str, key: str, body: ReadBack, do: Callable[[Session, Call], dict[str, Any]]) -> Response:
    def work(session: Session) -> Answer:
        return Answer(200, do(session, calls.find_call(session, ref=ref, agent=who)))

    route = f"callers/{ref}/verify"
    return respond(perform(who=_owner(ref, who), route=route, key=key, body=body.model_dump(), work=work))


def _owner(ref: str, who: str) -> Caller:
    """Find whose lock a call's steps take: the account's, or nobody's for a number that is not registered."""
    with reading() as session:
        call = calls.find_call(session, ref=ref, agent=who)
        return _scope(call.account_id or f"desk:{who}")


def _scope(owner: str) -> Caller:
    return Caller(service="gateway", account_id=owner, conversation=None, actor=None)
