"""The internal port: tokens, codes, handoffs, events."""

from __future__ import annotations

import concurrent.futures
import json
import random
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from standardwebhooks.webhooks import Webhook

from tests.gateway.conftest import Talk, World, wait_for


def call(world: World, path: str, body: Any, token: str | None = None) -> requests.Response:
    """Calls the internal port as actions do."""
    return requests.post(
        world.internal + "/internal/v1" + path,
        json=body,
        headers={"Authorization": "Bearer " + (token or world.env["ACTIONS_TOKEN"])},
        timeout=20,
    )


def deliver(
    world: World, body: Any, *, event_id: str | None = None, raw: bytes | None = None, **headers: str
) -> requests.Response:
    """Delivers a signed event as binding does."""
    event_id, at = event_id or uuid.uuid4().hex, datetime.now(UTC)
    payload = raw if raw is not None else json.dumps(body).encode()
    signature = Webhook(world.env["EVENTS_SECRET"]).sign(event_id, at, payload.decode())
    found = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
        **headers,
    }
    return requests.post(world.internal + "/internal/v1/events", data=payload, headers=found, timeout=20)


def event(talk: Talk | None, account: str, status: str = "succeeded") -> dict[str, Any]:
    """Returns an event of an operation."""
    operation = {
        "id": "op_1",
        "kind": "card.unbind",
        "status": status,
        "target_summary": {"type": "card", "bank": "cmb", "tail": "1234"},
    }
    return {
        "type": "operation.updated",
        "timestamp": "2026-01-01T00:00:00Z",
        "data": {"operation": operation, "account": account, "conversation": talk.id if talk else None},
    }


def test_only_actions_may_ask_and_only_while_a_turn_runs(world: World) -> None:
    account = world.account()
    talk = world.talk(account=account)
    assert talk.replies("who am i") == [f"token 200 {account}"]
    turn = talk.get("/messages").json()["messages"][1]["id"]
    for path, more in (("/token", {}), ("/codes/open", {"code_ref": "code_x"}), ("/handoff", {"reason": "requested"})):
        body = {"conversation_id": talk.id, "turn_id": turn, **more}
        assert call(world, path, body).json()["code"] == "no_turn"
        assert call(world, path, body | {"turn_id": "msg_\x00"}).json()["code"] == "no_turn"
        assert call(world, path, body | {"conversation_id": "conv_00000000000000000000000000"}).status_code == 404
        assert call(world, path, body, "wrong").status_code == 401
        assert call(world, path, body, world.env["BINDING_GATEWAY_INTERNAL_TOKEN"]).status_code == 403
        assert call(world, path, {}).status_code == 422


def test_an_event_reaches_its_conversation_once(world: World) -> None:
    account = world.account()
    talk = world.talk(account=account)
    talk.say("hello")
    event_id = uuid.uuid4().hex
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        statuses = {
            pool.submit(deliver, world, event(talk, account), event_id=event_id).result().status_code for _ in range(5)
        }
    assert statuses == {204} and deliver(world, event(talk, account), event_id=event_id).status_code == 204
    last = talk.get("/messages").json()["messages"][-1]
    assert (last["author"], last["text"], last["card"]["id"]) == ("bot", "operation succeeded", "op_1")
    assert [text for _, text in talk.history()].count("operation succeeded") == 1


def test_buttons_stay_alive_when_an_event_comes_in_between(world: World) -> None:
    account = world.account()
    talk = world.talk(account=account)
    button = talk.say("buttons").json()["replies"][0]["buttons"][1]
    assert deliver(world, event(talk, account)).status_code == 204
    assert talk.post("/press", {"token": button["token"], "client_id": "x"}).status_code == 200


