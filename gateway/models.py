"""The gateway's tables. Everything a customer wrote is stored redacted; bearers, buttons and client ids only as hashes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, String, Text, TypeDecorator, UniqueConstraint, false
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def now() -> datetime:
    """Returns the time, in UTC."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A time in UTC, also where the database keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Stores UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Reads UTC."""
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, list[Any]: JSON, str: String(200)}


class Conversation(Base):
    """One talk. `owner` is bot, queue or human and changes only by compare-and-set on `owner_version`.

    `customer_seen`, `agent_seen`: the number of the newest line that was on the screen of each side.
    """

    __tablename__ = "conversations"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account: Mapped[str | None] = mapped_column(String(200), index=True)
    language: Mapped[str] = mapped_column(String(8))
    pinned: Mapped[bool] = mapped_column(default=False)
    channel: Mapped[str] = mapped_column(String(40), default="web")
    address: Mapped[str | None] = mapped_column(String(200))
    generation: Mapped[int] = mapped_column(default=1)
    signed_in_at: Mapped[datetime | None]
    owner: Mapped[str] = mapped_column(String(8), default="bot", index=True)
    owner_agent: Mapped[str | None]
    owner_version: Mapped[int] = mapped_column(default=0)
    last_seq: Mapped[int] = mapped_column(default=0)
    last_turn: Mapped[int] = mapped_column(default=0)
    current_turn: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, index=True)
    customer_at: Mapped[datetime | None]
    customer_seen: Mapped[int] = mapped_column(default=0, server_default="0")
    agent_seen: Mapped[int] = mapped_column(default=0, server_default="0")
    closed_at: Mapped[datetime | None]
    __table_args__ = (Index("conversations_address", "channel", "address"),)


class Bearer(Base):
    """A conversation's bearer token, as a hash. `generation` below the conversation's means dead."""

    __tablename__ = "bearers"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    generation: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Turn(Base):
    """One thing the assistant is asked to do. `status`: accepted, running, done, failed, rejected. Run in order of `number`."""

    __tablename__ = "turns"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    client_key: Mapped[str | None] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(10), default="accepted")
    request: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    parse: Mapped[dict[str, Any] | None]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("conversation_id", "client_key", name="turns_once"),
        UniqueConstraint("conversation_id", "number", name="turns_order"),
        Index("turns_status", "status", "created_at"),
    )


class Message(Base):
    """One line of a talk; `seq` is its number in the conversation, without gaps visible to clients."""

    __tablename__ = "messages"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    seq: Mapped[int]
    turn_id: Mapped[str | None] = mapped_column(String(40), index=True)
    author: Mapped[str] = mapped_column(String(10))
    agent: Mapped[str | None]
    text: Mapped[str] = mapped_column(Text)
    buttons: Mapped[list[Any]] = mapped_column(default=list)
    card: Mapped[dict[str, Any] | None]
    at: Mapped[datetime] = mapped_column(default=now)
    __table_args__ = (UniqueConstraint("conversation_id", "seq", name="messages_order"),)


class Button(Base):
    """A button that was shown; the token is derived, only its hash is here."""

    __tablename__ = "buttons"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[str] = mapped_column(String(40))
    position: Mapped[int]
    turn_number: Mapped[int]


class OpenedCode(Base):
    """The mark that a sealed code was opened; kept until it could not be opened anyway."""

    __tablename__ = "opened_codes"
    jti: Mapped[str] = mapped_column(String(64), primary_key=True)
    opened_at: Mapped[datetime] = mapped_column(default=now, index=True)


class SeenEvent(Base):
    """A delivery of binding that was dealt with."""

    __tablename__ = "seen_events"
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(default=now, index=True)


class Feedback(Base):
    """What a customer thought of a talk: 1 to 5, and a redacted comment."""

    __tablename__ = "feedback"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    score: Mapped[int]
    comment: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=now)


class Handoff(Base):
    """A ticket for the desk: why the assistant (or the customer) wanted a person, and what became of it."""

    __tablename__ = "handoffs"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(String(20))
    intent: Mapped[str | None]
    operation_id: Mapped[str | None]
    summary: Mapped[str | None] = mapped_column(Text)
    priority: Mapped[str] = mapped_column(String(8), default="normal")
    language: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(default=now)
    taken_at: Mapped[datetime | None]
    taken_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    wrap_up: Mapped[str | None]
    responded_at: Mapped[datetime | None]
    closing: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (Index("handoffs_waiting", "ended_at", "created_at"),)


class Delivery(Base):
    """A message on its way to a messaging app. `status`: waiting, sent, failed (with the platform's reason)."""

    __tablename__ = "deliveries"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[str] = mapped_column(String(40), unique=True)
    seq: Mapped[int] = mapped_column(default=0, server_default="0")
    status: Mapped[str] = mapped_column(String(10), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    next_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]
    __table_args__ = (Index("deliveries_due", "status", "next_at"),)


