"""Stand-ins for Rasa and binding that hold the gateway to docs/interfaces.md; each is a process of its own.

`python standins.py rasa|binding PORT`. What they saw is at `GET /control`, what they do is set by `POST /control`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import pathlib
import sys
from typing import Any

import aiohttp
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet

TURN_FIELDS = {
    "conversation_id",
    "turn_id",
    "language",
    "pinned",
    "channel",
    "signed_in",
    "text",
    "code_refs",
    "command",
    "notices",
    "again",
}
COMMANDS = {"press", "submit_code", "signed_in", "session_started", "operation_event", "handed_back", "closed"}


class Rasa:
    """Answers turns: remembers turn ids, refuses a second turn of one conversation, breaks when told to."""

    def __init__(self) -> None:
        self.mode: dict[str, Any] = {"mode": "ok"}
        self.seen: list[dict[str, Any]] = []
        self.ran: dict[str, int] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.running: dict[str, str] = {}
        self.faults: list[str] = []
        self.traces: list[str | None] = []

    async def control(self, request: web.Request) -> web.Response:
        """Sets the behaviour, or tells what was seen."""
        if request.method == "POST":
            self.mode = await request.json()
        return web.json_response({"seen": self.seen, "ran": self.ran, "faults": self.faults, "traces": self.traces})

    async def ready(self, _: web.Request) -> web.Response:
        """Says that a model is loaded."""
        return web.json_response({"ready": True, "model": "stand-in"})

    async def turn(self, request: web.Request) -> web.Response:
        """Runs one turn."""
        if request.headers.get("Authorization") != "Bearer " + os.environ["RASA_CHANNEL_TOKEN"]:
            return web.json_response({"code": "unauthenticated"}, status=401)
        if self.mode["mode"] == "loading":
            return web.json_response({"code": "not_ready"}, status=503)
        body = await request.json()
        self._hold(body)
        conversation, turn = body["conversation_id"], body["turn_id"]
        if turn in self.answers:
            return web.json_response(self.answers[turn])
        if conversation in self.running:
            if self.running[conversation] != turn:
                self.faults.append(f"two turns at once in {conversation}")
            return web.json_response({"code": "turn_running"}, status=409)
        self.seen.append(body)
        self.traces.append(request.headers.get("traceparent"))
        self.running[conversation] = turn
        try:
            if (body["command"] or {}).get("name") != "session_started" or self.mode.get("greeting"):
                if self.mode["mode"] == "error":
                    return web.json_response({"code": "turn_failed"}, status=500)
                if self.mode["mode"] == "broken":
                    return web.Response(text="not json")
                await asyncio.shield(asyncio.sleep(self.mode.get("delay", 0)))
            self.ran[turn] = self.ran.get(turn, 0) + 1
            answer = await self._answer(body)
            self.answers[turn] = answer
            return web.json_response(answer)
        finally:
            self.running.pop(conversation, None)

    async def suggest(self, request: web.Request) -> web.Response:
        """Understands nothing of a line, and says so."""
        parse = {"intent": "nlu_fallback", "confidence": 0.1, "ranking": [], "entities": [], "language": "zh"}
        body = {"language": "zh", "parse": parse, "answers": [], "always": {}, "mood": {"name": "neutral", "words": []}}
        return web.json_response(body)

    def _hold(self, body: dict[str, Any]) -> None:
        if set(body) - TURN_FIELDS:
            self.faults.append(f"unknown fields {set(body) - TURN_FIELDS}")
        command = body["command"]
        if (body["text"] is None) == (command is None):
            self.faults.append("neither or both of text and command")
        if command and command["name"] not in COMMANDS:
            self.faults.append("unknown command")
        if body["text"] is not None and (body["text"].strip().startswith("/") or not body["text"].strip()):
            self.faults.append("a slash payload got through")
        if body["language"] not in ("zh", "en") or not all(ref.startswith("code_") for ref in body["code_refs"]):
            self.faults.append("language or code_refs")

    async def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        text, command = body["text"] or "", body["command"] or {}
        name, replies = command.get("name"), []
        ref = {"conversation_id": body["conversation_id"], "turn_id": body["turn_id"]}
        language = "en" if text.isascii() and text else body["language"]
        if name == "session_started":
            replies = [{"text": "您好" if body["language"] == "zh" else "Hello"}]
        elif name == "submit_code":
            status, opened = await self._gateway("/internal/v1/codes/open", ref | {"code_ref": command["code_ref"]})
            again, _ = await self._gateway("/internal/v1/codes/open", ref | {"code_ref": command["code_ref"]})
            replies = [
                {
                    "text": f"code {status} {hashlib.sha256(opened.get('code', '').encode()).hexdigest()[:12]} again {again}"
                }
            ]
        elif name == "operation_event":
            replies = [
                {
                    "text": f"operation {command['operation']['status']}",
                    "card": {"type": "operation", "id": command["operation"]["id"]},
                }
            ]
        elif name:
            replies = [{"text": f"{name} {command.get('title', '')} {json.dumps(command.get('entities', []))}".strip()}]
        elif "who am i" in text:
            status, found = await self._gateway("/internal/v1/token", ref)
            replies = [
                {
                    "text": f"token {status} {claims(found['token'])['sub']}"
                    if status == 200
                    else f"token {status} {found['code']}"
                }
            ]
        elif "person" in text:
            _, found = await self._gateway(
                "/internal/v1/handoff",
                ref | {"reason": "fraud" if "fraud" in text else "requested", "summary": "卡号 4111111111111111"},
            )
            replies = [{"text": f"handoff {found['mode']} {found.get('position')}"}]
        elif "buttons" in text:
            command = {"intent": "inform", "entities": [{"entity": "card_id", "value": "card_1"}]}
            replies = [
                {
                    "text": "which?",
                    "buttons": [
                        {"title": "招商银行 1234", "command": command},
                        {"title": "no", "command": {"intent": "deny", "entities": []}},
                        {"title": "page", "url": "/secure/t1"},
                        {"title": "evil", "url": "https://evil.example"},
                        {"title": "sign in", "action": "sign_in"},
                    ],
                }
            ]
        else:
            replies = (
                [{"text": "echo: " + text}, {"text": "second"}] if "twice" in text else [{"text": "echo: " + text}]
            )
        return {
            "language": language,
            "pinned": False,
            "replies": replies,
            "parse": {"intent": "x", "confidence": 1.0, "ranking": [], "entities": [], "language": language},
        }

    async def _gateway(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": "Bearer " + os.environ["ACTIONS_TOKEN"]}
        async with (
            aiohttp.ClientSession() as session,
            session.post(os.environ["GATEWAY_INTERNAL_URL"] + path, json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None)


def claims(token: str) -> dict[str, Any]:
    """Checks a customer token as binding does."""
    keys = KeySet.import_key_set(json.loads(pathlib.Path(os.environ["CUSTOMER_TOKEN_JWKS_FILE"]).read_text()))
    found = jwt.decode(token, keys, algorithms=["EdDSA"])
    assert (
        found.header["typ"] == "at+jwt"
        and found.claims["iss"] == "jiebang-gateway"
        and found.claims["aud"] == "jiebang-binding"
    )
    assert 0 < found.claims["exp"] - found.claims["iat"] <= 300 and found.claims["jti"]
    return found.claims


class Binding:
    """The sandbox and the secure page, as the gateway passes them on."""

    def __init__(self) -> None:
        self.accounts: dict[str, Any] = {}
        self.operations: dict[str, list[dict[str, Any]]] = {}
        self.answers: dict[str, tuple[Any, int]] = {}
        self.seen: list[dict[str, Any]] = []

    async def control(self, request: web.Request) -> web.Response:
        """Takes an account's operations (with the right `code`), or tells what was seen."""
        if request.method == "POST":
            self.operations |= (await request.json())["operations"]
        return web.json_response({"seen": self.seen})

    async def ready(self, _: web.Request) -> web.Response:
        """Says yes."""
        return web.json_response({"ready": True})

    async def handle(self, request: web.Request) -> web.Response:
        """Answers the sandbox and the secure page."""
        if request.headers.get("Authorization") != "Bearer " + os.environ["GATEWAY_TOKEN"]:
            return web.json_response({"code": "unauthenticated"}, status=401)
        self.seen.append(
            {
                "method": request.method,
                "path": request.path_qs,
                "body": (await request.read()).decode("utf-8", "replace"),
                "traceparent": request.headers.get("traceparent"),
                "signed": {name: value for name, value in request.headers.items() if name.startswith("webhook-")},
            }
        )
        parts = request.path.strip("/").split("/") + [""]
        if parts[0] == "v1":
            body, status = await self._v1(request, parts)
            return web.json_response(body, status=status)
        if parts[0] == "bank":
            good = request.headers.get("webhook-signature") == "v1,good"
            return web.json_response({"ok": good}, status=202 if good else 401)
        if parts[0] == "secure":
            token = request.headers.get("X-Customer-Token")
            text = f"<p>{claims(token)['sub'] if token else 'nobody'}</p>"
            return web.Response(
                text=text,
                content_type="text/html",
                headers={
                    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'self'",
                    "Cache-Control": "no-store",
                },
            )
        if parts[1] == "accounts" and request.method == "POST":
            account = f"acct_{len(self.accounts) + 1:04d}x"
            try:
                self.accounts[account] = json.loads(await request.read())
            except (ValueError, RecursionError):
                return web.json_response({"code": "malformed_json"}, status=400)
            return web.json_response({"account": account}, status=201)
        if parts[1] == "accounts" and parts[2] in self.accounts:
            return web.json_response(self.accounts[parts[2]])
        return web.json_response({"code": "not_found"}, status=404, content_type="application/problem+json")

    async def _v1(self, request: web.Request, parts: list[str]) -> tuple[Any, int]:
        """Answers lists, and codes by the rules of the verify call: three attempts, idempotent by key."""
        if "X-Customer-Token" not in request.headers:
            return {"code": "not_found"}, 404
        mine = self.operations.get(claims(request.headers["X-Customer-Token"])["sub"], [])
        if request.method == "GET":
            open_ones = [one for one in mine if one["status"] == "awaiting_verification"]
            shown = {"operations": open_ones if request.query.get("open") == "true" else mine}.get(parts[1], [])
            return {"items": [{name: one[name] for name in one if name != "code"} for one in shown]}, 200
        key = request.headers["Idempotency-Key"]
        if key not in self.answers:
            operation = next((one for one in mine if (one["challenge"] or {}).get("id") == parts[2]), None)
            if operation is None:
                return {"code": "not_found"}, 404
            body = await request.json()
            if body["code"] == operation["code"] and body["effects_version"] == operation["effects_version"]:
                operation["status"] = operation.get("becomes", "succeeded")
                found = {name: operation[name] for name in operation if name not in ("code", "becomes")}
                self.answers[key] = found, 202 if operation["status"] == "processing" else 200
            else:
                operation["attempts_left"] -= 1
                self.answers[key] = {"code": "code_wrong", "attempts_left": operation["attempts_left"]}, 422
        return self.answers[key]


def main() -> None:
    """Serves one of the two."""
    which, port = sys.argv[1], int(sys.argv[2])
    app = web.Application(client_max_size=1 << 20)
    standin: Any = Rasa() if which == "rasa" else Binding()
    app.router.add_route("*", "/control", standin.control)
    if which == "rasa":
        app.router.add_get("/webhooks/gateway/readyz", standin.ready)
        app.router.add_post("/webhooks/gateway/turn", standin.turn)
        app.router.add_post("/webhooks/gateway/suggest", standin.suggest)
    else:
        app.router.add_get("/readyz", standin.ready)
        app.router.add_route("*", "/{path:.*}", standin.handle)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main()