def test_an_event_of_nobody_is_dropped_and_a_forged_one_refused(world: World) -> None:
    account = world.account()
    talk = world.talk(account=account)
    talk.say("hello")
    before = talk.history()
    assert deliver(world, event(None, account)).status_code == 204
    assert deliver(world, event(talk, world.account())).status_code == 204
    assert (
        deliver(world, event(talk, account), **{"webhook-signature": "v1,AAAA"}).json()["code"] == "signature_invalid"
    )
    assert deliver(world, event(talk, account), **{"webhook-timestamp": "1"}).status_code == 401
    assert requests.post(world.internal + "/internal/v1/events", json={}).status_code == 401
    assert talk.history() == before


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"id": "op_\ud800"}, 204),
        ({"id": 5}, 422),
        ({"status": None}, 422),
        ({"kind": []}, 422),
        ({"target_summary": "card"}, 422),
        ({"target_summary": None}, 204),
    ],
)
def test_an_event_of_another_shape_is_refused_and_breaks_nothing(
    world: World, change: dict[str, Any], status: int
) -> None:
    account = world.account()
    talk = world.talk(account=account)
    talk.say("hello")
    body = event(talk, account)
    body["data"]["operation"] |= change
    assert deliver(world, body).status_code == status
    assert talk.replies("still here?") == ["echo: still here?"]


def test_a_signed_delivery_of_endless_brackets_is_no_fault_of_ours(world: World) -> None:
    answer = deliver(world, None, raw=b"[" * 60_000)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


def test_an_event_waits_for_rasa(world: World) -> None:
    account = world.account()
    talk = world.talk(account=account)
    talk.say("hello")
    world.rasa(mode="error")
    assert deliver(world, event(talk, account), event_id="later-" + talk.id).status_code == 503
    world.rasa(mode="ok")
    wait_for(lambda: deliver(world, event(talk, account), event_id="later-" + talk.id).status_code == 204)
    assert [text for _, text in talk.history()][-1:] == ["operation succeeded"]


def test_an_event_while_the_customer_waits_is_told_by_the_assistant(world: World) -> None:
    account = world.account()
    talk = world.talk(account=account)
    talk.say("a person please")
    assert deliver(world, event(talk, account)).status_code == 204
    assert talk.history()[-1] == ("bot", "operation succeeded")


def test_fuzzed_bodies_never_break_the_gateway(alone: World) -> None:
    chance = random.Random(11)
    talk = alone.talk()
    pieces = [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b":",
        b",",
        b"null",
        b"1e999",
        b'"text"',
        b'"token"',
        b'"data"',
        b"\xff",
        b"\\ud800",
        b"\x00",
        b"-",
        b"0" * 30,
        b'"operation"',
        "验".encode(),
    ]
    paths = [
        alone.internal + "/internal/v1/events",
        alone.internal + "/internal/v1/token",
        alone.api + "/conversations",
        f"{alone.api}/conversations/{talk.id}/messages",
        f"{alone.api}/conversations/{talk.id}/press",
        f"{alone.api}/conversations/{talk.id}/feedback",
        f"{alone.api}/conversations/{talk.id}/sign-in",
        alone.url + "/sandbox/login",
        alone.url + "/api/desk/v1/session",
    ]
    session = requests.Session()
    for number in range(2_000):
        raw = b"".join(chance.choice(pieces) for _ in range(chance.randrange(12)))
        path = paths[number % len(paths)]
        bearer = alone.env["ACTIONS_TOKEN"] if "internal" in path else talk.token
        headers = {"Content-Type": "application/json", "Authorization": "Bearer " + bearer}
        if path.endswith("events"):
            try:
                status = deliver(alone, None, raw=raw).status_code
            except UnicodeDecodeError:
                continue
        else:
            status = session.post(path, data=raw, headers=headers).status_code
        assert status < 500, (path, raw)


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/\u202e",
        "/api/v1/conversations/%ff/messages",
        "/" + "a" * 5000,
        "/desk/../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/widget/%2e%2e/%2e%2e/gateway/settings.py",
    ],
)
def test_odd_paths(alone: World, path: str) -> None:
    assert requests.get(alone.url + path, allow_redirects=False).status_code in (200, 401, 404, 503)
    assert "root:" not in requests.get(alone.url + path).text
