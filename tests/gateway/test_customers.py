"""What a customer can do, over HTTP, on each database."""

from __future__ import annotations

import concurrent.futures

import pytest
import requests

from tests.gateway.conftest import World, wait_for
from tests.gateway.test_canary import everything_stored


def test_a_talk_begins_with_the_greeting_and_goes_on(world: World) -> None:
    talk = world.talk(language="zh")
    assert talk.id.startswith("conv_")
    answer = talk.say("怎么解绑").json()
    assert (answer["mode"], answer["language"]) == ("bot", "zh")
    assert [reply["text"] for reply in answer["replies"]] == ["echo: 怎么解绑"]
    assert talk.history() == [("bot", "您好"), ("customer", "怎么解绑"), ("bot", "echo: 怎么解绑")]
    english = world.talk(language="en")
    assert wait_for(english.history) == [("bot", "Hello")]


def test_history_goes_on_after_the_last_message_seen(world: World) -> None:
    talk = world.talk()
    talk.say("one twice")
    messages = talk.get("/messages").json()["messages"]
    assert [message["text"] for message in messages] == ["您好", "one twice", "echo: one twice", "second"]
    later = talk.get("/messages", params={"after": messages[1]["id"]}).json()["messages"]
    assert later == messages[2:]
    assert talk.get("/messages", params={"after": "msg_00000000000000000000000000"}).status_code == 422


def test_the_same_client_id_is_answered_once(world: World) -> None:
    talk = world.talk()
    world.rasa(mode="ok", delay=0.2)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: talk.say("twice please", "c-1").json(), range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert talk.say("something else", "c-1").json() == answers[0]
    assert [text for _, text in talk.history()] == ["您好", "twice please", "echo: twice please", "second"]
    other = world.talk()
    assert other.replies("mine", "c-1") == ["echo: mine"]


def test_one_turn_at_a_time_in_the_order_of_acceptance(world: World) -> None:
    talk = world.talk()
    talk.say("first")
    world.rasa(mode="ok", delay=0.05)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: talk.say(f"number {number}"), range(6)))
    history = talk.history()[3:]
    asked = [text for author, text in history if author == "customer"]
    assert [text for author, text in history if author == "bot"] == ["echo: " + text for text in asked]
    assert sorted(asked) == [f"number {number}" for number in range(6)]


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("", 422, "empty_text"),
        (" \u3000\n", 422, "empty_text"),
        ("\u200b\u202e", 422, "empty_text"),
        ("字" * 2001, 413, "text_too_long"),
        (" " * 2001, 413, "text_too_long"),
    ],
)
def test_text_that_is_refused(world: World, text: str, status: int, code: str) -> None:
    answer = world.talk().say(text)
    assert answer.status_code == status and answer.json()["code"] == code
    assert answer.headers["content-type"] == "application/problem+json" and set(answer.json()["message"]) == {
        "zh",
        "en",
    }


@pytest.mark.parametrize(
    "text", ["字" * 2000, "😀", "👨‍👩‍👧", "a\ud800b", "\x00null", "/", "／解绑", "{}", "'; drop table turns; --"]
)
def test_text_that_is_odd_but_fine(world: World, text: str) -> None:
    answer = world.talk().say(text)
    assert answer.status_code == (422 if text == "/" else 200), answer.text


def test_malformed_requests(world: World) -> None:
    talk = world.talk()
    url = f"{world.api}/conversations/{talk.id}/messages"
    headers = talk.headers | {"Content-Type": "application/json"}
    for raw, status, code in (
        (b"{", 400, "malformed_json"),
        (b"\xff\xfe", 400, "malformed_json"),
        (b"[" * 50_000, 400, "malformed_json"),
        (b'"x"', 422, "invalid_request"),
        (b'{"text": 5, "client_id": "x"}', 422, "invalid_request"),
        (b'{"text": "x", "client_id": ""}', 422, "invalid_request"),
        (b"", 422, "invalid_request"),
        (b'{"text": "' + b"x" * 70_000 + b'"}', 413, "body_too_large"),
        (b'{"text": 1' + b"0" * 5000 + b"}", 400, "malformed_json"),
    ):
        answer = requests.post(url, data=raw, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code), raw[:20]
        assert answer.headers["content-type"] == "application/problem+json"
    assert requests.put(url, headers=headers).status_code == 405
    assert talk.say("x", "i" * 128).status_code == 200
    assert talk.say("x", "i" * 129).status_code == 422
    assert talk.post("/messages", {"text": "x", "client_id": "\x00\ud800"}).status_code == 200


