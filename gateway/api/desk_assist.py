"""`/api/desk/v1`: help for a customer's line, what agents think of it, free questions to the brain, and operations in a chat."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.api.customers import services_of
from gateway.api.desk_session import Who
from gateway.api.desk_shapes import Begin, Confirm, Language, Once, Verdict
from gateway.desk import assist, audit, brain, names, place, review, work
from gateway.desk.acting import Acting
from gateway.desk.people import Person
from gateway.desk.place import Place
from gateway.guard import redact
from gateway.models import Message, Turn
from gateway.problems import Problem
from gateway.routes import Route

router = APIRouter(route_class=Route)


def _line(
    session: Session, *, person: Person, conversation_id: str, message_id: str | None
) -> tuple[Place, Message, Any]:
    """Returns whose line it is, the line and its parse. Somebody who only looks gets help without the customer's data."""
    try:
        here = place.talk(session, person=person, conversation_id=conversation_id, action=None)
    except Problem as problem:
        if problem.code != "forbidden":
            raise
        one = place.find(session, conversation_id)
        here = Place("chat", one.id, one.language, None, person.username)
    query = select(Message).where(Message.conversation_id == conversation_id, Message.author == "customer")
    if message_id:
        query = query.where(Message.id == message_id)
    line = session.scalars(query.order_by(Message.seq.desc()).limit(1)).first()
    if line is None:
        raise Problem("not_found", "The customer has not written such a line.")
    parse = session.scalars(select(Turn.parse).where(Turn.id == line.turn_id)).first() if line.turn_id else None
    audit.write(session, agent=person.username, action="assist", conversation_id=conversation_id, message=line.id)
    return here, line, parse


@router.get("/conversations/{conversation_id}/assist")
async def helped(
    conversation_id: str, who: Who, request: Request, message: Annotated[str | None, Query(max_length=100)] = None
) -> dict[str, Any]:
    """Says what a customer's line means and what could be answered."""
    services = services_of(request)
    here, line, parse = await services.database.write(
        _line, person=who, conversation_id=conversation_id, message_id=message
    )
    found = await assist.assist(services, place=here, line_id=line.id, text=line.text, parse=parse)
    assist.note_shown(services, person=who, place=conversation_id, found=found)
    return found


@router.post("/conversations/{conversation_id}/assist/feedback", status_code=204)
async def judged(conversation_id: str, body: Verdict, who: Who, request: Request) -> None:
    """Keeps what an agent thinks of a suggestion; a wrong one goes to the review queue."""
    services = services_of(request)
    await services.database.write(_judged, person=who, conversation_id=conversation_id, body=body)


def _judged(session: Session, *, person: Person, conversation_id: str, body: Verdict) -> None:
    one = place.find(session, conversation_id)
    line = session.get(Message, body.message)
    if line is None or line.conversation_id != one.id or line.author != "customer":
        raise Problem("not_found")
    work.note_use(
        session, person=person, place=one.id, message_id=line.id, label=body.label, outcome=body.outcome, right=body.right
    )  # fmt: skip
    if body.outcome == "wrong":
        parse = session.scalars(select(Turn.parse).where(Turn.id == line.turn_id)).first() if line.turn_id else None
        review.add(
            session, place=one.id, message_id=line.id, text=line.text, language=one.language, reason="corrected",
            understood=parse, proposed=body.right, said_at=line.at,
        )  # fmt: skip


@router.get("/answers")
async def answers(
    who: Who,
    request: Request,
    query: Annotated[str, Query(min_length=1, max_length=300)],
    language: Language = "zh",
) -> dict[str, Any]:
    """Asks the brain freely: the help answers nearest to a question."""
    services = services_of(request)
    told = await brain.suggest(services, text=redact(query), language=language)
    said = {one["label"]: one["responses"] for one in told["answers"]}
    nobody = assist.Customer(known=False)
    found = assist.suggestions(
        said, [one["name"] for one in told["parse"]["ranking"]], told["parse"]["intent"], nobody, [], {}, language,
        told["parse"],
    )  # fmt: skip
    return {"items": found}


@router.get("/labels")
async def labels(who: Who) -> dict[str, Any]:
    """Lists every label with its name."""
    return {
        "items": [{"name": name, "title": names.title(name), "group": names.group_of(name)} for name in names.labels()]
    }


async def _here(request: Request, who: Person, conversation_id: str, *, acting: bool) -> Place:
    return await services_of(request).database.write(
        place.talk, person=who, conversation_id=conversation_id, action="operation_view" if not acting else "acting", acting=acting
    )  # fmt: skip


@router.post("/conversations/{conversation_id}/operations", status_code=201)
async def begin(conversation_id: str, body: Begin, who: Who, request: Request) -> dict[str, Any]:
    """Begins an operation for the customer of one's talk."""
    here = await _here(request, who, conversation_id, acting=True)
    return await Acting(services_of(request)).begin(here, kind=body.kind, target=body.target, client_id=body.client_id)


@router.post("/conversations/{conversation_id}/operations/{operation_id}/confirm")
async def confirm(conversation_id: str, operation_id: str, body: Confirm, who: Who, request: Request) -> dict[str, Any]:
    """Sends the code after the customer's yes; they type it into the chat, where nobody sees it."""
    here = await _here(request, who, conversation_id, acting=True)
    return await Acting(services_of(request)).confirm(
        here, operation_id, effects_version=body.effects_version, client_id=body.client_id
    )


@router.post("/conversations/{conversation_id}/operations/{operation_id}/cancel")
async def cancel(conversation_id: str, operation_id: str, body: Once, who: Who, request: Request) -> dict[str, Any]:
    """Cancels an operation that nobody has verified."""
    here = await _here(request, who, conversation_id, acting=True)
    return await Acting(services_of(request)).cancel(here, operation_id, client_id=body.client_id)


@router.get("/conversations/{conversation_id}/operations/{operation_id}")
async def look(conversation_id: str, operation_id: str, who: Who, request: Request) -> dict[str, Any]:
    """Shows how an operation stands."""
    here = await _here(request, who, conversation_id, acting=False)
    return await Acting(services_of(request)).look(here, operation_id)