class Agent(Base):
    """A person of the desk. `name_en`: what customers read whose talk is in English; `role` is agent or supervisor; `sandbox` people cannot sign in anywhere else."""

    __tablename__ = "agents"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    username: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str | None] = mapped_column(String(80))
    password: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(12))
    sandbox: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    languages: Mapped[list[Any]] = mapped_column(default=lambda: ["zh", "en"])
    status: Mapped[str] = mapped_column(String(10), default="available", server_default="available")
    seen_at: Mapped[datetime | None]
    subject: Mapped[str | None]
    __table_args__ = (Index("agents_subject", "subject", unique=True),)


class AgentSession(Base):
    """A desk sign-in; the cookie's value only as a hash."""

    __tablename__ = "agent_sessions"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)


class AuditLine(Base):
    """What an agent saw or did; each line holds the hash of the one before."""

    __tablename__ = "desk_audit"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    agent: Mapped[str]
    action: Mapped[str] = mapped_column(String(40))
    conversation_id: Mapped[str | None] = mapped_column(String(40), index=True)
    detail: Mapped[dict[str, Any]]
    hash: Mapped[str] = mapped_column(String(64))


class Call(Base):
    """A telephone call at the desk. `phone` is masked; `account` is empty until the caller read back a code. `state`: open, verified, failed, ended."""

    __tablename__ = "desk_calls"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    agent: Mapped[str] = mapped_column(String(80), index=True)
    ref: Mapped[str] = mapped_column(String(60))
    phone: Mapped[str] = mapped_column(String(30))
    account: Mapped[str | None] = mapped_column(String(200), index=True)
    language: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(10), default="open")
    challenge: Mapped[dict[str, Any] | None]
    operation_id: Mapped[str | None] = mapped_column(String(60))
    last_seq: Mapped[int] = mapped_column(default=0)
    feed: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    updated_at: Mapped[datetime] = mapped_column(default=now, index=True)
    verified_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    wrap_up: Mapped[str | None]
    summary: Mapped[str | None] = mapped_column(Text)


class CallLine(Base):
    """One line of a call's transcript, redacted. `sealed` hides the code that the caller read out, for minutes."""

    __tablename__ = "desk_call_lines"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("desk_calls.id", ondelete="CASCADE"))
    seq: Mapped[int]
    client_key: Mapped[str | None] = mapped_column(String(80))
    speaker: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    sealed: Mapped[str | None] = mapped_column(Text)
    parse: Mapped[dict[str, Any] | None]
    at: Mapped[datetime] = mapped_column(default=now)
    __table_args__ = (
        UniqueConstraint("call_id", "seq", name="call_lines_order"),
        UniqueConstraint("call_id", "client_key", name="call_lines_once"),
    )


class DeskOperation(Base):
    """How far an operation came that a person of the desk began; `confirmed_at` is when the customer said yes to its effects."""

    __tablename__ = "desk_operations"
    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    place: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    agent: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(30))
    asked_at: Mapped[datetime] = mapped_column(default=now, index=True)
    confirmed_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


class SuggestionUse(Base):
    """What became of a suggestion: shown (once a line), sent, edited, dismissed, wrong or right. `place` is a talk or a call."""

    __tablename__ = "desk_suggestions"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    place: Mapped[str] = mapped_column(String(40), index=True)
    message_id: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(80))
    outcome: Mapped[str] = mapped_column(String(12))
    right: Mapped[str | None] = mapped_column(String(80))
    agent: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(default=now, index=True)


class ReviewItem(Base):
    """A customer's line (redacted) that somebody should label. `decision`: a label, `new` or `skip`; `sampled`: it belongs to the random sample."""

    __tablename__ = "review_items"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    place: Mapped[str] = mapped_column(String(40), index=True)
    message_id: Mapped[str] = mapped_column(String(40), unique=True)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(String(20))
    sampled: Mapped[bool] = mapped_column(default=False, server_default=false())
    understood: Mapped[dict[str, Any] | None]
    proposed: Mapped[str | None] = mapped_column(String(80))
    said_at: Mapped[datetime]
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    decision: Mapped[str | None] = mapped_column(String(80))
    note: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None]
    exported_at: Mapped[datetime | None]
    __table_args__ = (Index("review_open", "decision", "at"),)


class CannedReply(Base):
    """A ready sentence that somebody of the desk wrote or changed; those of `canned.yml` stand until a row of the same id replaces or removes them."""

    __tablename__ = "canned_replies"
    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    topic: Mapped[str] = mapped_column(String(40))
    title: Mapped[dict[str, Any]]
    texts: Mapped[dict[str, Any]]
    removed: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    updated_by: Mapped[str] = mapped_column(String(80))
