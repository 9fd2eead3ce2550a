"""Payment passwords: argon2id over a peppered password."""

from __future__ import annotations

import base64
import hashlib
import hmac

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from binding.settings import settings

# 19 MiB and two passes (OWASP's floor for argon2id): about 30 ms, and the pepper is not in the database.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """Hash a payment password."""
    return _hasher.hash(_peppered(password))


def password_matches(password: str, hash: str) -> bool:
    """Check a payment password."""
    try:
        return _hasher.verify(hash, _peppered(password))
    except (VerificationError, InvalidHashError):
        return False


def _peppered(password: str) -> str:
    return base64.b64encode(hmac.new(settings().key("password"), password.encode(), hashlib.sha256).digest()).decode()
