"""Names of things in the customer's language, from `data/vocab/`; and lists, amounts and times as that language writes them. No sentences."""
from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import yaml

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
VOCABULARY = DATA / "vocab"
# Mainland China has one time zone and no summer time.
LOCAL = timezone(timedelta(hours=8))
SIGNS = {"CNY": "¥", "USD": "$", "HKD": "HK$"}


@lru_cache
def _phrases() -> dict[str, dict[str, str]]:
    return yaml.safe_load((DATA / "phrases.yml").read_text(encoding="utf-8"))


def phrase(name: str, language: str, **values: object) -> str:
    """Returns a phrase of `data/phrases.yml` with its values filled in."""
    return _phrases()[name][language].format(**values)


@lru_cache
def vocabulary(name: str) -> dict[str, dict[str, Any]]:
    """Returns one vocabulary, `{canonical id: {zh, en, short, also}}`."""
    return yaml.safe_load((VOCABULARY / f"{name}.yml").read_text(encoding="utf-8")) or {}


@lru_cache
def aliases(name: str) -> dict[str, str]:
    """Returns `{any way to write it, case folded: canonical id}` for one vocabulary."""
    found: dict[str, str] = {}
    for canonical, entry in vocabulary(name).items():
        for alias in (entry["zh"], entry["en"], *entry.get("short", {}).values(), *entry.get("also", ())):
            found[str(alias).casefold()] = canonical
    return found


def name_of(vocabulary_name: str, canonical: str, language: str, *, short: bool = False) -> str:
    """Returns the display name; what the vocabulary does not know is shown as it is."""
    entry = vocabulary(vocabulary_name).get(canonical)
    if entry is None:
        return canonical
    return str((entry.get("short") or entry)[language] if short else entry[language])


def card(item: Mapping[str, Any], language: str) -> str:
    """Returns a card's name: bank, type and tail."""
    bank, kind = name_of("bank", item["bank"], language), name_of("card_type", item.get("card_type") or item.get("type") or "", language)
    return phrase("card", language, bank=bank, type=kind, tail=item["tail"])


def card_button(item: Mapping[str, Any], language: str) -> str:
    """Returns a card's name, short enough for a button."""
    return phrase("card_button", language, bank=name_of("bank", item["bank"], language, short=True), tail=item["tail"])


def wallet(kind: str, language: str) -> str:
    """Returns a wallet's name."""
    return name_of("wallet", kind, language)


def merchant(name: str, language: str) -> str:
    """Returns a merchant's name in the language when the vocabulary knows it, else as the merchant writes it."""
    known = aliases("merchant").get(name.casefold())
    return name_of("merchant", known, language) if known else name


def target(summary: Mapping[str, Any], language: str) -> str:
    """Returns the name of what an operation is done to."""
    kind = summary.get("type")
    if kind == "card":
        return card(summary, language)
    if kind in {"wallet", "new_wallet"}:
        return wallet(summary["kind"], language)
    if kind == "agreement":
        return merchant(summary["merchant"], language)
    if kind == "new_card":
        return name_of("bank", summary["bank"], language)
    return phrase("all_cards", language, count=summary.get("count", ""))


def listed(names: Iterable[str], language: str) -> str:
    """Joins names as the language does."""
    return phrase("join", language).join(names)


def password_button(operation: Mapping[str, Any], language: str) -> list[dict[str, str]]:
    """Returns the button that verifies by payment password, when this customer may do that for this operation."""
    if "payment_password" not in (operation.get("verification") or {}).get("methods", ()):
        return []
    return [{"title": phrase("use_password", language), "payload": '/inform{"method": "payment_password"}'}]


def money(amount: int | None, currency: str | None) -> str:
    """Returns an amount, given in minor units: ¥49.00."""
    if amount is None:
        return ""
    return f"{SIGNS.get(currency or 'CNY', (currency or '') + ' ')}{amount / 100:,.2f}"


def moment(text: str | None, language: str) -> str:
    """Returns an RFC 3339 time as the customer's clock shows it."""
    if not text:
        return ""
    at = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(LOCAL)
    return phrase("moment", language, month=at.month, month_name=f"{at:%B}", day=at.day, time=f"{at:%H:%M}")
