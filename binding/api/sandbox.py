"""The sandbox's own routes: accounts to order, their phones, the bank's mood, the clock. Absent outside the sandbox."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from binding import durable
from binding.api import schemas
from binding.api.dependencies import service
from binding.database import reading, writing
from binding.errors import Problem, not_found
from binding.models import SandboxState
from binding.ports import http
from binding.service import accounts
from binding.settings import settings
from binding.workflows import nudge_all, tell_bank_now

router = APIRouter(
    prefix="/sandbox", tags=["sandbox"], dependencies=[Depends(service)], responses=schemas.problems(401, 404, 422)
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class BankMode(_Body):
    mode: Literal["ok", "slow", "pending", "reject", "down", "lost_reply"]


class Settle(_Body):
    outcome: Literal["done", "rejected"] = "done"


class Advance(_Body):
    advance_s: Annotated[int, Field(ge=0, le=10 * 366 * 86400)]


@router.post("/accounts", status_code=201)
def create_account(spec: accounts.AccountSpec) -> dict[str, str]:
    """Make an account."""
    with writing() as session:
        try:
            account_id = accounts.create(session, spec=spec)
        except ValueError as error:
            session.rollback()
            raise Problem(422, "invalid_request", str(error)) from error
    if not tell_bank_now(account_id):
        with writing() as session:
            durable.enqueue(session, "register_at_bank", f"{account_id}:register", account_id)
    return {"account": account_id}


@router.get("/accounts/{account}")
def show_account(account: str) -> dict[str, Any]:
    """Show the true state of an account: of one moment, or an operation would have succeeded whose card is still there."""
    with reading(one_moment=True) as session:
        shown = accounts.show(session, account_id=account)
    if shown is None:
        raise not_found()
    return shown


@router.get("/phones/{account}")
def show_phone(account: str) -> dict[str, Any]:
    """Show the messages that the account's phone received, oldest first."""
    with reading() as session:
        if accounts.show(session, account_id=account) is None:
            raise not_found()
    return _peer("GET", f"/phones/{account}")


@router.put("/bank")
def set_bank(body: BankMode) -> dict[str, Any]:
    """Set the bank's mood; undecided operations ask again at once."""
    answer = _peer("PUT", "/control/bank", body.model_dump())
    nudge_all()
    return answer


@router.post("/bank/settle")
def settle_bank(body: Settle | None = None) -> dict[str, Any]:
    """End everything that is pending, slow or lost at the bank; the operations follow within 10 s."""
    answer = _peer("POST", "/control/settle", (body or Settle()).model_dump())
    nudge_all()
    return answer


@router.post("/clock")
def advance_clock(body: Advance) -> dict[str, int]:
    """Move the ledger's clock forward; codes, send intervals, daily limits and expiry follow it."""
    with writing() as session:
        state = session.get(SandboxState, 1, with_for_update=True)
        if state is None:
            state = SandboxState(id=1, clock_offset_s=0)
            session.add(state)
        if state.clock_offset_s + body.advance_s > 100 * 366 * 86400:
            raise Problem(422, "invalid_request", "the clock cannot run more than a hundred years ahead")
        state.clock_offset_s += body.advance_s
        offset = state.clock_offset_s
    return {"offset_s": offset}


def _peer(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {settings().bank_token}"}
    try:
        answer = http.call(
            method, f"{settings().bank_url}{path}", peer="bank", json=body, headers=headers, timeout=(1, 5)
        )
        if answer.status >= 400:
            raise http.NoAnswer(f"it answered {answer.status}")
    except http.NoAnswer as error:
        raise Problem(503, "service_unavailable", "the bank and phone stand-in does not answer") from error
    return answer.json()  # type: ignore[no-any-return]
