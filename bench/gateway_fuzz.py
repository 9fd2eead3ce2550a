"""Bodies that no client of ours would send, to every door of the gateway: garbage, wrong shapes, and right shapes with odd values.

`Fuzz` knocks at all doors of the public port; `Webhooks` at those that other systems deliver to: signed as they sign, so that the body is what is tried.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import aiohttp
from standardwebhooks.webhooks import Webhook

from gateway.channels.wechat import Crypto
from tests.gateway.apps import AES_KEY, HOOK_SECRET, sign, text
from tests.gateway.conftest import World
from tests.gateway.doors import Door, body_of, doors
from tests.gateway.test_desk import Person

PIECES = [
    *(piece.encode() for piece in '{ } [ ] " : , null true 1e999 -0 "text" "token" "client_id" "message" "chat" "data"'.split()),
    b"\xff", b"\x00", b"\\ud800", b"0" * 30, b"[" * 9000, b"<xml>", b"</xml>", b"<![CDATA[", b"]]>", b"&x;", b"<Content>", "验".encode(),
]  # fmt: skip
ODD: list[Any] = [
    None, True, 0, -1, 10**30, 1.5, "", "/", "/restart", "x" * 3000, "\ud800", "\x00", "\u202e", "493817", "😀", "op_1", "succeeded", [], {}, [[]], {"a": {}},
    "conv_00000000000000000000000000", "4111111111111111", "%00", "../..",
]  # fmt: skip
LIMIT = 24
TALKS = 60
# No answer at all counts as a fault too.
SILENCE = 599


class Fuzz:
    """Sends bodies and counts statuses; `faults` holds what was answered by 500 and above."""

    def __init__(self, world: World) -> None:
        self.world, self.chance, self.faults = world, random.Random(23), []  # type: ignore[var-annotated]
        self.slowest: tuple[float, str] = (0.0, "")
        self.account = world.account()
        self.talks = [world.talk(account=self.account) for _ in range(TALKS)]
        self.person = Person(world, "agent")
        self.cookie = "; ".join(f"{name}={value}" for name, value in self.person.http.cookies.get_dict().items())
        self.doors = [door for door in doors() if door.method in ("POST", "PUT", "DELETE")]
        self.looks = [door for door in doors() if door.method == "GET" and not door.path.startswith("/{")]

    @staticmethod
    def environment(*, aes: bool = False) -> dict[str, str]:
        """Returns what turns every channel on; `aes`: WeChat's safe mode instead of the plain one."""
        return {
            "WECHAT_AES_KEY": AES_KEY if aes else "",
            "TELEGRAM_BOT_TOKEN": "tg:token",
            "TELEGRAM_WEBHOOK_SECRET": "tg-secret",
            "TELEGRAM_API_URL": "http://127.0.0.1:9",
            "WECHAT_TOKEN": "wx-echo",
            "WECHAT_APP_ID": "wxapp",
            "WECHAT_APP_SECRET": "wxsecret",
            "WECHAT_API_URL": "http://127.0.0.1:9",
            "GATEWAY_WEBHOOK_CLIENTS": f"ivr|{HOOK_SECRET}|http://127.0.0.1:9/hook",
        }

    async def run(self, count: int) -> Counter[int]:
        """Sends `count` requests; returns how often each status was answered."""
        statuses: Counter[int] = Counter()
        left = iter(range(count))
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as http:

            async def worker() -> None:
                for number in left:
                    look = number % 10 == 0
                    door = self.chance.choice(self.looks if look else self.doors)
                    raw = None if look else self.raw(door)
                    url, headers = self.envelope(door, raw or b"")
                    status, said, began = SILENCE, "", time.perf_counter()
                    try:
                        async with http.request(door.method, url, data=raw, headers=headers, allow_redirects=False) as got:
                            status = got.status
                            said = (await got.text())[:200] if status >= 500 else ""
                    except (TimeoutError, aiohttp.ClientError) as error:
                        said = repr(error)
                    self.slowest = max(self.slowest, (time.perf_counter() - began, str(door)))
                    statuses[status] += 1
                    if status >= 500:
                        self.faults.append((str(door), status, raw, said))

            await asyncio.gather(*(worker() for _ in range(LIMIT)))
        return statuses

    def odd(self) -> Any:
        """Returns a value that hardly ever fits."""
        return self.chance.choice(ODD)

    def raw(self, door: Door) -> bytes:
        """Returns a body for a door: a third garbage, a third wrong shapes, a third right shapes with odd values."""
        kind = self.chance.randrange(3)
        if kind == 0:
            return b"".join(self.chance.choice(PIECES) for _ in range(self.chance.randrange(12)))
        if door.path.endswith("wechat"):
            inner = text(str(self.odd()).encode("utf-8", "replace").decode()) if kind == 1 else text("x").replace("text", "event")
            return f"<xml><FromUserName>{self.chance.choice([f'o{self.chance.randrange(300)}', '', 'o' * 300])}</FromUserName>{inner}<MsgId>{self.odd()!r}</MsgId></xml>".encode("utf-8", "replace")
        body: Any = body_of(door, customer_token="x" * 40) or self.shape(door)
        if kind == 1 and body:
            body[self.chance.choice(list(body))] = self.odd()
        elif isinstance(body, dict):
            body |= {str(self.chance.choice(["text", "token", "chat", "x", "begin", "message"])): self.odd()}
        return json.dumps(body if self.chance.random() < 0.95 else self.odd()).encode()

    def shape(self, door: Door) -> dict[str, Any]:
        """Returns a right body of a door whose schema the application does not publish."""
        if door.path.endswith("telegram"):
            chat = {"id": self.chance.choice([self.chance.randrange(300), "x", 10**25, None]), "type": "private"}
            return {"update_id": self.chance.randrange(10**6), "message": {"chat": chat, "from": self.odd(), "text": self.odd()}}
        if "webhook" in door.path:
            return {"address": self.chance.choice([f"u-{self.chance.randrange(300)}", "u 1", "u" * 200]), "text": self.odd()}
        return {"cards": [], "account": "x"}

    def envelope(self, door: Door, raw: bytes) -> tuple[str, dict[str, str]]:
        """Returns address and headers: a bearer, cookie or signature that is right, so that the body is what is tried."""
        talk = self.chance.choice(self.talks)
        path = re.sub(r"\{client\}", "ivr", door.path.replace("{conversation_id}", talk.id))
        path = re.sub(r"\{[^}]*\}", self.chance.choice(["x", "%00", "a%2fb", "..", "%ff", "accounts"]), path)
        headers = {"Content-Type": "application/json", "Authorization": "Bearer " + talk.token}
        if "/desk/" in path and door.method != "DELETE":
            headers |= {"Cookie": self.cookie, "X-CSRF-Token": str(self.person.http.headers["X-CSRF-Token"])}
        if path.endswith("telegram"):
            headers["X-Telegram-Bot-Api-Secret-Token"] = "tg-secret"
        if path.endswith("wechat"):
            at = str(int(time.time()))
            path += f"?timestamp={at}&nonce=n&signature={sign('wx-echo', at, 'n')}"
        if "/webhook/" in path:
            headers |= self.signature(HOOK_SECRET, raw)
        if door.method == "GET":
            headers.pop("Content-Type")
        return self.world.url + path, headers

    def signature(self, secret: str, raw: bytes) -> dict[str, str]:
        """Returns the headers of a Standard Webhooks delivery."""
        at, event = datetime.now(UTC), f"e{self.chance.randrange(10**9)}"
        try:
            signed = Webhook(secret).sign(event, at, raw.decode())
        except UnicodeDecodeError:
            signed = "v1,x"
        return {"webhook-id": event, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signed}


