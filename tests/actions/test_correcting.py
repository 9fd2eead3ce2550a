"""Inside an operation another object counts as a correction, also when the message alone was too uncertain to start one."""
from __future__ import annotations

from typing import Any

import pytest
from rasa_sdk import Tracker

from actions.forms import corrects
from actions.operations import BY_INTENT
from actions.turn import Turn

TORN = [{"name": "deny", "confidence": 0.45}, {"name": "unbind_card", "confidence": 0.36}, {"name": "correct", "confidence": 0.18}]


def turn(**message: Any) -> Turn:
    uncertain = {"intent": {"name": "nlu_fallback", "confidence": 0.3}, "intent_ranking": [{"name": "unbind_card", "confidence": 0.7}], "certainty": {"reason": "operation", "doubts": []}}
    return Turn(Tracker("conv_1", {}, {**uncertain, **message}, [], False, None, {}, "action_listen"))


@pytest.mark.parametrize(
    "message, entities, expected",
    [
        ({}, {"bank": "icbc"}, True),
        ({"certainty": {"reason": "operation", "doubts": ["not"]}}, {"bank": "icbc"}, True),  # "not this one, unbind the ICBC one"
        ({}, {}, False),  # names nothing
        ({"certainty": {"reason": "unmeant", "doubts": ["unbind"]}}, {"bank": "icbc"}, False),  # "don't unbind the ICBC one"
        ({"certainty": {"reason": "operation", "doubts": ["other"]}}, {"bank": "icbc"}, False),  # "my wife removed her ICBC one"
        ({"intent_ranking": [{"name": "bind_card", "confidence": 0.7}]}, {"bank": "icbc"}, False),
        ({"intent": {"name": "deny", "confidence": 0.45}, "intent_ranking": TORN}, {"bank": "icbc"}, True),  # "no, I want the ICBC one gone"
        ({"intent": {"name": "deny", "confidence": 0.45}, "intent_ranking": TORN}, {}, False),
        ({"intent": {"name": "deny", "confidence": 0.9}, "intent_ranking": [{"name": "deny", "confidence": 0.9}, {"name": "correct", "confidence": 0.1}]}, {"bank": "icbc"}, False),
        ({"intent": {"name": "out_of_scope", "confidence": 0.9}}, {"bank": "icbc"}, False),
    ],
)
def test_another_object_is_a_correction(message: dict[str, Any], entities: dict[str, Any], expected: bool) -> None:
    assert corrects(turn(**message), kind=BY_INTENT["unbind_card"], entities=entities) is expected
