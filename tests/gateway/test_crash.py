"""A gateway or Rasa that dies in the middle of a turn: answered once, or asked to say it again; never twice, never silence."""

from __future__ import annotations

import concurrent.futures
import contextlib
import signal
import sqlite3
import threading
from collections.abc import Callable

import pytest
import requests

from tests.gateway.conftest import World, drop, postgres, wait_for
from tests.gateway.test_unseen import owned


def in_background(call: Callable[[], object]) -> threading.Thread:
    """Runs a call whose connection will break."""

    def run() -> None:
        with contextlib.suppress(requests.RequestException):
            call()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_gateway_killed_in_a_turn_answers_once_after_its_return(fresh: World, kind: str) -> None:
    url = postgres() if kind == "postgresql" else ""
    fresh.env["GATEWAY_DATABASE_URL"] = url
    try:
        fresh.start()
        asked, silent = fresh.talk(), fresh.talk()
        for talk in (asked, silent):
            talk.say("hello")
        fresh.rasa(mode="ok", delay=1.5)
        threads = [in_background(lambda talk=talk: talk.say("in the middle", "m1")) for talk in (asked, silent)]
        wait_for(lambda: sum(body["text"] == "in the middle" for body in fresh.rasa()["seen"]) == 2)
        fresh.kill("gateway")
        for thread in threads:
            thread.join()
        fresh.start("gateway")
        # One client asks again with the same id, the other just comes back and looks.
        assert asked.replies("in the middle", "m1") == ["echo: in the middle"]
        expected = [
            ("bot", "您好"),
            ("customer", "hello"),
            ("bot", "echo: hello"),
            ("customer", "in the middle"),
            ("bot", "echo: in the middle"),
        ]
        for talk in (asked, silent):
            wait_for(lambda talk=talk: talk.history() == expected)
        assert set(fresh.rasa()["ran"].values()) == {1} and fresh.rasa()["faults"] == []
    finally:
        fresh.close()
        if url:
            drop(url)


def test_rasa_killed_in_a_turn_is_said_and_can_be_said_again(battered: World) -> None:
    battered.start()
    talk = battered.talk()
    talk.say("hello")
    battered.rasa(mode="ok", delay=10)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(talk.say, "lost", "l1")
        wait_for(lambda: any(body["text"] == "lost" for body in battered.rasa()["seen"]))
        battered.kill("rasa")
        assert answer.result().json()["code"] == "assistant_unavailable"
    for number in range(6):
        down = talk.say(f"more {number}")
        assert (down.status_code, down.json()["code"]) == (503, "assistant_unavailable")
    assert requests.get(battered.url + "/readyz").status_code == 503
    battered.start("rasa")
    wait_for(lambda: talk.say("lost", "l1").status_code == 200)
    assert talk.history().count(("customer", "lost")) == 1 and talk.history().count(("bot", "echo: lost")) == 1


def test_both_killed_and_gone_for_long_the_customer_is_asked_to_say_it_again(battered: World) -> None:
    battered.start()
    talk = battered.talk()
    talk.say("hello")
    battered.rasa(mode="ok", delay=3)
    thread = in_background(lambda: talk.say("left behind"))
    wait_for(lambda: any(body["text"] == "left behind" for body in battered.rasa()["seen"]))
    battered.kill("gateway")
    thread.join()
    with sqlite3.connect(battered.home / "gateway.sqlite") as database:
        database.execute(
            "UPDATE turns SET created_at = '2020-01-01 00:00:00', status = 'accepted', attempts = 0 WHERE status = 'running'"
        )
    battered.start("gateway")
    wait_for(lambda: "send it again" in talk.history()[-1][1])
    assert talk.history()[-1][0] == "system"


def test_a_gateway_told_to_stop_ends_its_turns_first(battered: World) -> None:
    battered.start()
    talk = battered.talk()
    talk.say("hello")
    battered.rasa(mode="ok", delay=1)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(talk.say, "who am i")
        wait_for(lambda: any(body["text"] == "who am i" for body in battered.rasa()["seen"]))
        stream = requests.get(f"{battered.api}/conversations/{talk.id}/events", headers=talk.headers, stream=True)
        battered.kill("gateway", signal.SIGTERM)
        # The action behind the turn could still ask for its token.
        assert answer.result().json()["replies"][0]["text"] == "token 403 not_signed_in"
        stream.close()


def test_many_kills_lose_and_double_nothing(battered: World) -> None:
    battered.start()
    talks = [battered.talk() for _ in range(4)]
    battered.rasa(mode="ok", delay=0.03)
    stop = threading.Event()
    said: dict[str, list[str]] = {talk.id: [] for talk in talks}

    def chat(number: int) -> None:
        talk = talks[number]
        for count in range(1000):
            if stop.is_set():
                return
            text = f"line {number} {count}"
            while True:
                try:
                    if talk.say(text, f"c{count}").status_code == 200:
                        break
                except requests.RequestException:
                    pass
            said[talk.id].append(text)

    threads = [threading.Thread(target=chat, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        wanted = sum(map(len, said.values())) + 20
        wait_for(lambda wanted=wanted: sum(map(len, said.values())) >= wanted, seconds=40)
        battered.kill("gateway")
        battered.start("gateway")
    stop.set()
    for thread in threads:
        thread.join()
    for talk in talks:
        history = talk.history()
        assert [text for author, text in history if author == "customer"] == said[talk.id]
        assert [text for author, text in history if author == "bot"] == [
            "您好",
            *("echo: " + text for text in said[talk.id]),
        ]
    assert set(battered.rasa()["ran"].values()) == {1} and battered.rasa()["faults"] == []


def test_binding_away_while_a_person_waits_for_a_code_is_said(battered: World) -> None:
    battered.start()
    talk, _, _ = owned(battered)
    battered.kill("binding")
    assert talk.say("493817").status_code == 200
    assert talk.history()[-1][1].startswith("I can't check the code right now")
