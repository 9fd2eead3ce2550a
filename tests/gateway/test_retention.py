"""What is forgotten, by time or by command, is forgotten by Rasa's tracker store too."""

from __future__ import annotations

import json
import pathlib
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from gateway import conversations, retention
from gateway.database import Database
from gateway.models import Call, Conversation, Turn, now
from gateway.tracker import Tracker
from tests.gateway.conftest import ROOT, World, wait_for

SCHEMA = """CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255) NOT NULL, type_name VARCHAR(255) NOT NULL,
            timestamp FLOAT, intent_name VARCHAR(255), action_name VARCHAR(255), data TEXT)"""


def remember(path: pathlib.Path, talks: list[str]) -> None:
    """Makes a tracker store as Rasa does, with three events of each talk."""
    with sqlite3.connect(path) as store:
        store.execute(SCHEMA)
        store.executemany(
            "INSERT INTO events (sender_id, type_name) VALUES (?, 'user')", [(talk,) for talk in talks * 3]
        )


def remembered(path: pathlib.Path) -> set[str]:
    """Returns whose talks a tracker store still holds."""
    with sqlite3.connect(path) as store:
        return {row[0] for row in store.execute("SELECT DISTINCT sender_id FROM events")}


async def test_old_talks_go_batch_by_batch_and_young_ones_stay(
    database: Database, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    with database.session() as session:
        talks = [conversations.create(session, language="zh", account=None)[0] for _ in range(10)]
        old = update(Conversation).where(Conversation.id.in_(talks[:8]))
        session.execute(old.values(updated_at=now() - timedelta(days=200)))
    remember(tmp_path / "rasa.sqlite", talks)
    tracker = Tracker(f"sqlite:///{tmp_path / 'rasa.sqlite'}")
    assert await retention.forget(database, tracker, days=0) == 0
    assert await retention.forget(database, tracker, days=180) == 8
    assert remembered(tmp_path / "rasa.sqlite") == set(talks[8:])
    assert await database.read(conversations.get, conversation_id=talks[8]) is not None
    assert await retention.forget(database, Tracker(None), days=180) == 0
    tracker.close()


async def test_who_comes_back_while_old_talks_go_loses_nothing(database: Database) -> None:
    with database.session() as session:
        talks = [conversations.create(session, language="zh", account=None)[0] for _ in range(2)]
        session.execute(update(Conversation).values(updated_at=now() - timedelta(days=200)))

    class ComesBack(Tracker):
        """One of them writes while Rasa's store is being emptied."""

        def forget(self, _: Sequence[str]) -> int:
            with database.session() as session:
                conversations.add_message(session, conversation_id=talks[1], author="customer", text="I am back")
            return 0

    assert await retention.forget(database, ComesBack(None), days=180) == 1
    assert await database.read(conversations.get, conversation_id=talks[0]) is None
    [line] = await database.read(conversations.messages_after, conversation_id=talks[1])
    assert line.text == "I am back"


def test_what_rasa_still_writes_while_a_customer_is_erased_goes_too(tmp_path: pathlib.Path) -> None:
    """Rasa keeps a turn when it is over; one that runs at that moment would leave the talk in its store for ever."""
    world = World(tmp_path, GATEWAY_TURN_TIMEOUT="4")
    database = Database(f"sqlite:///{tmp_path / 'gateway.sqlite'}")
    with database.session() as session:
        talk, _ = conversations.create(session, language="zh", account="one")
    remember(tmp_path / "rasa.sqlite", [talk])
    argv = [sys.executable, "-m", "gateway.privacy", "erase", "one"]
    with subprocess.Popen(argv, env=world.env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as erasing:

        def erased() -> bool:
            with database.session() as session:
                return session.get(Conversation, talk) is None

        wait_for(erased)
        with sqlite3.connect(tmp_path / "rasa.sqlite") as store:
            store.execute("INSERT INTO events (sender_id, type_name) VALUES (?, 'bot')", (talk,))
        said, _ = erasing.communicate(timeout=60)
    database.close()
    assert (erasing.returncode, said) == (0, "1 conversations erased\n") and remembered(
        tmp_path / "rasa.sqlite"
    ) == set()


def test_erasing_a_customer_reaches_rasas_tracker_store(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    database = Database(f"sqlite:///{tmp_path / 'gateway.sqlite'}")
    with database.session() as session:
        gone, stays = (conversations.create(session, language="zh", account=account)[0] for account in ("one", "two"))
        session.execute(update(Turn).values(status="done"))
    database.close()
    remember(tmp_path / "rasa.sqlite", [gone, stays])
    said = subprocess.run(
        [sys.executable, "-m", "gateway.privacy", "erase", "one"],
        env=world.env, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout == "1 conversations erased\n" and said.stderr == ""
    assert remembered(tmp_path / "rasa.sqlite") == {stays}


def test_who_never_signed_in_is_told_and_erased_by_their_address(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    database = Database(f"sqlite:///{tmp_path / 'gateway.sqlite'}")
    with database.session() as session:
        made = {}
        for channel, address in (("wechat", "o-one"), ("telegram", "o-one"), ("wechat", "o-two"), ("web", None)):
            talk, _ = conversations.create(session, language="zh", account=None, channel=channel, address=address)
            conversations.add_message(session, conversation_id=talk, author="customer", text=f"{channel} {address}")
            conversations.add_message(session, conversation_id=talk, author="bot", text="", card={"type": "card"})
            made[channel, address] = talk
        session.add(Call(id="call_1", ref="r", phone="138****0000", agent="agent", language="zh"))
    remember(tmp_path / "rasa.sqlite", list(made.values()))

    def privacy(*command: str) -> str:
        argv = [sys.executable, "-m", "gateway.privacy", *command, "--channel", "wechat"]
        return subprocess.run(argv, env=world.env, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    [told] = json.loads(privacy("export", "o-one"))["conversations"]
    assert (told["id"], told["address"], told["account"]) == (made["wechat", "o-one"], "o-one", None)
    assert [line["text"] for line in told["messages"]] == ["wechat o-one", ""]
    assert told["messages"][1]["card"] == {"type": "card"}
    assert privacy("erase", "o-one") == "1 conversations erased\n"
    with database.session() as session:
        left = set(session.scalars(select(Conversation.id)))
        assert left == set(made.values()) - {made["wechat", "o-one"]}
        assert session.get(Call, "call_1") is not None  # nobody's call is not this customer's
    assert remembered(tmp_path / "rasa.sqlite") == left
    assert json.loads(privacy("export", "o-one"))["conversations"] == []
    database.close()


def test_a_tracker_store_that_rasa_has_not_made_yet_is_left_alone(tmp_path: pathlib.Path) -> None:
    assert Tracker(f"sqlite:///{tmp_path / 'new.sqlite'}").forget(["conv_1"]) == 0
    assert Tracker("sqlite:///").forget(["conv_1"]) == 0 and Tracker(None).forget(["conv_1"]) == 0
