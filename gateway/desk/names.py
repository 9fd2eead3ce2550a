"""How labels, cards, wallets, effects and states are called in both languages; from `data/` and `words.yml`. For display only."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import yaml

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent.parent / "data"
LANGUAGES = ("zh", "en")
SIGNS = {"CNY": "¥", "USD": "$", "HKD": "HK$"}
LOCAL = ZoneInfo("Asia/Shanghai")
Pair = dict[str, str]


@functools.cache
def read(path: str) -> dict[str, Any]:
    """Returns a YAML file of `data/` or of this folder."""
    for folder in (HERE, DATA):
        if (folder / path).exists():
            return yaml.safe_load((folder / path).read_text(encoding="utf-8")) or {}
    return {}


def words(group: str) -> dict[str, Any]:
    """Returns one group of `words.yml`, `{name: {zh, en}}`."""
    return read("words.yml").get(group, {})


def word(group: str, name: str | None, **values: object) -> Pair:
    """Returns one entry with its values filled in; an unknown name stands for itself."""
    found = words(group).get(name or "") or {language: str(name) for language in LANGUAGES}
    return {language: str(found[language]).format_map(Values(values)) for language in LANGUAGES}


class Values(dict[str, Any]):
    """Values for a sentence; what is missing stays as it is written, `{card}`."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def title(label: str | None) -> Pair | None:
    """Returns what a label is called, None for none."""
    if not label:
        return None
    found = read("titles.yml").get(label) or words("labels").get(label)
    return {language: str(found[language]) for language in LANGUAGES} if found else None


def group_of(label: str) -> str:
    """Returns `operation`, `faq`, `safety` or `conversation`."""
    if label.startswith("faq/"):
        return "faq"
    return next((name for name, labels in read("words.yml")["groups"].items() if label in labels), "conversation")


def labels() -> list[str]:
    """Returns every label that a line can have, in the order of the annotation guide."""
    grouped = [label for group in read("words.yml")["groups"].values() for label in group]
    faq = [label for label in read("titles.yml") if label.startswith("faq/")]
    return [*dict.fromkeys([*grouped[:9], *faq, *grouped[9:]])]


def vocabulary(name: str, value: str | None, language: str, *, short: bool = False) -> str:
    """Returns the display name of a bank, wallet, merchant or card type; an unknown one stands for itself."""
    entry = read(f"vocab/{name}.yml").get(value or "")
    if entry is None:
        return value or ""
    return str((entry.get("short") or entry)[language] if short else entry[language])


def merchant(name: str, language: str) -> str:
    """Returns a merchant's name as the language writes it."""
    for value, entry in read("vocab/merchant.yml").items():
        if name in (entry["zh"], entry["en"], value):
            return vocabulary("merchant", value, language)
    return name


def card(item: Mapping[str, Any], language: str) -> str:
    """Returns `招商银行储蓄卡（1234）`."""
    kind = vocabulary("card_type", item.get("card_type") or item.get("type"), language)
    bank = vocabulary("bank", item.get("bank"), language)
    return str(read("phrases.yml")["card"][language]).format(bank=bank, type=kind, tail=item.get("tail", ""))


def target(summary: Mapping[str, Any], language: str) -> str:
    """Returns the name of what an operation is done to (`target_summary` of binding)."""
    kind = summary.get("type")
    if kind == "card":
        return card(summary, language)
    if kind in ("wallet", "new_wallet"):
        return vocabulary("wallet", summary.get("kind"), language)
    if kind == "agreement":
        return merchant(str(summary.get("merchant", "")), language)
    if kind == "new_card":
        return vocabulary("bank", summary.get("bank"), language)
    return str(read("phrases.yml")["all_cards"][language]).format(count=summary.get("count", ""))


def joined(parts: list[str], language: str) -> str:
    """Joins names as the language does."""
    return str(read("phrases.yml")["join"][language]).join(parts)


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
    shape = str(read("phrases.yml")["moment"][language])
    return shape.format(month=at.month, month_name=f"{at:%B}", day=at.day, time=f"{at:%H:%M}")
