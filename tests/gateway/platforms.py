"""A stand-in of the messaging platforms' own APIs that holds the gateway to their published rules. `python platforms.py PORT`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class Platforms:
    """Telegram's Bot API, WeChat's customer-service API and a receiver of signed webhooks."""

    def __init__(self) -> None:
        self.open = 0
        self.sent: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.tokens: list[str] = []
        self.forced = 0
        self.mode: dict[str, Any] = {}
        self.quota: dict[str, int] = {}
        self.seen_webhooks: set[str] = set()

    async def control(self, request: web.Request) -> web.Response:
        """Sets behaviour or tells what was sent."""
        if request.method == "POST":
            self.mode = await request.json()
            if self.mode.pop("revoke", False):
                self.tokens.append("revoked")
            self.quota |= self.mode.pop("quota", {})
        return web.json_response({"sent": self.sent, "faults": self.faults, "forced": self.forced, "open": self.open})

    async def telegram(self, request: web.Request) -> web.Response:
        """Answers `sendMessage` and `answerCallbackQuery` as the Bot API documents them."""
        if request.match_info["token"] != "tg:token":
            return web.json_response({"ok": False, "error_code": 401, "description": "Unauthorized"}, status=401)
        body = await request.json()
        if self.mode.get("telegram") == "down":
            return web.json_response({"ok": False, "error_code": 502, "description": "Bad Gateway"}, status=502)
        if self.mode.get("telegram") == "flood":
            self.mode = {}
            return web.json_response(
                {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 1}},
                status=429,
            )
        if self.mode.get("telegram") == "slow":
            await self._held("telegram", "slow")
        if body.get("chat_id") == 403 or self.mode.get("telegram") == "blocked":
            return web.json_response(
                {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}, status=403
            )
        if request.match_info["method"] == "sendMessage":
            if not 1 <= len(body["text"].encode("utf-16-le")) // 2 <= 4096:
                self.faults.append("text length")
            for row in (body.get("reply_markup") or {"inline_keyboard": []})["inline_keyboard"]:
                for button in row:
                    if not 1 <= len(button.get("callback_data", "x").encode()) <= 64 or ("url" in button) == (
                        "callback_data" in button
                    ):
                        self.faults.append("inline button")
        self.sent.append({"to": "telegram", "method": request.match_info["method"], **body})
        return web.json_response({"ok": True, "result": {"message_id": len(self.sent)}})

    async def _held(self, name: str, mode: str) -> None:
        """Keeps a request waiting while the mode lasts."""
        self.open += 1
        while self.mode.get(name) == mode:
            await asyncio.sleep(0.02)
        self.open -= 1

    async def token(self, request: web.Request) -> web.Response:
        """Gives WeChat's stable token."""
        body = await request.json()
        if (body["appid"], body["secret"]) != ("wxapp", "wxsecret"):
            return web.json_response({"errcode": 40013, "errmsg": "invalid appid"})
        self.forced += body["force_refresh"]
        if not self.tokens or self.tokens[-1] == "revoked":
            self.tokens.append(f"wx-token-{len(self.tokens)}")
        return web.json_response({"access_token": self.tokens[-1], "expires_in": 7200})

    async def openid(self, request: web.Request) -> web.Response:
        """Tells who came back from the sign-in page: the code names them."""
        query = request.query
        if (query["appid"], query["secret"], query["grant_type"]) != ("wxapp", "wxsecret", "authorization_code"):
            self.faults.append("oauth")
        if not query["code"].startswith("code-"):
            return web.json_response({"errcode": 40029, "errmsg": "invalid code"})
        return web.json_response({"openid": query["code"].removeprefix("code-"), "scope": "snsapi_base"})

    async def custom(self, request: web.Request) -> web.Response:
        """Takes a customer-service message: token, window and quota are checked."""
        raw = await request.read()
        body = json.loads(raw)
        if self.mode.get("break_at") and self.mode["break_at"] in raw.decode():
            del self.mode["break_at"]
            return web.Response(status=502)
        if b"\\u" in raw:
            self.faults.append("escaped text reaches the customer escaped")
        if request.query.get("access_token") != (self.tokens[-1] if self.tokens else None):
            return web.json_response(
                {"errcode": 40001, "errmsg": "invalid credential, access_token is invalid or not latest"}
            )
        left = self.quota.setdefault(body["touser"], 5)
        if left <= 0:
            return web.json_response({"errcode": 45047, "errmsg": "out of response count limit"})
        self.quota[body["touser"]] = left - 1
        text = body["text"]["content"] if body["msgtype"] == "text" else body["msgmenu"]["head_content"]
        if len(text.encode()) > 2048:
            self.faults.append("text length")
        self.sent.append({"to": "wechat", **body})
        return web.json_response({"errcode": 0, "errmsg": "ok"})

    async def hook(self, request: web.Request) -> web.Response:
        """Takes a signed webhook."""
        raw = await request.text()
        try:
            Webhook("whsec_" + "aG9vay1zZWNyZXQtb2YtdGVzdHMtMTIzNDU2").verify(raw, dict(request.headers))
        except WebhookVerificationError:
            self.faults.append("signature")
        if self.mode.get("hook") in ("down", "gone"):
            return web.Response(status=500 if self.mode["hook"] == "down" else 410)
        await self._held("hook", "hang")
        if request.headers["webhook-id"] not in self.seen_webhooks:
            self.seen_webhooks.add(request.headers["webhook-id"])
            self.sent.append({"to": "hook", **json.loads(raw)})
        return web.Response(status=204)


def main() -> None:
    """Serves."""
    platforms, app = Platforms(), web.Application()
    app.router.add_route("*", "/control", platforms.control)
    app.router.add_post("/bot{token}/{method}", platforms.telegram)
    app.router.add_post("/cgi-bin/stable_token", platforms.token)
    app.router.add_post("/cgi-bin/message/custom/send", platforms.custom)
    app.router.add_get("/sns/oauth2/access_token", platforms.openid)
    app.router.add_post("/hook", platforms.hook)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
