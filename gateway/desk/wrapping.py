"""How a talk or call ended: the wrap-up that fits what happened, and a summary to keep."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.desk import names
from gateway.handoff import open_ticket
from gateway.models import Call, CallLine, Conversation, DeskOperation, Message, Turn

WRAP_UPS = ("solved", "unbound", "advised", "escalated", "fraud", "no_answer", "other")
TALK = ("greet", "goodbye", "thank", "affirm", "deny", "inform", "repeat", "human_handoff", "bot_challenge", "complain")


def _intents(session: Session, conversation_id: str, limit: int = 30) -> list[str]:
    query = (
        select(Turn.parse)
        .where(Turn.conversation_id == conversation_id, Turn.kind == "message", Turn.parse.is_not(None))
        .order_by(Turn.number.desc())
        .limit(limit)
    )
    return [parse["intent"] for parse in session.scalars(query) if parse and parse.get("intent")]


def last_intent(session: Session, *, conversation_id: str) -> str | None:
    """Returns what the customer's newest understood line was."""
    return next(iter(_intents(session, conversation_id, 1)), None)


def wish(intents: list[str]) -> str | None:
    """Returns the newest intent that says what somebody wants."""
    return next((one for one in intents if one not in TALK and names.title(one) and one != "out_of_scope"), None)


def _operations(session: Session, place: str) -> list[DeskOperation]:
    return list(
        session.scalars(select(DeskOperation).where(DeskOperation.place == place).order_by(DeskOperation.asked_at))
    )


def card_of(session: Session, conversation_id: str) -> dict[str, Any] | None:
    """Returns the newest operation that was shown to the customer in a talk, as its card."""
    query = select(Message.card).where(
        Message.conversation_id == conversation_id, Message.card["type"].as_string() == "operation"
    )
    return session.scalars(query.order_by(Message.seq.desc()).limit(1)).first()


def _wrap_up(*, reason: str | None, intent: str | None, done: list[str], replies: int) -> str:
    if reason == "fraud" or intent == "report_fraud":
        return "fraud"
    if any(kind in ("card.unbind", "wallet.unbind") for kind in done):
        return "unbound"
    if done:
        return "solved"
    if replies == 0:
        return "no_answer"
    if intent and names.group_of(intent) == "faq":
        return "advised"
    # What was asked to be done and is not done has not been solved; a look at something has.
    undone = intent is None or (names.group_of(intent) == "operation" and not intent.startswith("check_"))
    return "other" if undone else "solved"


def suggested(session: Session, *, conversation: Conversation) -> str:
    """Returns the wrap-up code that fits a talk so far."""
    ticket = open_ticket(session, conversation_id=conversation.id)
    intents = _intents(session, conversation.id)
    card = card_of(session, conversation.id)
    done = [one.kind for one in _operations(session, conversation.id) if one.status == "succeeded"]
    if card and card.get("status") == "succeeded":
        done.append(str(card.get("kind")))
    return _wrap_up(
        reason=ticket.reason if ticket else None,
        intent=wish(intents) or (ticket.intent if ticket else None),
        done=done,
        replies=_replies(session, conversation.id),
    )


def _replies(session: Session, conversation_id: str) -> int:
    query = select(func.count()).where(Message.conversation_id == conversation_id, Message.author == "agent")
    return session.execute(query).scalar_one()


def _intent_words(intent: str | None) -> dict[str, str]:
    title = names.title(intent)
    return {
        language: names.word("summary", "intent", title=title[language])[language] if title else ""
        for language in names.LANGUAGES
    }


def _operation_words(operation: dict[str, Any] | None) -> dict[str, str]:
    if not operation:
        return {language: "" for language in names.LANGUAGES}
    found = {}
    for language in names.LANGUAGES:
        # A live operation of binding names its target in parts; a card says it in the customer's language already.
        target = operation.get("target_summary")
        shown = names.target(target, language) if target else str(operation.get("target", ""))
        found[language] = names.word(
            "summary",
            "operation",
            kind=names.word("kinds", operation.get("kind"))[language],
            target=shown,
            status=names.word("statuses", operation.get("status"))[language],
            reference=operation.get("reference") or "-",
        )[language]
    return found


def of_talk(session: Session, *, conversation: Conversation, operation: dict[str, Any] | None) -> dict[str, Any]:
    """Returns `{text: {zh, en}, wrap_up}` of a talk; `operation`: the newest one, as binding or a card shows it."""
    ticket = open_ticket(session, conversation_id=conversation.id)
    reason = ticket.reason if ticket else "requested"
    intents = _intents(session, conversation.id)
    intent = _intent_words(wish(intents) or (ticket.intent if ticket else None))
    operated = _operation_words(operation or card_of(session, conversation.id))
    text = {}
    for language in names.LANGUAGES:
        text[language] = names.word(
            "summary",
            "chat",
            language=names.word("languages", conversation.language)[language],
            channel=names.word("channels", conversation.channel.partition(":")[0])[language],
            reason=names.word("handoff", reason)[language],
            intent=intent[language],
            operation=operated[language],
            replies=_replies(session, conversation.id),
        )[language]
    return {"text": text, "wrap_up": suggested(session, conversation=conversation)}


def brief(session: Session, *, conversation: Conversation) -> dict[str, str] | None:
    """Returns why a talk is at the desk, what the customer wants and what is open, in a sentence or two; None when it is not at the desk."""
    ticket = open_ticket(session, conversation_id=conversation.id)
    if ticket is None:
        return None
    # That a person was wished for is the reason already.
    intent = _intent_words(wish([*_intents(session, conversation.id), *([ticket.intent] if ticket.intent else [])]))
    operated = _operation_words(card_of(session, conversation.id))
    reason = names.word("handoff", ticket.reason)
    found = {}
    for language in names.LANGUAGES:
        # What is open says what is wanted.
        rest = operated[language] or intent[language]
        text = names.word("summary", "brief", reason=reason[language], rest=rest)[language].strip()
        found[language] = text[:1].upper() + text[1:]
    return found


def of_call(session: Session, *, call: Call, operation: dict[str, Any] | None) -> dict[str, Any]:
    """Returns `{text: {zh, en}, wrap_up}` of a call."""
    query = select(CallLine.parse).where(CallLine.call_id == call.id, CallLine.parse.is_not(None))
    parses = [parse for parse in session.scalars(query.order_by(CallLine.seq.desc()).limit(30)) if parse]
    intent = wish([parse["intent"] for parse in parses if parse.get("intent")])
    said = _intent_words(intent)
    operated = _operation_words(operation)
    done = [one.kind for one in _operations(session, call.id) if one.status == "succeeded"]
    identity = names.word("summary", "verified" if call.verified_at else "unverified")
    text = {
        language: names.word(
            "summary",
            "call",
            phone=call.phone,
            identity=identity[language],
            intent=said[language],
            operation=operated[language],
        )[language]
        for language in names.LANGUAGES
    }
    return {"text": text, "wrap_up": _wrap_up(reason=None, intent=intent, done=done, replies=call.last_seq)}
