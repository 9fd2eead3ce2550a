"""What an action server answers is checked as Rasa checks it, and no longer with a schema of schemas each time."""

import jsonschema
import pytest
from rasa.core.actions.action import RemoteAction

from brain import answers
from brain.channel import GatewayChannel

ROW = {"event": "slot", "timestamp": None, "name": "target", "value": "card_1"}
GOOD = [
    {"events": [], "responses": []},
    {"events": [ROW], "responses": [{"text": "好的"}]},
    {"events": [ROW, {"event": "followup", "timestamp": None, "name": "action_listen"}]},
    {},
]
BAD = [
    {"events": "none"},
    {"events": [{"timestamp": 1}]},
    {"events": [{**ROW, "event": "no_such_event"}]},
    {"events": [{**ROW, "name": 7}]},
    {"responses": {"text": "hello"}},
    {"responses": ["hello"]},
    [],
    "ok",
    7,
]
RASAS = RemoteAction._validate_action_result


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setattr(RemoteAction, "_validate_action_result", RASAS)
    GatewayChannel()


@pytest.mark.parametrize("answer", GOOD)
def test_a_good_answer_passes_both(answer):
    action = RemoteAction("action_x", None)
    assert RASAS(action, answer)
    assert action._validate_action_result(answer)


@pytest.mark.parametrize("answer", BAD)
def test_a_bad_answer_is_refused_by_both(answer):
    action = RemoteAction("action_x", None)
    with pytest.raises(jsonschema.ValidationError):
        RASAS(action, answer)
    with pytest.raises(jsonschema.ValidationError, match="custom-actions"):
        action._validate_action_result(answer)


def test_the_schema_itself_is_looked_at_once(monkeypatch):
    looked = []
    kind = jsonschema.validators.validator_for(RemoteAction.action_response_format_spec())
    look = kind.check_schema
    monkeypatch.setattr(kind, "check_schema", lambda schema: looked.append(schema) or look(schema))
    answers._validator.cache_clear()
    action = RemoteAction("action_x", None)
    for answer in GOOD:
        action._validate_action_result(answer)
    assert len(looked) == 1
