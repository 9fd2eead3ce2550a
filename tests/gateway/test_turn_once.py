"""Two gateways that run the same turn, since the lock between them was lost: one answer, and never a failure after an answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway import conversations, ids, turns
from gateway.brain_client import BrainUnavailable
from gateway.database import Database
from gateway.hub import Hub
from gateway.locks import Locks
from gateway.turns import Turns


class Brain:
    """A Rasa that answers when it is let, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails, self.asked, self.may = fails, asyncio.Event(), asyncio.Event()

    async def turn(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answers one turn."""
        self.asked.set()
        await self.may.wait()
        if self.fails:
            # Rasa runs a turn once and gives who asks again the answer that it has.
            self.fails = False
            raise BrainUnavailable("timeout", unknown=True)
        return {"language": "en", "pinned": False, "replies": [{"text": f"echo: {body['text']}"}], "parse": None}


def gateway(database: Database, brain: Any) -> Turns:
    """Returns the turns of a gateway that holds no lock with another."""
    unused: Any = None
    return Turns(database=database, brain=brain, hub=Hub(), locks=Locks(), button_key=b"k", unseen=unused)


async def said(database: Database, **where: Any) -> tuple[str, str]:
    """Makes a talk with one line that waits for its answer; returns (conversation, turn)."""
    talk, _ = await database.write(conversations.create, language="en", account=None, greet=False, **where)
    turn, _ = await database.write(
        conversations.accept, conversation_id=talk, kind="message", request={"text": "hello"}, key="c:1",
        turn_id=ids.fresh("msg"), text="hello",
    )  # fmt: skip
    return talk, turn.id


async def lines(database: Database, talk: str) -> list[str]:
    """Returns the texts of a talk."""
    return [one.text for one in await database.read(conversations.messages_after, conversation_id=talk)]


async def test_a_turn_that_two_gateways_run_is_answered_once(database: Database) -> None:
    talk, turn = await said(database)
    brains = Brain(), Brain()
    waits = [asyncio.create_task(gateway(database, brain).ensure_done(talk, turn)) for brain in brains]
    for brain in brains:
        await brain.asked.wait()
    for brain in brains:
        brain.may.set()
    assert {(await one).status for one in waits} == {"done"}
    assert await lines(database, talk) == ["hello", "echo: hello"]


@pytest.mark.parametrize("failing", ["first", "second"])
async def test_a_gateway_that_gave_up_takes_back_no_answer(database: Database, failing: str) -> None:
    talk, turn = await said(database)
    brains = Brain(fails=failing == "first"), Brain(fails=failing == "second")
    waits = []
    for brain in brains:
        waits.append(asyncio.create_task(gateway(database, brain).ensure_done(talk, turn)))
        await brain.asked.wait()
    slow, quick = sorted(brains, key=lambda brain: not brain.fails)
    if failing == "first":
        # It fails while the later attempt still runs: that one's answer counts.
        slow.may.set()
        await asyncio.sleep(0)
        quick.may.set()
    else:
        quick.may.set()
        await waits[0]
        slow.may.set()
    assert {(await one).status for one in waits} == {"done"}
    assert await lines(database, talk) == ["hello", "echo: hello"]


class Away:
    """A Rasa that is not there; `at_first`: how its first turn ended."""

    def __init__(self, *, at_first: BrainUnavailable) -> None:
        self.errors, self.bodies = [at_first], []  # type: ignore[var-annotated]

    async def turn(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answers nothing."""
        self.bodies.append(body)
        raise self.errors.pop() if self.errors else BrainUnavailable("connect")


@pytest.mark.parametrize(
    ("at_first", "words"),
    [
        (BrainUnavailable("breaker_open"), ("nothing was done", "950618")),
        # What may have been done is not said not to be.
        (BrainUnavailable("broken_answer", unknown=True), ("send it again",)),
    ],
)
async def test_an_app_is_told_in_the_end_that_nobody_answers(
    database: Database, monkeypatch: pytest.MonkeyPatch, at_first: BrainUnavailable, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(turns, "COME_UP_S", 1.0)
    talk, turn = await said(database, channel="telegram", address="5")
    brain = Away(at_first=at_first)
    assert (await gateway(database, brain).ensure_done(talk, turn)).status == "done"
    assert len(brain.bodies) > 1 and brain.bodies[0]["again"] is False
    assert brain.bodies[-1]["again"] is at_first.unknown
    told = (await lines(database, talk))[1:]
    assert len(told) == 1 and all(word in told[0] for word in words)
    # On the web whoever waits is told by the answer, and at once.
    talk, turn = await said(database)
    brain = Away(at_first=at_first)
    assert (await gateway(database, brain).ensure_done(talk, turn)).status == "failed"
    assert len(brain.bodies) == 1 and await lines(database, talk) == ["hello"]


async def test_a_gateway_that_stops_while_rasa_is_away_leaves_the_message_to_the_next(database: Database) -> None:
    talk, turn = await said(database, channel="telegram", address="6")
    stopping = gateway(database, Away(at_first=BrainUnavailable("connect")))
    stopping.later(talk)
    while not stopping.brain.bodies:  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
    await stopping.idle(seconds=5)
    assert await lines(database, talk) == ["hello"]
    brain = Brain()
    brain.may.set()
    assert await gateway(database, brain).recover() == 1
    while len(await lines(database, talk)) < 2:
        await asyncio.sleep(0.01)
    assert await lines(database, talk) == ["hello", "echo: hello"]
