"""Configuration: everything comes from the environment and is read once."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import os
from pathlib import Path

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SHORTEST_SECRET = 24  # characters of what other secrets are derived from, or somebody is known by, in production
SHORTEST_KEY = 16  # bytes of a key that signs webhooks, in production


class Settings(BaseSettings):
    """Hold the environment of one process. Names are those of docs/interfaces.md."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    env: str = Field("development", alias="JIEBANG_ENV")
    home: Path = Field(Path("var"), alias="JIEBANG_HOME")
    sandbox: bool = Field(False, alias="JIEBANG_SANDBOX")

    port: int = Field(8090, alias="BINDING_PORT")
    admin_port: int = Field(8092, alias="BINDING_ADMIN_PORT")
    sandbox_port: int = Field(8091, alias="SANDBOX_PORT")
    gateway_internal_port: int = Field(8081, alias="GATEWAY_INTERNAL_PORT")
    url: str = Field("", alias="BINDING_URL")
    bank_url: str = Field("", alias="BANK_URL")
    sms_url: str = Field("", alias="SMS_URL")
    gateway_internal_url: str = Field("", alias="GATEWAY_INTERNAL_URL")

    database_url: str = Field("", alias="BINDING_DATABASE_URL")
    sandbox_database_url: str = Field("", alias="SANDBOX_DATABASE_URL")
    executor: str = Field("", alias="BINDING_EXECUTOR")
    workers: int = Field(8, alias="BINDING_WORKERS")

    service_tokens: str = Field("", alias="BINDING_SERVICE_TOKENS")
    gateway_internal_token: str = Field("", alias="GATEWAY_INTERNAL_TOKEN")
    customer_jwks_file: Path | None = Field(None, alias="CUSTOMER_TOKEN_JWKS_FILE")
    events_secret: str = Field("", alias="EVENTS_SECRET")
    bank_token: str = Field("", alias="BANK_TOKEN")
    bank_callback_secret: str = Field("", alias="BANK_CALLBACK_SECRET")
    bank_callback_old_secret: str = Field("", alias="BANK_CALLBACK_OLD_SECRET")
    sms_token: str = Field("", alias="SMS_TOKEN")
    pepper_secret: str = Field("", alias="BINDING_PEPPER")
    admin_hosts: str = Field("127.0.0.1,localhost", alias="BINDING_ADMIN_HOSTS")

    bank_timeout_s: float = Field(2.5, alias="BINDING_BANK_TIMEOUT_S")
    review_after_s: float = Field(24 * 3600, alias="BINDING_REVIEW_AFTER_S")
    sandbox_slow_s: float = Field(20, alias="SANDBOX_SLOW_S")
    policy_file: Path = Field(Path(__file__).with_name("policy.yml"), alias="BINDING_POLICY_FILE")

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        self.url = self.url or f"http://127.0.0.1:{self.port}"
        self.bank_url = self.bank_url or f"http://127.0.0.1:{self.sandbox_port}"
        self.sms_url = self.sms_url or f"http://127.0.0.1:{self.sandbox_port}"
        self.gateway_internal_url = self.gateway_internal_url or f"http://127.0.0.1:{self.gateway_internal_port}"
        self.database_url = self.database_url or f"sqlite:///{self.home}/binding.sqlite"
        self.sandbox_database_url = self.sandbox_database_url or f"sqlite:///{self.home}/sandbox.sqlite"
        self.customer_jwks_file = self.customer_jwks_file or self.home / "keys" / "customer-token.jwks.json"
        return self

    @property
    def production(self) -> bool:
        """Tell whether this process serves real customers."""
        return self.env == "production"

    @property
    def callers(self) -> dict[str, str]:
        """Return the service callers as {name: secret}."""
        pairs = (entry.strip().partition(":") for entry in self.service_tokens.split(",") if entry.strip())
        return {name: secret for name, _, secret in pairs if secret}

    def key(self, purpose: str) -> bytes:
        """Derive a 32-byte key for one purpose from BINDING_PEPPER (outside production: from EVENTS_SECRET)."""
        root = (self.pepper_secret or self.events_secret).encode()
        return hmac.new(root, f"jiebang binding {purpose}".encode(), hashlib.sha256).digest()

    def problems(self) -> list[str]:
        """List what keeps this process from starting, as sentences for the operator."""
        found = []
        required = {
            "BINDING_SERVICE_TOKENS": self.callers,
            "EVENTS_SECRET": self.events_secret,
            "BANK_TOKEN": self.bank_token,
            "BANK_CALLBACK_SECRET": self.bank_callback_secret,
            "SMS_TOKEN": self.sms_token,
        }
        found += [
            f"{name} is not set; `python -m tools.secrets` writes it" for name, value in required.items() if not value
        ]
        found += self._faulty_signing_keys()
        if self.production:
            if self.sandbox:
                found.append("JIEBANG_SANDBOX must not be set together with JIEBANG_ENV=production")
            if not self.pepper_secret:
                found.append("BINDING_PEPPER must be set in production")
            elif len(self.pepper_secret) < SHORTEST_SECRET:
                found.append(f"BINDING_PEPPER is too short ({SHORTEST_SECRET} characters at least)")
            weak = [name for name, secret in self.callers.items() if len(secret) < SHORTEST_SECRET]
            found += [f"the secret of the caller {name!r} in BINDING_SERVICE_TOKENS is too short" for name in weak]
            for name in ("BANK_URL", "SMS_URL"):
                if not os.environ.get(name):
                    found.append(f"{name} must be set in production")
        return found

    def _faulty_signing_keys(self) -> list[str]:
        keys = {
            "EVENTS_SECRET": self.events_secret,
            "BANK_CALLBACK_SECRET": self.bank_callback_secret,
            "BANK_CALLBACK_OLD_SECRET": self.bank_callback_old_secret,
        }
        found = []
        for name, text in keys.items():
            encoded = text.removeprefix("whsec_")
            try:  # strictly: who decodes it later leaves out what is no base64, and would sign with what is left
                key = text.encode() if encoded == text else base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if text and not key:
                found.append(f"{name} must hold base64 after `whsec_`")
            elif text and self.production and len(key) < SHORTEST_KEY:
                found.append(f"{name} is too short ({SHORTEST_KEY} bytes at least)")
        return found


@functools.cache
def settings() -> Settings:
    """Return the process's settings."""
    return Settings()  # type: ignore[call-arg]  # every field comes from the environment or has a default
