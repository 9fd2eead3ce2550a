"""Secrets typed, pasted and smuggled in through every door: afterwards they are in no log, no table and nothing that Rasa got."""

from __future__ import annotations

import asyncio
import uuid

import psycopg
import requests

from tests.gateway.conftest import Talk, World
from tests.gateway.test_desk import Person
from tests.gateway.test_internal import deliver, event
from tests.gateway.test_streams import socket

CARD, CODE, ID, MOBILE, PASSWORD = "6222021234567893", "730915", "310101199003074514", "13987654321", "Tr0ub4dor&3x"
LINES = [
    CODE,
    f"验证码 {CODE[:3]} {CODE[3:]}",
    f"my code is {CODE}, hurry",
    f"我的卡号是{CARD}，帮我解绑",
    " ".join(CARD[at : at + 4] for at in range(0, 16, 4)),
    f"身份证{ID}",
    f"手机号 {MOBILE} 收不到短信",
    f"密码是{PASSWORD}",
    f"password: {PASSWORD}",
    "/unbind_card" + '{"card_id": "' + CARD + '"}',
]


def everything_stored(world: World) -> str:
    """Returns every row of the database, or every byte of its files."""
    url = world.env["GATEWAY_DATABASE_URL"]
    if not url:
        return b"".join(path.read_bytes() for path in world.home.glob("gateway.sqlite*")).decode("utf-8", "replace")
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return "\n".join(
            str(row[0])
            for (table,) in tables
            for row in connection.execute(f'SELECT row_to_json(t)::text FROM "{table}" t').fetchall()
        )


async def by_socket(world: World, talk: Talk) -> None:
    """Says all of it over a socket."""
    client, _ = await socket(world, talk)
    for line in LINES:
        assert (await client.call("message", {"text": line, "client_id": CARD + line}))["ok"]
    await client.call("press", {"token": CARD, "client_id": PASSWORD})
    await client.disconnect()


def test_no_secret_stays_anywhere(world: World) -> None:
    account = world.account()
    token = world.login(account)
    talk, guest = world.talk(account=account), world.talk()
    bearers = [talk.token, guest.token]
    for line in [*LINES, token, f"我的token是 {token}", "Bearer " + guest.token]:
        for one in (talk, guest):
            assert one.say(line).status_code == 200
    asyncio.run(by_socket(world, talk))
    guest.token = guest.post("/sign-in", {"customer_token": token}).json()["token"]
    bearers.append(guest.token)
    talk.post("/refresh", {"customer_token": token})
    talk.post("/feedback", {"score": 1, "comment": " ".join(LINES)})
    # Where a secret does not belong: ids, addresses, headers, broken bodies, wrong passwords.
    url = f"{world.api}/conversations/{talk.id}/messages"
    for kwargs in (
        {"params": {"after": CARD, "token": token}},
        {
            "headers": talk.headers
            | {"X-Request-Id": CARD, "User-Agent": token, "Accept-Language": CARD, "Cookie": token}
        },
        {"headers": {"Authorization": "Bearer " + token}},
    ):
        requests.get(url, **kwargs)
    for path in (
        f"/{CARD}",
        f"/secure/{token}",
        f"/secure/{CARD}",
        f"/api/v1/conversations/{CARD}/messages",
        f"/channels/link/{token}",
    ):
        requests.get(world.url + path)
    requests.post(url, data=f'{{"text": "{CARD}', headers=talk.headers)
    requests.post(url, json={"text": [CARD], "client_id": PASSWORD}, headers=talk.headers)
    requests.post(world.url + "/api/desk/v1/session", json={"username": "agent", "password": PASSWORD})
    # A person's side, and what binding tells meanwhile.
    talk.say("a person please " + CARD)
    agent = Person(world, "agent")
    agent.post(f"/conversations/{talk.id}/take")
    for line in LINES:
        assert talk.say(line).status_code == 200
        for path, body in (("messages", {"text": line, "client_id": uuid.uuid4().hex}), ("notes", {"text": line})):
            assert agent.post(f"/conversations/{talk.id}/{path}", body).status_code == 201
    assert deliver(world, event(talk, account)).status_code == 204
    agent.post(f"/conversations/{talk.id}/hand-back")
    # A Rasa that fails while it holds a secret, and the same message again.
    world.rasa(mode="error")
    assert talk.say(LINES[3], "again").status_code == 503
    world.rasa(mode="ok")
    assert talk.say(LINES[3], "again").status_code == 200

    seen = [turn for turn in world.rasa()["seen"] if turn["conversation_id"] in (talk.id, guest.id)]
    assert sum(len(turn["code_refs"]) for turn in seen) >= 9 and len(seen) > 30
    for turn in seen:
        turn["code_refs"] = []
        (turn["command"] or {}).pop("code_ref", None)
    stored = everything_stored(world)
    assert talk.id in stored and "[card ending 7893]" in stored
    spaced = [" ".join(CARD[at : at + 4] for at in range(0, 16, 4)), CODE[:3] + " " + CODE[3:]]
    signature = token.rpartition(".")[2]
    for secret in (CARD, CODE, ID, MOBILE, PASSWORD, *spaced, signature, *bearers, guest.token):
        for place, text in (
            ("log", world.log_text()),
            ("database", stored),
            ("Rasa", str(seen)),
            ("history", str(talk.history()) + str(guest.history())),
            ("desk", agent.get(f"/conversations/{talk.id}").text),
        ):
            assert secret not in text, (secret, place)
