"""The tables."""

from binding.models.account import Account
from binding.models.base import Base
from binding.models.binding import Agreement, Card, Obligation, Wallet
from binding.models.ledger import AuditHead, AuditRow, Idempotency, Notice, OutboxEvent
from binding.models.operation import Operation
from binding.models.sandbox import SandboxState
from binding.models.staff import Decision, Staff, StaffSession
from binding.models.verification import Call, Challenge, Failure

__all__ = [
    "Account", "Agreement", "AuditHead", "AuditRow", "Base", "Call", "Card", "Challenge", "Decision", "Failure",
    "Idempotency", "Notice", "Obligation", "Operation", "OutboxEvent", "SandboxState", "Staff", "StaffSession", "Wallet",
]  # fmt: skip
