"""The shapes of requests and answers; they make the OpenAPI document, which is the contract."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["card.unbind", "card.bind", "quick_pay.disable", "wallet.unbind", "wallet.bind", "agreement.terminate"]
Status = Literal[
    "awaiting_verification", "processing", "pending", "succeeded", "failed", "cancelled", "expired", "manual_review"
]

NO_NUL = r"^[^\x00]+$"  # which PostgreSQL cannot look for in a text


class _Shape(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Card(_Shape):
    id: str
    bank: str
    type: Literal["debit", "credit"]
    tail: str = Field(description="the last four digits")
    quick_pay: bool
    repayment: bool
    state: Literal["bound", "unbinding", "unbound", "suspended"]
    bound_at: str
    reserved_phone_masked: str | None = Field(description="the phone number that the bank knows, 138****5678")


class Wallet(_Shape):
    id: str
    kind: str
    state: Literal["bound", "unbinding", "unbound"]
    account_masked: str
    bound_at: str


class Agreement(_Shape):
    id: str
    merchant: str
    kind: Literal["auto_renew", "password_free", "repayment"]
    card_id: str | None
    amount: int | None = Field(description="minor units")
    currency: str
    next_charge_at: str | None
    state: Literal["active", "terminating", "terminated"]


class Obligation(_Shape):
    id: str
    kind: Literal["debt", "open_order", "refund"]
    card_id: str | None
    amount: int = Field(description="minor units")
    currency: str
    state: Literal["open", "settled"]


class Effect(_Shape):
    code: str


class Blocker(_Shape):
    code: str


class OpenChallenge(_Shape):
    id: str
    method: Literal["sms", "payment_password", "card_details"]
    destination: str | None
    expires_at: str
    resend_at: str | None
    attempts_left: int


class Verification(_Shape):
    methods: list[str]


class Operation(_Shape):
    id: str
    kind: Kind
    status: Status
    target: str
    target_summary: dict[str, Any]
    reason_code: str | None
    reference: str
    effects: list[Effect]
    effects_version: str
    verification: Verification
    challenge: OpenChallenge | None
    attempts_left: int
    eta: str | None
    created_at: str
    updated_at: str
    finished_at: str | None
    conversation: str | None


class Challenge(_Shape):
    id: str
    method: Literal["sms", "payment_password", "card_details"]
    expires_at: str
    attempts_left: int


class Blockers(_Shape):
    items: list[Blocker]


class CardPage(_Shape):
    items: list[Card]
    next_cursor: str | None


class WalletPage(_Shape):
    items: list[Wallet]
    next_cursor: str | None


class AgreementPage(_Shape):
    items: list[Agreement]
    next_cursor: str | None


class ObligationPage(_Shape):
    items: list[Obligation]
    next_cursor: str | None


class OperationPage(_Shape):
    items: list[Operation]
    next_cursor: str | None


class Problem(_Shape):
    """RFC 9457; `code` is stable."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class AskOperation(_Body):
    kind: Kind
    target: Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]


class AskChallenge(_Body):
    method: Literal["sms", "payment_password", "card_details"]
    effects_version: Annotated[str, Field(min_length=1, max_length=64)]


class AnswerChallenge(_Body):
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$", description="the six digits that the customer received")]
    effects_version: Annotated[str, Field(min_length=1, max_length=64)]


class Empty(_Body):
    pass


# Where an answer leads: the steps of an operation as OpenAPI links, for who reads the contract or walks it by machine.
AFTER_ASKING: dict[int | str, dict[str, Any]] = {
    201: {
        "links": {
            "look": {
                "operationId": "show_operation_v1_operations__operation_id__get",
                "parameters": {"operation_id": "$response.body#/id"},
            },
            "verify": {
                "operationId": "open_challenge_v1_operations__operation_id__challenges_post",
                "parameters": {"operation_id": "$response.body#/id"},
                "requestBody": {"method": "sms", "effects_version": "$response.body#/effects_version"},
            },
            "cancel": {
                "operationId": "cancel_operation_v1_operations__operation_id__cancel_post",
                "parameters": {"operation_id": "$response.body#/id"},
            },
        }
    }
}
AFTER_SENDING: dict[int | str, dict[str, Any]] = {
    201: {
        "links": {
            "answer": {
                "operationId": "answer_challenge_v1_challenges__challenge_id__verify_post",
                "parameters": {"challenge_id": "$response.body#/id"},
                "requestBody": {"code": "000000", "effects_version": "$request.body#/effects_version"},
            }
        }
    }
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document the problems that a route answers with."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "a problem", "content": content} for status in statuses}
