"""WeChat Official Account: signed XML in (plain or AES), customer-service messages out.

Rules of the platform: answer within 5 s (we answer `success` at once), three deliveries of one message (known by MsgId), at most 5
customer-service messages per customer message within 48 h (so one bubble per turn), errors 45015 and 45047 past that.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import secrets
import struct
import time
from typing import Annotated, Any
from xml.etree import ElementTree

import aiohttp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse

from gateway import words
from gateway.api.customers import services_of
from gateway.channels.base import DeliveryFailed, Incoming, Parts, pieces, receive
from gateway.problems import Problem
from gateway.routes import Route
from gateway.services import Services

router = APIRouter(route_class=Route, tags=["channels"])
LONGEST_BYTES = 2000
# The platform gives up after fifteen seconds; the rest is for clocks that differ.
SIGNED_FOR_S = 600
TOKEN_GONE = (40001, 40014, 42001)
PERMANENT = (40003, 40013, 43004, 45015, 45047, 48001, 50005)


def signature(*parts: str) -> str:
    """Returns WeChat's signature over its parts."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


class Crypto:
    """AES mode: 256-bit CBC with the key's first block as IV; `random(16) length(4) message appid`, padded to 32."""

    def __init__(self, *, encoding_key: str, app_id: str) -> None:
        self._key = base64.b64decode(encoding_key + "=")
        if len(self._key) != 32:
            raise ValueError("WECHAT_AES_KEY must be the 43 characters of EncodingAESKey")
        self._app_id = app_id.encode()

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))

    def decrypt(self, encrypted: str) -> bytes:
        """Returns the message; raises ValueError when it is not for this app or broken."""
        raw = base64.b64decode(encrypted, validate=True)
        decryptor = self._cipher().decryptor()
        plain = decryptor.update(raw) + decryptor.finalize()
        count = plain[-1] if plain else 0
        # Another's key leaves noise that may look padded: what is left must still hold the nonce and the length.
        if not 1 <= count <= min(32, len(plain) - 20) or plain[-count:] != bytes([count]) * count:
            raise ValueError("padding")
        plain = plain[:-count]
        (length,) = struct.unpack(">I", plain[16:20])
        if length > len(plain) - 20 or not hmac.compare_digest(plain[20 + length :], self._app_id):
            raise ValueError("app id")
        return plain[20 : 20 + length]

    def encrypt(self, message: bytes) -> str:
        """Returns the message as the platform would send it, and as it wants answers on the spot."""
        plain = secrets.token_bytes(16) + struct.pack(">I", len(message)) + message + self._app_id
        count = 32 - len(plain) % 32
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([count]) * count) + encryptor.finalize()).decode()


