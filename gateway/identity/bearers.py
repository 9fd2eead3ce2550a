"""Conversation bearers: opaque, hashed at rest; a newer generation makes the older ones dead."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.models import Bearer, Conversation, now


@dataclass(frozen=True)
class Caller:
    """The conversation a bearer stands for, as it was when the bearer was shown."""

    conversation_id: str
    generation: int
    account: str | None
    language: str
    fresh: bool
    fresh_until: datetime | None


def digest(token: str) -> str:
    """Returns what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def issue(session: Session, *, conversation: Conversation) -> str:
    """Makes a bearer of the conversation's present generation; returns it, this once."""
    token = "jbc_" + secrets.token_urlsafe(32)
    session.add(Bearer(hash=digest(token), conversation_id=conversation.id, generation=conversation.generation))
    return token


def find(session: Session, *, token: str, signed_in_for: int) -> Caller | None:
    """Returns whose bearer this is; None for unknown and dead ones. `fresh` is False when the sign-in must be renewed."""
    query = (
        select(Bearer.generation, Conversation)
        .join(Conversation, Conversation.id == Bearer.conversation_id)
        .where(Bearer.hash == digest(token))
    )
    row = session.execute(query).first()
    if row is None or row[0] != row[1].generation:
        return None
    conversation = row[1]
    until = (
        conversation.signed_in_at + timedelta(seconds=signed_in_for)
        if conversation.account and conversation.signed_in_at
        else None
    )
    return Caller(
        conversation.id,
        conversation.generation,
        conversation.account,
        conversation.language,
        until is None or until > now(),
        until,
    )


def button_token(*, key: bytes, message_id: str, position: int) -> str:
    """Derives a button's opaque token, so that it can be shown again without being stored."""
    import base64

    mac = hmac.new(key, f"button|{message_id}|{position}".encode(), hashlib.sha256).digest()[:24]
    return "btn_" + base64.urlsafe_b64encode(mac).decode()
