"""`/api/desk/v1/calls`: a telephone call from its number to its wrap-up. Nothing of the account before the caller read back the code."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StrictStr
from sqlalchemy.orm import Session

from gateway import codes, ids
from gateway.api.customers import services_of
from gateway.api.desk_session import Who
from gateway.api.desk_shapes import (
    Begin,
    ClientId,
    Close,
    Confirm,
    Language,
    Note,
    Once,
    ReadBack,
    Verdict,
    Verify,
)
from gateway.desk import assist, audit, calls, customer, line, place, review, work, wrapping
from gateway.desk.acting import Acting
from gateway.desk.binding import DeskBinding, key_of
from gateway.desk.guide import guide, identify
from gateway.desk.people import Person
from gateway.desk.place import Place
from gateway.desk.problems import DeskProblem
from gateway.guard import redact
from gateway.models import Call, CallLine
from gateway.problems import Problem
from gateway.routes import Route
from gateway.services import Services

router = APIRouter(route_class=Route)
AT = "/calls/{call_id}"


class Ring(BaseModel):
    """The number that calls, as the caller gave it."""

    phone: Annotated[StrictStr, Field(min_length=5, max_length=30)]
    language: Language = "zh"
    client_id: ClientId | None = None


class Spoken(BaseModel):
    """One line of what was said, typed by the agent or sent by a speech recogniser."""

    speaker: Literal["caller", "agent"]
    text: Annotated[StrictStr, Field(max_length=2000)]
    client_id: ClientId | None = None


async def _whole(services: Services, person: Person, call_id: str) -> dict[str, Any]:
    """Returns a Call with its lines and the guide of its operation."""
    found, here, operation_id = await services.database.read(_shown, person=person, call_id=call_id)
    found["guide"] = identify(here.account is not None)
    if here.account is not None and operation_id:
        try:
            found["guide"] = guide(await DeskBinding(services).get(f"operations/{operation_id}", account=here.account, place=here.id, agent=person.username), place="call")  # fmt: skip
        except Problem:
            found["guide"] = None  # The lines are shown without binding.
    return found


def _shown(session: Session, *, person: Person, call_id: str) -> tuple[dict[str, Any], Place, str | None]:
    call = calls.find(session, person=person, call_id=call_id)
    here = Place("call", call.id, call.language, call.account, person.username)
    return calls.shown(session, call, whole=True), here, call.operation_id


async def _told(services: Services, call_id: str) -> None:
    await services.hub.nudge("desk", "call", call=call_id)


@router.post("/calls", status_code=201)
async def ring(body: Ring, who: Who, request: Request) -> dict[str, Any]:
    """Opens a call; the answer is the same whether anybody has registered the number."""
    services = services_of(request)
    phone = "".join(char for char in body.phone if char.isdigit())[-11:]
    if len(phone) != 11 or not phone.startswith("1") or phone[1] not in "3456789":
        raise DeskProblem("invalid_request", "A mainland mobile number has 11 digits.", status=422)
    key = key_of(who.username, "ring", body.client_id or ids.fresh("call"), phone)
    opened = await DeskBinding(services).caller("", {"phone": phone}, agent=who.username, key=key)
    call_id = await services.database.write(_opened, person=who, opened=opened, language=body.language)
    await _told(services, call_id)
    return await _whole(services, who, call_id)


def _opened(session: Session, *, person: Person, opened: dict[str, Any], language: str) -> str:
    known = calls.by_ref(session, person=person, ref=opened["ref"])
    found = known or calls.opened(session, person=person, ref=opened["ref"], phone=opened["phone"], language=language)
    return found.id


@router.get("/calls")
async def listed(
    who: Who,
    request: Request,
    state: Literal["mine", "open", "all"] = "mine",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> dict[str, Any]:
    """Lists calls: one's own, those that go on, or everybody's."""
    if state == "all" and not who.supervisor:
        raise Problem("forbidden")
    services = services_of(request)
    await services.database.write(audit.viewed, agent=who.username, action="list_view", conversation_id=None)
    return await services.database.read(calls.listed, person=who, state=state, limit=limit, cursor=cursor)


@router.get(AT)
async def seen(call_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Shows a call."""
    services = services_of(request)
    await services.database.write(_viewed, person=who, call_id=call_id)
    return await _whole(services, who, call_id)


def _viewed(session: Session, *, person: Person, call_id: str) -> None:
    call = calls.find(session, person=person, call_id=call_id)
    audit.viewed(session, agent=person.username, action="call_view", conversation_id=call.id)


async def _live(services: Services, person: Person, call_id: str) -> Call:
    return await services.database.read(calls.find, person=person, call_id=call_id, acting=True)


