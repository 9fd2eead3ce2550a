"""Challenges: opened, answered, and what a right or wrong answer does. All of it under the account's lock."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding import audit, durable
from binding.clock import now, real_now, rfc3339
from binding.errors import Problem, not_found
from binding.ids import new_id
from binding.models import Challenge, Failure, Operation
from binding.policy import policy
from binding.repository import bindings, operations
from binding.service import masks, views
from binding.service.blockers import blockers_of
from binding.service.effects import effects_of, version_of
from binding.service.operations import end, expire_due, find
from binding.service.reserve import reserve
from binding.service.targets import Target, resolve
from binding.service.tell import hold_until, queue_event
from binding.tokens import Caller
from binding.verification import codes, limits


def open_code(
    session: Session, *, caller: Caller, operation_id: str, effects_version: str, again: str | None = None
) -> tuple[Challenge, Operation, str]:
    """Make a new one-time code for an operation; returns (challenge, operation, the code to send now).

    Asking for one is the customer's yes to `effects_version`: the code stands for these effects alone, and so does from now
    on the one that is still live for this operation, whether or not another may be sent.
    `again` names a challenge whose sending was cut off: it gets a new code and counts once.
    Raises 404, 409 (closed, effects changed), 422 `method_not_allowed`, 423 or 429.
    """
    owner = caller.account_id
    found = _open_operation(session, caller=caller, operation_id=operation_id)
    _check_method(session, found, "sms")
    moment = now(session)
    limits.check_not_locked(session, owner=owner, moment=moment)
    _check_current(session, found, effects_version)
    code = codes.new_code()
    sealed = codes.seal_code(code, operation_id=found.id)
    expires = moment + dt.timedelta(seconds=policy().limits.code_life_s)
    cut_off = operations.challenge(session, owner, again) if again else None
    if cut_off is not None and cut_off.state == "sending":
        cut_off.secret_hash, cut_off.salt, cut_off.expires_at = sealed.hash, sealed.salt, expires
        cut_off.effects_version = effects_version
        session.flush()
        return cut_off, found, code
    live = operations.live_code(session, owner)
    if live is not None and live.operation_id == found.id and live.effects_version != effects_version:
        live.effects_version = effects_version
        session.flush()
        _audit(session, caller, found, "challenge.effects_confirmed", challenge=live.id, effects_version=effects_version)
    limits.check_may_send(session, owner=owner, moment=moment)
    if live is not None:
        live.state = "replaced"
        session.flush()
    account = bindings.account(session, owner)
    assert account is not None
    challenge = Challenge(
        id=new_id("chl"), account_id=owner, operation_id=found.id, method="sms", state="sending", secret_hash=sealed.hash,
        salt=sealed.salt, destination=masks.phone(account.phone), effects_version=effects_version, created_at=moment,
        expires_at=expires,
    )  # fmt: skip
    session.add(challenge)
    _step(session, found, moment)
    _audit(
        session, caller, found, "challenge.sent", challenge=challenge.id, method="sms", effects_version=effects_version
    )
    return challenge, found, code


def confirm_sent(session: Session, *, owner: str, challenge_id: str) -> tuple[Challenge, Operation]:
    """Mark a code as sent, or as one that may have been."""
    challenge = operations.challenge(session, owner, challenge_id)
    assert challenge is not None
    if challenge.state == "sending":
        challenge.state = "issued"
    session.flush()
    return challenge, find(session, owner=owner, operation_id=challenge.operation_id or "")


def confirm_undelivered(session: Session, *, caller: Caller, challenge_id: str) -> None:
    """Mark a code as surely not sent; it counts against no limit and can never be used."""
    challenge = operations.challenge(session, caller.account_id, challenge_id)
    if challenge is None or challenge.state != "sending":
        return
    challenge.state = "undelivered"
    found = find(session, owner=caller.account_id, operation_id=challenge.operation_id or "")
    _audit(session, caller, found, "challenge.undelivered", challenge=challenge.id)


def open_page(
    session: Session, *, caller: Caller, operation_id: str, effects_version: str, method: str
) -> dict[str, Any]:
    """Make a one-time secure page for an operation; returns its shape without the path. Raises as `open_code`.

    None for an agent (422): what they do for somebody always takes the code that goes to the registered phone.
    """
    owner = caller.account_id
    found = _open_operation(session, caller=caller, operation_id=operation_id)
    if caller.actor is not None:
        raise Problem(422, "method_not_allowed", methods=[m for m in views.methods(session, found) if m == "sms"])
    if method == "payment_password" and "card_details" in policy().operations[found.kind].methods:
        method = "card_details"
    _check_method(session, found, method)
    moment = now(session)
    limits.check_not_locked(session, owner=owner, moment=moment)
    if method == "payment_password":
        limits.check_password_not_locked(session, owner=owner, moment=moment)
    _check_current(session, found, effects_version)
    challenge_id = new_id("chl")
    for older in _live_pages(session, found):
        older.state = "replaced"
    challenge = Challenge(
        id=challenge_id, account_id=owner, operation_id=found.id, method=method, state="issued",
        secret_hash=codes.seal_ticket(codes.ticket_of(challenge_id)), salt="", destination=None,
        effects_version=effects_version, created_at=moment, expires_at=moment + dt.timedelta(seconds=policy().limits.ticket_life_s),
    )  # fmt: skip
    session.add(challenge)
    _step(session, found, moment)
    _audit(
        session, caller, found, "challenge.page_opened", challenge=challenge.id, method=method,
        effects_version=effects_version,
    )  # fmt: skip
    return {
        "id": challenge.id, "method": method, "expires_at": rfc3339(challenge.expires_at),
        "attempts_left": views.attempts_left(found),
    }  # fmt: skip


def answer_code(
    session: Session, *, caller: Caller, challenge_id: str, code: str, effects_version: str, wait_s: float
) -> Operation:
    """Check a one-time code and, when it is right, accept the operation: `processing`, queued, in this transaction.

    Raises 404, 409 (used, replaced, closed, effects changed, blocked), 410, 422 `code_wrong` or 423; a wrong code is counted.
    """
    owner = caller.account_id
    challenge = operations.challenge(session, owner, challenge_id)
    if challenge is None or challenge.method != "sms" or challenge.operation_id is None:
        raise not_found()
    expire_due(session, owner)
    found = find(session, owner=owner, operation_id=challenge.operation_id or "")
    moment = now(session)
    _check_answerable(session, challenge, found, moment)
    limits.check_not_locked(session, owner=owner, moment=moment)
    target = _check_current(session, found, effects_version, challenge.effects_version)
    _check_not_blocked(session, found, target)
    if not codes.code_matches(code, operation_id=found.id, hash=challenge.secret_hash, salt=challenge.salt):
        raise count_failure(session, caller=caller, found=found, challenge=challenge)
    accept(session, caller=caller, found=found, challenge=challenge, target=target, wait_s=wait_s)
    return found


def count_failure(session: Session, *, caller: Caller, found: Operation, challenge: Challenge) -> Problem:
    """Count a wrong answer against the operation and the account; returns the problem to raise."""
    count_try(session, found=found, challenge=challenge)
    return fail_try(session, caller=caller, found=found, challenge=challenge)


def count_try(session: Session, *, found: Operation, challenge: Challenge) -> Failure:
    """Count a try against the operation and the account; one that turns out right is given back."""
    moment = now(session)
    counted = Failure(
        id=new_id("fail"), account_id=found.account_id, operation_id=found.id, challenge_id=challenge.id,
        method=challenge.method, at=moment,
    )  # fmt: skip
    session.add(counted)
    found.failed_attempts += 1
    _step(session, found, moment)
    return counted


def give_back(session: Session, *, found: Operation, counted: Failure) -> None:
    """Count a try no longer: it was right, or nobody answered."""
    session.delete(session.get_one(Failure, counted.id))
    found.failed_attempts -= 1
    session.flush()


def fail_try(session: Session, *, caller: Caller, found: Operation, challenge: Challenge) -> Problem:
    """Make a counted try a wrong answer, which ends the operation when it was the last; returns the problem to raise."""
    _step(session, found, now(session))
    _audit(session, caller, found, "challenge.failed", challenge=challenge.id, method=challenge.method)
    left = views.attempts_left(found)
    if left == 0:
        end(session, found, status="failed", reason="too_many_attempts", actor=caller.name)
        challenge.state = "failed"
        queue_event(session, found)
    session.flush()
    return Problem(422, "code_wrong", attempts_left=left, operation_status=found.status)


def accept(
    session: Session, *, caller: Caller, found: Operation, challenge: Challenge, target: Target, wait_s: float,
    details: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Accept a verified operation: reserve its target, close the challenge and queue the work, all or nothing."""
    moment = now(session)
    request = reserve(session, found=found, target=target) | (details or {})
    if not operations.use_challenge(session, challenge, moment):
        raise closed(session, found)
    operations.close_challenges(session, found.account_id, found.id)
    moved = operations.move(
        session, found.account_id, found, "processing", updated_at=moment, last_step_at=moment, accepted_at=real_now(),
        bank_request=request, waiting_until=hold_until(wait_s) if wait_s > 0 else None,
    )  # fmt: skip
    if not moved:
        raise closed(session, found)
    _audit(session, caller, found, "operation.accepted", challenge=challenge.id, method=challenge.method)
    durable.enqueue(session, "settle_operation", found.id, found.id)


