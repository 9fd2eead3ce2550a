"""What became of an operation: one true reply per status and reason, with the operation's card."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_sdk.executor import CollectingDispatcher

from actions import display
from actions.base import say
from actions.operations import BY_KIND

ENDED = {"succeeded", "failed", "cancelled", "expired", "manual_review"}


def operation_card(operation: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Returns the operation as the pages draw it; a channel without cards shows only the text beside it."""
    effects = [{"code": effect["code"], **({"merchant": display.merchant(effect["merchant"], language)} if effect.get("merchant") else {})} for effect in operation.get("effects") or []]
    return {
        "type": "operation", "id": operation["id"], "kind": operation["kind"], "status": operation["status"], "target": display.target(operation["target_summary"], language),
        "reference": operation.get("reference"), "reason": operation.get("reason_code"), "effects": effects, "eta": operation.get("eta"), "at": operation.get("finished_at") or operation.get("updated_at"),
    }


def say_outcome(dispatcher: CollectingDispatcher, operation: Mapping[str, Any], language: str, responses: frozenset[str]) -> None:
    """Says how an operation stands, never more than binding said."""
    intent = BY_KIND[operation["kind"]].intent
    status, reason = operation["status"], operation.get("reason_code")
    # Some ends sound different for a wallet or a new card: those have a reply of their own.
    general = {"succeeded": [f"utter_done_{intent}"], "failed": [f"utter_failed_{reason}", "utter_failed"]}.get(status, [f"utter_status_{status}"])
    names = [f"{general[0]}_{intent}", *general]
    name = next((candidate for candidate in names if candidate in responses), names[-1])
    effects = operation.get("effects") or []
    merchants = [display.merchant(effect["merchant"], language) for effect in effects if effect["code"] == "renewal_stops"]
    say(dispatcher, name, card=operation_card(operation, language), target=display.target(operation["target_summary"], language), reference=operation.get("reference") or "",
        eta=display.moment(operation.get("eta"), language), merchants=display.listed(merchants, language))
