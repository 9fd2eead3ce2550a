"""Words: Rasa's template generator, plus the company's facts, and wordings that take turns instead of being drawn by lot."""
from __future__ import annotations

import copy
import pathlib
from typing import Any, Dict, Optional, Text

from rasa.core.nlg.generator import ResponseVariationFilter
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.utils.io import read_yaml_file
from rasa.utils.endpoints import EndpointConfig

from brain.strict_endpoint import TurnAborted

FACTS = pathlib.Path(__file__).resolve().parent.parent / "data" / "facts.yml"
DEFAULT_LANGUAGE = "zh"


def facts_in(language: Text, path: pathlib.Path = FACTS) -> Dict[Text, Text]:
    """Returns the company's facts, `{name: text}`, in one language."""
    return {name: str(value.get(language, value.get(DEFAULT_LANGUAGE)) if isinstance(value, dict) else value) for name, value in read_yaml_file(path).items()}


class Voice(TemplatedNaturalLanguageGenerator):
    """Generates replies in the conversation's language; registered as `nlg` in endpoints.yml."""

    def __init__(self, endpoint_config: Optional[EndpointConfig] = None, domain: Optional[Domain] = None) -> None:
        super().__init__(domain.responses if domain else {})
        self._facts = {language: facts_in(language) for language in ("zh", "en")}

    async def generate(self, utter_action: Text, tracker: DialogueStateTracker, output_channel: Text, **kwargs: Any) -> Optional[Dict[Text, Any]]:
        """Returns the filled response; the same conversation hears the wordings of one response in turn. Raises TurnAborted when nobody wrote it.

        Rasa would log a warning and say nothing, and the conversation would go on as if the customer had heard it."""
        if utter_action not in self.responses:
            raise TurnAborted(f"there is no response {utter_action}")
        slots = tracker.current_slot_values()
        language = slots.get("language") or DEFAULT_LANGUAGE
        slots["language"] = language
        fitting = ResponseVariationFilter(self.responses).responses_for_utter_action(utter_action, output_channel, slots)
        if not fitting:
            raise TurnAborted(f"{utter_action} has no wording in {language}")
        said = sum(1 for event in tracker.events if isinstance(event, BotUttered) and event.metadata.get("utter_action") == utter_action)
        chosen = copy.deepcopy(fitting[said % len(fitting)])
        return self._fill_response(chosen, {**slots, **self._facts[language]}, **kwargs)
