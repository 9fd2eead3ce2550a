"""What a supervisor wants to know of a span of days. Counted from the gateway's own tables; a day is one of the desk's time zone."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import literal, or_, select
from sqlalchemy.orm import Session

from gateway.desk import names
from gateway.desk.days import bounds, day_of, span
from gateway.desk.settings import current
from gateway.models import (
    Agent,
    Call,
    Conversation,
    DeskOperation,
    Feedback,
    Handoff,
    Message,
    SuggestionUse,
    Turn,
    now,
)

LONGEST_SPAN = 92
VERIFIED = ("processing", "pending", "succeeded", "manual_review")
STEPS = ("asked", "confirmed", "verified", "done")


class Mean:
    """An average that may be of nothing."""

    def __init__(self) -> None:
        self.sum, self.count = 0.0, 0

    def add(self, value: float | None) -> None:
        """Counts one value."""
        if value is not None:
            self.sum, self.count = self.sum + value, self.count + 1

    @property
    def value(self) -> float | None:
        """Returns the average, rounded; None of nothing."""
        return round(self.sum / self.count, 2) if self.count else None


class Day:
    """One day's counters."""

    def __init__(self) -> None:
        self.conversations = self.handed = self.handoffs = self.calls = 0
        self.satisfaction, self.handle = Mean(), Mean()

    def shown(self, day: str) -> dict[str, Any]:
        """Returns the row of a day."""
        contained = self.conversations - self.handed
        return {
            "day": day,
            "conversations": self.conversations,
            "contained": contained,
            "containment": round(contained / self.conversations, 4) if self.conversations else None,
            "handoffs": self.handoffs,
            "calls": self.calls,
            "satisfaction": self.satisfaction.value,
            "handle_seconds": self.handle.value,
        }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None