def test_who_may_see_a_talk(world: World) -> None:
    mine, others = world.talk(), world.talk(account=world.account())
    mine.say("secret of mine")
    paths = [
        ("GET", ""),
        ("GET", "/messages"),
        ("GET", "/events"),
        ("POST", "/messages"),
        ("POST", "/press"),
        ("POST", "/sign-in"),
        ("POST", "/refresh"),
        ("POST", "/feedback"),
    ]
    bodies = {
        "/messages": {"text": "x", "client_id": "1"},
        "/press": {"token": "btn_x", "client_id": "1"},
        "/feedback": {"score": 5},
    }
    for method, path in paths:
        body = bodies.get(path, {"customer_token": "x" * 30})
        for conversation in (mine.id, "conv_00000000000000000000000000", "conv_nope", "x", "%00"):
            url = f"{world.api}/conversations/{conversation}{path}"
            kwargs = {"json": body} if method == "POST" else {}
            for headers in (
                {},
                {"Authorization": "Bearer jbc_wrong"},
                {"Authorization": "Basic " + mine.token},
                {"Authorization": mine.token},
            ):
                answer = requests.request(method, url, headers=headers, **kwargs)
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (url, answer.text)
            assert requests.request(method, url, headers=others.headers, **kwargs).status_code == 404
    assert [text for _, text in mine.history()] == ["您好", "secret of mine", "echo: secret of mine"]


def test_signing_in_makes_the_talk_the_accounts_for_good(world: World) -> None:
    mine, other = world.account(), world.account()
    talk = world.talk()
    assert talk.replies("who am i") == ["token 403 not_signed_in"]
    old = talk.token
    assert talk.post("/sign-in", {"customer_token": "nonsense" * 5}).json()["code"] == "customer_token_invalid"
    answer = talk.post("/sign-in", {"customer_token": world.login(mine)})
    assert answer.status_code == 200
    talk.token = answer.json()["token"]
    assert talk.token != old and [reply["text"] for reply in answer.json()["replies"]] == ["signed_in  []"]
    assert talk.replies("who am i") == [f"token 200 {mine}"]
    assert (
        requests.get(
            f"{world.api}/conversations/{talk.id}/messages", headers={"Authorization": "Bearer " + old}
        ).status_code
        == 401
    )
    for path in ("/sign-in", "/refresh"):
        refused = talk.post(path, {"customer_token": world.login(other)})
        assert (refused.status_code, refused.json()["code"]) == (409, "conversation_of_another_account")
    assert talk.post("/refresh", {"customer_token": world.login(mine)}).json()["expires_in"] == 1800
    again = talk.post("/sign-in", {"customer_token": world.login(mine)})
    assert again.status_code == 200 and again.json()["token"] != talk.token
    assert (
        world.talk().post("/refresh", {"customer_token": world.login(mine)}).json()["code"] == "anonymous_conversation"
    )


def test_buttons_are_opaque_and_die_with_the_next_answer(world: World) -> None:
    talk, other = world.talk(), world.talk()
    buttons = talk.say("buttons").json()["replies"][0]["buttons"]
    assert [button["title"] for button in buttons] == ["招商银行 1234", "no", "page", "sign in"]
    assert buttons[2] == {"title": "page", "url": "/secure/t1"} and buttons[3] == {
        "title": "sign in",
        "action": "sign_in",
    }
    assert "card_1" not in str(buttons) and all(button["token"].startswith("btn_") for button in buttons[:2])
    assert other.post("/press", {"token": buttons[0]["token"], "client_id": "1"}).json()["code"] == "button_expired"
    first = talk.post("/press", {"token": buttons[0]["token"], "client_id": "p1"})
    assert [reply["text"] for reply in first.json()["replies"]] == [
        'press 招商银行 1234 [{"entity": "card_id", "value": "card_1"}]'
    ]
    assert talk.post("/press", {"token": buttons[0]["token"], "client_id": "p1"}).json() == first.json()
    stale = talk.post("/press", {"token": buttons[1]["token"], "client_id": "p2"})
    assert (stale.status_code, stale.json()["code"]) == (409, "button_expired")
    assert talk.post("/press", {"token": "btn_made_up", "client_id": "p3"}).status_code == 409
    assert [text for author, text in talk.history() if author == "customer"] == ["buttons", "招商银行 1234"]


