"""What the desk keeps of a customer: told, erased and forgotten together with their talks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.models import AuditLine, Call, CallLine, DeskOperation, ReviewItem, SuggestionUse

BY_PLACE = (SuggestionUse, ReviewItem, DeskOperation)


def export(session: Session, *, account: str) -> list[dict[str, Any]]:
    """Returns the calls of an account: what was said, how they ended, who looked at them."""
    found = []
    for call in session.scalars(select(Call).where(Call.account == account).order_by(Call.created_at)):
        lines = session.scalars(select(CallLine).where(CallLine.call_id == call.id).order_by(CallLine.seq))
        views = session.scalars(
            select(AuditLine).where(AuditLine.conversation_id == call.id).order_by(AuditLine.number)
        )
        found.append(
            {
                "id": call.id,
                "phone": call.phone,
                "at": call.created_at.isoformat(),
                "wrap_up": call.wrap_up,
                "summary": call.summary,
                "lines": [{"speaker": one.speaker, "text": one.text, "at": one.at.isoformat()} for one in lines],
                "desk": [{"action": one.action, "at": one.at.isoformat()} for one in views],
            }
        )
    return found


def erase(session: Session, *, account: str, conversations: list[str]) -> int:
    """Deletes the calls of an account, and what else the desk kept of these and of its talks; returns how many calls."""
    calls = list(session.scalars(select(Call.id).where(Call.account == account)))
    for table in BY_PLACE:
        session.execute(delete(table).where(table.place.in_([*calls, *conversations])))
    session.execute(delete(CallLine).where(CallLine.call_id.in_(calls)))
    session.execute(delete(Call).where(Call.id.in_(calls)))
    return len(calls)


def forget(session: Session, *, before: datetime) -> None:
    """Deletes what is older than the retention."""
    old = list(session.scalars(select(Call.id).where(Call.updated_at < before)))
    session.execute(delete(CallLine).where(CallLine.call_id.in_(old)))
    session.execute(delete(Call).where(Call.id.in_(old)))
    session.execute(delete(SuggestionUse).where(SuggestionUse.at < before))
    session.execute(delete(ReviewItem).where(ReviewItem.at < before))
    session.execute(delete(DeskOperation).where(DeskOperation.asked_at < before))
