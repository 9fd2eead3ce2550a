"""Who is calling, and for which customer: the service token and the customer token, both needed."""

from __future__ import annotations

import hmac
import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet

from binding.errors import unauthenticated
from binding.settings import settings

ALGORITHMS = ["EdDSA", "Ed25519"]
# The old name of Ed25519 in JOSE is still what most signers write; the keys are Ed25519 and nothing else.
warnings.filterwarnings("ignore", category=SecurityWarning)
ISSUER, AUDIENCE, TYPE = "jiebang-gateway", "jiebang-binding", "at+jwt"
LONGEST_LIFE_S, LEEWAY_S = 300, 5


@dataclass(frozen=True)
class Caller:
    """A request's two identities: the service that calls and the customer it calls for."""

    service: str
    account_id: str
    conversation: str | None
    actor: str | None

    @property
    def name(self) -> str:
        """Name who acts, for the audit trail."""
        return f"agent:{self.actor}" if self.actor else f"customer:{self.account_id}"


class _Keys:
    """The public keys of the customer tokens, read again when the file changes."""

    def __init__(self) -> None:
        self._stamp: tuple[str, float] | None = None
        self._keys: KeySet | None = None

    def get(self, path: Path) -> KeySet:
        stamp = (str(path), path.stat().st_mtime)
        if self._stamp != stamp or self._keys is None:
            document = json.loads(path.read_text(encoding="utf-8"))
            keys = [k for k in document["keys"] if k.get("kty") == "OKP" and k.get("crv") == "Ed25519"]
            self._keys, self._stamp = KeySet.import_key_set({"keys": keys}), stamp  # type: ignore[arg-type]
        return self._keys


_keys = _Keys()


def check_service(authorization: str | None) -> str:
    """Return the name of the calling service; raises 401."""
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise unauthenticated("a service token is needed in Authorization")
    found = None
    for name, secret in settings().callers.items():
        if hmac.compare_digest(given.strip().encode(), secret.encode()):
            found = name
    if found is None:
        raise unauthenticated("the service token is not known")
    return found


def check_customer(token: str | None, service: str) -> Caller:
    """Return the caller for a customer token; raises 401 for any fault in algorithm, key, type, claims or time."""
    if not token:
        raise unauthenticated("a customer token is needed in X-Customer-Token")
    path = settings().customer_jwks_file
    assert path is not None
    try:
        parsed = jwt.decode(token, _keys.get(path), algorithms=ALGORITHMS)
    except (JoseError, ValueError, KeyError, OSError, TypeError) as error:
        raise unauthenticated("the customer token is not valid") from error
    header, claims = parsed.header, parsed.claims
    now = time.time()

    def number(name: str) -> float:
        value = claims.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise unauthenticated(f"the customer token has no {name}")
        return float(value)

    if str(header.get("typ", "")).lower() not in (TYPE, f"application/{TYPE}"):
        raise unauthenticated("the customer token is of another type")
    if claims.get("iss") != ISSUER or claims.get("aud") not in (AUDIENCE, [AUDIENCE]):
        raise unauthenticated("the customer token is for somebody else")
    expires = number("exp")
    issued = number("iat") if "iat" in claims else None
    if expires <= now - LEEWAY_S:
        raise unauthenticated("the customer token has expired")
    if expires > now + LONGEST_LIFE_S + LEEWAY_S:
        raise unauthenticated("the customer token lives too long")
    if issued is not None and issued > now + LEEWAY_S:
        raise unauthenticated("the customer token is from the future")
    if "nbf" in claims and number("nbf") > now + LEEWAY_S:
        raise unauthenticated("the customer token is not valid yet")
    subject, conversation, act = claims.get("sub"), claims.get("conversation"), claims.get("act")
    if not isinstance(subject, str) or not subject or not isinstance(claims.get("jti"), str):
        raise unauthenticated("the customer token names nobody")
    if conversation is not None and not isinstance(conversation, str):
        raise unauthenticated("the customer token's conversation is not a string")
    actor = act.get("sub") if isinstance(act, dict) else None
    if act is not None and not isinstance(actor, str):
        raise unauthenticated("the customer token's actor is not known")
    return Caller(service=service, account_id=subject, conversation=conversation, actor=actor)
