"""The host site's keys by address (HOST_JWKS_URL): read over HTTP, turned without a restart, kept when the address is down."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from joserfc.jwk import ECKey, KeySet, OKPKey

from gateway import settings
from gateway.identity.customer_jwt import HostTokens, TokenInvalid
from tests.gateway.test_identity import claims, signed
from tests.gateway.test_settings import production


class Host:
    """The host site's JWKS address."""

    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.reads, self.status, self.raw = 0, 200, ""

    async def jwks(self, _: web.Request) -> web.Response:
        """Answers the public keys."""
        self.reads += 1
        if self.status != 200 or self.raw:
            return web.Response(status=self.status, text=self.raw)
        return web.json_response(KeySet(self.keys).as_dict(private=False))


@pytest.fixture
async def host(tmp_path: pathlib.Path) -> AsyncIterator[tuple[Host, HostTokens]]:
    """A served JWKS and the gateway's reader of it."""
    site, app = Host(), web.Application()
    app.router.add_get("/jwks", site.jwks)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    port = runner.addresses[0][1]
    found = dataclasses.replace(settings.load(production(tmp_path)), host_jwks_url=f"http://127.0.0.1:{port}/jwks")
    async with aiohttp.ClientSession() as session:
        yield site, HostTokens(found, session)
    await runner.cleanup()


def ec(kid: str) -> ECKey:
    """Makes a key of the host site."""
    return ECKey.generate_key("P-256", {"kid": kid, "alg": "ES256", "use": "sig"})


async def refused(tokens: HostTokens, token: str) -> bool:
    """Tells whether a token proves nothing."""
    try:
        await tokens.account(token)
    except TokenInvalid:
        return True
    return False


async def test_keys_are_read_once_and_turned_without_a_restart(host: tuple[Host, HostTokens]) -> None:
    site, tokens = host
    old, new = ec("old"), OKPKey.generate_key("Ed25519", {"kid": "new", "alg": "EdDSA", "use": "sig"})
    site.keys = [old]
    for _ in range(3):
        assert await tokens.account(signed(old, "ES256", claims(), kid="old")) == "acct_1"
    assert site.reads == 1
    site.keys = [old, new]
    # Made-up keys cannot make the gateway hammer the address.
    for _ in range(3):
        assert await refused(tokens, signed(ec("x"), "ES256", claims(), kid="x"))
    assert site.reads == 1
    tokens._read_at -= 31
    assert await tokens.account(signed(new, "EdDSA", claims(), kid="new")) == "acct_1"
    assert await tokens.account(signed(old, "ES256", claims(), kid="old")) == "acct_1" and site.reads == 2
    site.keys = [new]
    tokens._read_at -= 601
    assert await refused(tokens, signed(old, "ES256", claims(), kid="old")) and site.reads == 3


async def test_known_keys_stay_while_the_address_is_down(host: tuple[Host, HostTokens]) -> None:
    site, tokens = host
    key = ec("k")
    site.keys, site.status = [key], 503
    assert await refused(tokens, signed(key, "ES256", claims(), kid="k"))
    site.status = 200
    tokens._read_at -= 3
    assert await tokens.account(signed(key, "ES256", claims(), kid="k")) == "acct_1"
    for site.status, site.raw in ((500, ""), (200, "not json"), (200, "[]"), (200, '{"keys": [{"kty": "?"}]}')):
        tokens._read_at -= 601
        reads = site.reads
        assert await tokens.account(signed(key, "ES256", claims(), kid="k")) == "acct_1" and site.reads == reads + 1
