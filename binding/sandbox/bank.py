"""The bank's door. Modes: ok · slow · pending · reject · down · lost_reply. Every request is done at most once by its key."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import json
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from binding.sandbox.callbacks import call_back
from binding.sandbox.peers import demand_bank_token, store
from binding.settings import settings

router = APIRouter(dependencies=[Depends(demand_bank_token)])
ACTIONS = ("terminations", "signings", "quick-pay-closures")
# The first digits of cards that these banks issue; a number with other first digits is taken for the bank that was asked for.
BINS = {
    "cmb": ("622588", "621286", "622575"), "icbc": ("622202", "621226", "622230"), "ccb": ("436742", "621700", "622280"),
    "abc": ("622848", "622845"), "boc": ("621661", "601382"), "bocom": ("622260", "622258"), "psbc": ("622188", "621098"),
    "citic": ("622690", "622696"), "ceb": ("622660", "622662"), "cmbc": ("622622", "622617"), "cib": ("622909", "622908"),
    "spdb": ("622521", "622518"), "pab": ("622155", "622156"), "gdb": ("622568", "622555"), "hxb": ("622632", "622631"),
}  # fmt: skip


@router.post("/bank/v1/card-tokens")
async def tokenise(request: Request, idempotency_key: Annotated[str, Header()]) -> Response:
    """Check a new card's details and answer with a token, once per key; nothing of the details is kept but a seal."""
    mode = await run_in_threadpool(store().mode)
    if mode in ("down", "slow", "lost_reply"):
        return JSONResponse({"state": "unavailable"}, 503)
    said = await request.body()
    body = json.loads(said)
    number = str(body.get("number", ""))
    bank = next((b for b, bins in BINS.items() if number[:6] in bins), body.get("bank"))
    answer: dict[str, Any] = {"state": "rejected", "reason": "bank_rejected"}
    if mode != "reject":
        answer = {
            "state": "checked", "card_token": f"ct_{time.time_ns():x}", "tail": number[-4:], "card_type": "debit", "bank": bank,
        }  # fmt: skip
    seal = hmac.new(settings().bank_token.encode(), said, hashlib.sha256).hexdigest()
    kept = await run_in_threadpool(lambda: store().check_card(key=idempotency_key, seal=seal, answer=answer))
    return JSONResponse(kept) if kept else JSONResponse({"state": "key_reused"}, 422)


@router.post("/bank/v1/{action}")
async def submit(action: str, request: Request, idempotency_key: Annotated[str, Header()]) -> Response:
    """Take a request as the mode has it."""
    if action not in ACTIONS:
        raise HTTPException(404)
    body, mode = await request.json(), await run_in_threadpool(store().mode)
    state = {
        "ok": "done",
        "slow": "slow",
        "pending": "pending",
        "reject": "rejected",
        "down": "unseen",
        "lost_reply": "lost",
    }[mode]
    later = time.time() + settings().sandbox_slow_s if state in ("slow", "lost") else None
    reason = "bank_rejected" if state == "rejected" else None
    row = await run_in_threadpool(
        lambda: store().submit(
            key=idempotency_key, action=action, body=body, state=state, ready_at=later, reason=reason
        )
    )
    while row["state"] in ("slow", "lost") and not await request.is_disconnected():
        await asyncio.sleep(0.1)
        row = await run_in_threadpool(_find, idempotency_key) or row
    return _answer(row)


@router.get("/bank/v1/requests/{key}")
async def ask(key: str) -> Response:
    """Tell what became of a request; a request that was settled is told even by a bank that is down."""
    row = await run_in_threadpool(store().find, key)
    mode = await run_in_threadpool(store().mode)
    if row is None or row["state"] == "unseen":
        return (
            JSONResponse({"state": "unavailable"}, 503) if mode == "down" else JSONResponse({"state": "missing"}, 404)
        )
    if mode == "down" and not row["settled"]:
        return JSONResponse({"state": "unavailable"}, 503)
    return _answer(row)


@router.get("/bank/v1/requests")
def list_requests(cursor: str = "", limit: int = 500) -> dict[str, Any]:
    """List requests and what became of them, for reconciliation."""
    rows = store().list_requests(after=cursor, limit=limit)
    items = [
        {"id": r["id"], "action": r["action"], "state": r["state"], "done": r["done_count"], "calls": r["calls"],
         "ended_at": _ended_at(r)}
        for r in rows
    ]  # fmt: skip
    return {"items": items, "next_cursor": rows[-1]["id"] if len(rows) == limit else None}


@router.get("/bank/v1/agreements")
def list_agreements(account: str) -> dict[str, Any]:
    """List an account's agreements and whether they live."""
    return {"items": [{"protocol": r["protocol"], "live": r["live"]} for r in store().list_agreements(account)]}


def _find(key: str) -> dict[str, Any]:
    return store().find(key) or {}


def _ended_at(row: dict[str, Any]) -> str | None:
    if row["state"] not in ("done", "rejected"):
        return None
    return dt.datetime.fromtimestamp(row["ready_at"] or row["created_at"], dt.UTC).isoformat()


def _answer(row: dict[str, Any]) -> Response:
    if row["state"] == "lost":
        return JSONResponse({"state": "unavailable"}, 503)
    if row["state"] == "unseen":
        return JSONResponse({"state": "unavailable"}, 503)
    if row["state"] in ("pending", "slow"):
        return JSONResponse({"state": "pending", "eta_s": 7200}, 202)
    if row["state"] == "rejected":
        return JSONResponse({"state": "rejected", "reason": row["reason"] or "bank_rejected"})
    return JSONResponse({"state": "done", "ref": f"BK{row['id'][-12:].upper()}"})


@router.put("/control/bank")
def set_mode(body: dict[str, str]) -> dict[str, str]:
    """Set the mode."""
    store().set_mode(body["mode"])
    return {"mode": body["mode"]}


@router.post("/control/settle")
def settle(body: dict[str, str]) -> dict[str, int]:
    """End all that waits and call back."""
    ended = store().settle(body.get("outcome", "done"))
    call_back(ended)
    return {"settled": len(ended)}


@router.put("/control/agreements")
def register(body: dict[str, Any]) -> dict[str, bool]:
    """Learn which agreements a sandbox account has."""
    store().register(rows=body["agreements"], pending=body["pending"])
    return {"ok": True}
