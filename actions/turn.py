"""The turn that an action runs in: which conversation, which message, in which language, and binding as its customer sees it."""
from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

from actions import gateway_client
from actions.binding_client import Binding


class Turn:
    """Reads the tracker; gives the client of binding after the token exchange."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.message: dict[str, Any] = tracker.latest_message or {}
        self.metadata: dict[str, Any] = self.message.get("metadata") or {}
        self.conversation_id: str = tracker.sender_id
        self.turn_id: str = self.metadata.get("turn_id") or self.message.get("message_id") or ""

    @property
    def language(self) -> str:
        """Returns the language of the reply."""
        return self.tracker.get_slot("language") or "zh"

    @property
    def waiting(self) -> bool:
        """Tells whether this customer stands in the queue for a person; the assistant answers meanwhile."""
        return "waiting" in (self.metadata.get("notices") or [])

    @property
    def warned(self) -> bool:
        """Tells whether the customer was just warned against what they typed: a card or ID number, a password, a code that nobody asked for."""
        notices = set(self.metadata.get("notices") or []) - {"waiting"}
        return bool(notices - {"code"} if self.slot("requested_slot") == "code_ref" else notices)

    @property
    def intent(self) -> str:
        """Returns the message's intent (without the topic of a FAQ)."""
        return _name(self.message)

    @property
    def certainty(self) -> float:
        """Returns how certain the intent is, 0 to 1; a button is certain."""
        return float((self.message.get("intent") or {}).get("confidence") or 0.0)

    @property
    def verdict(self) -> dict[str, Any]:
        """Returns how the label was judged (`brain/rejection.py`): `reason`, when it was not taken as it came, and `doubts`; empty for a button."""
        return self.message.get("certainty") or {}

    @property
    def topic(self) -> str | None:
        """Returns the topic of a FAQ message, `unbind_duration`."""
        return _asked(self.message)

    def asked_before(self) -> str | None:
        """Returns the topic of the message before this one, when that was a question."""
        asked = [event.get("parse_data") or {} for event in reversed(self.tracker.events) if event.get("event") == "user"]
        return _asked(asked[1]) if len(asked) > 1 else None

    def same_question(self) -> int:
        """Returns how many of the customer's latest messages in a row, this one included, asked the same thing."""
        asked = [event.get("parse_data") or {} for event in reversed(self.tracker.events) if event.get("event") == "user"]
        keys = [_asked(parse) for parse in asked]
        return next((place for place, key in enumerate(keys) if key is None or key != keys[0]), len(keys))

    @property
    def message_before(self) -> str | None:
        """Returns the id of the customer's message before this one; what the gateway reports meanwhile is passed over."""
        said = [event for event in reversed(self.tracker.events) if event.get("event") == "user" and not _name(event.get("parse_data") or {}).startswith("EXTERNAL_")]
        return said[1].get("message_id") if len(said) > 1 else None

    def entity(self, name: str) -> Any:
        """Returns the last value of an entity in the message, or None: "not CMB, ICBC" means ICBC."""
        values = [e.get("value") for e in self.message.get("entities") or [] if e.get("entity") == name]
        return values[-1] if values else None

    @property
    def entities(self) -> dict[str, Any]:
        """Returns one value per entity of the message, the last one."""
        return {e["entity"]: e.get("value") for e in self.message.get("entities") or []}

    def slot(self, name: str) -> Any:
        """Returns a slot's value."""
        return self.tracker.get_slot(name)

    def key(self, *parts: object) -> str:
        """Returns an idempotency key that is the same whenever this turn is run again."""
        return ":".join([self.turn_id, *map(str, parts)])

    async def binding(self) -> Binding:
        """Returns binding as this conversation's customer; raises NotSignedIn."""
        return Binding(token=await gateway_client.customer_token(conversation_id=self.conversation_id, turn_id=self.turn_id))


def _name(parse: dict[str, Any]) -> str:
    """Returns the intent's name."""
    return (parse.get("intent") or {}).get("name") or ""


def _asked(parse: dict[str, Any]) -> str | None:
    """Returns the topic of a question. Every parse carries its best topic, so only one that was read as a question counts."""
    if _name(parse) != "faq":
        return None
    selector = (parse.get("response_selector") or {}).get("faq") or {}
    full = (selector.get("response") or {}).get("intent_response_key") or ""
    return full.partition("/")[2] or None
