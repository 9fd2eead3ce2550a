"""Telephone calls in the database: who is on the line, what was said, how it ended. Numbers are kept masked, codes only sealed."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway import ids
from gateway.desk import audit, compliance
from gateway.desk.people import Person
from gateway.desk.problems import DeskProblem
from gateway.desk.rows import time_of
from gateway.desk.settings import current
from gateway.desk.view import parse_of
from gateway.desk.wrapping import WRAP_UPS
from gateway.identity.bearers import digest
from gateway.models import Agent, Call, CallLine, now
from gateway.problems import Problem

SPEAKERS = ("caller", "agent")


def find(session: Session, *, person: Person, call_id: str, acting: bool = False) -> Call:
    """Returns one's own call (to look, a supervisor: any); raises `not_found`, and for acting `call_closed`."""
    found = session.get(Call, call_id) if ids.looks_right(call_id, "call") else None
    if found is None or (found.agent != person.username and (acting or not person.supervisor)):
        raise Problem("not_found")
    if acting and found.ended_at is not None:
        raise DeskProblem("call_closed", "This call has ended.", call_state=found.state)
    return found


def opened(session: Session, *, person: Person, ref: str, phone: str, language: str) -> Call:
    """Begins a call; `phone` is masked, `ref` is binding's name for whoever may be behind it."""
    call = Call(id=ids.fresh("call"), agent=person.username, ref=ref, phone=phone, language=language)
    call.state, call.last_seq, call.created_at, call.updated_at = "open", 0, now(), now()
    session.add(call)
    session.flush()
    audit.write(session, agent=person.username, action="call_opened", conversation_id=call.id)
    return call


def by_ref(session: Session, *, person: Person, ref: str) -> Call | None:
    """Returns the call that was opened for a reference before: the request came twice."""
    return session.scalars(select(Call).where(Call.ref == ref, Call.agent == person.username)).first()


def at_work(session: Session, *, call_id: str, operation_id: str) -> None:
    """Remembers the operation that a call is about."""
    session.execute(update(Call).where(Call.id == call_id).values(operation_id=operation_id, updated_at=now()))


def challenged(session: Session, *, person: Person, call_id: str, challenge: dict[str, Any]) -> None:
    """Notes that a code was sent."""
    call = find(session, person=person, call_id=call_id, acting=True)
    call.challenge = {name: challenge.get(name) for name in ("expires_at", "resend_at", "attempts_left")}
    call.updated_at = now()
    audit.write(session, agent=person.username, action="call_code_sent", conversation_id=call.id)


def checked(
    session: Session, *, person: Person, call_id: str, account: str | None, left: int | None, failed: bool = False
) -> None:
    """Notes what became of a code that was read back: the account, or how many tries are left."""
    call = find(session, person=person, call_id=call_id)
    call.updated_at = now()
    if account is not None:
        call.state, call.account, call.verified_at, call.challenge = "verified", account, now(), None
    else:
        if call.challenge is not None and left is not None:
            call.challenge = call.challenge | {"attempts_left": left}
        if failed or left == 0:
            call.state, call.challenge = "failed", None
    action = "call_verified" if account is not None else "call_code_wrong"
    audit.write(session, agent=person.username, action=action, conversation_id=call.id)


def add_line(
    session: Session,
    *,
    call_id: str,
    speaker: str,
    text: str,
    line_id: str | None = None,
    sealed: str | None = None,
    client_id: str | None = None,
) -> tuple[CallLine, bool]:
    """Stores a line (redacted already) once per `client_id`; returns (line, whether it is new)."""
    key = None if client_id is None else "l:" + hashlib.sha256(client_id.encode("utf-8", "surrogatepass")).hexdigest()
    # Locks the call first, so that numbers are in order and a line that comes twice is one.
    number = session.execute(
        update(Call)
        .where(Call.id == call_id)
        .values(last_seq=Call.last_seq + 1, updated_at=now())
        .returning(Call.last_seq)
    ).scalar_one()
    if key is not None:
        known = session.scalars(select(CallLine).where(CallLine.call_id == call_id, CallLine.client_key == key)).first()
        if known is not None:
            return known, False
    line = CallLine(
        id=line_id or ids.fresh("line"), call_id=call_id, seq=number, speaker=speaker, text=text.replace("\x00", ""),
        sealed=sealed, client_key=key, at=now(),
    )  # fmt: skip
    session.add(line)
    session.flush()
    return line, True


def understood(session: Session, *, line_id: str, parse: dict[str, Any]) -> None:
    """Keeps what a line was understood as."""
    session.get_one(CallLine, line_id).parse = parse


def line_of(line: CallLine) -> dict[str, Any]:
    """Returns a line as the desk's page draws it."""
    found = {
        "id": line.id,
        "speaker": line.speaker,
        "text": line.text,
        "at": time_of(line.at),
        "has_code": line.sealed is not None and now() - line.at < timedelta(minutes=5),
    }
    return found | ({"parse": parse_of(line.parse)} if line.parse else {})


