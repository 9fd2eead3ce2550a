"""How long a message is carried: a platform's bad quarter of an hour loses nothing, and what is given up is shown."""

from __future__ import annotations

import pathlib
import shutil
from collections import Counter
from datetime import timedelta

from sqlalchemy import update

from gateway import conversations
from gateway.channels import courier
from gateway.channels.base import DeliveryFailed
from gateway.database import Database
from gateway.models import Delivery, now
from tests.gateway.conftest import tables


def test_a_platform_that_is_away_is_tried_for_most_of_an_hour_and_then_given_up(tmp_path: pathlib.Path) -> None:
    database = Database(f"sqlite:///{shutil.copy(tables(), tmp_path)}")
    with database.session() as session:
        talk, _ = conversations.create(
            session, language="zh", account=None, channel="telegram", address="1", greet=False
        )
        for text in ("办好了", "还有"):
            conversations.add_message(session, conversation_id=talk, author="bot", text=text)
    waited, tries = timedelta(), 0
    while True:
        with database.session() as session:
            # As if the time had come.
            session.execute(update(Delivery).where(Delivery.status == "waiting").values(next_at=now()))
            [(_, parcels)] = courier._claim(session, busy=Counter(), talks=set())
            names = [one.delivery.id for one in parcels]
            assert tries == courier.MOST_ATTEMPTS or len(names) == 2
            assert [one.message.text for one in parcels] == (
                ["办好了", "还有"] if tries < courier.MOST_ATTEMPTS else ["还有"]
            )
            if tries == courier.MOST_ATTEMPTS:
                break
        tries += 1
        with database.session() as session:
            courier._failed(session, ids=names[:1], error=DeliveryFailed("away"))
        with database.session() as session:
            first = session.get_one(Delivery, names[0])
            waited += first.next_at - now() if first.status == "waiting" else timedelta()
    with database.session() as session:
        assert session.get_one(Delivery, names[0]).status == "waiting"  # who stood behind was never tried
        assert session.get_one(Delivery, names[0]).attempts == 0
    assert timedelta(minutes=45) < waited < timedelta(minutes=90)
    database.close()


def test_a_destination_that_is_full_leaves_the_others_their_turn(tmp_path: pathlib.Path) -> None:
    database = Database(f"sqlite:///{shutil.copy(tables(), tmp_path)}")
    places = [
        *[("webhook", f"ivr|{number}") for number in range(courier.MOST_OPEN + 5)],
        ("webhook", "app|1"),
        ("telegram", "1"),
    ]
    with database.session() as session:
        for channel, address in places:
            talk, _ = conversations.create(
                session, language="zh", account=None, channel=channel, address=address, greet=False
            )
            conversations.add_message(session, conversation_id=talk, author="bot", text="hello")
    with database.session() as session:
        found = courier._claim(session, busy=Counter({"webhook:ivr": courier.MOST_OPEN - 1}), talks=set())
        where = Counter(courier.destination(conversation) for conversation, _ in found)
        assert where == {"webhook:ivr": 1, "webhook:app": 1, "telegram": 1}
    with database.session() as session:
        assert courier._claim(session, busy=Counter({"webhook:ivr": courier.MOST_OPEN}), talks=set()) == []
        found = courier._claim(session, busy=Counter(), talks=set())
        assert len(found) == courier.MOST_OPEN and courier.waiting(session) == len(places)
    database.close()
