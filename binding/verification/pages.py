"""One-time secure pages: who may see one, what a submitted form does. Nothing that is typed here is stored or logged."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from binding.database import reading, writing
from binding.errors import Problem, not_found
from binding.models import Account, Challenge, Failure, Operation
from binding.ports import bank
from binding.repository import bindings, operations
from binding.service import masks, views
from binding.service.tell import queue_event
from binding.settings import settings
from binding.tokens import Caller
from binding.verification import challenges, codes, limits
from binding.verification.passwords import password_matches

log = structlog.get_logger("pages")
FULL_WIDTH = str.maketrans("０１２３４５６７８９Ｘｘ", "0123456789XX")
LONGEST_LOOK = dt.timedelta(seconds=60)  # no call of the bank lasts as long: who has not come back by then does not
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True)
class Page:
    """A page that may be shown: its form, whom and what it is about."""

    method: str
    account: Account
    operation: Operation


def find_page(session: Session, ticket: str) -> tuple[Challenge, Operation, Account]:
    """Find what a ticket opens; the ticket itself is the authority to see it. Raises 404."""
    query = sa.select(Challenge).where(Challenge.secret_hash == codes.seal_ticket(ticket), Challenge.method != "sms")
    challenge = session.scalar(query.execution_options(populate_existing=True))
    if challenge is None:
        raise not_found()
    found = operations.operation(session, challenge.account_id, challenge.operation_id or "")
    account = bindings.account(session, challenge.account_id)
    assert found is not None and account is not None
    return challenge, found, account


def show_page(ticket: str) -> Page:
    """Return the page of a ticket that can still be used; raises 404, 409 or 410."""
    with reading() as session:
        challenge, found, account = find_page(session, ticket)
        challenges.check_page(session, challenge, found)
        return Page(challenge.method, account, found)


def language_of(ticket: str) -> str:
    """Return the language of a ticket's account, `zh` when there is none."""
    with reading() as session:
        try:
            return find_page(session, ticket)[2].language
        except Problem:
            return "zh"


def submit_password(*, ticket: str, who: Caller, password: str) -> dict[str, Any]:
    """Check a payment password; when right, accept the operation. Wrong ones are counted. Raises as `show_page`, 422, 423."""
    problem: Problem | None = None
    shown: dict[str, Any] = {}
    with writing(who.account_id) as session:
        challenge, found, account = _own(session, ticket, who, "payment_password")
        moment = challenges.now(session)
        limits.check_not_locked(session, owner=who.account_id, moment=moment)
        limits.check_password_not_locked(session, owner=who.account_id, moment=moment)
        target = challenges.check_still_so(session, found, challenge)
        if account.payment_password_hash is None:
            raise Problem(422, "method_not_allowed")
        if password_matches(password, account.payment_password_hash):
            challenges.accept(session, caller=who, found=found, challenge=challenge, target=target, wait_s=0)
            queue_event(session, found)
        else:
            counted = challenges.count_failure(session, caller=who, found=found, challenge=challenge)
            problem = Problem(422, "password_wrong", **counted.extra)
        shown = views.operation(session, found)
    if problem is not None:
        raise problem
    return shown