def lines(session: Session, *, call_id: str, after: str | None = None) -> list[CallLine]:
    """Returns the lines of a call, or those after one."""
    query = select(CallLine).where(CallLine.call_id == call_id)
    if after:
        edge = session.get(CallLine, after)
        if edge is None or edge.call_id != call_id:
            raise Problem("invalid_request", "`after` names no line of this call.")
        query = query.where(CallLine.seq > edge.seq)
    return list(session.scalars(query.order_by(CallLine.seq).limit(2000)))


def line_named(session: Session, *, person: Person, call_id: str, line_id: str) -> CallLine:
    """Returns a line of one's own call; raises `not_found`."""
    find(session, person=person, call_id=call_id)
    line = session.get(CallLine, line_id) if ids.looks_right(line_id, "line") else None
    if line is None or line.call_id != call_id:
        raise Problem("not_found")
    return line


def newest(session: Session, *, call_id: str, speaker: str) -> CallLine | None:
    """Returns the newest line of a speaker."""
    query = select(CallLine).where(CallLine.call_id == call_id, CallLine.speaker == speaker)
    return session.scalars(query.order_by(CallLine.seq.desc()).limit(1)).first()


def shown(session: Session, call: Call, *, whole: bool) -> dict[str, Any]:
    """Returns a Call of docs/desk.md; its `guide` is the caller's to fill in. Nothing of the account is in it."""
    agent = session.scalars(select(Agent.name).where(Agent.username == call.agent)).first()
    found: dict[str, Any] = {
        "id": call.id,
        "agent": call.agent,
        "agent_name": agent or call.agent,
        "state": call.state,
        "phone": call.phone,
        "language": call.language,
        "signed_in": call.account is not None,
        "started_at": time_of(call.created_at),
        "verified_at": time_of(call.verified_at),
        "ended_at": time_of(call.ended_at),
        "updated_at": time_of(call.updated_at),
        "wrap_up": call.wrap_up,
        "summary": call.summary,
        "challenge": call.challenge,
        "guide": None,
        "wrap_ups": list(WRAP_UPS),
        "prompts": compliance.prompts(place="call", verified=call.account is not None),
    }
    if whole:
        found["lines"] = [line_of(line) for line in lines(session, call_id=call.id)]
    return found


def news(session: Session, call: Call) -> dict[str, Any]:
    """Returns what the event stream tells of a call."""
    query = select(CallLine).where(CallLine.call_id == call.id).order_by(CallLine.seq.desc()).limit(1)
    line = session.scalars(query).first()
    return {
        "id": call.id,
        "agent": call.agent,
        "state": call.state,
        "language": call.language,
        "phone": call.phone,
        "line": line_of(line) if line else None,
        "updated_at": time_of(call.updated_at),
    }


def listed(session: Session, *, person: Person, state: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """Returns a page of calls, newest first."""
    query = select(Call)
    if state != "all" or not person.supervisor:
        query = query.where(Call.agent == person.username)
    if state in ("open", "mine"):
        query = query.where(Call.ended_at.is_(None)) if state == "open" else query
    if cursor:
        query = query.where(Call.id < cursor)
    found = list(session.scalars(query.order_by(Call.id.desc()).limit(limit + 1)))
    return {
        "items": [shown(session, one, whole=False) for one in found[:limit]],
        "next_cursor": found[limit - 1].id if len(found) > limit else None,
    }


def feed(session: Session, *, person: Person, call_id: str, token: str) -> None:
    """Lets a speech recogniser send lines of this call; a new token ends the one before."""
    call = find(session, person=person, call_id=call_id, acting=True)
    call.feed, call.updated_at = digest(token), now()
    audit.write(session, agent=person.username, action="call_feed", conversation_id=call.id)


def fed(session: Session, *, token: str) -> Call:
    """Returns the open call of a recogniser's token; raises `unauthenticated`."""
    call = session.scalars(select(Call).where(Call.feed == digest(token), Call.ended_at.is_(None))).first()
    if call is None or call.created_at < now() - timedelta(seconds=current().feed_for):
        raise Problem("unauthenticated")
    return call


def end_forgotten(session: Session) -> list[str]:
    """Ends calls in which nothing has happened for long, so that nobody keeps a verified caller's account open; returns their ids."""
    edge = now() - timedelta(seconds=current().call_idle)
    found = []
    for call in session.scalars(select(Call).where(Call.ended_at.is_(None), Call.updated_at < edge)):
        # It was over when the last thing happened, as far as anybody can tell.
        call.state, call.ended_at, call.updated_at = "ended", call.updated_at, now()
        call.feed, call.challenge = None, None
        audit.write(session, agent="desk", action="call_forgotten", conversation_id=call.id, of=call.agent)
        found.append(call.id)
    return found


def ended(session: Session, *, person: Person, call_id: str, wrap_up: str, summary: str | None) -> Call:
    """Ends a call; from then on nothing can be done in the caller's name."""
    call = find(session, person=person, call_id=call_id)
    if call.agent != person.username:
        raise Problem("not_found")
    if call.ended_at is None:
        call.state, call.ended_at, call.updated_at = "ended", now(), now()
        call.wrap_up, call.summary, call.feed, call.challenge = wrap_up, summary, None, None
        audit.write(session, agent=person.username, action="call_ended", conversation_id=call.id, wrap_up=wrap_up)
    return call
