"""The review queue: lines that were hard to understand or went wrong. A supervisor says what they mean; `make review` makes training data of it."""

from __future__ import annotations

import hashlib
import weakref
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from gateway import ids
from gateway.desk import audit, names
from gateway.desk.days import day_of
from gateway.desk.people import Person
from gateway.desk.problems import DeskProblem
from gateway.desk.rows import time_of
from gateway.desk.settings import current
from gateway.models import CallLine, Feedback, Handoff, Message, ReviewItem, Turn, now
from gateway.problems import Problem

REASONS = ("corrected", "thumbs_down", "handed_off", "not_understood", "unsure", "sample")
NOT_UNDERSTOOD = ("nlu_fallback", None)
UNSURE_BELOW, LONGEST = 0.6, 300
FIRST_LOOK, OVERLAP, AT_ONCE = timedelta(days=30), timedelta(minutes=10), 1000
BAD_SCORE = 2
# Words that only mean something after a question say nothing about understanding.
TALK = ("affirm", "deny", "inform", "greet", "goodbye", "thank", "human_handoff")
_looked: weakref.WeakKeyDictionary[Engine, datetime] = weakref.WeakKeyDictionary()


def add(
    session: Session,
    *,
    place: str,
    message_id: str,
    text: str,
    language: str,
    reason: str,
    understood: dict[str, Any] | None,
    proposed: str | None = None,
    said_at: datetime,
) -> bool:
    """Puts a line (redacted) into the queue, once; a line that waits already may only get a better reason. Tells whether it is new."""
    known = session.scalars(select(ReviewItem).where(ReviewItem.message_id == message_id)).first()
    if known is not None:
        if known.decision is None and REASONS.index(reason) < REASONS.index(known.reason):
            known.reason, known.proposed = reason, proposed or known.proposed
        return False
    if not text.strip() or len(text) > LONGEST:
        return False
    # Around a code nothing is left that anybody says; an agent's own word on such a line is kept all the same.
    if "[code]" in text and reason != "corrected":
        return False
    sampled = in_sample(message_id)
    same = select(ReviewItem.id).where(ReviewItem.text == text, ReviewItem.language == language)
    # The sample counts a sentence as often as customers say it.
    if reason != "corrected" and not sampled and session.scalars(same.limit(1)).first() is not None:
        return False
    understood = understood and {name: understood.get(name) for name in ("intent", "confidence", "ranking")}
    session.add(
        ReviewItem(
            id=ids.fresh("rev"), place=place, message_id=message_id, text=text, language=language, reason=reason,
            sampled=sampled, understood=understood, proposed=proposed, said_at=said_at, at=now(),
        )
    )  # fmt: skip
    session.flush()
    return True


def collect(session: Session) -> int:
    """Looks through what was said since the last look; returns how many lines were put into the queue."""
    engine, began = session.get_bind().engine, now()
    since = _looked.get(engine, began - FIRST_LOOK) - OVERLAP
    count = _poorly_understood(session, since) + _thumbed_down(session, since) + _handed_off(session, since)
    count += _from_calls(session, since)
    _looked[engine] = began
    return count


def _lines(session: Session, since: datetime) -> Any:
    return (
        select(Message, Turn.parse)
        .join(Turn, Turn.id == Message.turn_id)
        .where(Message.author == "customer", Turn.kind == "message", Turn.parse.is_not(None), Message.at > since)
        .order_by(Message.at)
    )


def _language(parse: dict[str, Any] | None, text: str) -> str:
    return str((parse or {}).get("language") or ("en" if text.isascii() else "zh"))


def in_sample(message_id: str) -> bool:
    """Tells whether a line belongs to the random sample; the same line always does or does not."""
    place = int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:4])
    return place % 10_000 < current().review_sample * 100


def _why(message_id: str, parse: dict[str, Any]) -> str | None:
    """Returns why a line is worth a look: it was hard, or it was drawn."""
    drawn = in_sample(message_id) and parse.get("intent") not in TALK
    return _doubt(parse) or ("sample" if drawn else None)


def _doubt(parse: dict[str, Any]) -> str | None:
    if parse.get("intent") in NOT_UNDERSTOOD:
        return "not_understood"
    sure = parse.get("confidence")
    return "unsure" if isinstance(sure, (int, float)) and sure < UNSURE_BELOW else None


