"""Two customers can never read or write each other's conversation: every door, credential, stream, socket and button."""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import Any

import pytest
import requests

from tests.gateway.conftest import Talk, World, wait_for
from tests.gateway.doors import Door, body_of, doors
from tests.gateway.test_streams import Ear, socket

SECRET = "what only I may read"
# How one signs in at the desk; it says nothing of anybody.
FOR_ANYBODY = ("GET /api/desk/v1/sign-in",)
# What the internal port tells without a service's token: that it lives, and figures that name nobody.
TOLD_INSIDE = ("/healthz", "/readyz", "/metrics", "/openapi.json")


class Mine:
    """My conversation: signed in, with a past and with live buttons; and what others may get hold of."""

    def __init__(self, world: World) -> None:
        self.world, account = world, world.account()
        self.talk = world.talk()
        self.dead = self.talk.token
        self.talk.token = self.talk.post("/sign-in", {"customer_token": world.login(account)}).json()["token"]
        self.talk.say(SECRET, "my-client-id")
        self.button = self.talk.say("buttons").json()["replies"][0]["buttons"][0]["token"]
        self.history = self.talk.get("/messages").json()["messages"]
        self.ear = Ear(self.talk)
        wait_for(lambda: len(self.ear.texts()) == len(self.history))

    def untouched(self) -> bool:
        """Tells whether nobody has written to or heard of it: same lines, same live button, Rasa asked for nothing more."""
        turns = [body for body in self.world.rasa()["seen"] if body["conversation_id"] == self.talk.id]
        return (
            self.talk.get("/messages").json()["messages"] == self.history
            and len(turns) == 4
            and self.ear.texts() == [message["text"] for message in self.history]
            and not self.ear.ended.is_set()
        )

    def shown_in(self, answer: str) -> bool:
        """Tells whether an answer holds anything of it."""
        return any(part in answer for part in (SECRET, "which?", self.button, *(one["id"] for one in self.history)))


@pytest.fixture(scope="module")
def mine(alone: World) -> Mine:
    """My conversation."""
    return Mine(alone)


@pytest.fixture(scope="module")
def credentials(alone: World, mine: Mine) -> dict[str, dict[str, str]]:
    """Every kind of credential that is not mine."""
    world, account = alone, alone.account()
    values = {
        "an anonymous bearer": world.talk().token,
        "a signed-in bearer": world.talk(account=account).token,
        "another's customer JWT": world.login(account),
        "my dead bearer": mine.dead,
        "my button": mine.button,
        "my conversation's id": mine.talk.id,
    }
    return {"nothing": {}} | {name: {"Authorization": "Bearer " + value} for name, value in values.items()}


def ask(world: World, door: Door, path: str, **kwargs: Any) -> tuple[int, str]:
    """Returns status and body; of a stream, its beginning."""
    with requests.request(
        door.method, world.url + path, timeout=20, stream=True, allow_redirects=False, **kwargs
    ) as got:
        if not got.headers.get("content-type", "").startswith("text/event-stream"):
            return got.status_code, got.text
        lines = []
        for line in got.iter_lines(decode_unicode=True):
            lines.append(line)
            if "echo: mine too" in line or line.startswith(": ping"):
                break
        return got.status_code, "\n".join(lines)


def path_of(door: Door, conversation_id: str) -> str:
    """Fills a door's path; other parameters get something that does not exist."""
    return re.sub(r"\{[^}]*\}", "nothing", door.path.replace("{conversation_id}", conversation_id))


@pytest.mark.parametrize("door", doors(), ids=str)
def test_no_door_opens_to_another(alone: World, mine: Mine, credentials: dict[str, dict[str, str]], door: Door) -> None:
    fresh_jwt = credentials["another's customer JWT"]["Authorization"].removeprefix("Bearer ")
    body = {"json": body_of(door, customer_token=fresh_jwt, token=mine.button)} if door.body else {}
    desk = door.path.startswith("/api/desk/")
    if desk or "{conversation_id}" in door.path:
        for name, headers in credentials.items():
            # At the desk nothing of a customer's counts, as a cookie neither.
            token = headers.get("Authorization", "").removeprefix("Bearer ")
            shown = {"cookies": {"jiebang_desk": token}} if desk and token else {}
            status, text = ask(alone, door, path_of(door, mine.talk.id), headers=headers, **shown, **body)
            assert status in (401, 404, *((422,) if desk else ())) or str(door) in FOR_ANYBODY, (name, status, text)
            assert not mine.shown_in(text), name
    if desk:
        assert mine.untouched()
        return
    # One's own door, with everything of mine in the request.
    for account in (None, alone.account()):
        other = alone.talk(account=account)
        assert other.replies("mine too") == ["echo: mine too"]
        values = {"token": mine.button, "client_id": "my-client-id", "customer_token": "x" * 40, "text": "x"}
        smuggled = {"conversation_id": mine.talk.id, "id": mine.talk.id, "conversation": mine.talk.id, "stale": True}
        for query in (
            {},
            {"after": mine.history[-1]["id"]},
            {name: mine.talk.id for name in (*door.query, "conversation_id")},
        ):
            sent = {"json": body_of(door, **values) | smuggled} if door.method in ("POST", "PUT") else {}
            headers = other.headers | {"Last-Event-ID": query.get("after", "")}
            status, text = ask(alone, door, path_of(door, other.id), headers=headers, params=query, **sent)
            assert status < 500 and not mine.shown_in(text), (query, status, text)
    assert mine.untouched()


