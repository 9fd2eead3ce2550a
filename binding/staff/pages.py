"""What the staff sees: operations, accounts, notices, the audit trail, and the review queue. GET never changes the ledger."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from binding import audit
from binding.database import reading, writing
from binding.errors import not_found
from binding.models import (
    Account,
    Agreement,
    AuditRow,
    Card,
    Challenge,
    Decision,
    Notice,
    Obligation,
    Operation,
    OutboxEvent,
    Wallet,
)  # fmt: skip
from binding.models.operation import CLOSED, OPEN
from binding.ports import bank
from binding.service import masks
from binding.staff import people, review
from binding.staff.render import html

router = APIRouter()
PAGE = 50
Cursor = Annotated[str, Query(max_length=64)]


def _page(session: Session, query: Any, key: Any, after: str) -> tuple[list[Any], str | None]:
    if after:
        query = query.where(key < after)
    rows = list(session.scalars(query.order_by(key.desc()).limit(PAGE + 1)))
    return rows[:PAGE], (rows[PAGE - 1].id if len(rows) > PAGE else None)


def _looked(request: Request, about: str | list[Any], what: str) -> None:
    """Write down who looked at whose data: an account's, or those of a list's rows; a list that showed nothing is no look."""
    if isinstance(about, list):
        about = sorted({row.account_id for row in about})
        if not about:
            return
    with writing() as session:
        audit.record(
            session, account_id=people.CHAIN, event="staff.looked", actor=f"staff:{request.state.person.username}",
            about=about, what=what,
        )  # fmt: skip


@router.get("/")
def home() -> Response:
    """Go to the operations."""
    return RedirectResponse("/operations", 303)


@router.get("/operations")
def list_operations(
    request: Request, status: str = "", q: Annotated[str, Query(max_length=64)] = "", after: Cursor = ""
) -> Response:
    """List operations, newest first; `q` is an operation's id, its reference or an account's id."""
    query = sa.select(Operation)
    if status in OPEN + CLOSED:
        query = query.where(Operation.status == status)
    if q.strip():
        wanted = q.strip()
        query = query.where(
            sa.or_(Operation.id == wanted, Operation.reference == wanted.upper(), Operation.account_id == wanted)
        )
    with reading() as session:
        rows, more = _page(session, query, Operation.id, after)
    _looked(request, rows, "operations")
    return html(request, "operations.html", rows=rows, more=more, status=status, q=q, statuses=OPEN + CLOSED)


@router.get("/operations/{operation_id}")
def show_operation(request: Request, operation_id: str) -> Response:
    """Show an operation with all that belongs to it, never a code's hash."""
    with reading(one_moment=True) as session:  # a line that is written meanwhile would look like one without its head
        found = session.get(Operation, operation_id)
        if found is None:
            raise not_found()
        values: dict[str, Any] = {
            "op": found,
            "challenges": _of(session, Challenge, operation_id),
            "notices": _of(session, Notice, operation_id),
            "events": _of(session, OutboxEvent, operation_id),
            "decisions": _of(session, Decision, operation_id),
            "lines": list(
                session.scalars(sa.select(AuditRow).where(AuditRow.operation_id == operation_id).order_by(AuditRow.seq))
            ),
            "findings": audit.verify(session, account_id=found.account_id)[1],
        }
    _looked(request, found.account_id, operation_id)
    return html(request, "operation.html", **values)


def _of(session: Session, table: Any, operation_id: str) -> list[Any]:
    return list(session.scalars(sa.select(table).where(table.operation_id == operation_id).order_by(table.id)))


@router.get("/accounts/{account_id}")
def show_account(request: Request, account_id: str) -> Response:
    """Show what an account has; phone and wallets masked, of cards the last four digits."""
    with reading() as session:
        account = session.get(Account, account_id)
        if account is None:
            raise not_found()
        values: dict[str, Any] = {}
        tables: list[tuple[str, Any]] = [
            ("cards", Card), ("wallets", Wallet), ("agreements", Agreement), ("obligations", Obligation),
            ("operations", Operation),
        ]  # fmt: skip
        for name, table in tables:
            query = sa.select(table).where(table.account_id == account_id).order_by(table.id).limit(200)
            values[name] = list(session.scalars(query))
    _looked(request, account_id, "account")
    return html(request, "account.html", account=account, phone=masks.phone(account.phone), **values)


@router.get("/notices")
def list_notices(request: Request, state: str = "", after: Cursor = "") -> Response:
    """List notices, newest first."""
    query = sa.select(Notice)
    if state in ("queued", "sent", "failed"):
        query = query.where(Notice.state == state)
    with reading() as session:
        rows, more = _page(session, query, Notice.id, after)
    _looked(request, rows, "notices")
    return html(request, "notices.html", rows=rows, more=more, state=state)


@router.get("/audit")
def show_audit(request: Request, account: Annotated[str, Query(max_length=64)] = "", all: bool = False) -> Response:
    """Show a chain, verified as it is read; `all=1` verifies every chain."""
    chain = account.strip() or people.CHAIN
    with reading(one_moment=True) as session:
        last = sa.select(AuditRow).where(AuditRow.account_id == chain).order_by(AuditRow.seq.desc()).limit(200)
        rows = list(session.scalars(last))
        count, findings = audit.verify(session, account_id=None if all else chain)
    if chain != people.CHAIN:
        _looked(request, chain, "audit")
    return html(request, "audit.html", rows=rows, chain=chain, count=count, findings=findings, all=all)


@router.get("/review")
def list_review(request: Request) -> Response:
    """List what waits for a decision, oldest first."""
    with reading() as session:
        query = sa.select(Operation).where(Operation.status == "manual_review").order_by(Operation.id).limit(200)
        rows = [(op, review.live(session, op.id)) for op in session.scalars(query)]
    _looked(request, [op for op, _ in rows], "review")
    return html(request, "review.html", rows=rows)


@router.get("/review/{operation_id}")
def show_review(request: Request, operation_id: str) -> Response:
    """Show one case with what the bank says now, and the form that the person may use."""
    with reading() as session:
        found = session.get(Operation, operation_id)
        if found is None:
            raise not_found()
        decision = review.live(session, operation_id)
    _looked(request, found.account_id, operation_id)
    said = bank.ask(operation_id=operation_id)["state"] if found.status == "manual_review" else None
    return html(request, "case.html", op=found, decision=decision, bank_says=said)


@router.post("/review/{operation_id}/propose")
def propose(
    request: Request,
    operation_id: str,
    outcome: Annotated[str, Form(max_length=16)] = "",
    reason: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Propose a decision."""
    review.propose(username=request.state.person.username, operation_id=operation_id, outcome=outcome, reason=reason)
    return RedirectResponse(f"/review/{operation_id}", 303)


@router.post("/review/{operation_id}/ask")
def ask_bank(request: Request, operation_id: str) -> Response:
    """Have the bank asked."""
    review.ask_bank(username=request.state.person.username, operation_id=operation_id)
    return RedirectResponse(f"/operations/{operation_id}", 303)


@router.post("/decisions/{decision_id}/confirm")
def confirm(request: Request, decision_id: str) -> Response:
    """Confirm another's proposal."""
    review.confirm(username=request.state.person.username, decision_id=decision_id)
    return RedirectResponse("/review", 303)


@router.post("/decisions/{decision_id}/turn-down")
def turn_down(request: Request, decision_id: str) -> Response:
    """Turn a proposal down."""
    review.turn_down(username=request.state.person.username, decision_id=decision_id)
    return RedirectResponse("/review", 303)