def _poorly_understood(session: Session, since: datetime) -> int:
    lines = session.execute(_lines(session, since)).yield_per(AT_ONCE)
    found = [(line, parse, reason) for line, parse in lines if parse and (reason := _why(line.id, parse))]
    return sum(_keep(session, line, parse, reason) for line, parse, reason in found)


def _keep(session: Session, message: Message, parse: dict[str, Any] | None, reason: str) -> bool:
    return add(
        session, place=message.conversation_id, message_id=message.id, text=message.text,
        language=_language(parse, message.text), reason=reason, understood=parse, said_at=message.at,
    )  # fmt: skip


def _before(session: Session, conversation_id: str, at: datetime, count: int) -> list[tuple[Message, Any]]:
    query = (
        select(Message, Turn.parse)
        .join(Turn, Turn.id == Message.turn_id)
        .where(Message.conversation_id == conversation_id, Message.author == "customer", Turn.kind == "message")
        .where(Message.at <= at)
        .order_by(Message.seq.desc())
        .limit(count)
    )
    return [(line, parse) for line, parse in session.execute(query) if (parse or {}).get("intent") not in TALK]


def _thumbed_down(session: Session, since: datetime) -> int:
    count = 0
    for one in session.scalars(select(Feedback).where(Feedback.at > since, Feedback.score <= BAD_SCORE)).all():
        for line, parse in _before(session, one.conversation_id, one.at, 3):
            count += _keep(session, line, parse, "thumbs_down")
    return count


def _handed_off(session: Session, since: datetime) -> int:
    count = 0
    query = select(Handoff).where(Handoff.created_at > since, Handoff.reason.in_(("failures", "angry", "requested")))
    for ticket in session.scalars(query).all():
        for line, parse in _before(session, ticket.conversation_id, ticket.created_at, 2):
            count += _keep(session, line, parse, "handed_off")
    return count


def _from_calls(session: Session, since: datetime) -> int:
    query = select(CallLine).where(CallLine.speaker == "caller", CallLine.parse.is_not(None), CallLine.at > since)
    lines = session.scalars(query.order_by(CallLine.at)).yield_per(AT_ONCE)
    found = [(line, line.parse, reason) for line in lines if line.parse and (reason := _why(line.id, line.parse))]
    return sum(
        add(
            session, place=line.call_id, message_id=line.id, text=line.text, language=_language(parse, line.text),
            reason=reason, understood=parse, said_at=line.at,
        )
        for line, parse, reason in found
    )  # fmt: skip


