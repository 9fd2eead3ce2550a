"""What the desk reads from its environment, beside the gateway's own settings. Durations in seconds."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.settings import SettingsError


@dataclass(frozen=True)
class Oidc:
    """Single sign-on: the issuer, our client there, and which claim makes whom what."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    role_claim: str
    supervisor: str
    agent: str


@dataclass(frozen=True)
class DeskSettings:
    """Targets and doors of the desk."""

    first_response: int
    first_response_high: int
    next_response: int
    absence: int
    feed_for: int
    call_idle: int
    review_sample: int
    password: bool
    oidc: Oidc | None


def load(env: Mapping[str, str]) -> DeskSettings:
    """Returns the settings of `env`; raises SettingsError with one readable sentence."""

    def number(name: str, default: int) -> int:
        try:
            return int(env.get(name, "") or default)
        except ValueError:
            raise SettingsError(f"{name} must be a whole number.") from None

    oidc = None
    if issuer := env.get("DESK_OIDC_ISSUER", "").rstrip("/"):
        missing = [name for name in ("DESK_OIDC_CLIENT_ID", "DESK_OIDC_CLIENT_SECRET") if not env.get(name)]
        if missing:
            raise SettingsError(f"{' and '.join(missing)} must be set together with DESK_OIDC_ISSUER.")
        if not issuer.startswith("https://") and env.get("JIEBANG_ENV") == "production":
            raise SettingsError("DESK_OIDC_ISSUER must be an https address.")
        oidc = Oidc(
            issuer=issuer,
            client_id=env["DESK_OIDC_CLIENT_ID"],
            client_secret=env["DESK_OIDC_CLIENT_SECRET"],
            name=env.get("DESK_OIDC_NAME") or "SSO",
            role_claim=env.get("DESK_OIDC_ROLE_CLAIM") or "roles",
            supervisor=env.get("DESK_OIDC_SUPERVISOR") or "supervisor",
            agent=env.get("DESK_OIDC_AGENT") or "agent",
        )
    return DeskSettings(
        first_response=number("DESK_FIRST_RESPONSE_S", 60),
        first_response_high=number("DESK_FIRST_RESPONSE_HIGH_S", 30),
        next_response=number("DESK_NEXT_RESPONSE_S", 120),
        absence=number("DESK_ABSENCE_S", 180),
        feed_for=number("DESK_FEED_S", 7200),
        call_idle=number("DESK_CALL_IDLE_S", 3600),
        review_sample=number("DESK_REVIEW_SAMPLE_PERCENT", 2),
        password=env.get("DESK_PASSWORD_SIGN_IN", "1") != "0",
        oidc=oidc,
    )


@functools.cache
def current() -> DeskSettings:
    """Returns this process's settings."""
    return load(os.environ)
