"""Signs the customer token that actions show to binding: an EdDSA JWT of at most 5 minutes."""

from __future__ import annotations

import json
import pathlib
import secrets
import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import OKPKey

from gateway.settings import SettingsError

LIFETIME_S = 300


class CustomerTokens:
    """Holds the signing key (Ed25519, private JWK file)."""

    def __init__(self, *, key_file: pathlib.Path) -> None:
        try:
            self._key = OKPKey.import_key(json.loads(key_file.read_text()))
        except (OSError, ValueError, KeyError) as fault:
            raise SettingsError(
                f"CUSTOMER_TOKEN_KEY_FILE ({key_file}) holds no Ed25519 private JWK: {type(fault).__name__}."
            ) from None
        self._header = {"alg": "EdDSA", "typ": "at+jwt", "kid": self._key.kid or self._key.thumbprint()}

    def issue(
        self, *, account: str, conversation: str | None, agent: str | None = None, lifetime: int = LIFETIME_S
    ) -> tuple[str, int]:
        """Returns (token, seconds it lives) for `account`; `agent` is named as the actor when a person acts for the customer."""
        at = int(time.time())
        claims: dict[str, Any] = {
            "iss": "jiebang-gateway",
            "aud": "jiebang-binding",
            "sub": account,
            "conversation": conversation,
            "jti": secrets.token_hex(16),
            "iat": at,
            "nbf": at,
            "exp": at + lifetime,
        }
        if agent:
            claims["act"] = {"sub": agent}
        return jwt.encode(self._header, claims, self._key, algorithms=["EdDSA"]), lifetime
