"""One turn as the gateway sends it: checked, and made into what Rasa's processor takes."""
from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Optional, Text

from brain.language import detect
from brain.rejection import FALLBACK, OPERATIONS

LANGUAGES = ("zh", "en")
NAMES = {"bank", "wallet", "merchant"}
# A command's name → the intent that the rules know. Commands are parse results, never text (ARCHITECTURE decision 12).
COMMAND_INTENTS = {
    "submit_code": "inform",
    "signed_in": "EXTERNAL_signed_in",
    "session_started": "EXTERNAL_session_started",
    "operation_event": "EXTERNAL_operation_event",
    "handed_back": "EXTERNAL_handed_back",
    "closed": "EXTERNAL_handed_back",
}


class BadTurn(ValueError):
    """The gateway sent something that is no turn."""


class Turn(NamedTuple):
    """One turn: exactly one of `text` and `command` is set. `again`: it was asked before, here or of another Rasa."""

    conversation_id: Text
    turn_id: Text
    language: Text
    pinned: bool
    channel: Text
    signed_in: bool
    text: Optional[Text]
    command: Optional[Dict[Text, Any]]
    code_refs: List[Text]
    notices: List[Text]
    again: bool = False

    @classmethod
    def from_body(cls, body: Any) -> "Turn":
        """Reads a request's body; raises BadTurn with the reason."""
        if not isinstance(body, dict):
            raise BadTurn("the body is not an object")
        for name in ("conversation_id", "turn_id"):
            if not isinstance(body.get(name), str) or not body[name]:
                raise BadTurn(f"{name} is missing")
        text, command = body.get("text"), body.get("command")
        if (text is None) == (command is None):
            raise BadTurn("exactly one of text and command is needed")
        if command is not None and (not isinstance(command, dict) or not isinstance(command.get("name"), str)):
            raise BadTurn("a command needs a name")
        if command is not None and command["name"] != "press" and command["name"] not in COMMAND_INTENTS:
            raise BadTurn(f"unknown command {command['name']}")
        if command is not None and command["name"] == "press" and not isinstance(command.get("intent"), str):
            raise BadTurn("a press needs an intent")
        language = body.get("language")
        return cls(
            conversation_id=body["conversation_id"], turn_id=body["turn_id"], language=language if language in LANGUAGES else "zh",
            pinned=bool(body.get("pinned")), channel=str(body.get("channel") or "web"), signed_in=bool(body.get("signed_in")), text=text, command=command,
            code_refs=[str(ref) for ref in body.get("code_refs") or []], notices=[str(notice) for notice in body.get("notices") or []],
            again=bool(body.get("again")),
        )

    def shown_text(self) -> Text:
        """Returns what stands in the tracker as the customer's words."""
        if self.text is not None:
            return self.text
        return str(self.command.get("title") or f"[{self.command['name']}]") if self.command else ""

    def metadata(self) -> Dict[Text, Any]:
        """Returns what the actions need to know of the turn; nothing in it gives authority."""
        found: Dict[Text, Any] = {"turn_id": self.turn_id, "channel": self.channel, "signed_in": self.signed_in, "notices": self.notices}
        if self.command and self.command["name"] == "operation_event":
            found["operation"] = self.command.get("operation")
            found["event"] = self.command.get("type")
        if self.command and self.command["name"] == "closed":
            found["event"] = "closed"
        return found


# What Rasa's own channels take as an intent ("/unbind_card{}"; the guard takes the slash away): who writes so is trying the door, or has copied something.
_TYPED_COMMAND = re.compile(r"\s*/*\s*(?:[A-Za-z]+_\w+\s*(?:\{.*)?|[A-Za-z]\w*\{.*)", re.DOTALL)


def typed_command(text: Text) -> bool:
    """Tells whether a text is written as Rasa's commands are, and not as people write."""
    return _TYPED_COMMAND.fullmatch(text) is not None


def unsure(parse: Dict[Text, Any]) -> Dict[Text, Any]:
    """Returns a parse that is asked back about where it would begin or confirm something; what else it means stands."""
    intent = parse.get("intent") or {}
    if intent.get("name") not in {*OPERATIONS, "affirm"}:
        return parse
    return {**parse, "intent": {"name": FALLBACK, "confidence": 1.0 - float(intent.get("confidence") or 0.0)}, "entities": []}


def entity(name: Text, value: Any) -> Dict[Text, Any]:
    """Returns an entity that stands in no text."""
    return {"entity": name, "value": value, "start": 0, "end": 0, "extractor": "gateway"}


def parse_of_command(turn: Turn) -> Dict[Text, Any]:
    """Returns the parse result that a command stands for. A FAQ button names its topic as the entity `topic`."""
    command = turn.command or {}
    entities = [entity(e["entity"], e["value"]) for e in command.get("entities") or []]
    if command["name"] == "submit_code":
        entities.append(entity("code_ref", command.get("code_ref")))
    intent = command["intent"] if command["name"] == "press" else COMMAND_INTENTS[command["name"]]
    parse: Dict[Text, Any] = {
        "text": turn.shown_text(), "intent": {"name": intent, "confidence": 1.0}, "intent_ranking": [{"name": intent, "confidence": 1.0}], "entities": entities, "language": None,
    }
    topic = next((e["value"] for e in entities if e["entity"] == "topic"), None)
    if intent == "faq" and topic:
        full = f"faq/{topic}"
        parse["intent"]["full_retrieval_intent_name"] = full
        parse["response_selector"] = {"all_retrieval_intents": ["faq"], "faq": {
            "response": {"intent_response_key": full, "utter_action": f"utter_{full}", "confidence": 1.0, "responses": []}, "ranking": [{"intent_response_key": full, "confidence": 1.0}]}}
    return parse


def only_names(text: Text, entities: List[Dict[Text, Any]]) -> bool:
    """Tells whether a text in Latin letters is nothing but names ("Youku", "ICBC"): spelt in pinyin, they say nothing about the language of who writes them."""
    spans = [(e["start"], e["end"]) for e in entities if e["entity"] in NAMES and e.get("end")]
    rest = "".join(c for place, c in enumerate(text) if not any(start <= place < end for start, end in spans))
    return bool(spans) and text.isascii() and not any(c.isalpha() for c in rest)


# Answers that people give in Chinese talks too; who writes nothing else does not ask for English.
_ANSWERS = re.compile(r"\W*(?:yes|yeah|yep|yup|no|nope|nah)\W*", re.IGNORECASE)


def language_written(text: Text, *, entities: List[Dict[Text, Any]]) -> Optional[Text]:
    """Returns the language that a message is written in; None for what has none of its own."""
    return None if only_names(text, entities) or _ANSWERS.fullmatch(text) else detect(text)
