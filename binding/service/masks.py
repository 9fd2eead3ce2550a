"""Masks: what may be shown of a number."""

from __future__ import annotations


def phone(number: str) -> str:
    """Mask a phone number: 138****1234."""
    return f"{number[:3]}****{number[-4:]}"


def account(account_id: str) -> str:
    """Mask an account id for a page: its last four characters."""
    return f"****{account_id[-4:]}"
