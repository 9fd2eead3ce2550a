"""Which object does the customer mean? Pure: hints and a list in, one object or a shorter list out."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actions.operations import ALL, HINTS

OTHER = "other"
ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}


@dataclass(frozen=True)
class Choice:
    """The outcome: `found` is one id (or `all`), `fitting` the ids that still fit, `missing` what was named but is not there."""

    found: str | None = None
    fitting: list[str] = field(default_factory=list)
    missing: str | None = None


def hints_in(*, objects: str, entities: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the entities that can name an object of this sort."""
    return {name: entities[name] for name in HINTS[objects] if entities.get(name) is not None}


def named_in(*, objects: str, entities: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the hints but for the ordinal, which counts along a list that only its own message has in view."""
    return hints_in(objects=objects, entities={**entities, "ordinal": None})


def _fits(item: Mapping[str, Any], name: str, value: Any, cards: Mapping[str, Mapping[str, Any]]) -> bool:
    if name in {"card_id", "wallet_id", "agreement_id"}:
        return bool(item["id"] == value)
    if name == "card_tail":
        return str(item.get("tail") or cards.get(str(item.get("card_id")), {}).get("tail", "")).endswith(str(value))
    if name == "bank":
        return bool((item.get("bank") or cards.get(str(item.get("card_id")), {}).get("bank")) == value)
    if name == "card_type":
        return bool(item.get("type") == value)
    if name == "wallet":
        return bool(item.get("kind") == value)
    if name == "merchant":
        said, known = str(value).casefold(), str(item.get("merchant", "")).casefold()
        return said in known or known in said or bool(item.get("merchant_id") == value)
    return True


def choose(*, objects: str, hints: Mapping[str, Any], items: Sequence[Mapping[str, Any]], shown: Sequence[str], cards: Mapping[str, Mapping[str, Any]] | None = None, now: str | None = None) -> Choice:
    """Finds the object that the hints name among `items`; ordinals count along `shown` (the last list that was shown), `other` is any but the one chosen `now`."""
    ordinal = hints.get("ordinal")
    if ordinal == ALL:
        return Choice(found=items[0]["id"] if len(items) == 1 else ALL, fitting=[item["id"] for item in items])
    named = {name: value for name, value in hints.items() if name != "ordinal"}
    fits = [item for item in items if all(_fits(item, name, value, cards or {}) for name, value in named.items())]
    # One whose end is on its way is only meant when nothing else can be.
    fitting = [item["id"] for item in [item for item in fits if not item.get("busy")] or fits]
    if not fitting:
        return Choice(missing=" ".join(str(value) for value in named.values()))
    if ordinal == OTHER:
        fitting = [found for found in fitting if found != now]
    elif ordinal is not None:
        order = [found for found in (shown or [item["id"] for item in items]) if found in fitting]
        place = ORDINALS.get(str(ordinal))
        if place is None or place >= len(order) or not order:
            return Choice(fitting=fitting, missing=str(ordinal))
        return Choice(found=order[place], fitting=fitting)
    return Choice(found=fitting[0] if len(fitting) == 1 else None, fitting=fitting)
