"""GET: what the customer has bound, what stands open, what was asked for."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from binding.api import schemas
from binding.api.dependencies import CallerOf, Cursor, Limit
from binding.clock import now
from binding.database import reading, writing
from binding.errors import not_found
from binding.policy import policy
from binding.repository import bindings, operations
from binding.service import operations as service
from binding.service import views
from binding.service.blockers import blockers_of
from binding.service.targets import resolve

router = APIRouter(prefix="/v1", responses=schemas.problems(401, 404, 422))
State = Annotated[Literal["live", "all"], Query(description="`all` includes what has ended")]


@router.get("/cards", response_model=schemas.CardPage, tags=["cards"])
def list_cards(who: CallerOf, state: State = "live", limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """List the customer's cards."""
    with reading() as session:
        rows, after = bindings.cards_page(
            session, who.account_id, everything=state == "all", limit=limit, cursor=cursor
        )
        return {"items": [views.card(r) for r in rows], "next_cursor": after}


@router.get("/cards/{card_id}", response_model=schemas.Card, tags=["cards"])
def show_card(card_id: str, who: CallerOf) -> dict[str, Any]:
    """Show one card."""
    with reading() as session:
        found = bindings.card(session, who.account_id, card_id)
        if found is None:
            raise not_found()
        return views.card(found)


@router.get("/cards/{card_id}/blockers", response_model=schemas.Blockers, tags=["cards"])
def show_blockers(card_id: str, who: CallerOf) -> dict[str, Any]:
    """List what stands in the way of removing a card now."""
    with reading() as session:
        if bindings.card(session, who.account_id, card_id) is None:
            raise not_found()
        target = resolve(session, owner=who.account_id, kind="card.unbind", target=card_id)
        return {"items": blockers_of(session, owner=who.account_id, kind="card.unbind", target=target)}


@router.get("/wallets", response_model=schemas.WalletPage, tags=["wallets"])
def list_wallets(who: CallerOf, state: State = "live", limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """List the customer's wallets."""
    with reading() as session:
        rows, after = bindings.wallets_page(
            session, who.account_id, everything=state == "all", limit=limit, cursor=cursor
        )
        return {"items": [views.wallet(r) for r in rows], "next_cursor": after}


@router.get("/agreements", response_model=schemas.AgreementPage, tags=["agreements"])
def list_agreements(
    who: CallerOf,
    card_id: Annotated[str | None, Query(max_length=64, pattern=schemas.NO_NUL)] = None,
    state: State = "live",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """List the customer's automatic deductions, of one card when asked."""
    with reading() as session:
        if card_id is not None and bindings.card(session, who.account_id, card_id) is None:
            raise not_found()
        rows, after = bindings.agreements_page(
            session, who.account_id, card_id=card_id, everything=state == "all", limit=limit, cursor=cursor
        )
        return {"items": [views.agreement(r) for r in rows], "next_cursor": after}


@router.get("/obligations", response_model=schemas.ObligationPage, tags=["obligations"])
def list_obligations(who: CallerOf, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """List debts, unfinished orders and refunds on their way."""
    with reading() as session:
        rows, after = bindings.obligations_page(session, who.account_id, limit=limit, cursor=cursor)
        return {"items": [views.obligation(r) for r in rows], "next_cursor": after}


@router.get("/operations", response_model=schemas.OperationPage, tags=["operations"])
def list_operations(who: CallerOf, open: bool = False, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
    """List what the customer asked for, newest first; `open` leaves out what has ended."""
    _expire(who.account_id)
    with reading() as session:
        rows, after = operations.operations_page(session, who.account_id, only_open=open, limit=limit, cursor=cursor)
        return {"items": [views.operation(session, r) for r in rows], "next_cursor": after}


@router.get("/operations/{operation_id}", response_model=schemas.Operation, tags=["operations"])
def show_operation(operation_id: str, who: CallerOf) -> dict[str, Any]:
    """Show one operation; the conversation that asks hears from now on what becomes of it."""
    _expire(who.account_id)
    with reading() as session:
        found = service.find(session, owner=who.account_id, operation_id=operation_id)
        if who.actor or who.conversation in (None, found.conversation) or found.finished_at is not None:
            return views.operation(session, found)
    with writing(who.account_id) as session:
        found = service.find(session, owner=who.account_id, operation_id=operation_id)
        service.take_over(session, who, found)
        return views.operation(session, found)


def _expire(owner: str) -> None:
    with reading() as session:
        before = now(session) - dt.timedelta(seconds=policy().limits.operation_life_s)
        if not operations.overdue(session, owner, before):
            return
    with writing(owner) as session:
        service.expire_due(session, owner)
