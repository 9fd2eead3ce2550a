"""Where the neighbours are. Everything comes from the environment (docs/interfaces.md)."""
from __future__ import annotations

from functools import lru_cache

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Addresses, service tokens and time limits (seconds)."""

    model_config = SettingsConfigDict(extra="ignore")

    actions_port: int = 5055
    binding_url: str = "http://127.0.0.1:8090"
    gateway_internal_url: str = "http://127.0.0.1:8081"
    binding_service_token: str = ""
    gateway_internal_token: str = ""
    connect_timeout_s: float = 1.0
    # Verification waits up to `verify_wait_s` in binding for the bank; two tries must fit in the channel's 12 s.
    read_timeout_s: float = 4.5
    verify_wait_s: float = 3.0
    # Research: 64 threads gave 104 requests/s where blocking the event loop gave 9.
    threads: int = 64


@lru_cache
def settings() -> Settings:
    """Returns the process's settings."""
    return Settings()
