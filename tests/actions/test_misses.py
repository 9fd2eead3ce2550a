"""Messages in a row that lead nowhere: what counts, and what begins anew."""
from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

from actions import misses, offers
from actions.turn import Turn


def heard(message_id: str, intent: str = "nlu_fallback") -> dict[str, Any]:
    """Returns a message as it stands in the tracker."""
    return {"event": "user", "message_id": message_id, "parse_data": {"intent": {"name": intent, "confidence": 0.9}}}


def turn(*events: dict[str, Any], notices: tuple[str, ...] = (), **slots: Any) -> Turn:
    """Returns the turn of the last of the messages."""
    latest = {**events[-1]["parse_data"], "message_id": events[-1]["message_id"], "metadata": {"turn_id": events[-1]["message_id"], "notices": list(notices)}}
    return Turn(Tracker("conv_1", slots, latest, list(events), False, None, {}, "action_listen"))


def test_the_first_one_counts_one() -> None:
    assert misses.count(turn(heard("m1"), misses=None)) == 1


def test_one_right_after_another_counts_on() -> None:
    assert misses.count(turn(heard("m1"), heard("m2"), misses=[1, "m1"])) == 2


def test_a_message_that_led_somewhere_begins_the_count_anew() -> None:
    assert misses.count(turn(heard("m1"), heard("m2", "faq"), heard("m3"), misses=[2, "m1"])) == 1


def test_news_of_the_bank_in_between_is_no_message() -> None:
    assert misses.count(turn(heard("m1"), heard("e1", "EXTERNAL_operation_event"), heard("m2"), misses=[2, "m1"])) == 3


def test_who_waits_for_a_person_is_not_offered_one() -> None:
    assert misses.count(turn(heard("m1"), heard("m2"), misses=[3, "m1"], notices=("waiting",))) == 1


def test_an_offer_is_fresh_for_one_message_only() -> None:
    offered = {"misses": [3, "m1"], "open_question": offers.person("failures")}
    assert misses.offered_just_now(turn(heard("m1"), heard("m2", "affirm"), **offered))
    assert not misses.offered_just_now(turn(heard("m1"), heard("m2", "faq"), heard("m3", "affirm"), **offered))
    assert not misses.offered_just_now(turn(heard("m1"), heard("m2", "affirm"), **{**offered, "open_question": offers.start("unbind_card")}))


def test_an_offer_of_a_person_carries_its_reason() -> None:
    assert offers.read(offers.person("angry")).hints == {"reason": "angry"} and offers.read(offers.person("angry")).label == offers.PERSON
    assert offers.read(offers.anything_else("failures")).hints == {"reason": "failures"}
    assert offers.read(offers.anything_else()).sort == offers.read(offers.anything_else("failures")).sort == offers.ANYTHING_ELSE


def test_a_warning_stands_for_an_answer_but_not_the_code_that_was_asked_for() -> None:
    assert turn(heard("m1"), notices=("id_number", "waiting")).warned and not turn(heard("m1"), notices=("waiting",)).warned
    assert turn(heard("m1"), notices=("code",)).warned and not turn(heard("m1"), notices=("code",), requested_slot="code_ref").warned
