"""One customer at the API, and the gateway's internal door that hears the events."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import requests
from standardwebhooks.webhooks import Webhook

if TYPE_CHECKING:
    from .conftest import Cluster

SECRET = "whsec_dGhlIGV2ZW50cyBvZiB0aGUgdGVzdHMgYXJlIHNpZ25lZA=="


def eventually(
    check: Callable[[], Any], *, within: float = 20, every: float = 0.05, what: str = "the condition"
) -> Any:
    """Wait until a check gives something true, and return it."""
    until = time.monotonic() + within
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < until, f"{what} did not come true; last: {found!r}"
        time.sleep(every)


class EventSink:
    """The gateway's internal door: checks signatures, keeps events, can be told to refuse."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.refuse = False
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:  # killed in the middle of it
                    self.close_connection = True
                    return
                if sink.refuse:
                    self.send_response(503)
                else:
                    Webhook(SECRET).verify(body, dict(self.headers))
                    sink.events.append(
                        json.loads(body)
                        | {"webhook_id": self.headers["webhook-id"], "traceparent": self.headers.get("traceparent")}
                    )
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.handler = Handler
        self.port = self._listen(0)

    def _listen(self, port: int) -> int:
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self.handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self.server.server_address[1]

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Let nobody listen for the length of a block."""
        self.server.shutdown()
        self.server.server_close()
        try:
            yield
        finally:
            self._listen(self.port)

    def of(self, operation_id: str) -> list[dict[str, Any]]:
        """List the events of one operation."""
        return [e for e in self.events if e["data"]["operation"]["id"] == operation_id]


class Customer:
    """One customer at the API, by way of a conversation."""

    def __init__(self, cluster: Cluster, account: str, conversation: str = "conv_1") -> None:
        self.cluster, self.account, self.conversation = cluster, account, conversation

    def elsewhere(self, conversation: str) -> Customer:
        """Return the same customer in another conversation."""
        return Customer(self.cluster, self.account, conversation)

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **options: Any
    ) -> requests.Response:
        """Call the API with both tokens and, for a POST, a key of its own."""
        headers = {
            "Authorization": f"Bearer {self.cluster.service_token}",
            "X-Customer-Token": self.cluster.token(self.account, self.conversation),
        }
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        base = options.pop("base", self.cluster.base)
        return self.cluster.http.request(method, f"{base}/v1{path}", json=body, headers=headers, timeout=30, **options)

    def get(self, path: str) -> Any:
        """GET and return the body."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def card(self, tail: str) -> dict[str, Any]:
        """Find a card by its tail, removed ones too."""
        return next(c for c in self.get("/cards?state=all")["items"] if c["tail"] == tail)

    def card_states(self) -> dict[str, str]:
        """Tell the state of each card that is not unbound, by its tail."""
        return {card["tail"]: card["state"] for card in self.get("/cards")["items"]}

    def ask(self, kind: str, target: str, expect: int = 201, key: str | None = None) -> dict[str, Any]:
        """Ask for an operation."""
        answer = self.call("POST", "/operations", {"kind": kind, "target": target}, key=key)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def unbind(self, tail: str) -> dict[str, Any]:
        """Ask for a card's removal."""
        return self.ask("card.unbind", self.card(tail)["id"])

    def challenge(
        self, op: dict[str, Any], method: str = "sms", expect: int = 201, key: str | None = None
    ) -> dict[str, Any]:
        """Open a challenge."""
        body = {"method": method, "effects_version": op["effects_version"]}
        answer = self.call("POST", f"/operations/{op['id']}/challenges", body, key=key)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def answer(
        self,
        op: dict[str, Any],
        challenge: dict[str, Any],
        code: str,
        expect: int | None = None,
        wait: float = 5,
        key: str | None = None,
    ) -> dict[str, Any]:
        """Answer a challenge with a code."""
        body = {"code": code, "effects_version": op["effects_version"]}
        answer = self.call("POST", f"/challenges/{challenge['id']}/verify?wait={wait}", body, key=key)
        assert expect is None or answer.status_code == expect, answer.text
        return answer.json()

    def messages(self) -> list[dict[str, Any]]:
        """Read the phone."""
        return self.cluster.sandbox("GET", f"/phones/{self.account}")["messages"]

    def code(self) -> str:
        """Read the newest code on the phone."""
        return [m for m in self.messages() if "code" in m][-1]["code"]

    def wrong_code(self) -> str:
        """Make a code that is not the newest."""
        return f"{(int(self.code()) + 1) % 10**6:06d}"

    def truth(self) -> dict[str, Any]:
        """Show the account as it really is."""
        return self.cluster.sandbox("GET", f"/accounts/{self.account}")

    def operation(self, op: dict[str, Any]) -> dict[str, Any]:
        """Show an operation."""
        return self.get(f"/operations/{op['id']}")

    def until(self, op: dict[str, Any], *statuses: str, within: float = 20) -> dict[str, Any]:
        """Wait until an operation has one of the statuses."""

        shown: dict[str, Any] = {}

        def check() -> Any:
            shown.update(self.operation(op))
            return shown if shown["status"] in statuses else None

        try:
            return eventually(check, within=within)
        except AssertionError:
            raise AssertionError(f"{op['id']} is not {' or '.join(statuses)} after {within:.0f} s: {shown}") from None

    def verified(self, op: dict[str, Any], wait: float = 5) -> dict[str, Any]:
        """Verify an operation with the code that the phone received."""
        challenge = self.challenge(op)
        return self.answer(op, challenge, self.code(), wait=wait)