def closed(session: Session, found: Operation) -> Problem:
    """Build the answer for an operation that takes no further steps."""
    return Problem(409, "operation_closed", operation_status=found.status, operation=views.operation(session, found))


def _open_operation(session: Session, *, caller: Caller, operation_id: str) -> Operation:
    expire_due(session, caller.account_id)
    found = find(session, owner=caller.account_id, operation_id=operation_id)
    if found.status != "awaiting_verification":
        raise closed(session, found)
    return found


def _check_method(session: Session, found: Operation, method: str) -> None:
    available = views.methods(session, found)
    if method not in available:
        raise Problem(422, "method_not_allowed", methods=available)


def _check_answerable(session: Session, challenge: Challenge, found: Operation, moment: dt.datetime) -> None:
    if challenge.state == "used":
        raise Problem(409, "code_used", operation_status=found.status, operation=views.operation(session, found))
    if found.status != "awaiting_verification":
        raise closed(session, found)
    if challenge.state == "replaced":
        raise Problem(409, "code_replaced")
    if challenge.state != "issued" or challenge.expires_at <= moment:
        raise Problem(410, "code_expired", attempts_left=views.attempts_left(found))


def check_page(session: Session, challenge: Challenge, found: Operation) -> None:
    """Refuse a secure page that was used, replaced, or is too old."""
    _check_answerable(session, challenge, found, now(session))


