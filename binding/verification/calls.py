"""Calls at the desk: a phone number becomes an opaque reference; the account appears only after its code was read back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding import audit
from binding.clock import now, rfc3339
from binding.errors import Problem, not_found
from binding.ids import new_id
from binding.models import Account, Call, Challenge, Failure
from binding.policy import policy
from binding.repository import bindings, operations
from binding.service import masks
from binding.verification import codes, limits


def open_call(session: Session, *, phone: str, agent: str) -> dict[str, Any]:
    """Open a call for a phone number; the answer is the same whether anybody has registered it. Raises 429."""
    moment = now(session)
    limits.check_may_call(session, agent=agent, moment=moment)
    account_id = session.scalar(sa.select(Account.id).where(Account.phone == phone[-11:]).order_by(Account.id))
    call = Call(id=new_id("call"), account_id=account_id, agent=agent, created_at=moment)
    session.add(call)
    session.flush()
    return {"ref": call.id, "state": call.state, "phone": masks.phone(phone[-11:])}


def find_call(session: Session, *, ref: str, agent: str) -> Call:
    """Return an agent's own call; raises 404."""
    call = session.get(Call, ref, populate_existing=True)
    if call is None or call.agent != agent:
        raise not_found()
    return call


def send_code(session: Session, *, call: Call) -> tuple[dict[str, Any], Account | None, str, str]:
    """Make a code for a caller; returns (shape, account or None, code, message id). Raises 409 or 429.

    The answer depends on this call alone, so it is the same whether anybody has registered the number, and whatever that
    account was sent before. The sends and failures of calls and operations count together against the account: when they
    are used up nothing goes out (account None), and the answer does not tell.
    """
    _check_open(call)
    moment = now(session)
    rules = policy().limits
    if call.sent_at is not None and moment < call.sent_at + dt.timedelta(seconds=rules.send_interval_s):
        left = call.sent_at + dt.timedelta(seconds=rules.send_interval_s) - moment
        raise Problem(429, "send_too_soon", retry_after=max(1, int(left.total_seconds()) + 1))
    if call.sends >= rules.sends_per_day:
        raise Problem(429, "daily_send_limit", retry_after=86_400)
    account = bindings.account(session, call.account_id) if call.account_id else None
    code, message_id = codes.new_code(), ""
    expires = moment + dt.timedelta(seconds=rules.code_life_s)
    if account is not None and not limits.caller_may_be_sent(session, owner=account.id, moment=moment):
        _audit(session, call, "call.code_withheld")
        account = None
    if account is not None:
        live = operations.live_code(session, account.id)
        if live is not None:
            live.state = "replaced"
            session.flush()
        sealed = codes.seal_code(code, operation_id=call.id)
        challenge = Challenge(
            id=new_id("chl"), account_id=account.id, call_id=call.id, method="sms", state="issued", salt=sealed.salt,
            secret_hash=sealed.hash, destination=masks.phone(account.phone), created_at=moment, expires_at=expires,
        )  # fmt: skip
        session.add(challenge)
        message_id = f"{challenge.id}:{challenge.salt[:8]}"
        _audit(session, call, "call.code_sent")
    call.sends, call.sent_at = call.sends + 1, moment
    session.flush()
    resend = moment + dt.timedelta(seconds=rules.send_interval_s)
    shape = {"ref": call.id, "expires_at": rfc3339(expires), "resend_at": rfc3339(resend), "attempts_left": _left(call)}
    return shape, account, code, message_id


def answer_code(session: Session, *, call: Call, code: str) -> dict[str, Any]:
    """Check what the caller read back; right: the account is named. Raises 409, 410 or 422 `code_wrong`.

    Wrong is also what comes of a number that nobody registered, of a code that was withheld or replaced, and of an account that is locked.
    """
    _check_open(call)
    moment = now(session)
    if call.sent_at is None or call.sent_at + dt.timedelta(seconds=policy().limits.code_life_s) <= moment:
        raise Problem(410, "code_expired", attempts_left=_left(call))
    if call.account_id is None or limits.is_locked(session, owner=call.account_id, moment=moment):
        raise _count(session, call, None)
    query = sa.select(Challenge).where(Challenge.call_id == call.id, Challenge.state == "issued")
    challenge = session.scalar(query)
    if challenge is None or challenge.expires_at <= moment:
        raise _count(session, call, None)
    if not codes.code_matches(code, operation_id=call.id, hash=challenge.secret_hash, salt=challenge.salt):
        raise _count(session, call, challenge)
    challenge.state, challenge.used_at = "used", moment
    call.state, call.verified_at = "verified", moment
    _audit(session, call, "call.verified")
    return {"ref": call.id, "state": call.state, "account": call.account_id, "agent": call.agent}


def _count(session: Session, call: Call, challenge: Challenge | None) -> Problem:
    call.failed_attempts += 1
    if challenge is not None:
        failure = Failure(
            id=new_id("fail"), account_id=challenge.account_id, challenge_id=challenge.id, method="sms", at=now(session)
        )
        session.add(failure)
        _audit(session, call, "call.code_failed")
    if _left(call) == 0:
        call.state = "failed"
        if challenge is not None:
            challenge.state = "failed"
    session.flush()
    return Problem(422, "code_wrong", attempts_left=_left(call), call_state=call.state)


def _check_open(call: Call) -> None:
    if call.state != "open":
        raise Problem(409, "call_closed", call_state=call.state)


def _left(call: Call) -> int:
    return max(0, policy().limits.tries_per_operation - call.failed_attempts)


def _audit(session: Session, call: Call, event: str) -> None:
    assert call.account_id is not None
    audit.record(session, account_id=call.account_id, event=event, actor=f"agent:{call.agent}", call=call.id)
