"""The staff's accounts and sign-in: argon2id, a lock after five wrong passwords, opaque sessions."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding import audit
from binding.clock import real_now
from binding.database import reading, writing
from binding.models import Staff, StaffSession
from binding.settings import settings
from binding.verification.passwords import hash_password, password_matches

CHAIN = audit.STAFF  # no customer's account is called that
DEFAULTS = ("reviewer1", "reviewer2")
TRIES, LOCKED_S, IDLE_S, LONGEST_S, SHORTEST_PASSWORD = 5, 900, 1800, 8 * 3600, 12
USERNAME = re.compile(r"^[a-z][a-z0-9._-]{1,31}$")


class SignInRefused(Exception):
    """Raised for a wrong name or password (`wrong`), or too many of them (`locked`)."""


@dataclass(frozen=True)
class Person:
    """Who is signed in, and the token that their forms carry."""

    username: str
    csrf: str


def add(session: Session, *, username: str, password: str, seeded: bool = False) -> None:
    """Add a member of the staff; raises ValueError for a bad name, a short password or a name that is taken."""
    if not USERNAME.match(username):
        raise ValueError("a user name is 2 to 32 of a-z 0-9 . _ -, and begins with a letter")
    if session.get(Staff, username) is not None:
        raise ValueError(f"{username} exists")
    _check_password(username, password, seeded)
    session.add(Staff(username=username, password_hash=hash_password(password), seeded=seeded, created_at=real_now()))
    session.flush()
    audit.record(session, account_id=CHAIN, event="staff.added", actor="operator", username=username)


def set_password(session: Session, *, username: str, password: str) -> None:
    """Set a new password, unlock, and end every session; raises ValueError."""
    person = _get(session, username)
    _check_password(username, password, False)
    person.password_hash, person.seeded, person.failures, person.locked_until = hash_password(password), False, 0, None
    _end_sessions(session, username)
    audit.record(session, account_id=CHAIN, event="staff.password_set", actor="operator", username=username)


def disable(session: Session, *, username: str) -> None:
    """Let somebody sign in no more; the row stays, since decisions name it. Raises ValueError."""
    _get(session, username).active = False
    _end_sessions(session, username)
    audit.record(session, account_id=CHAIN, event="staff.disabled", actor="operator", username=username)


def seed(session: Session) -> None:
    """Make the sandbox's two default members, once; each password is the name."""
    for username in DEFAULTS:
        if session.get(Staff, username) is None:
            add(session, username=username, password=username, seeded=True)


def defaults_left() -> list[str]:
    """List active members that still have the sandbox's default password."""
    with reading() as session:
        return list(session.scalars(sa.select(Staff.username).where(Staff.active, Staff.seeded)))


def sign_in(*, username: str, password: str) -> str:
    """Check a password and return a new session's token; raises SignInRefused.

    A try is counted before its password is looked at, so that many at once cannot compare more than the lock allows.
    """
    with writing() as session:
        person = session.get(Staff, username, with_for_update=True)
        known = person is not None and person.active
        if person is not None and known:
            now = real_now()
            if person.locked_until is not None and person.locked_until > now:
                raise SignInRefused("locked")
            person.failures += 1
            if person.failures >= TRIES:
                person.failures, person.locked_until = 0, now + dt.timedelta(seconds=LOCKED_S)
        stored = person.password_hash if person is not None and known else _nobody()
    right = password_matches(password, stored) and known
    with writing() as session:
        if not right:
            if known:
                audit.record(session, account_id=CHAIN, event="staff.sign_in_failed", actor=f"staff:{username}")
            refused = True
        else:
            person = session.get_one(Staff, username)
            person.failures, person.locked_until = 0, None
            token, now = secrets.token_urlsafe(32), real_now()
            session.add(StaffSession(token_hash=_hash(token), username=username, created_at=now, seen_at=now))
            audit.record(session, account_id=CHAIN, event="staff.signed_in", actor=f"staff:{username}")
            refused = False
    if refused:
        raise SignInRefused("wrong")
    return token


def who(token: str | None) -> Person | None:
    """Return whose session a token opens; None for a missing, ended, idle (30 minutes) or old (8 hours) one."""
    if not token:
        return None
    now = real_now()
    with reading() as session:
        found = session.get(StaffSession, _hash(token))
        person = session.get(Staff, found.username) if found is not None else None
    if found is None or person is None or not person.active:
        return None
    idle, age = (now - found.seen_at).total_seconds(), (now - found.created_at).total_seconds()
    if idle > IDLE_S or age > LONGEST_S:
        return None
    if idle > 60:
        with writing() as session:
            session.execute(
                sa.update(StaffSession).where(StaffSession.token_hash == found.token_hash).values(seen_at=now)
            )
    return Person(found.username, hmac.new(settings().key("staff csrf"), token.encode(), hashlib.sha256).hexdigest())


def sign_out(token: str) -> None:
    """End a session, and those that ran out."""
    oldest = real_now() - dt.timedelta(seconds=LONGEST_S)
    with writing() as session:
        session.execute(
            sa.delete(StaffSession).where(
                sa.or_(StaffSession.token_hash == _hash(token), StaffSession.created_at < oldest)
            )
        )


def _get(session: Session, username: str) -> Staff:
    person = session.get(Staff, username)
    if person is None:
        raise ValueError(f"nobody is called {username}")
    return person


def _check_password(username: str, password: str, seeded: bool) -> None:
    if not seeded and (len(password) < SHORTEST_PASSWORD or username in password.lower()):
        raise ValueError(f"a password needs {SHORTEST_PASSWORD} characters and not the user name")


def _end_sessions(session: Session, username: str) -> None:
    session.execute(sa.delete(StaffSession).where(StaffSession.username == username))
    session.flush()


def _hash(token: str) -> str:
    return hmac.new(settings().key("staff session"), token.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


_nobody_hash: list[str] = []


def _nobody() -> str:
    # An unknown name costs as much time as a known one.
    if not _nobody_hash:
        _nobody_hash.append(hash_password(secrets.token_hex(16)))
    return _nobody_hash[0]
