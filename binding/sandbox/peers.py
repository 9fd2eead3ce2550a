"""What the stand-in's doors share: its store and its tokens."""

from __future__ import annotations

import functools
import hmac
from typing import Annotated

from fastapi import Header, HTTPException

from binding.sandbox.store import Store
from binding.settings import settings


@functools.cache
def store() -> Store:
    """Return the process's store."""
    return Store(settings().sandbox_database_url)


def demand_bank_token(authorization: Annotated[str, Header()] = "") -> None:
    """Refuse callers without the bank's token."""
    _demand(authorization, settings().bank_token)


def demand_sms_token(authorization: Annotated[str, Header()] = "") -> None:
    """Refuse callers without the phone company's token."""
    _demand(authorization, settings().sms_token)


def _demand(authorization: str, secret: str) -> None:
    if not secret or not hmac.compare_digest(authorization.encode(), f"Bearer {secret}".encode()):
        raise HTTPException(401)
