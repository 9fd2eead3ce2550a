"""The operations that a customer can have done, as the dialogue sees them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Objects = Literal["card", "wallet", "agreement", "bank", "wallet_kind"]


@dataclass(frozen=True)
class OperationKind:
    """One operation: its intent (also the stem of its form and replies), binding's kind, what it is done to, and the entity that names one such object for sure."""

    intent: str
    kind: str
    objects: Objects
    id_entity: str
    all_at_once: bool = False

    @property
    def form(self) -> str:
        """Returns the form's name."""
        return f"{self.intent}_form"


KINDS = (
    OperationKind("unbind_card", "card.unbind", "card", "card_id"),
    OperationKind("close_quick_pay", "quick_pay.disable", "card", "card_id", all_at_once=True),
    OperationKind("bind_card", "card.bind", "bank", "bank"),
    OperationKind("unbind_wallet", "wallet.unbind", "wallet", "wallet_id"),
    OperationKind("bind_wallet", "wallet.bind", "wallet_kind", "wallet"),
    OperationKind("cancel_auto_deduction", "agreement.terminate", "agreement", "agreement_id"),
)
BY_INTENT = {kind.intent: kind for kind in KINDS}
BY_KIND = {kind.kind: kind for kind in KINDS}
# Entities that can name an object of each sort.
HINTS: dict[str, tuple[str, ...]] = {
    "card": ("bank", "card_tail", "card_type", "ordinal", "card_id"),
    "wallet": ("wallet", "ordinal", "wallet_id"),
    "agreement": ("merchant", "ordinal", "agreement_id", "bank", "card_tail"),
    "bank": ("bank",),
    "wallet_kind": ("wallet",),
}
ALL = "all"
# The status of an operation that nobody has verified: nothing has happened yet.
OPEN = "awaiting_verification"
# Set from a fraud report until the protection that was offered is done or declined: whether a person was called, or could not be.
FRAUD = "fraud"
CALLED, UNCALLED = "called", "uncalled"
# Stands for the version of effects that were told long ago: they are worked out again before the customer is asked.
STALE = "stale"
FLOW_SLOTS = ("target", "confirmed", "code_ref", "method", "operation_id", "effects_version", "challenge_id", "note", "note_value", "choices", "remembered")
