"""How the desk's passwords are hashed: argon2id with argon2-cffi's defaults (RFC 9106, low memory: 64 MB), cheaper in tests only."""

from __future__ import annotations

import os
from collections.abc import Mapping

from argon2 import PasswordHasher


def hasher(env: Mapping[str, str]) -> PasswordHasher:
    """Returns the hasher; `DESK_PASSWORD_KIB` makes it cheap in the sandbox, which production refuses. A hash names its own costs, so any of them is understood."""
    if env.get("JIEBANG_SANDBOX") == "1" and (kib := env.get("DESK_PASSWORD_KIB")):
        return PasswordHasher(time_cost=1, memory_cost=int(kib), parallelism=1)
    return PasswordHasher()


HASHER = hasher(os.environ)
