"""Buttons: shown with an opaque token, stored as its hash, dead as soon as a newer answer is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.identity import bearers
from gateway.models import Button, Conversation, Message


def add_buttons(session: Session, *, message: Message, turn_number: int, key: bytes) -> None:
    """Makes the message's command buttons pressable."""
    for position, button in enumerate(message.buttons):
        if button.get("command") is not None:
            token = bearers.button_token(key=key, message_id=message.id, position=position)
            session.add(
                Button(
                    hash=bearers.digest(token),
                    conversation_id=message.conversation_id,
                    message_id=message.id,
                    position=position,
                    turn_number=turn_number,
                )
            )


@dataclass(frozen=True)
class Pressed:
    """What a button stands for."""

    command: dict[str, Any]
    title: str
    turn_number: int


def find_button(session: Session, *, conversation_id: str, token: str) -> Pressed | None:
    """Returns a live button of this conversation; None for another's, an unknown or a stale one."""
    query = (
        select(Button, Message, Conversation.current_turn)
        .join(Message, Message.id == Button.message_id)
        .join(Conversation, Conversation.id == Button.conversation_id)
    )
    row = session.execute(
        query.where(Button.hash == bearers.digest(token), Button.conversation_id == conversation_id)
    ).first()
    if row is None or row[0].turn_number < row[2]:
        return None
    shown = row[1].buttons[row[0].position]
    return Pressed(shown["command"], shown["title"], row[0].turn_number)


def shown(message: Message, *, key: bytes) -> dict[str, Any]:
    """Returns a message as customers see it: `{id, author, text, buttons, card?, at}`."""
    buttons = []
    for position, button in enumerate(message.buttons):
        if button.get("command") is not None:
            buttons.append(
                {
                    "title": button["title"],
                    "token": bearers.button_token(key=key, message_id=message.id, position=position),
                }
            )
        else:
            buttons.append({name: button[name] for name in ("title", "url", "action") if button.get(name) is not None})
    found: dict[str, Any] = {
        "id": message.id,
        "author": message.author,
        "text": message.text,
        "buttons": buttons,
        "at": message.at.isoformat().replace("+00:00", "Z"),
    }
    if message.agent:
        found["agent"] = message.agent
    if message.card:
        found["card"] = message.card
    return found