def test_two_buttons_pressed_at_once_are_one_press(world: World) -> None:
    talk = world.talk()
    buttons = talk.say("buttons").json()["replies"][0]["buttons"]
    world.rasa(mode="ok", delay=0.1)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = list(
            pool.map(
                lambda number: (
                    talk.post("/press", {"token": buttons[number % 2]["token"], "client_id": f"n{number}"}).status_code
                ),
                range(4),
            )
        )
    assert sorted(statuses) == [200, 409, 409, 409]


def test_a_code_is_sealed_opened_once_and_never_kept(world: World) -> None:
    talk = world.talk(account=world.account())
    import hashlib

    replies = talk.replies("493817")
    assert replies == [f"code 200 {hashlib.sha256(b'493817').hexdigest()[:12]} again 410"]
    assert talk.replies("验证码是 583-921 吧") == ["echo: 验证码是 [code] 吧"]
    assert talk.replies("卡号 4111 1111 1111 1111") == ["echo: 卡号 [card ending 1111]"]
    assert ("customer", "[code]") in talk.history()
    seen = [body for body in world.rasa()["seen"] if body["conversation_id"] == talk.id]
    assert seen[1]["command"]["name"] == "submit_code" and seen[1]["text"] is None
    assert seen[2]["notices"] == ["code"] and len(seen[2]["code_refs"]) == 1 and seen[3]["notices"] == ["card_number"]
    for secret in ("493817", "583921", "583-921", "4111111111111111", "4111 1111"):
        assert secret not in str(seen) and secret not in world.log_text() and secret not in str(talk.history())
        if world.env["GATEWAY_DATABASE_URL"] == "":
            assert secret.encode() not in b"".join(path.read_bytes() for path in world.home.glob("gateway.sqlite*"))


def test_rasa_down_is_said_honestly_and_the_message_can_be_sent_again(world: World) -> None:
    talk = world.talk()
    talk.say("hello")
    for mode in ("error", "broken"):
        world.rasa(mode=mode)
        answer = talk.say("please " + mode, "r-" + mode)
        assert (answer.status_code, answer.json()["code"]) == (503, "assistant_unavailable")
        assert "950618" in answer.json()["message"]["zh"] and "950618" in answer.json()["message"]["en"]
        world.rasa(mode="ok")
        assert talk.replies("please " + mode, "r-" + mode) == ["echo: please " + mode]
    assert [text for author, text in talk.history() if author == "customer"] == [
        "hello",
        "please error",
        "please broken",
    ]


def test_a_failed_message_that_is_sent_again_is_newer_than_what_was_answered_meanwhile(world: World) -> None:
    talk = world.talk()
    world.rasa(mode="error")
    assert talk.say("unbind another card", "late").status_code == 503
    world.rasa(mode="ok")
    button = talk.say("buttons").json()["replies"][0]["buttons"][0]
    assert talk.replies("unbind another card", "late") == ["echo: unbind another card"]
    # Its "yes" was for a question that is no longer the newest.
    pressed = talk.post("/press", {"token": button["token"], "client_id": "p"})
    assert (pressed.status_code, pressed.json()["code"]) == (409, "button_expired")
    button = talk.say("buttons").json()["replies"][0]["buttons"][0]
    assert talk.post("/press", {"token": button["token"], "client_id": "q"}).status_code == 200


def test_one_bad_message_does_not_silence_the_others(world: World) -> None:
    bad, good = world.talk(), world.talk()
    good.say("hello")
    world.rasa(mode="error")
    assert [bad.say(f"bad {number}").status_code for number in range(8)] == [503] * 8
    world.rasa(mode="ok")
    assert good.replies("still here?") == ["echo: still here?"]


def test_feedback(world: World) -> None:
    talk = world.talk()
    hidden = "\u200b".join("4111111111111111")
    for comment in ("很好, 我的卡号4111111111111111", f"fine, {hidden}"):
        assert talk.post("/feedback", {"score": 5, "comment": comment}).status_code == 204
        kept = everything_stored(world)
        assert hidden not in kept and "4111111111111111" not in kept
    for body in ({"score": 0}, {"score": 6}, {"score": True}, {}, {"score": "5"}):
        assert talk.post("/feedback", body).status_code == 422


def test_a_character_that_no_database_keeps_is_refused_on_each(world: World) -> None:
    talk = world.talk()
    signing_in = {"username": "agent\x00", "password": "agent"}
    answer = requests.post(f"{world.url}/api/desk/v1/session", json=signing_in, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    assert talk.replies("still here\x00?") == ["echo: still here?"]
    assert talk.post("/feedback", {"score": 5, "comment": "fine\x00"}).status_code == 204  # cleaned as a message is
