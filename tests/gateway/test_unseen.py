"""A code that a customer types while a person owns the talk: submitted, and seen by nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.gateway.conftest import Talk, World, wait_for
from tests.gateway.test_desk import Person
from tests.gateway.test_internal import deliver, event
from tests.gateway.test_streams import Ear


def operation(talk: Talk, *, code: str = "493817", **changes: Any) -> dict[str, Any]:
    """Returns an operation that waits for a code."""
    return {
        "id": "op_1",
        "kind": "card.unbind",
        "status": "awaiting_verification",
        "effects_version": "v1",
        "attempts_left": 3,
        "conversation": talk.id,
        "challenge": {"id": "chal_" + code, "method": "sms"},
        "code": code,
    } | changes


def owned(world: World, **changes: Any) -> tuple[Talk, Person, str]:
    """Returns a signed-in talk that a person owns, with one open operation."""
    account = world.account()
    talk = world.talk(account=account)
    talk.say("a person please")
    agent = Person(world, "agent")
    assert agent.post(f"/conversations/{talk.id}/take").status_code == 200
    world.binding(operations={account: [operation(talk, **changes)]})
    return talk, agent, account


@pytest.mark.parametrize("text", ["493817", "４９３ ８１７。", "验证码是 493-817", "my code is 493817, thanks"])
def test_the_open_operation_takes_the_code_and_nobody_reads_it(world: World, text: str) -> None:
    talk, agent, _ = owned(world)
    ran, before, ear = world.rasa()["ran"], len(world.binding()["seen"]), Ear(talk)
    assert talk.say(text).json() | {"id": ""} == {"id": "", "mode": "human", "language": "en", "replies": []}
    assert talk.history()[-1] == ("system", "The code was right and it's done.")
    assert "[code]" in talk.history()[-2][1] and world.rasa()["ran"] == ran
    listed, verified = world.binding()["seen"][before:]
    assert (
        listed["path"] == "/v1/operations?open=true" and verified["path"] == "/v1/challenges/chal_493817/verify?wait=3"
    )
    assert json.loads(verified["body"]) == {"code": "493817", "effects_version": "v1"}
    shown = agent.get(f"/conversations/{talk.id}").json()
    told = [line["text"] for line in shown["messages"][-2:]]
    assert told[1] == "The code was right and it's done." and ("[code]" in told[0] or told[0] == "(code received)")
    for place in (shown, talk.history(), ear.texts(), world.log_text()):
        assert "493817" not in str(place) and "493-817" not in str(place)
    if not world.env["GATEWAY_DATABASE_URL"]:
        assert b"493817" not in b"".join(path.read_bytes() for path in world.home.glob("gateway.sqlite*"))


def test_a_wrong_code_costs_an_attempt_and_the_same_delivery_none(world: World) -> None:
    talk, agent, _ = owned(world, code="111222")
    for _ in range(2):
        talk.say("493817", "same")
    assert talk.history()[-1] == ("system", "That code isn't right. Attempts left - 2.")
    talk.say("493818")
    assert talk.history()[-1][1].endswith("left - 1.")
    talk.say("493819")
    assert talk.history()[-1][1] == "That didn't go through and nothing was changed."
    assert [line["text"] for line in agent.get(f"/conversations/{talk.id}").json()["messages"]].count(
        "(code received)"
    ) == 3


def test_numbers_that_are_no_codes_burn_no_attempt(world: World) -> None:
    talk, agent, account = owned(world)
    before = len(world.binding()["seen"])
    for text in ("it says 493817 on my order", "codes 493817 or 493818?", "conversation 42"):
        talk.say(text)
    assert len(world.binding()["seen"]) == before
    world.binding(operations={account: [operation(talk, challenge=None), operation(talk, status="processing")]})
    talk.say("493817")
    assert talk.history()[-1][1].startswith("Nothing is waiting for a code")
    anonymous = world.talk()
    agent.post(f"/conversations/{anonymous.id}/take")
    anonymous.say("493817")
    assert anonymous.history()[-1] == ("customer", "[code]")


def test_this_talks_operation_goes_before_a_newer_one(world: World) -> None:
    talk, _, account = owned(world)
    other = operation(talk, code="777888", id="op_2", conversation="conv_other")
    world.binding(operations={account: [other, operation(talk)]})
    talk.say("493817")
    assert talk.history()[-1] == ("system", "The code was right and it's done.")


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("succeeded", "Unbinding your card (ending 1234): done."),
        ("failed", "Unbinding your card (ending 1234): this didn't go through. Nothing was changed."),
    ],
)
def test_customer_and_agent_hear_the_end_of_what_was_still_processing(world: World, status: str, line: str) -> None:
    talk, agent, account = owned(world, becomes="processing")
    ran, ear = world.rasa()["ran"], Ear(talk)
    talk.say("493817")
    assert talk.history()[-1] == ("system", "The code was right. It's being processed now.")
    for _ in range(2):
        assert deliver(world, event(talk, account, status), event_id=talk.id).status_code == 204
    assert talk.history()[-1] == ("system", line) and talk.history()[-2][0] == "system"
    shown = [message["text"] for message in agent.get(f"/conversations/{talk.id}").json()["messages"]]
    assert shown.count(line) == 1 and world.rasa()["ran"] == ran
    wait_for(lambda: ear.texts()[-1] == line)


def test_an_end_that_the_code_brought_at_once_is_told_once(world: World) -> None:
    talk, agent, account = owned(world)
    talk.say("493817")
    deliver(world, event(talk, account))
    assert talk.history()[-1] == ("system", "The code was right and it's done.")
    assert agent.get(f"/conversations/{talk.id}").json()["messages"][-1]["author"] == "note"
    # What the bank still works on is no end.
    deliver(world, event(talk, account, "pending"))
    assert talk.history()[-1] == ("system", "The code was right and it's done.")
