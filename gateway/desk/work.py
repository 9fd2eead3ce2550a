"""What people of the desk do with a talk. Every change of owner is a compare-and-set; every view and action is audited."""

from __future__ import annotations

import contextlib
import hashlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, case, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway import buttons, conversations, ids, words
from gateway.desk import audit, compliance
from gateway.desk.people import Person, called
from gateway.desk.rows import row, rows
from gateway.desk.view import find
from gateway.guard import redact
from gateway.handoff import open_ticket, set_owner
from gateway.models import Agent, Conversation, Handoff, SuggestionUse, now
from gateway.problems import Problem


def _mine(session: Session, conversation_id: str, person: Person) -> Conversation:
    found = find(session, conversation_id)
    if found.owner != "human" or found.owner_agent != person.username:
        raise _anothers(session, found)
    return found


def _anothers(session: Session, conversation: Conversation) -> Problem:
    """Returns the problem of a talk that is not one's own, with the name of whose it is."""
    name = session.scalars(select(Agent.name).where(Agent.username == conversation.owner_agent)).first()
    whose: dict[str, Any] = {"mode": conversation.owner, "agent": conversation.owner_agent, "agent_name": name}
    return Problem("owner_changed", "Somebody else owns this talk now.", **whose)


def listed(
    session: Session,
    *,
    person: Person,
    state: str,
    limit: int,
    language: str | None = None,
    reason: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Returns a page of the waiting talks (in the order of service), this person's own, or the newest of all."""
    query = select(Conversation)
    if language:
        query = query.where(Conversation.language == language)
    if reason:
        why = select(Handoff.conversation_id).where(Handoff.ended_at.is_(None), Handoff.reason == reason)
        query = query.where(Conversation.id.in_(why))
    if state == "queue":
        live = case((Conversation.owner == "queue", 0), else_=1)
        rank = case((Handoff.priority == "high", 0), else_=1)
        query = query.join(Handoff, Handoff.conversation_id == Conversation.id).where(
            Handoff.ended_at.is_(None), Handoff.taken_at.is_(None), Conversation.owner != "human"
        )
        # The order changes all the time, so a page is counted from the front and a row may come twice.
        skip = int(cursor) if cursor and cursor.isdecimal() else 0
        found = list(session.scalars(query.order_by(live, rank, Handoff.created_at).offset(skip).limit(limit + 1)))
        following = str(skip + limit)
    else:
        if state == "mine":
            query = query.where(Conversation.owner == "human", Conversation.owner_agent == person.username)
        if cursor:
            query = query.where(_before(cursor))
        order = (Conversation.updated_at.desc(), Conversation.id.desc())
        found = list(session.scalars(query.order_by(*order).limit(limit + 1)))
        following = f"{found[limit - 1].updated_at.timestamp()!r}~{found[limit - 1].id}" if len(found) > limit else ""
    return {"items": rows(session, found[:limit]), "next_cursor": following if len(found) > limit else None}


def _before(cursor: str) -> Any:
    moment, _, last = cursor.partition("~")
    try:
        at = datetime.fromtimestamp(float(moment), UTC)
    except (ValueError, OverflowError, OSError):
        raise Problem("invalid_request", "`cursor` is not one of ours.") from None
    return or_(Conversation.updated_at < at, and_(Conversation.updated_at == at, Conversation.id < last))


def take_next(session: Session, *, person: Person) -> dict[str, Any]:
    """Takes the first waiting talk in a language of this person's, when there is none a message left out of hours; raises `not_found` when nobody waits."""
    agent = session.get_one(Agent, person.id)
    live = case((Conversation.owner == "queue", 0), else_=1)
    rank = case((Handoff.priority == "high", 0), else_=1)
    query = (
        select(Handoff.conversation_id)
        .join(Conversation, Conversation.id == Handoff.conversation_id)
        .where(Handoff.ended_at.is_(None), Handoff.taken_at.is_(None), Conversation.owner != "human")
        .where(Handoff.language.in_(agent.languages or ["zh", "en"]))
        .order_by(live, rank, Handoff.created_at)
        .limit(20)
    )
    for conversation_id in session.scalars(query).all():
        try:
            return take(session, person=person, conversation_id=conversation_id, again=False)
        except Problem as problem:
            if problem.code != "owner_changed":
                raise
    raise Problem("not_found", "Nobody waits in a language of yours.")


def take(session: Session, *, person: Person, conversation_id: str, again: bool = True) -> dict[str, Any]:
    """Takes a talk from the queue or the bot; raises `owner_changed` when a person has it. `again`: one's own is simply returned."""
    conversation = find(session, conversation_id)
    if again and conversation.owner == "human" and conversation.owner_agent == person.username:
        return row(session, conversation)
    left_alone = conversation.owner == "bot"
    if not set_owner(
        session, conversation_id=conversation_id, was=("queue", "bot"), owner="human", agent=person.username
    ):
        session.refresh(conversation)
        raise _anothers(session, conversation)
    session.refresh(conversation)
    ticket = open_ticket(session, conversation_id=conversation_id)
    if ticket is None:
        ticket = Handoff(
            id=ids.fresh("hnd"),
            conversation_id=conversation_id,
            reason="taken",
            priority="normal",
            language=conversation.language,
            created_at=now(),
        )
        session.add(ticket)
    elif left_alone:
        # A message left out of hours: by when somebody must answer is counted from here on.
        ticket.created_at = now()
    ticket.taken_at, ticket.taken_by = now(), person.username
    name = called(person, conversation.language)
    conversations.add_message(
        session,
        conversation_id=conversation_id,
        author="system",
        text=words.one("agent_joined", conversation.language, agent=name),
        agent=name,
    )
    audit.write(session, agent=person.username, action="take", conversation_id=conversation_id)
    return row(session, conversation)


def say(
    session: Session,
    *,
    person: Person,
    conversation_id: str,
    text: str,
    client_id: str,
    button_key: bytes,
    suggestion: dict[str, str] | None = None,
    sure: bool = False,
) -> dict[str, Any]:
    """Says something to the customer, once per `client_id`; secrets are masked. Only the owner may.

    Words that ask for a secret raise `asks_for_secret` unless the agent is `sure`. `suggestion` (`message`, `label`, `text`) is what it was made from.
    """
    conversation = _mine(session, conversation_id, person)
    key = "a:" + hashlib.sha256(f"{person.id}|{client_id}".encode("utf-8", "surrogatepass")).hexdigest()
    session.get_one(Conversation, conversation.id, with_for_update=True)
    known = conversations.find_turn(session, conversation_id=conversation_id, key=key)
    if known is not None:
        return buttons.shown(conversations.messages_by_id(session, message_ids=[known.id])[0], key=button_key)
    safe = redact(text)
    if not safe.strip():
        raise Problem("empty_text")
    if not sure:
        compliance.check(safe)
    turn = conversations.add_turn(session, conversation_id=conversation_id, kind="agent", request={}, key=key)
    turn.status, turn.finished_at, turn.result = "done", now(), {"mode": "human", "replies": [turn.id]}
    message = conversations.add_message(
        session,
        conversation_id=conversation_id,
        author="agent",
        agent=called(person, conversation.language),
        text=safe,
        turn_id=turn.id,
        message_id=turn.id,
    )
    if (ticket := open_ticket(session, conversation_id=conversation_id)) and ticket.responded_at is None:
        ticket.responded_at = now()
    if suggestion:
        outcome = "sent" if suggestion["text"].strip() == text.strip() else "edited"
        note_use(session, person=person, place=conversation_id, outcome=outcome, **_named(suggestion))
    detail = {"sure": True, "found": found} if sure and (found := compliance.found_in(safe)) else {}
    audit.write(
        session,
        agent=person.username,
        action="message",
        conversation_id=conversation_id,
        message=message.id,
        **detail,
    )
    return buttons.shown(message, key=button_key)


def _named(suggestion: dict[str, str]) -> dict[str, str]:
    return {"message_id": suggestion["message"][:40], "label": suggestion["label"][:80]}


def note_use(
    session: Session,
    *,
    person: Person,
    place: str,
    message_id: str,
    label: str,
    outcome: str,
    right: str | None = None,
) -> None:
    """Remembers what an agent did with a suggestion in a talk or a call."""
    session.add(
        SuggestionUse(
            id=ids.fresh("sug"),
            place=place,
            message_id=message_id,
            label=label,
            outcome=outcome,
            right=right,
            agent=person.username,
            at=now(),
        )
    )


def note_shown(session: Session, *, person: Person, place: str, message_id: str, label: str) -> None:
    """Remembers, once a line, that an agent was offered something to say to it; `label` is what was offered first."""
    name = "shn_" + hashlib.sha256(f"{place}|{message_id}".encode()).hexdigest()[:32]
    if session.get(SuggestionUse, name) is not None:
        return
    shown = {"place": place, "message_id": message_id, "label": label, "agent": person.username, "at": now()}
    with contextlib.suppress(IntegrityError), session.begin_nested():
        session.add(SuggestionUse(id=name, outcome="shown", **shown))


def note(session: Session, *, person: Person, conversation_id: str, text: str) -> dict[str, Any]:
    """Writes a line that only the desk sees."""
    find(session, conversation_id)
    safe = redact(text)
    if not safe.strip():
        raise Problem("empty_text")
    message = conversations.add_message(
        session, conversation_id=conversation_id, author="note", agent=person.name, text=safe
    )
    audit.write(session, agent=person.username, action="note", conversation_id=conversation_id, message=message.id)
    return {"id": message.id}


def transfer(
    session: Session, *, person: Person, conversation_id: str, to: str, language: str | None = None
) -> dict[str, Any]:
    """Gives one's talk (a supervisor: any) to a colleague or back to the queue, there for people of `language` if given."""
    conversation = find(session, conversation_id) if person.supervisor else _mine(session, conversation_id, person)
    holder = conversation.owner_agent
    if conversation.owner != "human" or holder is None:
        raise Problem("owner_changed", mode=conversation.owner, agent=holder)
    ticket = open_ticket(session, conversation_id=conversation_id)
    if to == holder:
        raise Problem("invalid_request", "That is who has it.")
    if to == "queue":
        done = set_owner(session, conversation_id=conversation_id, was=("human",), owner="queue", of_agent=holder)
        if done and ticket is not None:
            ticket.taken_at = ticket.taken_by = ticket.responded_at = None
            ticket.language = language or ticket.language
    else:
        colleague = session.scalars(select(Agent).where(Agent.username == to, Agent.disabled.is_(False))).first()
        if colleague is None:
            raise Problem("invalid_request", "There is no such colleague.")
        done = set_owner(
            session, conversation_id=conversation_id, was=("human",), owner="human", agent=to, of_agent=holder
        )
        if done and ticket is not None:
            ticket.taken_by = to
        if done:
            name = called(colleague, conversation.language)
            text = words.one("agent_joined", conversation.language, agent=name)
            conversations.add_message(session, conversation_id=conversation_id, author="system", text=text, agent=name)
    if not done:
        raise Problem("owner_changed")
    audit.write(session, agent=person.username, action="transfer", conversation_id=conversation_id, to=to)
    session.refresh(conversation)
    return row(session, conversation)


def give_back(
    session: Session,
    *,
    person: Person,
    conversation_id: str,
    outcome: str,
    wrap_up: str | None = None,
    summary: str | None = None,
) -> str:
    """Gives one's talk to the bot, and returns the turn in which it hears of that: it asks its open question again (`handed_back`), or ends what was open (`closed`)."""
    conversation = _mine(session, conversation_id, person)
    if not set_owner(session, conversation_id=conversation_id, was=("human",), owner="bot", of_agent=person.username):
        raise Problem("owner_changed")
    if ticket := open_ticket(session, conversation_id=conversation_id):
        ticket.ended_at, ticket.outcome, ticket.wrap_up = now(), outcome, wrap_up
        ticket.closing = redact(summary)[:4000] if summary else None
    audit.write(session, agent=person.username, action=outcome, conversation_id=conversation_id, wrap_up=wrap_up)
    if outcome == "closed":
        may_ask = conversations.may_ask_rating(session, conversation_id=conversation_id)
        conversations.add_message(
            session,
            conversation_id=conversation_id,
            author="system",
            text=words.one("closed_by_agent", conversation.language),
            card=conversations.RATING if may_ask else None,
        )
    return conversations.add_turn(
        session, conversation_id=conversation_id, kind=outcome, request={"command": {"name": outcome}}, key=None
    ).id


def customer_of(session: Session, *, person: Person, conversation_id: str) -> str:
    """Returns the account of a talk that this person owns (a supervisor: any), with an audit line; raises `not_signed_in`."""
    conversation = find(session, conversation_id)
    if not person.supervisor and (conversation.owner != "human" or conversation.owner_agent != person.username):
        raise Problem("forbidden", "Take the talk first.")
    audit.write(session, agent=person.username, action="customer_view", conversation_id=conversation_id)
    if conversation.account is None:
        raise Problem("not_signed_in", "The customer of this talk is not signed in.")
    return conversation.account
