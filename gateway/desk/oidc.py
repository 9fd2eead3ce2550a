"""Single sign-on for the desk by OpenID Connect: code flow with PKCE; the ID token says who it is and which role they have.

Authlib speaks with the issuer, joserfc checks the token. What one sign-in needs to remember is in a short-lived, encrypted cookie, so any gateway can end it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import ids
from gateway.desk import audit
from gateway.desk.people import ROLES
from gateway.desk.problems import DeskProblem
from gateway.desk.settings import Oidc
from gateway.log import log
from gateway.models import Agent

ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]
FLOW_S, PATIENCE_S, KEEP_S, LEEWAY_S = 600, 5, 600, 30
SCOPE = "openid profile email"
NO_PASSWORD = "!"  # noqa: S105 - no hash, so no password fits it


@dataclass(frozen=True)
class Flow:
    """What is remembered between the way out and the way back."""

    state: str
    nonce: str
    verifier: str
    expires: int


def seal(flow: Flow, key: bytes) -> str:
    """Returns a flow as a cookie's value that only the gateways can read."""
    header = {"alg": "dir", "enc": "A256GCM", "typ": "desk-flow"}
    return jwe.encrypt_compact(header, json.dumps(asdict(flow)), OctKey.import_key(key), algorithms=["dir", "A256GCM"])


def unseal(value: str, key: bytes) -> Flow:
    """Reads it back; raises `sso_failed` when it is none of ours or too old."""
    try:
        token = jwe.decrypt_compact(value, OctKey.import_key(key), algorithms=["dir", "A256GCM"])
        if token.protected.get("typ") != "desk-flow":
            raise ValueError
        flow = Flow(**json.loads(token.plaintext or b""))
    except (JoseError, ValueError, TypeError):
        raise DeskProblem("sso_failed", "Start the sign-in again.") from None
    if flow.expires < time.time():
        raise DeskProblem("sso_failed", "That took too long. Start the sign-in again.")
    return flow


class Issuer:
    """The identity provider: its published endpoints and keys, read when needed and kept for ten minutes."""

    def __init__(self, oidc: Oidc, *, callback: str) -> None:
        self.oidc, self.callback = oidc, callback
        self._known: dict[str, Any] = {}
        self._read_at = 0.0

    async def way_out(self) -> tuple[str, Flow]:
        """Returns where the browser goes, and what must be remembered."""
        found = await self._configuration()
        flow = Flow(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            expires=int(time.time()) + FLOW_S,
        )
        url, _ = self._session().create_authorization_url(
            found["authorization_endpoint"],
            state=flow.state,
            nonce=flow.nonce,
            code_challenge=create_s256_code_challenge(flow.verifier),
            code_challenge_method="S256",
        )
        return url, flow

    async def way_back(self, *, code: str, state: str, flow: Flow) -> dict[str, Any]:
        """Returns the claims of who came back; raises `sso_failed`."""
        if not hmac.compare_digest(state.encode(), flow.state.encode()):
            raise DeskProblem("sso_failed", "Start the sign-in again.")
        found = await self._configuration()
        try:
            tokens = await asyncio.to_thread(self._tokens, found["token_endpoint"], code, flow.verifier)
            return await self._claims(str(tokens["id_token"]), nonce=flow.nonce)
        except DeskProblem:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the issuer or its library did not like
            log.warning("sso_failed", error=type(error).__name__)
            raise DeskProblem("sso_failed", "The identity provider did not confirm the sign-in.") from None

    def _session(self) -> OAuth2Session:
        return OAuth2Session(self.oidc.client_id, self.oidc.client_secret, scope=SCOPE, redirect_uri=self.callback)

    def _tokens(self, endpoint: str, code: str, verifier: str) -> dict[str, Any]:
        with self._session() as session:
            session.trust_env = False
            return session.fetch_token(
                endpoint, code=code, code_verifier=verifier, grant_type="authorization_code", timeout=PATIENCE_S
            )

    async def _configuration(self, *, again: bool = False) -> dict[str, Any]:
        if not again and self._known and time.monotonic() - self._read_at < KEEP_S:
            return self._known
        try:
            self._known = await asyncio.to_thread(self._read)
        except Exception as error:  # noqa: BLE001
            log.warning("sso_unreachable", error=type(error).__name__)
            if self._known:
                return self._known
            raise DeskProblem("sso_failed", "The identity provider cannot be reached.", status=503) from None
        self._read_at = time.monotonic()
        return self._known

    def _read(self) -> dict[str, Any]:
        with self._session() as session:
            session.trust_env = False
            shown = session.get(
                self.oidc.issuer + "/.well-known/openid-configuration", withhold_token=True, timeout=PATIENCE_S
            )
            shown.raise_for_status()
            found = shown.json()
            if found["issuer"].rstrip("/") != self.oidc.issuer:
                raise ValueError("the document is another issuer's")
            keys = session.get(found["jwks_uri"], withhold_token=True, timeout=PATIENCE_S)
            keys.raise_for_status()
            return found | {"keys": KeySet.import_key_set(keys.json())}

    async def _claims(self, token: str, *, nonce: str) -> dict[str, Any]:
        for again in (False, True):
            found = await self._configuration(again=again)
            try:
                claims = jwt.decode(token, found["keys"], algorithms=ALGORITHMS).claims
                break
            except (JoseError, ValueError):
                if again:  # the issuer's keys are the newest: it is not its signature
                    raise
        now, audience = time.time(), claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        right = (
            str(claims.get("iss", "")).rstrip("/") == self.oidc.issuer
            and self.oidc.client_id in audiences
            and (len(audiences) == 1 or claims.get("azp") == self.oidc.client_id)
            and isinstance(claims.get("exp"), (int, float))
            and claims["exp"] > now - LEEWAY_S
            and claims.get("iat", now) < now + LEEWAY_S
            and hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode())
            and isinstance(claims.get("sub"), str)
            and claims["sub"]
        )
        if not right:
            raise ValueError("claims")
        return claims


