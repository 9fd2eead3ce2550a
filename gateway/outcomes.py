"""What became of an operation, told by the gateway itself while a person owns the talk: the assistant is silent, and both sides need to know."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import conversations, words
from gateway.models import Conversation, Turn

ENDS = ("succeeded", "failed", "cancelled", "expired", "manual_review")
# How many of the latest turns may have told the same end: a code that was submitted unseen is answered at once, its event follows.
LOOK_BACK = 20


def tell(session: Session, *, turn: Turn, conversation: Conversation) -> None:
    """Writes an event of an operation into the talk: its end as one line for customer and agent, all else as a note for the desk."""
    command = turn.request["command"]
    operation = command.get("operation") or {}
    status = str(operation.get("status", "?"))
    ended = command.get("type") == "operation.updated" and status in ENDS
    if ended and not _told(session, conversation_id=conversation.id, operation=str(operation.get("id")), status=status):
        what = described(operation, conversation.language)
        author, text = "system", words.one(f"operation_{status}", conversation.language, what=what)
    else:
        target = operation.get("target_summary") or {}
        parts = f"{operation.get('kind', 'operation')} {target.get('bank', '')} {target.get('tail', '')}: {status}"
        author, text = "note", " ".join(parts.split())
    conversations.add_message(session, conversation_id=conversation.id, author=author, text=text, turn_id=turn.id)


def described(operation: dict[str, Any], language: str) -> str:
    """Returns an operation in a customer's words: its kind, and the card's tail or the merchant where there is one."""
    name = "kind_" + str(operation.get("kind")).replace(".", "_")
    what = words.one(name if name in words.names() else "kind_other", language)
    target = operation.get("target_summary") or {}
    if target.get("tail"):
        return what + words.one("kind_of_card", language, tail=target["tail"])
    if target.get("merchant"):
        return what + words.one("kind_of_merchant", language, merchant=target["merchant"])
    return what


def _told(session: Session, *, conversation_id: str, operation: str, status: str) -> bool:
    query = select(Turn.result).where(Turn.conversation_id == conversation_id).order_by(Turn.number.desc())
    told = [operation, status]
    return any(result and result.get("told") == told for result in session.scalars(query.limit(LOOK_BACK)))
