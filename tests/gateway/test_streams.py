"""Event streams and sockets: in order, resumable, nobody else's."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import requests
import socketio
import uvicorn

from gateway import conversations, sockets
from gateway.api.stream import changes
from gateway.database import Database
from gateway.hub import MOST_STREAMS, Hub
from gateway.identity.bearers import Caller
from gateway.sockets import LONGEST_HISTORY
from tests.gateway.conftest import Talk, World, free_port, wait_for


class Ear:
    """Listens to a talk's event stream in a thread."""

    def __init__(self, talk: Talk, **headers: str) -> None:
        self.events: list[tuple[str, str | None, Any]] = []
        self.ended = threading.Event()
        url = f"{talk.world.api}/conversations/{talk.id}/events"
        self.response = requests.get(url, headers=talk.headers | headers, stream=True, timeout=30)
        assert self.response.status_code == 200 and self.response.headers["content-type"].startswith(
            "text/event-stream"
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.response.iter_lines(chunk_size=1, decode_unicode=True):
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                elif "event" in fields:
                    self.events.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
                    fields = {}
        except (requests.RequestException, AttributeError):
            pass
        self.ended.set()

    def texts(self) -> list[str]:
        """Returns the texts of the messages so far."""
        return [data["text"] for event, _, data in self.events if event == "message"]


def test_two_tabs_see_the_same_and_one_resumes(world: World) -> None:
    talk = world.talk()
    one, two = Ear(talk), Ear(talk)
    talk.say("first")
    expected = ["您好", "first", "echo: first"]
    wait_for(lambda: one.texts() == expected and two.texts() == expected)
    last = [event_id for event, event_id, _ in one.events if event == "message"][-1]
    talk.say("while away")
    back = Ear(talk, **{"Last-Event-ID": last})
    wait_for(lambda: back.texts() == ["while away", "echo: while away"])
    wait_for(lambda: two.texts() == [*expected, *back.texts()])
    assert ("mode", None, {"mode": "bot", "language": "zh"}) in two.events


def test_a_stream_ends_when_its_bearer_dies(world: World) -> None:
    talk = world.talk()
    ear = Ear(talk)
    wait_for(lambda: ear.texts() == ["您好"])
    talk.token = talk.post("/sign-in", {"customer_token": world.login(world.account())}).json()["token"]
    assert ear.ended.wait(10)
    assert ear.events[-1] == ("closed", None, {"code": "unauthenticated"})
    assert ear.texts() == ["您好"]


def test_the_mode_is_told(world: World) -> None:
    talk = world.talk()
    ear = Ear(talk)
    talk.say("a person please")
    wait_for(
        lambda: (
            ("mode", None, {"mode": "queue", "language": "en"}) in ear.events
            or ("mode", None, {"mode": "queue", "language": "zh"}) in ear.events
        )
    )


async def test_streams_of_one_talk_are_counted(alone: World) -> None:
    talk = alone.talk()
    url = f"{alone.api}/conversations/{talk.id}/events"
    streams = [requests.get(url, headers=talk.headers, stream=True, timeout=30) for _ in range(MOST_STREAMS)]
    refused = talk.get("/events")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await socket(alone, talk)
    assert alone.talk().replies("others are not held up") == ["echo: others are not held up"]
    for stream in streams:
        stream.close()
    wait_for(lambda: talk.get("/events", stream=True).status_code == 200)


async def test_tabs_that_come_all_at_once_are_counted_too(database: Database) -> None:
    """Each is let in before any of them listens; so it counts who listens, not who asked."""
    with database.session() as session:
        talk, _ = conversations.create(session, language="zh", account=None)
    services: Any = SimpleNamespace(hub=Hub(), database=database)
    caller = Caller(talk, 1, None, "zh", True, None)
    came = [changes(services, caller=caller, seq=0) for _ in range(MOST_STREAMS + 10)]
    heard = await asyncio.gather(*(anext(stream, None) for stream in came))
    assert len([one for one in heard if one is not None]) == MOST_STREAMS
    for stream in came:
        await stream.aclose()
    assert not services.hub.full(talk)


async def test_what_is_no_socket_io_ends_that_connection_only(fresh: World) -> None:
    fresh.start()
    talk = fresh.talk()
    client, heard = await socket(fresh, talk)
    hello, nest = "40" + json.dumps({"token": talk.token}), "[" * 5000
    broken: list[list[str | bytes]] = [
        [b"\x00\x01"], ["x"], [""], ["40"], ["42[]"], ["42{}"], ['42["message"'], ["4" + "9" * 400 + '["message"]'], ["44"],
        *[[hello, bad] for bad in ("42[]", "42{}", "42", "x", '451-["message",{"_placeholder":true,"num":0}]', '459999999-["x"]', "46", "44",
                                   '42/admin,["message",{}]', f'42["message",{nest}', '42["no such event",1]', b"\x04")],
    ]  # fmt: skip
    polled = fresh.url + "/socket.io/?EIO=4&transport=polling"
    async with aiohttp.ClientSession() as http:
        # Some hang up at once; the others wait until the gateway does.
        for packets in broken:
            async with http.ws_connect(polled.replace("polling", "websocket")) as line:
                for packet in packets:
                    await (line.send_bytes(packet) if isinstance(packet, bytes) else line.send_str(packet))
        hung_up_on: list[list[str | bytes]] = [
            [hello, "42[]"],
            [hello, "44"],
            [hello, b"\x04"],
            [hello, "x"],
            ["44"],
            ["x"],
        ]
        for packets in hung_up_on:
            async with http.ws_connect(polled.replace("polling", "websocket")) as line:
                for packet in packets:
                    await (line.send_bytes(packet) if isinstance(packet, bytes) else line.send_str(packet))
                while (await line.receive(timeout=15)).type is aiohttp.WSMsgType.TEXT:
                    pass
                assert line.closed
        async with http.get(polled) as opened:
            sid = json.loads((await opened.text())[1:])["sid"]
        async with http.post(f"{polled}&sid={sid}", data="4" * 70_000) as refused:
            assert refused.status == 400
    answer = await client.call("message", {"text": "still here", "client_id": "s"})
    assert [reply["text"] for reply in answer["replies"]] == ["echo: still here"]
    await client.disconnect()
    # Nothing of them is left, long before the first ping that they could miss (20 s).
    gone = 'gateway_streams{kind="socket"} 0.0'
    await asyncio.to_thread(wait_for, lambda: gone in requests.get(fresh.internal + "/metrics").text, seconds=15)
    gateway = fresh.processes["gateway"]
    await asyncio.to_thread(fresh.kill, "gateway", signal.SIGTERM)
    logged = [json.loads(line) for line in fresh.log_text().splitlines()]  # every line is ours
    # A task that is left makes the web server wait out its patience, and say so in an error.
    assert not [line for line in logged if line["level"] in ("error", "critical")]
    assert (gateway.returncode, logged[-1]["event"]) == (0, "gateway_stopped")


async def socket(world: World, talk: Talk, **auth: Any) -> tuple[socketio.AsyncClient, list[tuple[str, Any]]]:
    """Connects a socket; returns it and what it hears."""
    client = socketio.AsyncClient(reconnection=False)
    heard: list[tuple[str, Any]] = []
    for event in ("history", "replies", "typing", "mode", "closed"):
        client.on(event, lambda data, event=event: heard.append((event, data)))
    await client.connect(world.url, auth={"token": talk.token, **auth}, transports=["websocket"])
    return client, heard


async def until(check: Any) -> None:
    """Waits until the condition is true."""
    for _ in range(1000):
        if check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the condition never came true")


async def test_a_connection_that_never_says_whose_it_is_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two WebSockets answer every ping; only the one that shows a bearer is kept."""
    monkeypatch.setattr(sockets, "INTRODUCED_S", 0.5)
    server = sockets.Server(async_mode="asgi")

    @server.event
    async def connect(sid: str, environ: Any, auth: Any) -> None:
        """Lets everybody in who asks."""

    web = uvicorn.Server(uvicorn.Config(sockets.Door(server), port=free_port(), lifespan="off", log_config=None))
    serving = asyncio.create_task(web.serve())
    while not web.started:
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{web.config.port}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as silent, http.ws_connect(url) as known:
        assert (await silent.receive_str()).startswith("0") and (await known.receive_str()).startswith("0")
        await known.send_str("40{}")
        assert (await known.receive_str()).startswith("40")
        while (await silent.receive()).type is aiohttp.WSMsgType.TEXT:
            await silent.send_str("3")
        assert silent.closed and not known.closed
        await server.emit("still", {})
        assert (await known.receive_str()) == '42["still",{}]'
    web.should_exit = True
    await serving


async def test_a_socket_talks_and_hears(world: World) -> None:
    talk = world.talk()
    await asyncio.to_thread(talk.say, "before")
    client, heard = await socket(world, talk)
    other, heard_there = await socket(world, talk)
    await until(lambda: heard and heard[0][0] == "history")
    assert [message["text"] for message in heard[0][1]["messages"]] == ["您好", "before", "echo: before"]
    ack = await client.call("message", {"text": "buttons", "client_id": "s1"})
    assert ack["ok"] and ack["replies"][0]["text"] == "which?"
    assert (await client.call("message", {"text": "buttons", "client_id": "s1"}))["replies"] == ack["replies"]
    pressed = await client.call("press", {"token": ack["replies"][0]["buttons"][1]["token"], "client_id": "s2"})
    assert pressed["replies"][0]["text"] == "press no []"
    said = ["buttons", "which?", "no", "press no []"]
    for ears in (heard, heard_there):
        await until(
            lambda ears=ears: [data["replies"][0]["text"] for event, data in ears if event == "replies"] == said
        )
    assert ("typing", {"author": "bot", "typing": True}) in heard_there
    for event, data, code in (
        ("message", {"text": ""}, "empty_text"),
        ("message", {"text": "x" * 2001}, "text_too_long"),
        ("message", None, "invalid_request"),
        ("message", {"text": 5}, "invalid_request"),
        ("press", {"token": "btn_x"}, "button_expired"),
        ("message", {"text": "/restart", "client_id": ""}, "invalid_request"),
    ):
        refused = await client.call(event, data)
        assert (refused["ok"], refused["error"]["code"]) == (False, code)
    await client.disconnect()
    await other.disconnect()


async def test_no_client_runs_what_is_ours_to_run(alone: World) -> None:
    """Named by a client, "connect" would begin a second stream that outlives the socket, for an address of the client's choice."""
    talk = alone.talk()
    await asyncio.to_thread(talk.say, "before")  # the greeting is history then
    client, heard = await socket(alone, talk)
    await until(lambda: bool(heard))
    forged = ({"asgi.scope": {"client": ["192.0.2.1", 1]}}, {"token": talk.token})
    for event, data in (("connect", forged), ("disconnect", "bye"), ("connect", forged), ("message", ("a", "b", "c"))):
        await client.emit(event, data)
    ack = await client.call("message", ({"text": "still one", "client_id": "1"}, "and more"), timeout=20)
    assert [reply["text"] for reply in ack["replies"]] == ["echo: still one"]
    await until(lambda: [event for event, _ in heard].count("replies") == 2)
    assert [event for event, _ in heard].count("history") == 1
    await client.disconnect()


async def test_a_socket_needs_the_bearer_and_resumes(world: World) -> None:
    talk = world.talk()
    await asyncio.to_thread(talk.say, "before")
    for token in ("", "jbc_wrong", "x" * 5000):
        with pytest.raises(socketio.exceptions.ConnectionError):
            await socket(world, Talk(world, talk.id, token))
    last = (await asyncio.to_thread(talk.get, "/messages")).json()["messages"][-1]["id"]
    await asyncio.to_thread(talk.say, "later")
    client, heard = await socket(world, talk, after=last)
    await until(lambda: bool(heard))
    assert [message["text"] for message in heard[0][1]["messages"]] == ["later", "echo: later"]
    answer = await asyncio.to_thread(talk.post, "/sign-in", {"customer_token": world.login(world.account())})
    assert answer.status_code == 200
    await until(lambda: not client.connected)
    assert ("closed", {"code": "unauthenticated"}) in heard


async def test_a_socket_is_sent_the_newest_thousand_lines_of_a_very_long_talk(alone: World) -> None:
    talk = alone.talk()
    await asyncio.to_thread(talk.say, "hello")
    database = Database(f"sqlite:///{alone.home / 'gateway.sqlite'}")
    with database.session() as session:
        for number in range(LONGEST_HISTORY + 50):
            conversations.add_message(session, conversation_id=talk.id, author="bot", text=f"line {number}")
    database.close()
    client, heard = await socket(alone, talk)
    await until(lambda: bool(heard))
    lines = [message["text"] for message in heard[0][1]["messages"]]
    assert lines == [f"line {number}" for number in range(50, LONGEST_HISTORY + 50)]
    await client.disconnect()


async def test_many_sockets_dropped_and_back_lose_nothing(alone: World) -> None:
    talk = alone.talk()
    await asyncio.to_thread(talk.say, "zero")
    last = (await asyncio.to_thread(talk.get, "/messages")).json()["messages"][-1]["id"]
    clients = [(await socket(alone, talk, after=last)) for _ in range(30)]
    await asyncio.to_thread(talk.say, "one")
    for client, _ in clients:
        await client.disconnect()
    await asyncio.to_thread(talk.say, "two")
    for _, heard in clients:
        seen = [
            message
            for event, data in heard
            for message in (data["messages"] if event == "history" else data["replies"] if event == "replies" else [])
        ]
        client, again = await socket(alone, talk, after=seen[-1]["id"] if seen else last)
        await until(lambda again=again: bool(again))
        texts = [message["text"] for message in seen + again[0][1]["messages"]]
        assert texts == ["one", "echo: one", "two", "echo: two"]
        await client.disconnect()
