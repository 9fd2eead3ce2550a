"""The state machines, written down once: each table's column, and to which states each state may be left.

The service issues only guarded updates along them; the database has the states as CHECK constraints and the steps as triggers
(migration 0004), so that no other program makes a step that is not here either. What is changed here needs a migration.
"""

from __future__ import annotations

Steps = dict[str, tuple[str, ...]]

OPERATION: Steps = {
    "awaiting_verification": ("processing", "failed", "cancelled", "expired"),
    "processing": ("pending", "succeeded", "failed", "manual_review"),
    "pending": ("succeeded", "failed", "manual_review"),
    "manual_review": ("succeeded", "failed"),
    "succeeded": (),
    "failed": (),
    "cancelled": (),
    "expired": (),
}
CARD: Steps = {
    "bound": ("unbinding", "suspended"),
    "unbinding": ("unbound", "bound"),
    "suspended": ("bound",),
    "unbound": (),
}
WALLET: Steps = {"bound": ("unbinding",), "unbinding": ("unbound", "bound"), "unbound": ()}
AGREEMENT: Steps = {
    "active": ("terminating", "terminated"),  # with its card it ends at once
    "terminating": ("terminated", "active"),
    "terminated": (),
}
CHALLENGE: Steps = {
    "sending": ("issued", "undelivered", "replaced"),
    "issued": ("used", "replaced", "failed"),
    "replaced": ("failed",),  # the third wrong answer ends its operation, which replaces what is open, and then itself
    "undelivered": (),
    "used": (),
    "failed": (),
}
CALL: Steps = {"open": ("verified", "failed"), "verified": (), "failed": ()}

MACHINES: dict[str, tuple[str, Steps]] = {
    "operations": ("status", OPERATION),
    "cards": ("state", CARD),
    "wallets": ("state", WALLET),
    "agreements": ("state", AGREEMENT),
    "challenges": ("state", CHALLENGE),
    "calls": ("state", CALL),
}
