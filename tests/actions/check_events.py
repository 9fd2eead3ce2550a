"""Run with the Rasa environment's Python: reads answers of the action server from stdin, holds each against Rasa's own schema, and applies its events."""
from __future__ import annotations

import json
import sys

from jsonschema import validate
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.events import deserialise_events


def main() -> None:
    """Prints how many answers and events were right; raises at the first that is not."""
    answers = json.load(sys.stdin)
    events = 0
    for answer in answers:
        validate(answer, RemoteAction.action_response_format_spec())
        events += len(deserialise_events(answer["events"]))
        assert len(deserialise_events(answer["events"])) == len(answer["events"])
    print(json.dumps({"answers": len(answers), "events": events}))


if __name__ == "__main__":
    main()