def check_still_so(session: Session, found: Operation, challenge: Challenge) -> Target:
    """Refuse with 409 when the effects are not those that the challenge stands for, or something stands in the way now.

    The operation's own version is no measure: it follows the effects, also while somebody looks who confirms nothing.
    """
    target = _check_current(session, found, challenge.effects_version or found.effects_version)
    _check_not_blocked(session, found, target)
    return target


def _check_current(session: Session, found: Operation, *agreed: str | None) -> Target:
    """Bring the operation's effects up to date, and refuse with 409 when they are not what was agreed to every time."""
    target = resolve(session, owner=found.account_id, kind=found.kind, target=found.target)
    if target.done:
        raise Problem(409, "already_done")
    effects = effects_of(session, owner=found.account_id, kind=found.kind, target=target)
    version = version_of(effects)
    if version != found.effects_version:
        found.effects, found.effects_version, found.target_summary = effects, version, target.summary
        session.flush()
    if any(one not in (None, version) for one in agreed):
        raise Problem(409, "effects_changed", effects=effects, effects_version=version)
    return target


def _check_not_blocked(session: Session, found: Operation, target: Target) -> None:
    blockers = blockers_of(session, owner=found.account_id, kind=found.kind, target=target)
    if blockers:
        raise Problem(409, "blocked", blockers=blockers)


def _live_pages(session: Session, found: Operation) -> list[Challenge]:
    query = sa.select(Challenge).where(
        Challenge.account_id == found.account_id,
        Challenge.operation_id == found.id,
        Challenge.method != "sms",
        Challenge.state == "issued",
    )
    return list(session.scalars(query))


def _step(session: Session, found: Operation, moment: dt.datetime) -> None:
    found.last_step_at = found.updated_at = moment
    session.flush()


def _audit(session: Session, caller: Caller, found: Operation, event: str, **data: Any) -> None:
    audit.record(session, account_id=found.account_id, event=event, actor=caller.name, operation_id=found.id, **data)