class Webhooks(Fuzz):
    """Delivers to the webhooks of messaging apps, other systems, the host's sign-in and binding."""

    EVENTS = Door("POST", "/internal/v1/events")

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.doors = [door for door in self.doors if door.path.startswith(("/channels/", "/bank/"))] + [self.EVENTS]
        self.looks = [door for door in self.looks if door.path.startswith("/channels/")]
        key = world.env["WECHAT_AES_KEY"]
        self.crypto = Crypto(encoding_key=key, app_id="wxapp") if key else None

    def raw(self, door: Door) -> bytes:
        """Returns a body; what WeChat delivers in safe mode is sealed as WeChat seals, now and then broken."""
        raw = super().raw(door)
        if self.crypto is None or not door.path.endswith("wechat") or self.chance.random() < 0.1:
            return raw
        sealed = self.crypto.encrypt(raw)
        if self.chance.random() < 0.1:
            cut = self.chance.randrange(len(sealed))
            sealed = sealed[:cut] + self.chance.choice(["", "=", "é", sealed[::-1]])
        return f"<xml><ToUserName>gh_1</ToUserName><Encrypt>{sealed}</Encrypt></xml>".encode()

    def shape(self, door: Door) -> dict[str, Any]:
        """Returns a right body of a webhook."""
        if door == self.EVENTS:
            operation = {"id": self.odd(), "kind": self.odd(), "status": self.odd(), "target_summary": self.odd()}
            talk = self.chance.choice(self.talks)
            told = {"operation": operation, "account": self.account, "conversation": talk.id}
            return {"type": self.chance.choice(["operation.updated", self.odd()]), "timestamp": "x", "data": told}
        found = super().shape(door)
        if door.path.endswith("telegram") and self.chance.random() < 0.5:
            chat = {"id": self.chance.randrange(300), "type": "private"}
            press = {"id": self.odd(), "from": self.odd(), "data": self.odd(), "message": {"chat": chat}}
            return {"update_id": self.chance.randrange(10**6), self.chance.choice(["callback_query", "x"]): press}
        return found

    def envelope(self, door: Door, raw: bytes) -> tuple[str, dict[str, str]]:
        """Returns address and headers, signed."""
        if door == self.EVENTS:
            return self.world.internal + door.path, self.signature(self.world.env["EVENTS_SECRET"], raw)
        url, headers = super().envelope(door, raw)
        if self.crypto is not None and door.path.endswith("wechat"):
            at = str(int(time.time()))
            sealed = re.search(r"<Encrypt>(.*)</Encrypt>", raw.decode("utf-8", "replace"))
            shown = sign("wx-echo", at, "n", sealed[1] if sealed else "")
            url = f"{url.partition('?')[0]}?timestamp={at}&nonce=n&encrypt_type=aes&msg_signature={shown}"
        return url, headers
