"""Customer JWTs: what proves an account and what does not; and the half hour of a sign-in."""

from __future__ import annotations

import base64
import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey

from gateway.limits import household
from tests.gateway.conftest import HOST_KEYS, World, wait_for
from tests.gateway.test_streams import socket


def claims(**changes: Any) -> dict[str, Any]:
    """Returns good claims, changed; a change to None removes one."""
    at = int(time.time())
    found = {"iss": "jiebang-host", "aud": "jiebang", "sub": "acct_1", "iat": at, "exp": at + 600} | changes
    return {name: value for name, value in found.items() if value is not None}


def begin(world: World, token: str) -> requests.Response:
    """Opens a conversation with a customer JWT."""
    return requests.post(world.api + "/conversations", json={}, headers={"Authorization": "Bearer " + token})


def signed(key: Any, alg: str, body: dict[str, Any], **header: Any) -> str:
    """Signs claims."""
    return jwt.encode({"alg": alg, **header}, body, key, algorithms=[alg])


def test_what_a_symmetric_token_must_hold(alone: World) -> None:
    key = OctKey.import_key(alone.env["HOST_JWT_KEY"])
    at = int(time.time())
    assert begin(alone, signed(key, "HS256", claims())).status_code == 201
    assert begin(alone, signed(key, "HS256", claims(aud=["other", "jiebang"]))).status_code == 201
    faults: list[dict[str, Any]] = [
        {"iss": "other"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"aud": ["x"]},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "x" * 200},
        {"sub": "a\nb"},
        {"exp": None},
        {"exp": at - 60},
        {"exp": "soon"},
        {"exp": True},
        {"exp": at + 1000},
        {"iat": at - 600, "exp": at + 500},
        {"iat": at + 300},
        {"nbf": at + 300},
        {"exp": 1e300},
    ]
    for fault in faults:
        answer = begin(alone, signed(key, "HS256", claims(**fault)))
        assert (answer.status_code, answer.json()["code"]) == (401, "customer_token_invalid"), fault
    assert begin(alone, signed(OctKey.import_key("x" * 40), "HS256", claims())).status_code == 401
    assert begin(alone, signed(key, "HS512", claims())).status_code == 401
    good = signed(key, "HS256", claims())
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=") + "." + good.split(".")[1] + "."
    for token in (none, good[:-3] + "abc", good + "x", good.split(".")[1], "", "a.b.c", "é" * 30, good * 20):
        answer = requests.post(
            alone.api + "/conversations", json={}, headers={"Authorization": b"Bearer " + token.encode("latin-1")}
        )
        assert answer.status_code == 401, token[:20]


def test_asymmetric_tokens_by_jwks(alone: World) -> None:
    world, (ec, ed) = alone, HOST_KEYS
    assert begin(world, signed(ec, "ES256", claims(), kid="ec")).status_code == 201
    assert begin(world, signed(ed, "EdDSA", claims(), kid="ed")).status_code == 201
    strange = ECKey.generate_key("P-256", {"kid": "ec"})
    assert begin(world, signed(strange, "ES256", claims(), kid="ec")).status_code == 401
    assert begin(world, signed(ec, "ES256", claims(), kid="../../etc/passwd")).status_code == 401
    # The public key as an HMAC secret: the classic confusion.
    for secret in (json.dumps(ec.as_dict(private=False)), ec.as_pem(private=False).decode()):
        body = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in ({"alg": "HS256", "kid": "ec"}, claims())
        )
        import hashlib
        import hmac

        mac = (
            base64.urlsafe_b64encode(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())
            .decode()
            .rstrip("=")
        )
        assert begin(world, body + "." + mac).status_code == 401
    own = world.home / "keys" / "customer-token.json"
    assert begin(world, signed(OKPKey.import_key(json.loads(own.read_text())), "EdDSA", claims())).status_code == 401


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway with short sign-ins and few messages."""
    limits = {"GATEWAY_MESSAGES_PER_MINUTE": "3", "GATEWAY_CONVERSATIONS_PER_MINUTE": "5", "GATEWAY_SIGNED_IN_FOR": "2"}
    world = World(tmp_path_factory.mktemp("strict"), **limits).start()
    yield world
    world.close()


async def test_who_only_looks_is_counted_too(tmp_path: pathlib.Path) -> None:
    """Each look asks the database, whatever bearer is shown, also over a socket; so an address has a limit for that as well."""
    world = World(tmp_path, GATEWAY_LOOKS_PER_MINUTE="9").start("rasa", "binding", "gateway")
    try:
        talk = world.talk()
        client, _ = await socket(world, talk)
        assert await client.call("typing", {"typing": True}) == {"ok": True}
        assert (await client.call("message", {"text": "hello"}))["ok"]
        stranger = [requests.get(f"{world.api}/conversations/{talk.id}/messages").status_code for _ in range(3)]
        assert stranger == [401] * 3
        statuses = [talk.get("/messages").status_code for _ in range(6)]
        assert statuses == [200, 200, 200, 429, 429, 429]
        assert talk.get("/events").json()["code"] == "too_many_requests"
        for event, data in (("typing", {"typing": True}), ("seen", {"message": "x"}), ("message", {"text": "hello"})):
            assert (await client.call(event, data))["error"]["code"] == "too_many_requests"
        await client.disconnect()
    finally:
        world.close()


def test_a_sign_in_runs_out_and_is_renewed(strict: World) -> None:
    account = strict.account()
    talk = strict.talk(account=account)
    assert talk.replies("who am i") == [f"token 200 {account}"]
    wait_for(lambda: talk.get("").status_code == 401)
    refused = talk.get("/messages")
    assert refused.json()["code"] == "sign_in_again" and set(refused.json()["message"]) == {"zh", "en"}
    assert talk.get("/events").json()["code"] == "sign_in_again"
    assert talk.get("/messages", params={"stale": "true"}).status_code == 401
    assert talk.post("/refresh", {"customer_token": strict.login(strict.account())}).status_code == 409
    assert talk.post("/refresh", {"customer_token": strict.login(account)}).json()["token"] == talk.token
    assert ("customer", "who am i") in talk.history()


def test_an_ipv6_household_is_counted_as_one_address() -> None:
    same = {household(f"2001:db8:1:2:{number:x}::1") for number in range(1, 5)}
    assert same == {"2001:db8:1:2::/64"} and household("2001:db8:1:3::1") not in same
    assert household("::ffff:192.0.2.7") == household("192.0.2.7") == "192.0.2.7"
    assert household("desk:2001:db8:1:2::9") == "desk:2001:db8:1:2::/64" and household("unknown") == "unknown"


def test_too_many_requests_are_refused_kindly(strict: World) -> None:
    talk = strict.talk()
    statuses = [talk.say(f"m{number}").status_code for number in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = talk.say("m")
    assert (
        refused.json()["code"] == "too_many_requests"
        and refused.headers["retry-after"]
        and set(refused.json()["message"]) == {"zh", "en"}
    )
    assert strict.talk().say("another talk is not held back").status_code == 200
    assert [requests.post(strict.api + "/conversations", json={}).status_code for _ in range(3)] == [201, 201, 429]