@router.post(AT + "/challenge")
async def challenge(call_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Sends the code that proves who is calling to the registered phone, if there is one."""
    services = services_of(request)
    call = await _live(services, who, call_id)
    key = key_of(call.id, "challenge", ids.fresh("call"))
    sent = await DeskBinding(services).caller(f"/{call.ref}/challenges", {}, agent=who.username, key=key)
    await services.database.write(calls.challenged, person=who, call_id=call_id, challenge=sent)
    await _told(services, call_id)
    return await _whole(services, who, call_id)


@router.post(AT + "/verify")
async def verify(call_id: str, body: ReadBack, who: Who, request: Request) -> dict[str, Any]:
    """Checks the code that the caller read back."""
    services = services_of(request)
    call = await _live(services, who, call_id)
    code = await _code(services, who, call_id, code=body.code, line_id=body.line)
    key = key_of(call.id, "verify", ids.fresh("call"))
    try:
        known = await DeskBinding(services).caller(f"/{call.ref}/verify", {"code": code}, agent=who.username, key=key)
    except Problem as problem:
        if problem.code in ("code_wrong", "call_closed"):
            left = problem.extra.get("attempts_left")
            closed = problem.code == "call_closed"
            await services.database.write(
                calls.checked, person=who, call_id=call_id, account=None, left=left, failed=closed
            )
            await _told(services, call_id)
        raise
    await services.database.write(calls.checked, person=who, call_id=call_id, account=str(known["account"]), left=None)
    await _told(services, call_id)
    return await _whole(services, who, call_id)


async def _code(services: Services, who: Person, call_id: str, *, code: str | None, line_id: str | None) -> str:
    """Returns the six digits: typed, or sealed in a line of the transcript and opened once."""
    if code is not None:
        return code
    if line_id is None:
        raise DeskProblem("invalid_request", "`code` or `line` is needed.", status=422)
    found = await services.database.read(calls.line_named, person=who, call_id=call_id, line_id=line_id)
    if found.sealed is None:
        raise DeskProblem("invalid_request", "That line holds no code.", status=422)
    opened, mark = Acting(services).opened(ref=found.sealed, place=call_id, line=found.id)
    if not await services.database.write(codes.spend, jti=mark):
        raise Problem("code_gone", "That code was used.")
    return opened


@router.post(AT + "/transcript", status_code=201)
async def spoken(call_id: str, body: Spoken, who: Who, request: Request) -> dict[str, Any]:
    """Takes a line of what was said; of a caller's line it returns the help at once."""
    services = services_of(request)
    call = await _live(services, who, call_id)
    kept = await line.take(services, call=call, speaker=body.speaker, text=body.text, client_id=body.client_id)
    found = None
    if body.speaker == "caller":
        found = await line.helped(services, call=call, person=who, kept=kept)
        shown = await services.database.read(lambda session: calls.line_of(session.get_one(type(kept), kept.id)))
    else:
        shown = calls.line_of(kept)
    if found is not None:
        assist.note_shown(services, person=who, place=call_id, found=found)
    await _told(services, call_id)
    return {"line": shown, "assist": found}


@router.get(AT + "/lines")
async def lines(
    call_id: str, who: Who, request: Request, after: Annotated[str | None, Query(max_length=100)] = None
) -> dict[str, Any]:
    """Shows the lines after one."""
    services = services_of(request)
    await services.database.write(_viewed, person=who, call_id=call_id)
    found = await services.database.read(calls.lines, call_id=call_id, after=after)
    return {"items": [calls.line_of(one) for one in found]}


@router.get(AT + "/assist")
async def helped(
    call_id: str, who: Who, request: Request, line_id: Annotated[str | None, Query(alias="line", max_length=100)] = None
) -> dict[str, Any]:
    """Says what a caller's line means and what could be answered."""
    services = services_of(request)
    call = await services.database.read(calls.find, person=who, call_id=call_id)
    await services.database.write(audit.viewed, agent=who.username, action="assist", conversation_id=call_id)
    kept = (
        await services.database.read(calls.line_named, person=who, call_id=call_id, line_id=line_id)
        if line_id
        else await services.database.read(calls.newest, call_id=call_id, speaker="caller")
    )
    if kept is None or kept.speaker != "caller":
        raise Problem("not_found", "The caller has not said such a line.")
    found = await line.helped(services, call=call, person=who, kept=kept)
    if found is None:
        raise Problem("assistant_unavailable", headers={"Retry-After": "3"}, retry_after=3)
    assist.note_shown(services, person=who, place=call_id, found=found)
    return found


@router.post(AT + "/assist/feedback", status_code=204)
async def judged(call_id: str, body: Verdict, who: Who, request: Request) -> None:
    """Keeps what an agent thinks of a suggestion; a wrong one goes to the review queue."""
    await services_of(request).database.write(_judged, person=who, call_id=call_id, body=body)


def _judged(session: Session, *, person: Person, call_id: str, body: Verdict) -> None:
    call = calls.find(session, person=person, call_id=call_id)
    said = calls.line_named(session, person=person, call_id=call_id, line_id=body.message)
    work.note_use(
        session, person=person, place=call.id, message_id=said.id, label=body.label, outcome=body.outcome, right=body.right
    )  # fmt: skip
    if body.outcome == "wrong":
        review.add(
            session, place=call.id, message_id=said.id, text=said.text, language=call.language, reason="corrected",
            understood=said.parse, proposed=body.right, said_at=said.at,
        )  # fmt: skip


async def _here(request: Request, who: Person, call_id: str, *, action: str, acting: bool = True) -> Place:
    return await services_of(request).database.write(
        place.call, person=who, call_id=call_id, action=action, acting=acting
    )


@router.get(AT + "/customer")
async def known(call_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Shows the verified caller's data."""
    here = await _here(request, who, call_id, action="customer_view", acting=False)
    return await customer.customer(services_of(request), place=here)


@router.post(AT + "/operations", status_code=201)
async def begin(call_id: str, body: Begin, who: Who, request: Request) -> dict[str, Any]:
    """Begins an operation for the verified caller."""
    services = services_of(request)
    here = await _here(request, who, call_id, action="acting")
    found = await Acting(services).begin(here, kind=body.kind, target=body.target, client_id=body.client_id)
    await _told(services, call_id)
    return found


@router.post(AT + "/operations/{operation_id}/confirm")
async def confirm(call_id: str, operation_id: str, body: Confirm, who: Who, request: Request) -> dict[str, Any]:
    """Sends the code after the caller's yes to the effects."""
    services = services_of(request)
    here = await _here(request, who, call_id, action="acting")
    found = await Acting(services).confirm(
        here, operation_id, effects_version=body.effects_version, client_id=body.client_id
    )
    await _told(services, call_id)
    return found


@router.post(AT + "/operations/{operation_id}/verify")
async def hand_in(call_id: str, operation_id: str, body: Verify, who: Who, request: Request) -> dict[str, Any]:
    """Hands in the code that the caller read back."""
    services = services_of(request)
    here = await _here(request, who, call_id, action="acting")
    code = await _code(services, who, call_id, code=body.code, line_id=body.line)
    found = await Acting(services).verify(
        here, operation_id, code=code, effects_version=body.effects_version, client_id=body.client_id
    )
    await _told(services, call_id)
    return found


@router.post(AT + "/operations/{operation_id}/cancel")
async def cancel(call_id: str, operation_id: str, body: Once, who: Who, request: Request) -> dict[str, Any]:
    """Cancels an operation that nobody has verified."""
    services = services_of(request)
    here = await _here(request, who, call_id, action="acting")
    found = await Acting(services).cancel(here, operation_id, client_id=body.client_id)
    await _told(services, call_id)
    return found


@router.get(AT + "/operations/{operation_id}")
async def look(call_id: str, operation_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Shows how an operation stands."""
    here = await _here(request, who, call_id, action="operation_view", acting=False)
    return await Acting(services_of(request)).look(here, operation_id)


@router.post(AT + "/notes", status_code=201)
async def note(call_id: str, body: Note, who: Who, request: Request) -> dict[str, Any]:
    """Writes a note into the transcript."""
    services = services_of(request)
    text = redact(body.text)
    if not text.strip():
        raise Problem("empty_text")
    kept = await services.database.write(_noted, person=who, call_id=call_id, text=text)
    await _told(services, call_id)
    return calls.line_of(kept)


def _noted(session: Session, *, person: Person, call_id: str, text: str) -> CallLine:
    call = calls.find(session, person=person, call_id=call_id)
    kept, _ = calls.add_line(session, call_id=call.id, speaker="note", text=text)
    audit.write(session, agent=person.username, action="note", conversation_id=call.id, line=kept.id)
    return kept


@router.get(AT + "/summary")
async def summary(call_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Suggests how a call could be summed up and wrapped up."""
    services = services_of(request)
    await services.database.write(_viewed, person=who, call_id=call_id)
    _, here, operation_id = await services.database.read(_shown, person=who, call_id=call_id)
    operation = None
    if operation_id and here.account is not None:
        try:
            operation = (await Acting(services).look(here, operation_id))["operation"]
        except Problem:
            operation = None
    return await services.database.read(
        lambda session: wrapping.of_call(session, call=session.get_one(Call, call_id), operation=operation)
    )


@router.post(AT + "/end")
async def end(call_id: str, body: Close, who: Who, request: Request) -> dict[str, Any]:
    """Ends a call with a wrap-up code and a summary."""
    services = services_of(request)
    kept = redact(body.summary)[:4000] if body.summary else None
    await services.database.write(calls.ended, person=who, call_id=call_id, wrap_up=body.wrap_up, summary=kept)
    await _told(services, call_id)
    return await _whole(services, who, call_id)
