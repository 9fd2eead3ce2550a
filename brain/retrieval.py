"""Fills in what Rasa's ResponseSelector would: FAQ labels are retrieval intents, and our one classifier scores their full names."""

from __future__ import annotations

from typing import Any

from rasa.shared.nlu.constants import RESPONSE_SELECTOR
from rasa.shared.nlu.training_data.message import Message

GROUP = "faq"


def base(label: str) -> str:
    """Return the intent's name that Rasa knows: `faq` for `faq/<topic>`."""
    return label.split("/", 1)[0]


def attach(message: Message, ranking: list[dict[str, Any]], responses: dict[str, list[dict[str, Any]]]) -> None:
    """Write the `response_selector` property: the best FAQ label and the ranking among FAQ labels.

    `utter_faq` reads `utter_action` here; the processor reads `intent_response_key` for `full_retrieval_intent_name`.
    """
    answers = [entry for entry in ranking if base(entry["name"]) == GROUP and "/" in entry["name"]]
    if not answers:
        return
    best = answers[0]
    prediction = {
        "responses": responses.get(f"utter_{best['name']}") or [{"text": best["name"]}],
        "confidence": best["confidence"],
        "intent_response_key": best["name"],
        "utter_action": f"utter_{best['name']}",
    }
    rows = [{"confidence": entry["confidence"], "intent_response_key": entry["name"]} for entry in answers]
    message.set(RESPONSE_SELECTOR, {"all_retrieval_intents": [GROUP], GROUP: {"response": prediction, "ranking": rows}}, add_to_output=True)
