"""A customer for the tests: speaks to the gateway's public door as the widget does, and looks at the sandbox as nobody else may."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import requests


class Customer:
    """One customer in one conversation."""

    def __init__(
        self,
        url: str,
        *,
        account: str | None = None,
        language: str | None = None,
        conversation: dict[str, Any] | None = None,
    ) -> None:
        self.url, self.account = url, account
        self.http = requests.Session()
        headers = {"Authorization": f"Bearer {self.login()}"} if account else {}
        made = (
            conversation
            or self.http.post(
                f"{url}/api/v1/conversations",
                json={"language": language} if language else {},
                headers=headers,
                timeout=30,
            ).json()
        )
        self.id, self.token = made["id"], made["token"]
        self.replies: list[dict[str, Any]] = []
        self.last: dict[str, Any] = {}

    @property
    def headers(self) -> dict[str, str]:
        """Returns the conversation's bearer."""
        return {"Authorization": f"Bearer {self.token}"}

    def login(self) -> str:
        """Returns a customer JWT of the host site."""
        return requests.post(f"{self.url}/sandbox/login", json={"account": self.account}, timeout=30).json()["token"]

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        """Posts to this conversation."""
        return self.http.post(
            f"{self.url}/api/v1/conversations/{self.id}/{path}", json=body, headers=self.headers, timeout=60
        )

    def says(self, text: str, *, client_id: str | None = None) -> str:
        """Says something; returns everything that the assistant replied, joined."""
        return self._hear(self.post("messages", {"text": text, "client_id": client_id or uuid.uuid4().hex}))

    def presses(self, title: str) -> str:
        """Presses the newest button whose title contains `title`."""
        for reply in reversed(self.replies):
            for button in reply.get("buttons", []):
                if title in button["title"] and button.get("token"):
                    return self._hear(self.post("press", {"token": button["token"], "client_id": uuid.uuid4().hex}))
        raise AssertionError(
            f"no button {title!r} in {[b['title'] for r in self.replies for b in r.get('buttons', [])]}"
        )

    def signs_in(self, account: str) -> str:
        """Signs in within the conversation."""
        self.account = account
        answer = self.post("sign-in", {"customer_token": self.login()})
        assert answer.ok, answer.text
        body = answer.json()
        self.token = body["token"]
        self.replies = body.get("replies", [])
        return "\n".join(reply["text"] for reply in self.replies)

    def _hear(self, answer: requests.Response) -> str:
        assert answer.ok, f"{answer.status_code} {answer.text}"
        self.last = answer.json()
        self.replies = self.last["replies"]
        return "\n".join(reply["text"] for reply in self.replies)

    def history(self) -> list[dict[str, Any]]:
        """Returns all messages of the conversation."""
        return self.http.get(
            f"{self.url}/api/v1/conversations/{self.id}/messages", headers=self.headers, timeout=30
        ).json()["messages"]

    def phone(self) -> list[dict[str, Any]]:
        """Returns what arrived on the customer's phone, oldest first."""
        return requests.get(f"{self.url}/sandbox/phones/{self.account}", timeout=30).json()["messages"]

    def code(self) -> str:
        """Returns the newest code on the phone."""
        return [message["code"] for message in self.phone() if message.get("code")][-1]

    def state(self) -> dict[str, Any]:
        """Returns the true state of the account."""
        return requests.get(f"{self.url}/sandbox/accounts/{self.account}", timeout=30).json()

    def tails(self) -> list[str]:
        """Returns the tails of the cards that are still bound."""
        return [card["tail"] for card in self.state()["cards"]]


def open_account(url: str, **shape: Any) -> str:
    """Makes a sandbox account and returns its id."""
    answer = requests.post(f"{url}/sandbox/accounts", json={"cards": [], **shape}, timeout=30)
    assert answer.status_code == 201, answer.text
    return answer.json()["account"]


def until(condition: Callable[[], Any], *, seconds: float = 30.0) -> Any:
    """Waits until a condition holds and returns its value; fails when it does not come to hold."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "the condition did not come to hold"
        time.sleep(0.1)
