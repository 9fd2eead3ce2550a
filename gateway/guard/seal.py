"""Seals a one-time code so that only the gateway can read it: JWE (dir, A256GCM), bound to conversation and message."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

LIFETIME_S = 300


class CodeGone(Exception):
    """The code cannot be opened: too old, another conversation's or message's, or not ours."""


@dataclass(frozen=True)
class Sealer:
    """Seals and opens codes with one 32-byte key."""

    key: bytes

    def seal(self, *, code: str, conversation: str, message: str, at: float | None = None) -> str:
        """Returns a reference `code_…` that hides `code` (six ASCII digits) and lives 5 minutes."""
        expires = int((time.time() if at is None else at) + LIFETIME_S)
        inside = {"code": code, "conv": conversation, "msg": message, "exp": expires, "jti": secrets.token_hex(16)}
        return "code_" + jwe.encrypt_compact(
            {"alg": "dir", "enc": "A256GCM"},
            json.dumps(inside),
            OctKey.import_key(self.key),
            algorithms=["dir", "A256GCM"],
        )

    def unseal(self, *, ref: str, conversation: str, message: str, at: float | None = None) -> tuple[str, str]:
        """Returns (code, its one-time id); raises CodeGone. The caller marks the id as used before it trusts the code."""
        try:
            token = jwe.decrypt_compact(
                ref.removeprefix("code_"), OctKey.import_key(self.key), algorithms=["dir", "A256GCM"]
            )
            inside = json.loads(token.plaintext or b"")
            fits = (
                inside["conv"] == conversation
                and inside["msg"] == message
                and inside["exp"] > (time.time() if at is None else at)
            )
        except (JoseError, ValueError, KeyError, TypeError):
            raise CodeGone from None
        if not ref.startswith("code_") or not fits:
            raise CodeGone
        return inside["code"], inside["jti"]
