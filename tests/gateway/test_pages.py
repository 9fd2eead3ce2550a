"""What the gateway passes on, serves and says of itself."""

from __future__ import annotations

import contextlib
import http.client
import uuid
from collections.abc import Iterator

import pytest
import requests

from tests.gateway.conftest import World


def test_the_sandbox_is_passed_on(world: World) -> None:
    account = world.account()
    assert world.http.get(f"{world.url}/sandbox/accounts/{account}").json() == {"cards": []}
    assert world.http.get(f"{world.url}/sandbox/accounts/nobody").status_code == 404
    assert world.http.post(world.url + "/sandbox/login", json={"account": "nobody"}).status_code == 404
    talk = world.talk(account=account)
    page = requests.get(world.url + "/secure/ticket-1")
    assert (
        page.text == "<p>nobody</p>"
        and page.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'self'"
    )
    assert requests.post(world.url + "/secure/ticket-1", headers=talk.headers).text == f"<p>{account}</p>"
    assert (
        requests.post(world.url + "/secure/ticket-1", headers={"Authorization": "Bearer " + world.login(account)}).text
        == f"<p>{account}</p>"
    )
    assert requests.post(world.url + "/secure/ticket-1", headers={"Authorization": "Bearer nope"}).status_code == 401
    assert "ticket-1" not in world.log_text()


def test_the_banks_word_is_passed_on_as_it_was_signed(world: World) -> None:
    # Binding checks it: to the gateway it is a letter that it does not open.
    raw, signed = b'{"request": "op_1",  "status": "done"}', {"webhook-id": "b1", "webhook-timestamp": "5"}
    headers = {**signed, "Content-Type": "application/json", "X-Customer-Token": "forged", "Authorization": "Bearer x"}
    for signature, status in (("v1,good", 202), ("v1,forged", 401)):
        shown = headers | {"webhook-signature": signature}
        assert requests.post(world.url + "/bank/callbacks", data=raw, headers=shown).status_code == status
        came = world.binding()["seen"][-1]
        assert (came["path"], came["body"]) == ("/bank/callbacks", raw.decode())
        assert came["signed"] == signed | {"webhook-signature": signature}
    before = len(world.binding()["seen"])
    assert requests.get(world.url + "/bank/callbacks").status_code in (404, 405)
    assert requests.post(world.url + "/bank/v1/requests", data=raw).status_code in (404, 405)
    assert len(world.binding()["seen"]) == before


@pytest.mark.parametrize(
    "path",
    [
        "/secure/../v1/cards",
        "/secure/%2e%2e/v1/cards",
        "/secure/x/../../v1/cards",
        "/secure/%2e%2e%2fv1/operations?open=true",
        "/secure/x/y",
        "/secure/.",
        "/secure/",
        "/sandbox/../v1/cards",
        "/sandbox/%2e%2e/v1/cards",
    ],
)
def test_no_path_leads_past_the_secure_page_to_bindings_other_doors(alone: World, path: str) -> None:
    talk = alone.talk(account=alone.account())
    before = len(alone.binding()["seen"])
    # A plain line: other clients would walk the dots before they ask.
    line = http.client.HTTPConnection("127.0.0.1", alone.ports["public"], timeout=20)
    line.request("GET", path, headers=talk.headers)
    assert line.getresponse().status == 404
    assert alone.binding()["seen"][before:] == []


def test_a_body_without_end_is_cut_off_at_the_secure_page(world: World) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 65536

    # The door may be shut while we still talk.
    with contextlib.suppress(requests.ConnectionError):
        assert requests.post(world.url + "/secure/ticket-2", data=endless(), timeout=20).status_code == 413
    assert sent * 65536 < 8 << 20


def test_readiness_and_the_schema(world: World) -> None:
    ready = requests.get(world.url + "/readyz")
    assert ready.status_code == 200 and ready.json()["checks"]["rasa"]["model"] == "stand-in"
    assert (
        "/api/v1/conversations/{conversation_id}/messages" in requests.get(world.url + "/openapi.json").json()["paths"]
    )
    assert "gateway_turns_total" in requests.get(world.internal + "/metrics").text
    assert requests.get(world.url + "/internal/v1/token").status_code == 404
    home = requests.get(world.url + "/")
    assert home.status_code == 200 and "script-src 'self'" in home.headers["content-security-policy"]
    assert requests.get(world.url + "/%2e%2e/%2e%2e/etc/passwd").status_code == 404
    assert uuid.uuid4().hex not in home.text


def test_built_scripts_travel_gzipped_to_those_who_take_it(world: World) -> None:
    small = requests.get(world.url + "/widget.js", headers={"Accept-Encoding": "gzip"})
    plain = requests.get(world.url + "/widget.js", headers={"Accept-Encoding": "identity"})
    assert small.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert int(small.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert small.text == plain.text and small.headers["content-type"] == plain.headers["content-type"]
    assert small.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert small.headers["content-security-policy"] == plain.headers["content-security-policy"]
