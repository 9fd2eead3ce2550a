"""One customer's data, by command: `python -m gateway.privacy export|erase ACCOUNT` and `… retain`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import Any

from sqlalchemy import Table, delete, select
from sqlalchemy.orm import Session

from gateway import retention, settings
from gateway.database import Database
from gateway.desk import keeping
from gateway.models import AuditLine, Base, Conversation, Feedback, Handoff, Message
from gateway.tracker import Tracker


def owned() -> list[Table]:
    """Returns every table whose rows belong to a conversation, children first: databases without foreign keys are left clean too."""
    tables = reversed(Base.metadata.sorted_tables)
    return [table for table in tables if "conversation_id" in table.columns and table.name != AuditLine.__tablename__]


def export(session: Session, *, account: str) -> dict[str, Any]:
    """Returns everything that is kept of an account: talks, lines, feedback, handoffs, who looked at them."""
    talks = []
    for talk in session.scalars(
        select(Conversation).where(Conversation.account == account).order_by(Conversation.created_at)
    ):
        lines = session.scalars(select(Message).where(Message.conversation_id == talk.id).order_by(Message.seq))
        scores = session.scalars(select(Feedback).where(Feedback.conversation_id == talk.id))
        tickets = session.scalars(select(Handoff).where(Handoff.conversation_id == talk.id))
        views = session.scalars(
            select(AuditLine).where(AuditLine.conversation_id == talk.id).order_by(AuditLine.number)
        )
        talks.append({
            "id": talk.id, "channel": talk.channel, "language": talk.language, "created_at": talk.created_at.isoformat(),
            "messages": [{"author": line.author, "text": line.text, "at": line.at.isoformat()} for line in lines],
            "feedback": [{"score": one.score, "comment": one.comment, "at": one.at.isoformat()} for one in scores],
            "handoffs": [{"reason": one.reason, "summary": one.summary, "at": one.created_at.isoformat()} for one in tickets],
            "desk": [{"action": one.action, "at": one.at.isoformat()} for one in views],
        })  # fmt: skip
    return {"account": account, "conversations": talks, "calls": keeping.export(session, account=account)}


def erase(session: Session, tracker: Tracker, *, account: str) -> int:
    """Deletes every talk and call of an account, in Rasa's tracker store too; returns how many talks.

    The desk's audit keeps that somebody looked, without content.
    """
    found = list(session.scalars(select(Conversation.id).where(Conversation.account == account)))
    # First: when it fails nothing is deleted here, and the command can be given again.
    tracker.forget(found)
    keeping.erase(session, account=account, conversations=found)
    for table in owned():
        session.execute(delete(table).where(table.columns["conversation_id"].in_(found)))
    session.execute(delete(Conversation).where(Conversation.id.in_(found)))
    return len(found)


def main() -> None:
    """Runs one of the commands on the configured database."""
    parser = argparse.ArgumentParser(prog="python -m gateway.privacy", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("export", "erase"):
        commands.add_parser(name).add_argument("account")
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
    with database.session() as session:
        if given.command == "export":
            json.dump(export(session, account=given.account), sys.stdout, ensure_ascii=False, indent=1)
            sys.stdout.write("\n")
        else:
            sys.stdout.write(f"{erase(session, tracker, account=given.account)} conversations erased\n")


if __name__ == "__main__":
    main()
