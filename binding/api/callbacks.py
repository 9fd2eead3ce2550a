"""What the bank tells us: signed, and never believed without asking back."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from binding.api import schemas
from binding.database import reading, writing
from binding.errors import unauthenticated
from binding.ports.webhooks import checked
from binding.repository import operations
from binding.settings import settings
from binding.workflows import nudge

ID = re.compile(r"[\x21-\x7e]{1,64}")
router = APIRouter(tags=["bank"])


@router.post("/bank/callbacks", status_code=202, responses=schemas.problems(401))
async def bank_callback(request: Request) -> dict[str, bool]:
    """Take the bank's word that a request ended as a reason to ask about it now."""
    secret, older = settings().bank_callback_secret, settings().bank_callback_old_secret
    body = checked(secret, request.headers, await request.body(), older=older)
    if body is None:
        raise unauthenticated("the signature is wrong or too old")
    request_id = str(body.get("request", ""))
    if ID.fullmatch(request_id):  # nothing of ours is called anything else, and no database could look for it
        await run_in_threadpool(_ask_about, request_id)
    return {"ok": True}


def _ask_about(operation_id: str) -> None:
    with reading() as session:
        owner = operations.owner_of(session, operation_id)
    if owner is not None:
        with writing(owner) as session:
            nudge(session, operation_id)
