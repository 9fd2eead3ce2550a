"""The steps of an operation for who leads a customer through it: each channel has its own words for the code."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.desk import compliance
from gateway.desk.guide import guide

SENT = {
    "id": "op_1", "kind": "card.unbind", "status": "awaiting_verification", "effects": [],
    "target_summary": {"type": "card", "bank": "cmb", "tail": "1234"}, "challenge": {"method": "sms", "destination": "138****1234"},
}  # fmt: skip
PHONE = ("读回", "读给我", "电话", "read the", "read me", "caller", "phone")


def told(method: str, place: str) -> list[str]:
    """Returns all that the guide says at the code, to the agent and for the customer."""
    found: dict[str, Any] = guide(SENT | {"challenge": {"method": method, "destination": "138****1234"}}, place=place)
    assert [step["name"] for step in found["steps"] if step["state"] == "current"] == ["code"]
    return [*found["next"].values(), *found["say"].values()]


def test_on_the_phone_the_code_is_read_back() -> None:
    for text, word in zip(told("sms", "call"), ("读回", "read the 6 digits back", "读给我", "read me"), strict=True):
        assert word in text and "聊天" not in text and "chat" not in text


def test_in_a_chat_the_customer_types_the_code() -> None:
    for text, word in zip(
        told("sms", "chat"), ("聊天里输入", "into the chat", "在这里输入", "right here"), strict=True
    ):
        assert word in text and not any(other in text for other in PHONE)


@pytest.mark.parametrize("method", ["payment_password", "card_details"])
def test_what_belongs_on_the_secure_page_is_said_nowhere_else(method: str) -> None:
    for text, word in zip(told(method, "chat"), ("安全页面", "secure page") * 2, strict=True):
        assert word in text and "138" not in text and not any(other in text for other in PHONE)
        assert not compliance.found_in(text)