def submit_card(*, ticket: str, who: Caller, number: str, holder: str, id_number: str, phone: str) -> dict[str, Any]:
    """Have the bank check a new card's details; when right, accept the operation. Raises as `submit_password`, 503.

    Details that the bank refuses, and a card of another bank, are counted; a bank that does not answer is not.
    """
    number, id_number = _digits(number), _digits(id_number).upper()
    phone = _digits(phone)[-11:]
    faults = [
        name
        for name, good in (
            ("number", luhn(number)),
            ("holder", 2 <= len(holder.strip()) <= 64),
            ("id_number", resident_id(id_number)),
            ("phone", re.fullmatch(r"1[3-9][0-9]{9}", phone) is not None),
        )
        if not good
    ]
    if faults:
        raise Problem(422, "card_details_invalid", fields=faults)
    challenge, found, counted = _count_card(ticket, who, number)
    details = {"number": number, "holder": holder.strip(), "id_number": id_number, "phone": phone, "bank": found.target}
    answer = bank.tokenise(key=_key_of(challenge, found, details), details=details)
    state = answer["state"]
    if state == "checked" and answer.get("tail") != number[-4:]:
        log.error("the bank's answer is about another card", challenge=challenge.id)
        state = "unknown"
    if state == "rejected":
        _refuse_card(ticket, who, Problem(422, "card_details_refused"))
    if state == "checked" and answer.get("bank") != found.target:
        _refuse_card(ticket, who, Problem(422, "card_of_other_bank", fields=["number"]))
    with writing(who.account_id) as session:
        challenges.give_back(session, found=find_page(session, ticket)[1], counted=counted)
    if state != "checked":
        raise Problem(503, "service_unavailable", "the bank does not answer; nothing was done")
    with writing(who.account_id) as session:
        challenge, found, _ = _own(session, ticket, who, "card_details")
        target = challenges.check_still_so(session, found, challenge)
        kept = {key: answer[key] for key in ("card_token", "tail", "card_type")}
        kept |= {"reserved_phone": masks.phone(phone)}
        challenges.accept(session, caller=who, found=found, challenge=challenge, target=target, wait_s=0, details=kept)
        queue_event(session, found)
        return views.operation(session, found)


def _count_card(ticket: str, who: Caller, number: str) -> tuple[Challenge, Operation, Failure]:
    """Count a try before the bank looks at it, so that many at once have no more of them looked at than the limits allow.

    One whose process dies on the way stays counted; was it the last, the next to come ends the operation. Raises as
    `submit_card`, and 409 `request_in_progress` while the last tries are with the bank.
    """
    with writing(who.account_id) as session:
        challenge, found, _ = _own(session, ticket, who, "card_details")
        limits.check_not_locked(session, owner=who.account_id, moment=challenges.now(session))
        if any(c.bank == found.target and c.tail == number[-4:] for c in bindings.cards(session, who.account_id)):
            raise Problem(409, "already_done")
        if views.attempts_left(found) > 0:
            return challenge, found, challenges.count_try(session, found=found, challenge=challenge)
        if challenges.now(session) - found.last_step_at < LONGEST_LOOK:
            raise Problem(409, "request_in_progress", retry_after=5)
        challenges.fail_try(session, caller=who, found=found, challenge=challenge)
        ended = challenges.closed(session, found)
    raise ended


def _refuse_card(ticket: str, who: Caller, problem: Problem) -> NoReturn:
    """Let a counted try stand as a wrong one, and raise the problem with what is left."""
    with writing(who.account_id) as session:
        challenge, found, _ = find_page(session, ticket)
        if found.status != "awaiting_verification":  # another window was quicker: what it began is not ended by this
            raise challenges.closed(session, found)
        counted = challenges.fail_try(session, caller=who, found=found, challenge=challenge)
    raise Problem(problem.status, problem.code, **problem.extra | counted.extra)


def _key_of(challenge: Challenge, found: Operation, details: dict[str, str]) -> str:
    """Name a try for the bank: other details, or the same after a refusal, are looked at anew; a lost answer is asked for again."""
    said = json.dumps([found.failed_attempts, details], sort_keys=True).encode()
    return f"{challenge.id}:{hmac.new(settings().key('card details'), said, hashlib.sha256).hexdigest()[:32]}"


def _own(session: Session, ticket: str, who: Caller, method: str) -> tuple[Challenge, Operation, Account]:
    challenge, found, account = find_page(session, ticket)
    if challenge.account_id != who.account_id or challenge.method != method:
        raise not_found()
    challenges.check_page(session, challenge, found)
    return challenge, found, account


def _digits(text: str) -> str:
    return re.sub(r"[\s\-+]", "", text.translate(FULL_WIDTH))


def luhn(number: str) -> bool:
    """Tell whether a card number's check digit is right."""
    if not re.fullmatch(r"[0-9]{13,19}", number):
        return False
    total = 0
    for index, char in enumerate(reversed(number)):
        digit = int(char) * (2 if index % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def resident_id(number: str) -> bool:
    """Tell whether an 18-character resident ID number's check character is right."""
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number):
        return False
    return "10X98765432"[sum(int(d) * w for d, w in zip(number, WEIGHTS, strict=False)) % 11] == number[17]
