"""The phone company's door: it takes messages once by their id, and shows a customer's phone."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel

from binding.sandbox.peers import demand_bank_token, demand_sms_token, store

router = APIRouter()
CODE = re.compile(r"(?:验证码|[Cc]ode:?) ?([0-9]{6})(?![0-9])")


class Message(BaseModel):
    """A message to one customer."""

    to: str
    customer: str
    text: str
    purpose: Literal["code", "notice"] = "notice"


@router.post("/{channel}/v1/messages", status_code=202, dependencies=[Depends(demand_sms_token)])
def take(
    channel: Literal["sms", "push"], message: Message, idempotency_key: Annotated[str, Header()]
) -> dict[str, Any]:
    """Take a message."""
    found = CODE.search(message.text) if message.purpose == "code" else None
    new = store().add_message(
        id=idempotency_key, kind=channel, to=message.to, customer=message.customer, text=message.text,
        code=found[1] if found else None,
    )  # fmt: skip
    return {"id": idempotency_key, "new": new}


@router.get("/phones/{customer}", dependencies=[Depends(demand_bank_token)])
def show(customer: str) -> dict[str, Any]:
    """Show what a customer's phone received, oldest first."""
    return {"messages": store().phone(customer)}