def role_of(claims: dict[str, Any], oidc: Oidc) -> str:
    """Returns the role that the claims give; raises `sso_failed` when they give none."""
    given: Any = claims
    for part in oidc.role_claim.split("."):
        given = given.get(part) if isinstance(given, dict) else None
    roles = given if isinstance(given, list) else str(given or "").split()
    if oidc.supervisor in roles:
        return "supervisor"
    if oidc.agent in roles:
        return "agent"
    raise DeskProblem("sso_failed", "Your account has no role at this desk. Ask your administrator.")


def person(session: Session, *, claims: dict[str, Any], role: str, issuer: str) -> str:
    """Returns the id of the person that the claims stand for, made at their first sign-in; name and role follow the issuer each time."""
    subject = f"{issuer}#{claims['sub']}"[:200]
    found = session.scalars(select(Agent).where(Agent.subject == subject)).first()
    if found is not None and found.disabled:
        raise DeskProblem("sso_failed", "This account was closed at the desk.")
    if found is None:
        found = Agent(
            id=ids.fresh("agt"), username=_username(session, claims), subject=subject, password=NO_PASSWORD, failures=0
        )
        found.sandbox, found.disabled = False, False
        session.add(found)
    found.name = str(claims.get("name") or claims.get("preferred_username") or found.username)[:80]
    # The claim's English form, by OpenID Connect's own rule for languages.
    found.name_en = str(claims.get("name#en") or "")[:80] or None
    found.role = role
    session.flush()
    audit.write(session, agent=found.username, action="sign_in", by="sso")
    return found.id


def _username(session: Session, claims: dict[str, Any]) -> str:
    wanted = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])[:60]
    wanted = "".join(char for char in wanted if char.isalnum() or char in "._-@") or "person"
    # A name that somebody has already is theirs: single sign-on never takes over another's talks.
    taken = set(session.scalars(select(Agent.username).where(Agent.username.startswith(wanted, autoescape=True))))
    taken |= set(ROLES)  # the sandbox's own people
    number = 1
    while (name := wanted if number == 1 else f"{wanted}-{number}") in taken:
        number += 1
    return name
