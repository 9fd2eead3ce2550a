"""Collects what the assistant says in one turn, each reply whole: its text, its buttons as structured commands, its card."""
from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional, Text

from rasa.core.channels.channel import OutputChannel

PAYLOAD = re.compile(r"^/(?P<intent>[^{\s]+)\s*(?P<entities>\{.*\})?$", re.S)


def command_of(payload: Text) -> Dict[Text, Any]:
    """Turns a button's payload, `/intent{"entity": "value"}`, into `{intent, entities}`; raises ValueError when it is no such thing."""
    match = PAYLOAD.match(payload.strip())
    if not match:
        raise ValueError(f"not a payload: {payload!r}")
    entities = json.loads(match["entities"]) if match["entities"] else {}
    return {"intent": match["intent"], "entities": [{"entity": name, "value": value} for name, value in entities.items()]}


def button_of(button: Dict[Text, Any]) -> Dict[Text, Any]:
    """Returns the button as the gateway takes it: a title with a command (`/intent{…}`), an address (`url:…`) or an action of the page (`action:sign_in`)."""
    payload = button["payload"]
    for kind in ("url", "action"):
        if payload.startswith(f"{kind}:"):
            return {"title": button["title"], kind: payload[len(kind) + 1:]}
    return {"title": button["title"], "command": command_of(payload)}


def reply_of(message: Dict[Text, Any]) -> Optional[Dict[Text, Any]]:
    """Returns one reply `{text, buttons, card?}` from a message of Rasa, or None when it says nothing."""
    reply = {"text": (message.get("text") or "").strip(), "buttons": [button_of(button) for button in message.get("buttons") or []]}
    card = message.get("custom") or {}
    if card:
        reply["card"] = card
    return reply if reply["text"] or reply["buttons"] or card else None


class Outbox(OutputChannel):
    """The output channel of one turn."""

    def __init__(self) -> None:
        self.replies: List[Dict[Text, Any]] = []

    @classmethod
    def name(cls) -> Text:
        """Returns the channel's name; no response has a variant for it."""
        return "gateway"

    async def send_response(self, recipient_id: Text, message: Dict[Text, Any]) -> None:
        """Keeps a message as one reply. Rasa's own version splits it at blank lines and drops the buttons' ties."""
        reply = reply_of(message)
        if reply:
            self.replies.append(reply)

    async def send_text_message(self, recipient_id: Text, text: Text, **kwargs: Any) -> None:
        """Keeps a plain text."""
        await self.send_response(recipient_id, {"text": text})
