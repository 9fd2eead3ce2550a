"""The gateway's internal door: whose conversation is this, what is behind a sealed code, hand over to a person."""
from __future__ import annotations

from typing import Any

from actions.errors import NotSignedIn, Refused
from actions.http import call
from actions.settings import settings


def _headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {settings().gateway_internal_token}"}


async def _post(path: str, body: dict[str, Any]) -> dict[str, Any]:
    return await call("POST", f"{settings().gateway_internal_url}/internal/v1/{path}", headers=_headers(), body=body)


async def customer_token(*, conversation_id: str, turn_id: str) -> str:
    """Exchanges the running conversation for its customer's token (at most 5 minutes); raises NotSignedIn."""
    try:
        answer = await _post("token", {"conversation_id": conversation_id, "turn_id": turn_id})
    except Refused as refusal:
        if refusal.code in {"not_signed_in", "not_found", "no_turn"}:
            raise NotSignedIn from refusal
        raise
    return str(answer["token"])


async def open_code(*, conversation_id: str, turn_id: str, code_ref: str) -> str:
    """Opens a sealed code, once; raises Refused `code_gone`."""
    return str((await _post("codes/open", {"conversation_id": conversation_id, "turn_id": turn_id, "code_ref": code_ref}))["code"])


async def hand_over(*, conversation_id: str, turn_id: str, reason: str, details: dict[str, Any]) -> dict[str, Any]:
    """Asks for a person; returns `{mode, position?, open}`."""
    return await _post("handoff", {"conversation_id": conversation_id, "turn_id": turn_id, "reason": reason, **details})