def listed(
    session: Session,
    *,
    person: Person,
    state: str,
    reason: str | None,
    language: str | None,
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    """Returns a page of the queue, newest first, with an audit line: what customers said is shown."""
    query = select(ReviewItem)
    query = query.where(ReviewItem.decision.is_(None) if state == "open" else ReviewItem.decision.is_not(None))
    if reason:
        query = query.where(ReviewItem.reason == reason)
    if language:
        query = query.where(ReviewItem.language == language)
    if cursor:
        query = query.where(ReviewItem.id < cursor)
    found = list(session.scalars(query.order_by(ReviewItem.id.desc()).limit(limit + 1)))
    audit.write(session, agent=person.username, action="review_view", items=len(found[:limit]))
    return {
        "items": [_shown(one) for one in found[:limit]],
        "next_cursor": found[limit - 1].id if len(found) > limit else None,
        "counts": _counts(session),
    }


def _counts(session: Session) -> dict[str, int]:
    def count(*conditions: Any) -> int:
        return session.execute(select(func.count()).select_from(ReviewItem).where(*conditions)).scalar_one()

    waiting = (ReviewItem.decision.is_not(None), ReviewItem.decision != "skip", ReviewItem.exported_at.is_(None))
    return {
        "open": count(ReviewItem.decision.is_(None)),
        "done": count(ReviewItem.decision.is_not(None)),
        "waiting_export": count(*waiting),
    }


def _named(understood: dict[str, Any] | None) -> dict[str, Any] | None:
    if not understood or not understood.get("intent"):
        return None
    name = understood["intent"]
    return {"name": name, "title": names.title(name), "confidence": understood.get("confidence")}


def _shown(one: ReviewItem) -> dict[str, Any]:
    ranking = (one.understood or {}).get("ranking") or []
    return {
        "id": one.id,
        "text": one.text,
        "language": one.language,
        "reason": one.reason,
        "understood": _named(one.understood),
        "ranking": [row | {"title": names.title(row.get("name"))} for row in ranking],
        "proposed": one.proposed,
        "conversation": one.place,
        "at": time_of(one.said_at),
        "decision": one.decision,
        "note": one.note,
        "decided_by": one.decided_by,
        "decided_at": time_of(one.decided_at),
        "exported": one.exported_at is not None,
    }


def decide(session: Session, *, person: Person, item_id: str, label: str, note: str | None) -> dict[str, Any]:
    """Says what a line means: a label, `new` for something that has none, `skip` for what teaches nothing. Can be changed until it is exported."""
    found = session.get(ReviewItem, item_id) if ids.looks_right(item_id, "rev") else None
    if found is None:
        raise Problem("not_found")
    if label not in ("new", "skip", *names.labels()):
        raise DeskProblem("invalid_request", "There is no such label.", status=422)
    if found.exported_at is not None:
        raise Problem("conflict", "It was exported already; change the training data instead.")
    found.decision, found.note = label, note
    found.decided_by, found.decided_at = person.username, now()
    audit.write(session, agent=person.username, action="review_decided", item=item_id, label=label)
    return _shown(found)


def stats(session: Session, *, days: int, zone: str) -> dict[str, Any]:
    """Returns accuracy over time and what is taken for what, of reviewed lines.

    Most of them are in the queue because they were hard; the random sample among them stands for all lines.
    """
    since = now() - timedelta(days=days)
    messages: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for at, parse in session.execute(
        select(Turn.created_at, Turn.parse).where(
            Turn.kind == "message", Turn.parse.is_not(None), Turn.created_at > since
        )
    ).yield_per(1000):
        day = day_of(at, zone)
        messages[day] += 1
        lost[day] += (parse or {}).get("intent") in NOT_UNDERSTOOD
    reviewed: Counter[str] = Counter()
    right: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    drawn_right: Counter[str] = Counter()
    mixed: Counter[tuple[str, str]] = Counter()
    query = select(ReviewItem).where(
        ReviewItem.said_at > since, ReviewItem.decision.is_not(None), ReviewItem.decision != "skip"
    )
    for one in session.scalars(query):
        day, understood = day_of(one.said_at, zone), (one.understood or {}).get("intent") or "nlu_fallback"
        decision = "out_of_scope" if one.decision == "new" else str(one.decision)
        reviewed[day] += 1
        drawn[day] += one.sampled
        if understood == decision or (one.decision == "new" and understood == "nlu_fallback"):
            right[day] += 1
            drawn_right[day] += one.sampled
        else:
            mixed[understood, str(one.decision)] += 1
    return {
        "days": [
            {
                "day": day,
                "messages": messages[day],
                "reviewed": reviewed[day],
                "right": right[day],
                "accuracy": _share(right[day], reviewed[day]),
                "sample": _of(drawn_right[day], drawn[day]),
                "fallback_rate": _share(lost[day], messages[day]),
            }
            for day in sorted({*messages, *reviewed})
        ],
        "totals": _of(right.total(), reviewed.total()),
        "sample": _of(drawn_right.total(), drawn.total()),
        "sample_percent": current().review_sample,
        "confusions": [
            {
                "understood": understood,
                "right": decided,
                "understood_title": names.title(understood),
                "right_title": names.title(decided),
                "count": count,
            }
            for (understood, decided), count in mixed.most_common(50)
        ],
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _of(right: int, reviewed: int) -> dict[str, Any]:
    return {"reviewed": reviewed, "right": right, "accuracy": _share(right, reviewed)}


def decided(session: Session) -> list[ReviewItem]:
    """Returns what was decided and not exported yet, oldest first."""
    query = select(ReviewItem).where(
        ReviewItem.decision.is_not(None), ReviewItem.decision != "skip", ReviewItem.exported_at.is_(None)
    )
    return list(session.scalars(query.order_by(ReviewItem.decided_at, ReviewItem.id)))
