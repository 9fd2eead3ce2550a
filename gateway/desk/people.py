"""Agents and their sign-in: argon2id, a lock after five wrong passwords, opaque sessions."""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway import ids
from gateway.desk import audit
from gateway.desk.hashing import HASHER
from gateway.identity.bearers import digest
from gateway.models import Agent, AgentSession, now
from gateway.problems import Problem

MOST_FAILURES, LOCKED_FOR = 5, timedelta(minutes=15)
IDLE, LONGEST = timedelta(hours=2), timedelta(hours=12)
ROLES = ("agent", "supervisor")
SANDBOX_NAMES = {"agent": ("林晓 Lynn", "Lynn"), "supervisor": ("周敏 May", "May")}


@dataclass(frozen=True)
class Person:
    """Who is signed in at the desk."""

    id: str
    username: str
    name: str
    role: str
    csrf: str
    name_en: str | None = None

    @property
    def supervisor(self) -> bool:
        """Tells whether this is a supervisor."""
        return self.role == "supervisor"


def called(person: Person | Agent, language: str) -> str:
    """Returns the name that customers of this language read."""
    return person.name_en or person.name if language == "en" else person.name


@functools.cache
def _nobody() -> str:
    """Returns a hash that no password fits, so an unknown name takes as long as a known one."""
    return HASHER.hash(secrets.token_hex(16))


def csrf_of(token: str) -> str:
    """Derives the anti-forgery token of a session from its cookie."""
    return hmac.new(token.encode("utf-8", "surrogatepass"), b"desk csrf", hashlib.sha256).hexdigest()


def add(
    session: Session,
    *,
    username: str,
    password: str,
    role: str,
    name: str | None = None,
    name_en: str | None = None,
    sandbox: bool = False,
) -> None:
    """Adds a person, or sets password and role of a known one; ends their sessions."""
    if role not in ROLES:
        raise ValueError("role must be agent or supervisor")
    found = session.scalars(select(Agent).where(Agent.username == username)).first()
    if found is None:
        found = Agent(id=ids.fresh("agt"), username=username, failures=0, disabled=False)
        session.add(found)
    found.name, found.password, found.role, found.sandbox = name or username, HASHER.hash(password), role, sandbox
    found.name_en, found.locked_until, found.failures = name_en, None, 0
    session.flush()
    session.execute(delete(AgentSession).where(AgentSession.agent_id == found.id))


def set_disabled(session: Session, *, username: str, disabled: bool) -> bool:
    """Closes an account and ends its sessions, or opens it again, with an audit line; tells whether there is such a person."""
    found = session.scalars(select(Agent).where(Agent.username == username)).first()
    if found is None:
        return False
    found.disabled, found.locked_until, found.failures = disabled, None, 0
    session.execute(delete(AgentSession).where(AgentSession.agent_id == found.id))
    audit.write(session, agent="operator", action="disabled" if disabled else "enabled", who=username)
    return True


def everybody(session: Session) -> list[str]:
    """Returns one line a person: user name, role, whether they may sign in, how, name, English name."""
    return [
        "\t".join(
            [
                one.username,
                one.role,
                "disabled" if one.disabled else "active",
                "single sign-on" if one.subject else "password",
                one.name,
                *([one.name_en] if one.name_en else []),
            ]
        )
        for one in session.scalars(select(Agent).order_by(Agent.username))
    ]


def seed_sandbox(session: Session) -> None:
    """Makes the sandbox's two people, `agent` and `supervisor`, at the first sign-in: hashing is too slow for every start."""
    for name in ROLES:
        if session.scalars(select(Agent).where(Agent.username == name)).first() is None:
            both, english = SANDBOX_NAMES[name]
            add(session, username=name, password=name, role=name, name=both, name_en=english, sandbox=True)


def known(session: Session, *, username: str) -> tuple[str, str] | None:
    """Returns (id, password hash) of somebody who may try; raises `locked_out`."""
    found = session.scalars(select(Agent).where(Agent.username == username, Agent.disabled.is_(False))).first()
    if found is None:
        return None
    if found.locked_until is not None and found.locked_until > now():
        wait = int((found.locked_until - now()).total_seconds()) + 1
        raise Problem("locked_out", headers={"Retry-After": str(wait)}, retry_after=wait)
    return found.id, found.password


def fits(*, stored: str | None, password: str) -> bool:
    """Tells whether a password fits its hash; takes its time also when there is none."""
    try:
        return HASHER.verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


def failed(session: Session, *, agent_id: str) -> None:
    """Counts a wrong password; the fifth locks for 15 minutes."""
    found = session.get_one(Agent, agent_id, with_for_update=True)
    found.failures += 1
    if found.failures >= MOST_FAILURES:
        found.failures, found.locked_until = 0, now() + LOCKED_FOR
        audit.write(session, agent=found.username, action="locked_out")


def begin(session: Session, *, agent_id: str, sandbox: bool) -> str | None:
    """Begins a session; returns the cookie's value. None for sandbox people outside the sandbox."""
    found = session.get_one(Agent, agent_id)
    if found.sandbox and not sandbox:
        return None
    found.failures, found.locked_until = 0, None
    token = secrets.token_urlsafe(32)
    session.add(AgentSession(hash=digest(token), agent_id=agent_id, created_at=now(), seen_at=now()))
    session.execute(delete(AgentSession).where(AgentSession.created_at < now() - LONGEST))
    return token


def find(session: Session, *, token: str, sandbox: bool) -> tuple[Person, bool] | None:
    """Returns (who a cookie stands for, whether the session should be marked as used)."""
    row = session.execute(
        select(AgentSession, Agent)
        .join(Agent, Agent.id == AgentSession.agent_id)
        .where(AgentSession.hash == digest(token))
    ).first()
    if row is None:
        return None
    kept, agent = row
    if (
        agent.disabled
        or (agent.sandbox and not sandbox)
        or kept.seen_at < now() - IDLE
        or kept.created_at < now() - LONGEST
    ):
        return None
    person = Person(agent.id, agent.username, agent.name, agent.role, csrf_of(token), agent.name_en)
    return person, kept.seen_at < now() - timedelta(minutes=5)


def touch(session: Session, *, token: str) -> None:
    """Marks a session as used."""
    if kept := session.get(AgentSession, digest(token)):
        kept.seen_at = now()


def end(session: Session, *, token: str) -> None:
    """Ends a session."""
    session.execute(delete(AgentSession).where(AgentSession.hash == digest(token)))
