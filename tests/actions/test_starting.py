"""What takes up an operation that was refused, and what is about something else."""
from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

from actions import offers
from actions.starting import try_again
from actions.turn import Turn

REFUSED = offers.again("unbind_card", {"card_id": "card_a"})


def hints(question: str | None, *, named: bool = False, form: str | None = None, **entities: Any) -> Any:
    """Returns the object that is tried, or None."""
    message = {"intent": {"name": "inform"}, "entities": [{"entity": name, "value": value} for name, value in {"language": "en", **entities}.items()]}
    events = try_again(Turn(Tracker("conv_1", {"open_question": question}, message, [], False, None, {"name": form} if form else {}, "action_listen")), named=named)
    return None if events is None else [event["value"] for event in events if event.get("name") == "remembered"][-1]["entities"]


def test_settled_means_the_same_card_again() -> None:
    assert hints(REFUSED) == {"card_id": "card_a"}


def test_another_card_means_that_one() -> None:
    assert hints(REFUSED, bank="icbc") == {"bank": "icbc"} == hints(REFUSED, named=True, bank="icbc")


def test_a_message_about_something_else_is_left_to_others() -> None:
    assert hints(REFUSED, wallet="alipay") is None is hints(REFUSED, named=True)
    assert hints(offers.start("unbind_card"), bank="icbc") is None is hints(None)
    assert hints(REFUSED, form="unbind_card_form", bank="icbc") is None