@pytest.mark.parametrize("door", doors(internal=True), ids=str)
def test_no_door_of_the_internal_port_opens_without_a_services_token(
    alone: World, mine: Mine, credentials: dict[str, dict[str, str]], door: Door
) -> None:
    """Whoever gets as far as that port has nothing yet; what a customer or an agent can show counts nothing there."""
    turn = next(message["id"] for message in mine.history if message["author"] == "customer")
    known = {"conversation_id": mine.talk.id, "turn_id": turn}
    for name, headers in credentials.items():
        body = {"json": body_of(door, **known)} if door.method in ("POST", "PUT") else {}
        answer = requests.request(door.method, alone.internal + door.path, headers=headers, timeout=20, **body)
        assert answer.status_code == (200 if door.path in TOLD_INSIDE else 401), (name, answer.text)
        assert not mine.shown_in(answer.text), name
    assert mine.untouched()


def test_every_door_of_a_conversation_was_tried() -> None:
    found = {str(door) for door in doors()}
    assert {
        "GET /api/v1/conversations/{conversation_id}/events",
        "POST /api/v1/conversations/{conversation_id}/press",
        "POST /api/desk/v1/conversations/{conversation_id}/take",
        "GET /secure/{ticket}",
        "POST /channels/link/{ticket}/confirm",
    } <= found
    assert not [door for door in doors() if {"stale", "account", "generation"} & set(door.query)]
    inside = {str(door) for door in doors(internal=True)}
    assert {"POST /internal/v1/token", "POST /internal/v1/codes/open", "POST /internal/v1/events"} <= inside
    assert not [door for door in found if "/internal/" in door]


async def test_no_socket_hears_or_says_anything_of_anothers(alone: World, mine: Mine) -> None:
    other = await asyncio.to_thread(alone.talk)
    await asyncio.to_thread(other.say, "mine too")
    for token in (mine.dead, mine.button, mine.talk.id, alone.login(alone.account())):
        with pytest.raises(Exception, match=r".+"):
            await socket(alone, Talk(alone, mine.talk.id, token))
    with pytest.raises(Exception, match=r".+"):
        await socket(alone, other, after=mine.history[-1]["id"])
    client, heard = await socket(alone, other, conversation_id=mine.talk.id, room=mine.talk.id)
    pressed = await client.call("press", {"token": mine.button, "client_id": "x", "conversation_id": mine.talk.id})
    assert pressed["error"]["code"] == "button_expired"
    said = await client.call("message", {"text": "hello", "client_id": "my-client-id", "conversation_id": mine.talk.id})
    assert [reply["text"] for reply in said["replies"]] == ["echo: hello"]
    for event in ("join", "enter_room", "subscribe", "history"):
        await client.emit(event, {"room": mine.talk.id, "conversation_id": mine.talk.id})
    assert (await client.call("message", {"text": "last", "client_id": uuid.uuid4().hex}))["ok"]
    await client.disconnect()
    assert not mine.shown_in(str(heard)) and mine.untouched()


def test_anothers_button_and_secure_page_are_nobodys(alone: World, mine: Mine) -> None:
    account = alone.account()
    other = alone.talk(account=account)
    for client_id in ("my-client-id", "fresh"):
        answer = other.post("/press", {"token": mine.button, "client_id": client_id})
        assert (answer.status_code, answer.json()["code"]) == (409, "button_expired")
    # The secure page is told the account of the bearer that is shown, whatever else the request says.
    page = requests.post(
        f"{alone.url}/secure/t1", headers=other.headers | {"X-Customer-Token": "forged", "X-Account": "acct_0001x"}
    )
    assert page.text == f"<p>{account}</p>"
    assert mine.untouched()
