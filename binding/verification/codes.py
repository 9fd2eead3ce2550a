"""One-time codes and tickets: made by the system's random source, kept only as salted, peppered hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from binding.settings import settings


@dataclass(frozen=True)
class Sealed:
    """A hash and its salt."""

    hash: str
    salt: str


# The public hotline: six digits that customers write in sentences, so they are never taken for a code, nor made one.
HOTLINE = "950618"


def new_code() -> str:
    """Return six random digits, never the hotline's number."""
    while True:
        code = f"{secrets.randbelow(1_000_000):06d}"
        if code != HOTLINE:
            return code


def ticket_of(challenge_id: str) -> str:
    """Derive the 256 bits of a secure page's address, so that a repeated request gets the same one and none is stored."""
    digest = hmac.new(settings().key("ticket address"), challenge_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def seal_code(code: str, *, operation_id: str) -> Sealed:
    """Hash a code, bound to its operation."""
    salt = secrets.token_hex(16)
    return Sealed(_digest(code, salt, operation_id), salt)


def code_matches(code: str, *, operation_id: str, hash: str, salt: str) -> bool:
    """Compare a code in constant time."""
    return hmac.compare_digest(_digest(code, salt, operation_id), hash)


def seal_ticket(ticket: str) -> str:
    """Hash a ticket; it has entropy enough to be looked up by its hash."""
    return hmac.new(settings().key("ticket"), ticket.encode(), hashlib.sha256).hexdigest()


def _digest(code: str, salt: str, operation_id: str) -> str:
    # The key stays outside the database: a million candidates are not enough to undo a plain salted hash.
    return hmac.new(settings().key("code"), f"{operation_id}|{salt}|{code}".encode(), hashlib.sha256).hexdigest()
