"""What an operation can be done to: reads the customer's cards, wallets or deductions, or the kinds that can be added."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions import display
from actions.binding_client import Binding
from actions.operations import OperationKind

Items = list[dict[str, Any]]
# The bank is at it already.
ENDING = {"unbinding", "terminating"}
ONE_TARGET = {"bank": "bank", "wallet_kind": "wallet"}


async def load(*, kind: OperationKind, binding: Binding) -> tuple[Items, dict[str, dict[str, Any]]]:
    """Returns the objects that the operation can be done to, in the order in which they are shown, and the cards by id.

    Those whose end is on its way are among them, marked `busy`: who names one hears how far it is, not that it is not there. A suspended card is binding's to refuse."""
    if kind.objects == "card":
        cards = [_marked(card) for card in await binding.cards()]
        return ([card for card in cards if card["quick_pay"]] if kind.all_at_once else cards), {}
    if kind.objects == "wallet":
        return [_marked(wallet) for wallet in await binding.wallets()], {}
    if kind.objects == "agreement":
        found = [_marked(agreement) for agreement in await binding.agreements()]
        for agreement in found:
            agreement["merchant_id"] = display.aliases("merchant").get(str(agreement["merchant"]).casefold())
        return found, {card["id"]: dict(card) for card in await binding.cards()}
    vocabulary = ONE_TARGET[kind.objects]
    names = display.vocabulary(vocabulary)
    key = "bank" if kind.objects == "bank" else "kind"
    return [{"id": name, key: name} for name, entry in names.items() if entry.get("supported", True)], {}


def _marked(item: Mapping[str, Any]) -> dict[str, Any]:
    return {**item, "busy": item["state"] in ENDING}


def button(*, kind: OperationKind, item: dict[str, Any], language: str) -> dict[str, Any]:
    """Returns the button that chooses one object."""
    if kind.objects == "card":
        return {"title": display.card_button(item, language), "payload": f'/inform{{"card_id": "{item["id"]}"}}'}
    if kind.objects == "wallet":
        return {"title": display.wallet(item["kind"], language), "payload": f'/inform{{"wallet_id": "{item["id"]}"}}'}
    if kind.objects == "agreement":
        return {"title": display.merchant(item["merchant"], language), "payload": f'/inform{{"agreement_id": "{item["id"]}"}}'}
    vocabulary = ONE_TARGET[kind.objects]
    return {"title": display.name_of(vocabulary, item["id"], language, short=True), "payload": f'/inform{{"{vocabulary}": "{item["id"]}"}}'}
