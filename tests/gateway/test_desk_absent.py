"""Nobody there: messages left out of hours, talks given to who never came, calls that nobody ended, apps that take no more messages."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import conversations
from gateway.database import Database
from gateway.desk import calls, people, place, presence, reports, rows, view, work, wrapping
from gateway.handoff import Handoffs, open_ticket
from gateway.models import Agent, AuditLine, Call, Conversation, Delivery, now
from gateway.problems import Problem
from tests.gateway.conftest import tables

ZONE = "Asia/Shanghai"
LINA = people.Person(id="agt_1", username="lina", name="Li Na", role="agent", csrf="")


@pytest.fixture
def database(tmp_path: pathlib.Path) -> Iterator[Database]:
    """An empty database with two people."""
    path = tmp_path / "gateway.sqlite"
    shutil.copy(tables(), path)
    made = Database(f"sqlite:///{path}")
    with made.session() as session:
        for name, number in (("lina", 1), ("wang", 2)):
            agent = Agent(id=f"agt_{number}", username=name, name=name.title(), password="!", role="agent")
            session.add(agent)
    yield made
    made.close()


class Hub:
    """Nobody listens."""

    async def nudge(self, *_: Any, **__: Any) -> None:
        """Tells nobody."""


def router(database: Database, *, open_now: bool, patience: int = 900) -> Handoffs:
    """Returns the router between bot and people, at work or not."""
    at = datetime.now(ZoneInfo(ZONE))
    later = [f"{(at + timedelta(hours=hours)).hour:02}:00" for hours in (2, 3)]
    hours = "00:00-24:00" if open_now else "-".join(later)
    settings = SimpleNamespace(desk_hours=hours, desk_timezone=ZONE, queue_patience=patience)
    return Handoffs(database=database, hub=Hub(), turns=None, settings=settings)  # type: ignore[arg-type]


def ask(desk: Handoffs, talk: str, reason: str = "requested") -> dict[str, Any]:
    """The customer asks for a person."""
    wish = {"reason": reason, "intent": None, "operation_id": None, "summary": None, "priority": "normal"}
    return asyncio.run(desk.request(conversation_id=talk, **wish))


def talk_of(session: Session, text: str = "你好", **shape: str) -> str:
    """Begins a talk in which the customer has said something."""
    made, _ = conversations.create(session, language="zh", account=None, greet=False, **shape)
    conversations.add_message(session, conversation_id=made, author="customer", text=text)
    session.get_one(Conversation, made).customer_at = now()
    return made


def age(database: Database, talk: str, **ago: timedelta) -> None:
    """Moves moments of a talk's open ticket back."""
    with database.session() as session:
        ticket = open_ticket(session, conversation_id=talk)
        assert ticket is not None
        for name, span in ago.items():
            setattr(ticket, name, now() - span)


def test_who_left_a_message_at_night_and_asks_again_begins_to_wait_then(database: Database) -> None:
    with database.session() as session:
        night, early = talk_of(session), talk_of(session)
    assert ask(router(database, open_now=False), night)["open"] is False
    age(database, night, created_at=timedelta(hours=11))
    at_work = router(database, open_now=True)
    assert ask(at_work, early)["position"] == 0, "a message left at night is not before who waits now"
    assert ask(at_work, night) == {
        "mode": "queue", "position": 1, "open": True, "known": False,
    } | {"ticket": ticket_id(database, night)}  # fmt: skip
    assert asyncio.run(at_work.give_up_waiting()) == 0, "the night does not count as waiting"
    assert asyncio.run(router(database, open_now=True, patience=-1).give_up_waiting()) == 2


def ticket_id(database: Database, talk: str) -> str:
    """Returns the id of a talk's open ticket."""
    with database.session() as session:
        found = open_ticket(session, conversation_id=talk)
        assert found is not None
        return found.id


