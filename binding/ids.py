"""Identifiers: a prefix with letters, then 26 characters that sort by time (ULID, lower case)."""

from __future__ import annotations

import secrets
import threading
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """Return a new id such as `op_01jd…`; ids of one process are strictly ascending."""
    global _last
    with _lock:
        value = (int(time.time() * 1000) << 80) | secrets.randbits(80)
        _last = value = max(value, _last + 1)
    digits = []
    for _ in range(26):
        value, digit = divmod(value, 32)
        digits.append(ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(digits))}"


def new_reference() -> str:
    """Return a reference that a customer can read out: JB and eight characters, never six digits in a row."""
    while True:
        body = "".join(secrets.choice("23456789ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(8))
        if sum(c.isdigit() for c in body) <= 4:
            return f"JB{body}"
