"""`/api/desk/v1/canned`: ready sentences, filled in for a talk or call; supervisors write them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StrictStr

from gateway.api.customers import services_of
from gateway.api.desk_session import Who
from gateway.desk import assist, audit, canned, place
from gateway.desk.acting import Acting
from gateway.desk.people import Person
from gateway.desk.place import Place
from gateway.problems import Problem
from gateway.routes import Route
from gateway.services import Services

router = APIRouter(route_class=Route)


class Title(BaseModel):
    """A name in both languages."""

    zh: Annotated[StrictStr, Field(min_length=1, max_length=40)]
    en: Annotated[StrictStr, Field(min_length=1, max_length=80)]


class Texts(BaseModel):
    """A sentence in both languages."""

    zh: Annotated[StrictStr, Field(min_length=1, max_length=1000)]
    en: Annotated[StrictStr, Field(min_length=1, max_length=2000)]


class Canned(BaseModel):
    """A ready sentence."""

    name: Annotated[StrictStr, Field(pattern=r"^[a-z0-9_]{1,60}$")] | None = None
    topic: Annotated[StrictStr, Field(min_length=1, max_length=40)] = "general"
    title: Title
    texts: Texts


@router.get("/canned")
async def listed(
    who: Who,
    request: Request,
    conversation: Annotated[str | None, Query(max_length=100)] = None,
    call: Annotated[str | None, Query(max_length=100)] = None,
) -> dict[str, Any]:
    """Lists ready sentences; for a talk or call with its values filled in."""
    services = services_of(request)
    items = await services.database.read(canned.listed)
    if conversation or call:
        values = await _values(services, who, conversation, call)
        items = canned.rendered(items, values=values)
    else:
        items = [one | {"rendered": None, "missing": []} for one in items]
    return {"items": items, "variables": canned.variables()}


async def _values(services: Services, who: Person, conversation: str | None, call: str | None) -> dict[str, Any]:
    known = assist.Customer(known=False)
    here = await services.database.read(_place, person=who, conversation=conversation, call=call)
    if here is not None:
        known = await assist.Customer.of(Acting(services), here)
    if here is not None and known.known:
        look = {"agent": who.username, "action": "customer_view", "conversation_id": here.id}
        await services.database.write(audit.viewed, **look)
    return canned.values_of(
        services.settings, person=who, cards=known.cards, wallets=known.wallets, operation=known.operation
    )


def _place(session: Any, *, person: Person, conversation: str | None, call: str | None) -> Place | None:
    """Returns whose data may fill the gaps; None for somebody else's talk, whose sentences then keep their gaps."""
    try:
        if conversation:
            return place.talk(session, person=person, conversation_id=conversation, action=None)
        return place.call(session, person=person, call_id=call or "", action=None)
    except Problem as problem:
        if problem.code != "forbidden":
            raise
        return None


def _supervisor(who: Person) -> None:
    if not who.supervisor:
        raise Problem("forbidden")


@router.post("/canned", status_code=201)
async def write(body: Canned, who: Who, request: Request) -> dict[str, Any]:
    """Writes a new ready sentence."""
    _supervisor(who)
    return await _saved(request, who, None, body)


@router.put("/canned/{canned_id}")
async def change(canned_id: str, body: Canned, who: Who, request: Request) -> dict[str, Any]:
    """Changes a ready sentence."""
    _supervisor(who)
    return await _saved(request, who, canned_id, body)


async def _saved(request: Request, who: Person, canned_id: str | None, body: Canned) -> dict[str, Any]:
    return await services_of(request).database.write(
        canned.save,
        person=who,
        canned_id=canned_id,
        name=None if canned_id else body.name,
        topic=body.topic,
        title=body.title.model_dump(),
        texts=body.texts.model_dump(),
    )


@router.delete("/canned/{canned_id}", status_code=204)
async def remove(canned_id: str, who: Who, request: Request) -> None:
    """Takes a ready sentence away."""
    _supervisor(who)
    await services_of(request).database.write(canned.remove, person=who, canned_id=canned_id)
