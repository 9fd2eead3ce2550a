"""The check of an action server's answer, by a schema that is looked at once.

Rasa holds its own schema against the schema of schemas with every answer of every action, which was a fifth of what a turn cost it."""
from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, Text

from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction


@lru_cache(maxsize=1)
def _validator() -> Any:
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def check(action: RemoteAction, result: Dict[Text, Any]) -> bool:
    """Returns True, or raises jsonschema's ValidationError, for the same answers as Rasa's own check."""
    fault = best_match(_validator().iter_errors(result))
    if fault is None:
        return True
    fault.message += ". The action server's answer is not of the form that https://rasa.com/docs/rasa/custom-actions describes."
    raise fault


def install() -> None:
    """Puts the check in the place of Rasa's, for the whole process."""
    RemoteAction._validate_action_result = check  # type: ignore[method-assign]