class WeChat:
    """Sends customer-service messages with a token that all gateways share (stable_token)."""

    name, merges = "wechat", True

    def __init__(self, services: Services) -> None:
        self.services, self.parts = services, Parts()
        self._token, self._until = "", 0.0
        self._lock = asyncio.Lock()
        settings = services.settings
        self.crypto = (
            Crypto(encoding_key=settings.wechat_aes_key, app_id=settings.wechat_app_id or "")
            if settings.wechat_aes_key
            else None
        )

    async def token(self, *, refused: str = "") -> str:
        """Returns the access token, a new one when the old is over or was refused."""
        async with self._lock:
            if self._token and self._token != refused and time.monotonic() < self._until:
                return self._token
            found = await self._fetch(anew=False)
            if refused and found["access_token"] == refused:
                # Not just turned by another gateway: only then is it made anew, which ends the old one for everybody (20 times a day).
                found = await self._fetch(anew=True)
            self._token, self._until = (
                found["access_token"],
                time.monotonic() + max(30, int(found.get("expires_in", 7200)) - 120),
            )
            return self._token

    async def _fetch(self, *, anew: bool) -> dict[str, Any]:
        settings = self.services.settings
        body = {
            "grant_type": "client_credential",
            "appid": settings.wechat_app_id,
            "secret": settings.wechat_app_secret,
            "force_refresh": anew,
        }
        found = await self._post("/cgi-bin/stable_token", body)
        if "access_token" not in found:
            raise DeliveryFailed(f"wechat token {found.get('errcode')}")
        return found

    async def openid(self, code: str) -> str | None:
        """Returns who came back from WeChat's own sign-in page with this code, None for a code that is not good."""
        settings = self.services.settings
        params = {"appid": settings.wechat_app_id or "", "secret": settings.wechat_app_secret or "", "code": code}
        try:
            async with self.services.session.get(
                settings.wechat_api + "/sns/oauth2/access_token",
                params=params | {"grant_type": "authorization_code"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=10),
            ) as answer:
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise Problem("assistant_unavailable", headers={"Retry-After": "3"}) from None
        shown = found.get("openid") if isinstance(found, dict) else None
        return shown if isinstance(shown, str) else None

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        # The platform shows \\uXXXX escapes to customers as they are, so the text goes as UTF-8.
        raw = json.dumps(body, ensure_ascii=False).encode()
        try:
            url = self.services.settings.wechat_api + path
            async with self.services.session.post(
                url,
                data=raw,
                headers={"Content-Type": "application/json"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=10),
            ) as answer:
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise DeliveryFailed("wechat unreachable") from None
        if not isinstance(found, dict):
            raise DeliveryFailed("wechat answered nonsense")
        return found

    async def deliver(self, *, address: str, messages: list[dict[str, Any]], language: str) -> None:
        """Sends the messages of a turn as one: a menu when there is something to press, else a text; more only when it is too long for one."""
        bodies = [{"touser": address, **body} for body in contents(messages, language=language)]
        await self.parts.send(messages[0]["id"], bodies, self._send)

    async def _send(self, body: dict[str, Any]) -> None:
        token = await self.token()
        for attempt in range(2):
            found = await self._post(f"/cgi-bin/message/custom/send?access_token={token}", body)
            code = found.get("errcode", 0)
            if code == 0:
                return
            if code in TOKEN_GONE and attempt == 0:
                token = await self.token(refused=token)
                continue
            raise DeliveryFailed(f"wechat {code}: {found.get('errmsg', '')}", permanent=code in PERMANENT)


def contents(messages: list[dict[str, Any]], *, language: str) -> list[dict[str, Any]]:
    """Returns the message bodies for a turn's replies, nearly always one; links stand in the text, the last buttons become a menu."""
    lines = []
    for message in messages:
        lines.append(message["text"])
        lines += [f"{button['title']}: {button['link']}" for button in message["buttons"] if "link" in button]
    *before, text = pieces(
        "\n\n".join(line for line in lines if line) or "…", most=LONGEST_BYTES, size=lambda one: len(one.encode())
    )
    found: list[dict[str, Any]] = [{"msgtype": "text", "text": {"content": piece}} for piece in before]
    presses = [button for button in messages[-1]["buttons"] if "token" in button]
    if not presses:
        return [*found, {"msgtype": "text", "text": {"content": text}}]
    menu = {
        "head_content": text,
        "list": [{"id": button["token"], "content": button["title"]} for button in presses],
        "tail_content": "" if language == "zh" else " ",
    }
    return [*found, {"msgtype": "msgmenu", "msgmenu": menu}]


def xml_of(**values: str) -> str:
    """Returns the platform's flat XML."""
    root = ElementTree.Element("xml")
    for name, value in values.items():
        ElementTree.SubElement(root, name).text = value
    return ElementTree.tostring(root, encoding="unicode")


def parse(raw: bytes) -> dict[str, str]:
    """Returns the fields of the platform's flat XML; refuses document types, which it never sends, in whatever encoding they hide."""
    try:
        text = raw.decode("utf-8-sig")
        # A zero byte is how UTF-16 looks from here, and no character of XML.
        if "\0" in text or re.search(r"<!(DOCTYPE|ENTITY)", text, re.I):
            raise ValueError("document type")
        root = ElementTree.fromstring(text)  # noqa: S314 - no document type, so no entities
    except (ElementTree.ParseError, ValueError, LookupError):
        raise Problem("malformed_json", "The body is not the XML that was expected.") from None
    return {child.tag: child.text or "" for child in root}