def test_a_message_left_at_night_is_served_after_who_waits_and_counted_from_then(database: Database) -> None:
    with database.session() as session:
        night, live = talk_of(session), talk_of(session)
    ask(router(database, open_now=False), night, reason="fraud")
    age(database, night, created_at=timedelta(hours=11))
    ask(router(database, open_now=True), live)
    with database.session() as session:
        listed = work.listed(session, person=LINA, state="queue", limit=10)["items"]
        assert [(one["id"], one["ticket"]["out_of_hours"]) for one in listed] == [(live, False), (night, True)]
        assert [one["ticket"]["position"] for one in listed] == [0, 1]
        assert [work.take_next(session, person=LINA)["id"] for _ in range(2)] == [live, night]
        with pytest.raises(Problem, match="not_found"):
            work.take_next(session, person=LINA)
        sla = rows.row(session, session.get_one(Conversation, night))["ticket"]["sla"]
        assert sla["breached"] is False and sla["first_response_due_at"] is not None
        work.say(session, person=LINA, conversation_id=night, text="您好", client_id="1", button_key=b"k")
        today = datetime.now(ZoneInfo(ZONE)).date()
        totals = reports.report(session, first=today - timedelta(days=1), last=today, zone=ZONE)["totals"]
        assert totals["first_response_seconds"] < 60 and totals["sla_met"] == 1.0


def test_whose_the_last_words_were_is_told_also_when_the_talk_is_nobodys(database: Database) -> None:
    with database.session() as session:
        talk = talk_of(session)
    ask(router(database, open_now=True), talk)
    with database.session() as session:
        work.take(session, person=LINA, conversation_id=talk)
        work.say(session, person=LINA, conversation_id=talk, text="您好", client_id="1", button_key=b"k")
        row = work.transfer(session, person=LINA, conversation_id=talk, to="queue")
        assert row["agent_name"] is None and row["last"]["agent"] == "Li Na" and row["last"]["text"] == "您好"


def test_who_still_waits_past_the_target_was_not_answered_in_time(database: Database) -> None:
    with database.session() as session:
        night, late, fresh = talk_of(session), talk_of(session), talk_of(session)
    ask(router(database, open_now=False), night)
    for talk in (late, fresh):
        ask(router(database, open_now=True), talk)
    for talk in (night, late):
        age(database, talk, created_at=timedelta(minutes=5))
    today = datetime.now(ZoneInfo(ZONE)).date()
    with database.session() as session:
        totals = reports.report(session, first=today - timedelta(days=1), last=today, zone=ZONE)["totals"]
        assert totals["sla_met"] == 0.0 and totals["first_response_seconds"] is None
        work.take(session, person=LINA, conversation_id=fresh)
        work.say(session, person=LINA, conversation_id=fresh, text="您好", client_id="1", button_key=b"k")
        totals = reports.report(session, first=today - timedelta(days=1), last=today, zone=ZONE)["totals"]
        assert totals["sla_met"] == 0.5, "one of the two who waited at work; a message left at night has no target"


def test_a_talk_given_to_somebody_who_never_came_goes_back(database: Database) -> None:
    with database.session() as session:
        talk = talk_of(session)
    ask(router(database, open_now=True), talk)
    with database.session() as session:
        work.take(session, person=LINA, conversation_id=talk)
        with pytest.raises(Problem, match="invalid_request"):
            work.transfer(session, person=LINA, conversation_id=talk, to="lina")
        work.transfer(session, person=LINA, conversation_id=talk, to="wang")
        assert presence.return_abandoned(session) == []
    age(database, talk, taken_at=timedelta(hours=1))
    with database.session() as session:
        assert presence.return_abandoned(session) == [talk]
        assert session.get_one(Conversation, talk).owner == "queue"


