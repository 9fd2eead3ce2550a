"""The customers' side of the messaging apps: deliveries as the platforms make them, signed as they sign."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import requests
from standardwebhooks.webhooks import Webhook

from gateway.channels.wechat import Crypto
from tests.gateway.conftest import World

HOOK_SECRET = "whsec_" + "aG9vay1zZWNyZXQtb2YtdGVzdHMtMTIzNDU2"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
numbers = itertools.count(1000)


class Apps:
    """The customers' side of the messaging apps."""

    def __init__(self, world: World, *, aes: bool) -> None:
        self.world, self.crypto = world, Crypto(encoding_key=AES_KEY, app_id="wxapp") if aes else None

    def control(self, **mode: Any) -> dict[str, Any]:
        """Sets what the platforms do; returns what they got."""
        url = f"http://127.0.0.1:{self.world.ports['platforms']}/control"
        return (requests.post(url, json=mode, timeout=5) if mode else requests.get(url, timeout=5)).json()

    def sent(self, to: str, whom: Any) -> list[dict[str, Any]]:
        """Returns what somebody got."""
        found = [one for one in self.control()["sent"] if one["to"] == to]
        return [
            one
            for one in found
            if whom in (one.get("chat_id"), one.get("touser"), (one.get("data") or {}).get("address"))
        ]

    def telegram(
        self, chat: int, *, update: int | None = None, secret: str = "tg-secret", **content: Any
    ) -> requests.Response:
        """Delivers an update as Telegram does."""
        sender = {"id": chat, "is_bot": False, "language_code": "en"}
        if "data" in content:
            body: dict[str, Any] = {
                "callback_query": {
                    "id": "q1",
                    "from": sender,
                    "data": content["data"],
                    "message": {"message_id": 1, "chat": {"id": chat, "type": "private"}},
                }
            }
        else:
            body = {
                "message": {
                    "message_id": 1,
                    "from": sender,
                    "chat": {"id": chat, "type": content.pop("type", "private")},
                    **content,
                }
            }
        body["update_id"] = update or next(numbers)
        return requests.post(
            self.world.url + "/channels/telegram",
            json=body,
            headers={"X-Telegram-Bot-Api-Secret-Token": secret},
            timeout=20,
        )

    def wechat(
        self, sender: str, xml: str, *, token: str = "wx-echo", message: int | None = None, age: int = 0
    ) -> requests.Response:
        """Delivers a message as WeChat does, in AES mode when it is on; `age`: seconds since it was signed."""
        inner = f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{sender}</FromUserName><CreateTime>1</CreateTime>{xml}<MsgId>{message or next(numbers)}</MsgId></xml>"
        at, nonce = str(int(time.time()) - age), "n1"
        params = {"timestamp": at, "nonce": nonce, "signature": sign(token, at, nonce)}
        if self.crypto:
            encrypted = self.crypto.encrypt(inner.encode())
            inner = f"<xml><ToUserName>gh_1</ToUserName><Encrypt>{encrypted}</Encrypt></xml>"
            params |= {"msg_signature": sign(token, at, nonce, encrypted), "encrypt_type": "aes"}
        return requests.post(self.world.url + "/channels/wechat", params=params, data=inner.encode(), timeout=20)

    def hook(self, body: Any, *, event: str | None = None, secret: str = HOOK_SECRET) -> requests.Response:
        """Delivers a signed webhook."""
        raw, at, event = json.dumps(body), datetime.now(UTC), event or uuid.uuid4().hex
        headers = {
            "webhook-id": event,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(event, at, raw),
            "Content-Type": "application/json",
        }
        return requests.post(self.world.url + "/channels/webhook/ivr", data=raw, headers=headers, timeout=20)


def sign(*parts: str) -> str:
    """Signs as WeChat does."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def text(content: str) -> str:
    """Returns the XML of a text message."""
    return f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content>"