def incoming_of(fields: dict[str, str]) -> Incoming | None:
    """Returns what a delivery says; None for events that need no answer."""
    sender, kind = fields.get("FromUserName", ""), fields.get("MsgType", "")
    if not re.fullmatch(r"[\w-]{1,100}", sender, re.A):
        return None
    event, chosen = fields.get("Event", "").lower(), fields.get("EventKey", "")
    key = (
        f"wechat:{fields['MsgId']}"
        if fields.get("MsgId")
        else f"wechat:{sender}:{fields.get('CreateTime')}:{event}:{chosen}"
    )
    common: dict[str, Any] = {"channel": "wechat", "address": sender, "key": key[:400]}
    if kind == "event":
        if event in ("subscribe", "scan"):
            return Incoming(**common, begin=True)
        return Incoming(**common, text=chosen.removeprefix("text:")) if event == "click" and chosen else None
    if kind == "text" and fields.get("bizmsgmenuid"):
        return Incoming(**common, button=fields["bizmsgmenuid"])
    return Incoming(**common, text=fields.get("Content", "") if kind == "text" else fields.get("Recognition", ""))


def _adapter(services: Services) -> WeChat:
    adapter = services.courier.adapters.get("wechat")
    if not isinstance(adapter, WeChat):
        raise Problem("not_found")
    return adapter


Q = Annotated[str, Query(max_length=500)]


def _same(shown: str, *parts: str, at: str | None = None) -> None:
    """Holds a signature against its parts, and against the clock: in plain mode it says nothing of the body, so one that was seen once must not serve for ever."""
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), signature(*parts).encode()):
        raise Problem("signature_invalid")
    if at is not None and not (at.isascii() and at.isdigit() and abs(time.time() - int(at[:12])) <= SIGNED_FOR_S):
        raise Problem("signature_invalid", "The timestamp is too old, or this clock is wrong.")


@router.get("/channels/wechat", response_class=PlainTextResponse)
async def echo(request: Request, timestamp: Q = "", nonce: Q = "", echostr: Q = "") -> PlainTextResponse:
    """Proves to the platform that this address is ours."""
    services = services_of(request)
    _adapter(services)
    _same(request.query_params.get("signature", ""), services.settings.wechat_token or "", timestamp, nonce)
    return PlainTextResponse(echostr)


@router.post("/channels/wechat", response_class=PlainTextResponse)
async def webhook(request: Request, timestamp: Q = "", nonce: Q = "") -> PlainTextResponse:
    """Takes a message or event in; `success` goes back at once, the answer follows by the customer-service API."""
    services = services_of(request)
    adapter, token = _adapter(services), services.settings.wechat_token or ""
    raw = await request.body()
    fields = parse(raw) if raw else {}
    if adapter.crypto is not None:
        _same(
            request.query_params.get("msg_signature", ""),
            token,
            timestamp,
            nonce,
            fields.get("Encrypt", ""),
            at=timestamp,
        )
        try:
            fields = parse(adapter.crypto.decrypt(fields["Encrypt"]))
        except (ValueError, KeyError):
            raise Problem("signature_invalid") from None
    else:
        _same(request.query_params.get("signature", ""), token, timestamp, nonce, at=timestamp)
    incoming = incoming_of(fields)
    if incoming is not None:
        try:
            await receive(services, incoming)
        except Problem as problem:
            if problem.status != 429:
                raise
            # Too fast: said on the spot, since the platform would not tell.
            return _answered(adapter, fields, words.one("too_many_requests", "zh"), token=token, nonce=nonce)
    return PlainTextResponse("success")


def _answered(adapter: WeChat, fields: dict[str, str], text: str, *, token: str, nonce: str) -> PlainTextResponse:
    """Returns an answer on the spot; it costs nothing of the quota."""
    to, of, at = fields.get("FromUserName", ""), fields.get("ToUserName", ""), str(int(time.time()))
    xml = xml_of(ToUserName=to, FromUserName=of, CreateTime=at, MsgType="text", Content=text)
    if adapter.crypto is not None:
        encrypted = adapter.crypto.encrypt(xml.encode())
        signed = signature(token, at, nonce, encrypted)
        xml = xml_of(Encrypt=encrypted, MsgSignature=signed, TimeStamp=at, Nonce=nonce)
    return PlainTextResponse(xml, media_type="text/xml")
