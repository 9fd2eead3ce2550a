"""One customer's data, by command: `python -m gateway.privacy export|erase ACCOUNT` and `… retain`.

Who never signed in is known by an address in a messaging app only: `… export|erase ADDRESS --channel wechat`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, select
from sqlalchemy.orm import Session

from gateway import retention, settings
from gateway.conversations import UNFINISHED
from gateway.database import Database
from gateway.desk import keeping
from gateway.models import AuditLine, Base, Conversation, Feedback, Handoff, Message, Turn
from gateway.tracker import Tracker

# Where a customer may write without an account: the address is the platform's name for them, a webhook's is `client|address`.
CHANNELS = ("telegram", "wechat", "webhook")


def owned() -> list[Table]:
    """Returns every table whose rows belong to a conversation, children first: databases without foreign keys are left clean too."""
    tables = reversed(Base.metadata.sorted_tables)
    return [table for table in tables if "conversation_id" in table.columns and table.name != AuditLine.__tablename__]


def _talks(who: str, channel: str | None) -> ColumnElement[bool]:
    """Returns the condition for the talks of an account, or (with `channel`) of an address there."""
    if channel is None:
        return Conversation.account == who
    return and_(Conversation.channel == channel, Conversation.address == who)


def export(session: Session, *, who: str, channel: str | None = None) -> dict[str, Any]:
    """Returns everything that is kept of an account (or of an address in a channel): talks, lines, feedback, handoffs, calls, who looked at them."""
    talks = []
    for talk in session.scalars(select(Conversation).where(_talks(who, channel)).order_by(Conversation.created_at)):
        lines = session.scalars(select(Message).where(Message.conversation_id == talk.id).order_by(Message.seq))
        scores = session.scalars(select(Feedback).where(Feedback.conversation_id == talk.id))
        tickets = session.scalars(select(Handoff).where(Handoff.conversation_id == talk.id))
        views = session.scalars(
            select(AuditLine).where(AuditLine.conversation_id == talk.id).order_by(AuditLine.number)
        )
        talks.append({
            "id": talk.id, "channel": talk.channel, "address": talk.address, "account": talk.account, "language": talk.language, "created_at": talk.created_at.isoformat(),
            "messages": [{"author": line.author, "text": line.text, "at": line.at.isoformat(), **({"card": line.card} if line.card else {})} for line in lines],
            "feedback": [{"score": one.score, "comment": one.comment, "at": one.at.isoformat()} for one in scores],
            "handoffs": [{"reason": one.reason, "summary": one.summary, "at": one.created_at.isoformat()} for one in tickets],
            "desk": [{"action": one.action, "at": one.at.isoformat()} for one in views],
        })  # fmt: skip
    found: dict[str, Any] = {"account": who} if channel is None else {"channel": channel, "address": who}
    return found | {
        "conversations": talks,
        # Calls are an account's: the phone number it registered is no address of ours.
        "calls": keeping.export(session, account=who) if channel is None else [],
    }


def erase(session: Session, tracker: Tracker, *, who: str, channel: str | None = None) -> tuple[list[str], bool]:
    """Deletes every talk and call of an account, or every talk of an address in a channel, in Rasa's tracker store too.

    Returns which talks, and whether Rasa may be at one of them now: what it stores at the end of that turn is to be forgotten then.
    The desk's audit keeps that somebody looked, without content.
    """
    found = list(session.scalars(select(Conversation.id).where(_talks(who, channel))))
    unfinished = select(Turn.id).where(Turn.conversation_id.in_(found), Turn.status.in_(UNFINISHED))
    busy = session.scalars(unfinished.limit(1)).first() is not None
    # First: when it fails nothing is deleted here, and the command can be given again.
    tracker.forget(found)
    # No call is of the empty account: an address has none.
    keeping.erase(session, account=who if channel is None else "", conversations=found)
    for table in owned():
        session.execute(delete(table).where(table.columns["conversation_id"].in_(found)))
    session.execute(delete(Conversation).where(Conversation.id.in_(found)))
    return found, busy


def main() -> None:
    """Runs one of the commands on the configured database."""
    parser = argparse.ArgumentParser(prog="python -m gateway.privacy", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("export", "erase"):
        command = commands.add_parser(name)
        command.add_argument("who", help="an account; with --channel an address there")
        command.add_argument("--channel", choices=CHANNELS)
    commands.add_parser("retain").add_argument("--days", type=int)
    given = parser.parse_args()
    found = settings.load(os.environ)
    database = Database(found.database_url)
    database.migrate()
    tracker = Tracker(found.rasa_tracker_url)
    if given.command != "export" and found.rasa_tracker_url is None:
        sys.stderr.write("RASA_TRACKER_URL is not set: what Rasa's tracker store keeps of these talks stays there.\n")
    if given.command == "retain":
        gone = asyncio.run(
            retention.forget(database, tracker, days=found.retention_days if given.days is None else given.days)
        )
        sys.stdout.write(f"{gone} conversations deleted\n")
        return
    if given.command == "export":
        with database.session() as session:
            json.dump(export(session, who=given.who, channel=given.channel), sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
        return
    with database.session() as session:
        talks, busy = erase(session, tracker, who=given.who, channel=given.channel)
    if busy:
        time.sleep(found.turn_timeout)
    tracker.forget(talks)
    sys.stdout.write(f"{len(talks)} conversations erased\n")


if __name__ == "__main__":
    main()
