"""Checks the customer JWT of the host site (shop): HS256 by a configured key, or ES256/EdDSA by a JWKS file or address."""

from __future__ import annotations

import asyncio
import json
import math
import time
from typing import Any, TypeGuard

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from gateway.settings import Settings

LONGEST_LIFE_S = 900
LEEWAY_S = 10
ASYMMETRIC = ["ES256", "EdDSA", "Ed25519"]


class TokenInvalid(Exception):
    """The token does not prove an account. The reason is for the log, never for the caller."""


class HostTokens:
    """Knows the host site's keys. `account(token)` → account; `issue` exists for the sandbox only."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession | None = None) -> None:
        self.settings = settings
        self._session = session
        self._keys: KeySet | None = None
        self._read_at = -math.inf
        self._lock = asyncio.Lock()
        self._symmetric = OctKey.import_key(settings.host_jwt_key) if settings.host_jwt_key else None
        if settings.host_jwks_file:
            self._keys = KeySet.import_key_set(json.loads(settings.host_jwks_file.read_text()))

    async def _fetch(self) -> None:
        """Reads the JWKS address anew, at most once in 30 s; on failure the known keys stay."""
        async with self._lock:
            if time.monotonic() - self._read_at < 30 or not self.settings.host_jwks_url or not self._session:
                return
            self._read_at = time.monotonic()
            try:
                async with self._session.get(
                    self.settings.host_jwks_url, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=5)
                ) as answer:
                    answer.raise_for_status()
                    self._keys = KeySet.import_key_set(await answer.json(content_type=None))
            except (aiohttp.ClientError, TimeoutError, ValueError, JoseError, KeyError, TypeError, AttributeError):
                if self._keys is None:
                    self._read_at -= 28  # nobody can sign in: try again in two seconds

    async def account(self, token: str) -> str:
        """Returns the account (`sub`) that `token` proves; raises TokenInvalid."""
        if not isinstance(token, str) or not 20 <= len(token) <= 4096 or not token.isascii():
            raise TokenInvalid("shape")
        if self.settings.host_jwks_url and (self._keys is None or time.monotonic() - self._read_at > 600):
            await self._fetch()
        try:
            claims = self._verified(token)
        except TokenInvalid:
            if not self.settings.host_jwks_url:
                raise
            await self._fetch()  # the host may have turned its keys since
            claims = self._verified(token)
        return self._account(claims)

    def _verified(self, token: str) -> dict[str, Any]:
        # Each kind of key is tried with its own algorithms only: a public key can never serve as an HMAC secret.
        for key, algorithms in ((self._symmetric, ["HS256"]), (self._keys, ASYMMETRIC)):
            if key is None:
                continue
            try:
                return dict(jwt.decode(token, key, algorithms=algorithms).claims)
            except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
                continue
        raise TokenInvalid("signature")

    def _account(self, claims: dict[str, Any]) -> str:
        at = time.time()
        expires, issued, starts = claims.get("exp"), claims.get("iat"), claims.get("nbf")
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self.settings.host_jwt_issuer or self.settings.host_jwt_audience not in audiences:
            raise TokenInvalid("issuer or audience")
        if not _is_time(expires) or expires <= at - LEEWAY_S or expires > at + LONGEST_LIFE_S + LEEWAY_S:
            raise TokenInvalid("expiry")
        if issued is not None and (not _is_time(issued) or issued > at + LEEWAY_S or expires - issued > LONGEST_LIFE_S):
            raise TokenInvalid("lifetime")
        if starts is not None and (not _is_time(starts) or starts > at + LEEWAY_S):
            raise TokenInvalid("not yet valid")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject or len(subject) > 128 or not subject.isprintable():
            raise TokenInvalid("subject")
        return subject

    def issue(self, *, account: str) -> str:
        """Returns a customer JWT of 15 minutes for the sandbox's login; needs the symmetric key."""
        if not self.settings.sandbox or self._symmetric is None:
            raise TokenInvalid("no sandbox key")
        at = int(time.time())
        claims = {
            "iss": self.settings.host_jwt_issuer,
            "aud": self.settings.host_jwt_audience,
            "sub": account,
            "iat": at,
            "exp": at + LONGEST_LIFE_S,
        }
        return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, self._symmetric, algorithms=["HS256"])


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12