class Report:
    """Goes through the tables once and counts."""

    def __init__(
        self, session: Session, *, first: date, last: date, zone: str, channel: str | None, language: str | None
    ) -> None:
        self.session, self.first, self.last, self.zone = session, first, last, zone
        self.begin, self.end = bounds(first, last, zone)
        self.channel, self.language = channel, language
        self.days: defaultdict[str, Day] = defaultdict(Day)
        self.of: dict[str, Day] = {}
        self.reasons: Counter[str] = Counter()
        self.wrap_ups: Counter[str] = Counter()
        self.channels: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.languages: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.agents: defaultdict[str, dict[str, Any]] = defaultdict(
            lambda: {"talks": 0, "calls": 0, "handle": Mean(), "first": Mean(), "score": Mean()}
        )
        self.satisfaction, self.handle, self.first_response, self.in_time = Mean(), Mean(), Mean(), Mean()

    def made(self) -> dict[str, Any]:
        """Returns the report."""
        self._talks()
        self._tickets()
        self._feedback()
        self._calls()
        funnel, done = self._funnel()
        days = [self.days[day].shown(day) for day in span(self.first, self.last)]
        conversations = sum(day["conversations"] for day in days)
        contained = sum(day["contained"] for day in days)
        questions, unanswered = self._questions()
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "totals": {
                "conversations": conversations,
                "contained": contained,
                "containment": round(contained / conversations, 4) if conversations else None,
                "handoffs": sum(day["handoffs"] for day in days),
                "calls": sum(day["calls"] for day in days),
                "satisfaction": self.satisfaction.value,
                "ratings": self.satisfaction.count,
                "handle_seconds": self.handle.value,
                "first_response_seconds": self.first_response.value,
                "sla_met": self.in_time.value,
                "done_seconds": done.value,
            },
            "days": days,
            "channels": _groups(self.channels, "channel"),
            "languages": _groups(self.languages, "language"),
            "reasons": [{"reason": name, "count": count} for name, count in self.reasons.most_common()],
            "wrap_ups": [{"wrap_up": name, "count": count} for name, count in self.wrap_ups.most_common()],
            "questions": questions,
            "unanswered": unanswered,
            "funnel": funnel,
            "suggestions": self._suggestions(),
            "agents": self._people(),
        }

    def _filtered(self, query: Any) -> Any:
        """Narrows a query that has Conversation in it."""
        if self.channel:
            same = (Conversation.channel == self.channel) | Conversation.channel.startswith(self.channel + ":")
            query = query.where(same)
        return query.where(Conversation.language == self.language) if self.language else query

    def _talks(self) -> None:
        query = select(Conversation.id, Conversation.created_at, Conversation.channel, Conversation.language).where(
            Conversation.created_at >= self.begin,
            Conversation.created_at < self.end,
            Conversation.customer_at.is_not(None),
        )
        for talk, at, channel, language in self.session.execute(self._filtered(query)).yield_per(1000):
            day = self.days[day_of(at, self.zone)]
            day.conversations += 1
            self.of[talk] = day
            self.channels[channel.partition(":")[0]]["conversations"] += 1
            self.languages[language]["conversations"] += 1

    def _tickets(self) -> None:
        query = (
            select(Handoff, Conversation.channel, Conversation.language, Conversation.owner)
            .join(Conversation, Conversation.id == Handoff.conversation_id)
            .where(Handoff.created_at >= self.begin, Handoff.created_at < self.end)
        )
        targets, handed = current(), set()
        for ticket, channel, language, owner in self.session.execute(self._filtered(query)).yield_per(1000):
            day = self.days[day_of(ticket.created_at, self.zone)]
            day.handoffs += 1
            if ticket.conversation_id in self.of and ticket.conversation_id not in handed:
                handed.add(ticket.conversation_id)
                self.of[ticket.conversation_id].handed += 1
            self.reasons[ticket.reason] += 1
            self.channels[channel.partition(":")[0]]["handoffs"] += 1
            self.languages[language]["handoffs"] += 1
            if ticket.wrap_up:
                self.wrap_ups[ticket.wrap_up] += 1
            handle, waited = (
                _seconds(ticket.taken_at, ticket.ended_at),
                _seconds(ticket.created_at, ticket.responded_at),
            )
            for mean in (self.handle, day.handle):
                mean.add(handle)
            self.first_response.add(waited)
            most = targets.first_response_high if ticket.priority == "high" else targets.first_response
            if waited is not None:
                self.in_time.add(float(waited <= most))
            elif ticket.ended_at is None and owner != "bot" and now() - ticket.created_at > timedelta(seconds=most):
                # Who still waits past the target was not answered in time; a message left out of hours has none.
                self.in_time.add(0.0)
            if ticket.taken_by:
                person = self.agents[ticket.taken_by]
                person["talks"] += 1
                person["handle"].add(handle)
                person["first"].add(waited)

    def _feedback(self) -> None:
        last_agent = dict(
            self.session.execute(
                select(Handoff.conversation_id, Handoff.taken_by)
                .where(Handoff.taken_by.is_not(None), Handoff.created_at < self.end)
                .order_by(Handoff.created_at)
            )
            .tuples()
            .all()
        )
        query = (
            select(Feedback.conversation_id, Feedback.score, Feedback.at)
            .join(Conversation, Conversation.id == Feedback.conversation_id)
            .where(Feedback.at >= self.begin, Feedback.at < self.end)
        )
        for talk, score, at in self.session.execute(self._filtered(query)).yield_per(1000):
            self.satisfaction.add(score)
            self.days[day_of(at, self.zone)].satisfaction.add(score)
            if agent := last_agent.get(talk):
                self.agents[agent]["score"].add(score)

    def _calls(self) -> None:
        if self.channel not in (None, "phone"):
            return
        query = select(Call).where(Call.created_at >= self.begin, Call.created_at < self.end)
        if self.language:
            query = query.where(Call.language == self.language)
        for call in self.session.scalars(query).yield_per(1000):
            day = self.days[day_of(call.created_at, self.zone)]
            day.calls += 1
            self.channels["phone"]["conversations"] += 1
            handle = _seconds(call.created_at, call.ended_at)
            for mean in (self.handle, day.handle):
                mean.add(handle)
            person = self.agents[call.agent]
            person["calls"] += 1
            person["handle"].add(handle)
            if call.wrap_up:
                self.wrap_ups[call.wrap_up] += 1

    def _questions(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        counts: Counter[str] = Counter()
        lost: Counter[tuple[str, str]] = Counter()
        query = (
            select(Turn.parse, Message.text, Conversation.language)
            .join(Conversation, Conversation.id == Turn.conversation_id)
            .outerjoin(Message, Message.id == Turn.id)
            .where(Turn.kind == "message", Turn.parse.is_not(None))
            .where(Turn.created_at >= self.begin, Turn.created_at < self.end)
        )
        for parse, text, language in self.session.execute(self._filtered(query)).yield_per(1000):
            label = (parse or {}).get("intent")
            if label in (None, "nlu_fallback", "out_of_scope"):
                lost[str(text or "")[:200], (parse or {}).get("language") or language] += 1
            elif names.group_of(label) != "conversation":
                counts[label] += 1
        questions = [
            {"label": label, "title": names.title(label) or {"zh": label, "en": label}, "count": count}
            for label, count in counts.most_common(30)
        ]
        unanswered = [
            {"text": text, "language": language, "count": count}
            for (text, language), count in lost.most_common(50)
            if text
        ]
        return questions, unanswered

    def _funnel(self) -> tuple[list[dict[str, Any]], Mean]:
        """Follows operations: those that the assistant showed as cards, and those that people began."""
        reached: dict[str, tuple[str, int]] = {}
        moments: dict[str, datetime] = {}
        done = Mean()

        def mark(operation: str, kind: str, step: int) -> None:
            reached[operation] = (kind, max(step, reached.get(operation, ("", 0))[1]))

        query = (
            select(Message.conversation_id, Message.card, Message.at)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .where(Message.author == "bot", Message.card["type"].as_string().in_(("operation", "code")))
            .where(Message.at >= self.begin, Message.at < self.end)
            .order_by(Message.conversation_id, Message.seq)
        )
        open_here: dict[str, tuple[str, str]] = {}
        for talk, card, at in self.session.execute(self._filtered(query)).yield_per(1000):
            if not card:
                continue
            if card.get("type") == "operation" and card.get("id"):
                kind, status = str(card.get("kind")), card.get("status")
                open_here[talk] = (card["id"], kind)
                moments.setdefault(card["id"], at)
                mark(card["id"], kind, 3 if status == "succeeded" else 2 if status in VERIFIED else 0)
                if status == "succeeded":
                    done.add(_seconds(moments[card["id"]], at))
            elif card.get("type") == "code" and talk in open_here:
                mark(*open_here[talk], 1)
        began = select(DeskOperation).where(DeskOperation.asked_at >= self.begin, DeskOperation.asked_at < self.end)
        for row in self.session.scalars(began).yield_per(1000):
            step = 3 if row.status == "succeeded" else 2 if row.verified_at else 1 if row.confirmed_at else 0
            if row.id not in reached and row.status == "succeeded":
                done.add(_seconds(row.asked_at, row.done_at))
            mark(row.id, row.kind, step)
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for kind, step in reached.values():
            for name in STEPS[: step + 1]:
                counts[kind][name] += 1
        rows = [
            {"kind": kind, "title": names.word("kinds", kind), **{name: counts[kind][name] for name in STEPS}}
            for kind in sorted(counts, key=lambda one: -counts[one]["asked"])
        ]
        return rows, done

    def _suggestions(self) -> dict[str, Any]:
        """Counts what became of suggestions; `used` is the share of the lines with one to which it was said, as it was or edited."""
        use = SuggestionUse
        query = select(use.outcome, use.place, use.message_id).where(use.at >= self.begin, use.at < self.end)
        if self.channel or self.language:
            query = query.where(
                or_(use.place.in_(self._filtered(select(Conversation.id))), use.place.in_(self._calls_of()))
            )
        counts: Counter[str] = Counter()
        lines: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for outcome, *line in self.session.execute(query).yield_per(1000):
            counts[outcome] += 1
            lines["said" if outcome in ("sent", "edited") else outcome].add((line[0], line[1]))
        found = {name: counts[name] for name in ("shown", "sent", "edited", "dismissed", "wrong", "right")}
        said = len(lines["shown"] & lines["said"])
        return found | {"used": round(said / len(lines["shown"]), 4) if lines["shown"] else None}

    def _calls_of(self) -> Any:
        """Returns the query of the calls that pass the filter."""
        query = select(Call.id).where(literal(self.channel in (None, "phone")))
        return query.where(Call.language == self.language) if self.language else query

    def _people(self) -> list[dict[str, Any]]:
        called = dict(self.session.execute(select(Agent.username, Agent.name)).tuples().all())
        return [
            {
                "username": username,
                "name": called.get(username, username),
                "talks": one["talks"],
                "calls": one["calls"],
                "handle_seconds": one["handle"].value,
                "first_response_seconds": one["first"].value,
                "satisfaction": one["score"].value,
            }
            for username, one in sorted(self.agents.items())
        ]


def _groups(found: dict[str, Counter[str]], name: str) -> list[dict[str, Any]]:
    return [
        {name: key, "conversations": counts["conversations"], "handoffs": counts["handoffs"]}
        for key, counts in sorted(found.items())
    ]


def report(
    session: Session, *, first: date, last: date, zone: str, channel: str | None = None, language: str | None = None
) -> dict[str, Any]:
    """Returns the report of docs/desk.md."""
    return Report(session, first=first, last=last, zone=zone, channel=channel, language=language).made()
