"""Identifiers: a readable prefix, then a ULID (48 bits of milliseconds, 80 random bits), so they sort by age."""

from __future__ import annotations

import re
import secrets
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SHAPE = re.compile(r"[a-z]{2,6}_[0-9A-HJKMNP-TV-Z]{26}")


def fresh(prefix: str) -> str:
    """Returns a new identifier such as `conv_01J…`."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return prefix + "_" + "".join(ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def looks_right(text: str, prefix: str) -> bool:
    """Tells whether `text` could be an identifier of ours, before any database is asked."""
    return text.startswith(prefix + "_") and SHAPE.fullmatch(text) is not None
