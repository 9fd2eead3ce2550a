"""Where an agent works for a customer: a talk that is theirs, or a call that is verified. Whose account it is comes from here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gateway.desk import audit, calls
from gateway.desk.people import Person
from gateway.desk.problems import DeskProblem
from gateway.desk.view import find
from gateway.models import DeskOperation, now
from gateway.problems import Problem


@dataclass(frozen=True)
class Place:
    """One talk (`chat`) or call; `account` is empty when nobody is known there."""

    kind: str
    id: str
    language: str
    account: str | None
    agent: str


def talk(session: Session, *, person: Person, conversation_id: str, action: str | None, acting: bool = False) -> Place:
    """Returns a talk for somebody who may see its customer: its owner or, to look, a supervisor. Raises `forbidden`, `owner_changed`, `not_signed_in`."""
    one = find(session, conversation_id)
    mine = one.owner == "human" and one.owner_agent == person.username
    if acting and not mine:
        raise Problem("owner_changed", "Take the talk first.", mode=one.owner, agent=one.owner_agent)
    if not mine and not person.supervisor:
        raise Problem("forbidden", "Take the talk first.")
    if action:
        _noted(session, person=person, action=action, place_id=conversation_id)
    if one.account is None and action:
        raise Problem("not_signed_in", "The customer of this talk is not signed in.")
    return Place("chat", one.id, one.language, one.account, person.username)


def call(session: Session, *, person: Person, call_id: str, action: str | None, acting: bool = False) -> Place:
    """Returns a call whose caller is verified. Raises `not_found` for another's, `call_not_verified`, and `call_closed` for acting.

    Who led a call sees the caller's data while it lasts; a supervisor also later.
    """
    one = calls.find(session, person=person, call_id=call_id, acting=acting)
    if action:
        _noted(session, person=person, action=action, place_id=call_id)
        if one.account is None:
            raise DeskProblem("call_not_verified", "The caller has to read back the code first.")
    over = one.ended_at is not None and not person.supervisor
    if over and action == "customer_view":
        raise DeskProblem("call_closed", "This call has ended.", call_state=one.state)
    return Place("call", one.id, one.language, None if over and not action else one.account, person.username)


def _noted(session: Session, *, person: Person, action: str, place_id: str) -> None:
    """Adds the audit line. A page that follows an operation asks every few seconds: that is one look, and would bury the others."""
    note = audit.viewed if action == "operation_view" else audit.write
    note(session, agent=person.username, action=action, conversation_id=place_id)


def note_operation(
    session: Session, *, place: Place, operation: dict[str, Any], action: str, confirmed: bool = False
) -> None:
    """Keeps how far an operation came that a person began, with an audit line."""
    row = session.get(DeskOperation, operation["id"])
    if row is None:
        row = DeskOperation(
            id=operation["id"], place=place.id, kind=operation["kind"], agent=place.agent, asked_at=now()
        )
        session.add(row)
    row.status = str(operation["status"])
    if confirmed and row.confirmed_at is None:
        row.confirmed_at = now()
    _reached(row, now())
    if place.kind == "call":
        calls.at_work(session, call_id=place.id, operation_id=operation["id"])
    audit.write(
        session,
        agent=place.agent,
        action=action,
        conversation_id=place.id,
        operation=operation["id"],
        kind=operation["kind"],
        status=row.status,
    )


def _reached(row: DeskOperation, at: datetime) -> None:
    if row.status in ("processing", "pending", "succeeded", "manual_review") and row.verified_at is None:
        row.verified_at = at
    if row.status in ("succeeded", "failed", "cancelled", "expired") and row.done_at is None:
        row.done_at = at


def follow(session: Session, *, operation: dict[str, Any]) -> None:
    """Takes note of how an operation stands now, when a person began it; news that come late change nothing after its end."""
    row = session.get(DeskOperation, str(operation.get("id")))
    if row is not None and row.done_at is None and row.status != str(operation.get("status")):
        row.status = str(operation.get("status"))
        _reached(row, now())
