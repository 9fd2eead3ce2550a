"""A stand-in for a company's identity provider (OpenID Connect). `python issuer.py PORT`; `POST /control` sets the claims or what is wrong."""

from __future__ import annotations

import base64
import hashlib
import sys
import time
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

USUAL = {"sub": "u-1", "name": "Wang Fang", "preferred_username": "wangfang", "realm_access": {"roles": ["supervisor"]}}


class Issuer:
    """Signs people in without asking anybody; strict about its protocol."""

    def __init__(self, url: str) -> None:
        self.url, self.keys = url, [RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})]
        self.orders: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}

    async def control(self, request: web.Request) -> web.Response:
        """Takes orders: `claims` over the usual ones, `sign_with: other|none`, `turn_keys`."""
        if request.method == "POST":
            self.orders = await request.json()
            if self.orders.pop("turn_keys", None):
                self.keys = [RSAKey.generate_key(2048, {"kid": "second", "use": "sig", "alg": "RS256"})]
        return web.json_response({"codes": len(self.codes)})

    async def configuration(self, _: web.Request) -> web.Response:
        """Publishes the endpoints."""
        return web.json_response(
            {
                "issuer": self.orders.get("issuer", self.url),
                "authorization_endpoint": self.url + "/authorize",
                "token_endpoint": self.url + "/token",
                "jwks_uri": self.url + "/jwks",
            }
        )

    async def jwks(self, _: web.Request) -> web.Response:
        """Publishes the keys."""
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def authorize(self, request: web.Request) -> web.Response:
        """Sends the browser back with a code."""
        asked = dict(request.query)
        assert (
            asked["response_type"] == "code" and asked["code_challenge_method"] == "S256" and "openid" in asked["scope"]
        )
        code = hashlib.sha256(repr((asked, time.time())).encode()).hexdigest()
        self.codes[code] = asked
        raise web.HTTPSeeOther(asked["redirect_uri"] + "?" + urlencode({"code": code, "state": asked["state"]}))

    async def token(self, request: web.Request) -> web.Response:
        """Gives a token for a code, once, to who began the flow."""
        form = await request.post()
        asked = self.codes.pop(str(form["code"]), None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest()).rstrip(b"=").decode()
        )
        client = base64.b64encode(b"desk:s3cret").decode()
        if (
            asked is None
            or challenge != asked["code_challenge"]
            or request.headers.get("Authorization") != "Basic " + client
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        at = int(time.time())
        claims = USUAL | {
            "iss": self.url,
            "aud": asked["client_id"],
            "iat": at,
            "exp": at + 300,
            "nonce": asked["nonce"],
        }
        claims |= self.orders.get("claims", {})
        key = (
            RSAKey.generate_key(2048, {"kid": self.keys[0].kid})
            if self.orders.get("sign_with") == "other"
            else self.keys[0]
        )
        token = jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)
        return web.json_response({"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": token})


def main() -> None:
    """Serves it."""
    port = int(sys.argv[1])
    issuer, app = Issuer(f"http://127.0.0.1:{port}"), web.Application()
    app.router.add_route("*", "/control", issuer.control)
    app.router.add_get("/.well-known/openid-configuration", issuer.configuration)
    app.router.add_get("/jwks", issuer.jwks)
    app.router.add_get("/authorize", issuer.authorize)
    app.router.add_post("/token", issuer.token)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main()