def test_a_call_that_nobody_ended_ends_by_itself(database: Database) -> None:
    with database.session() as session:
        call = calls.opened(session, person=LINA, ref="call_x", phone="138****1234", language="zh")
        calls.checked(session, person=LINA, call_id=call.id, account="acct_1", left=None)
        fresh = calls.opened(session, person=LINA, ref="call_y", phone="138****1234", language="zh")
        session.get_one(Call, call.id).updated_at = then = now() - timedelta(hours=2)
        assert calls.end_forgotten(session) == [call.id]
        assert (call.state, call.ended_at, call.feed) == ("ended", then, None) and fresh.ended_at is None
        with pytest.raises(Problem, match="call_closed"):
            calls.find(session, person=LINA, call_id=call.id, acting=True)
        assert calls.end_forgotten(session) == []


def test_how_many_messages_wechat_still_takes(database: Database) -> None:
    with database.session() as session:
        web, talk = talk_of(session), talk_of(session, channel="wechat:shop", address="o-1")

        def left() -> int | None:
            found = view.window(session, conversation=session.get_one(Conversation, talk))
            return found and found["left"]

        assert view.window(session, conversation=session.get_one(Conversation, web)) is None and left() == 5
        at = now()
        # Two lines in one bubble, one line that waits, and one that the platform refused.
        for status, sent_at in (("sent", at), ("sent", at), ("waiting", None), ("failed", None)):
            line = conversations.add_message(session, conversation_id=talk, author="agent", text="x")
            told = session.scalars(select(Delivery).where(Delivery.message_id == line.id)).one()
            told.status, told.sent_at = status, sent_at
        session.flush()
        assert left() == 3
        session.get_one(Conversation, talk).customer_at = now() - timedelta(hours=49)
        assert left() == 0


def test_a_page_that_stays_open_is_one_look(database: Database) -> None:
    with database.session() as session:
        talk = talk_of(session)

        def look(who: people.Person) -> int:
            view.seen(session, person=who, conversation_id=talk, button_key=b"k", before=None)
            lines = session.scalars(select(AuditLine).where(AuditLine.action == "view"))
            return len(list(lines))

        wang = people.Person(id="agt_2", username="wang", name="Wang", role="agent", csrf="")
        assert [look(LINA), look(LINA), look(wang), look(LINA)] == [1, 1, 2, 2]


def test_a_page_that_follows_an_operation_is_one_look(database: Database) -> None:
    with database.session() as session:
        talk, _ = conversations.create(session, language="zh", account="acc_1", greet=False)
        one = session.get_one(Conversation, talk)
        one.owner, one.owner_agent = "human", "lina"
        for action in ("operation_view", "operation_view", "acting", "operation_view", "acting"):
            place.talk(session, person=LINA, conversation_id=talk, action=action)
        lines = session.scalars(select(AuditLine).order_by(AuditLine.number))
        # What is done is told each time.
        assert [line.action for line in lines] == ["operation_view", "acting", "acting"]


def test_why_a_talk_is_at_the_desk_is_said_in_a_sentence(database: Database) -> None:
    with database.session() as session:
        talk = talk_of(session)
        assert wrapping.brief(session, conversation=session.get_one(Conversation, talk)) is None
    ask(router(database, open_now=True), talk)
    with database.session() as session:
        ticket = open_ticket(session, conversation_id=talk)
        assert ticket is not None
        ticket.intent = "human_handoff"
        found = wrapping.brief(session, conversation=session.get_one(Conversation, talk))
        assert found == {"zh": "客户要求人工。", "en": "Asked for a person."}
        card = {"type": "operation", "id": "op_1", "kind": "card.unbind", "target": "招商银行储蓄卡（1234）", "status": "awaiting_verification"}  # fmt: skip
        conversations.add_message(session, conversation_id=talk, author="bot", text="?", card=card)
        found = wrapping.brief(session, conversation=session.get_one(Conversation, talk))
        assert found is not None and found["zh"] == "客户要求人工。解绑银行卡：招商银行储蓄卡（1234），待验证，编号 -。"
