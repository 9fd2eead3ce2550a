"""A person at the desk, who answers by the desk's own API."""

from __future__ import annotations

import uuid
from typing import Any

import requests


class Agent:
    """One signed-in agent."""

    def __init__(self, url: str, username: str = "agent") -> None:
        self.base = url + "/api/desk/v1"
        self.http = requests.Session()
        me = self.http.post(self.base + "/session", json={"username": username, "password": username}, timeout=20)
        me.raise_for_status()
        self.names: dict[str, str] = {"zh": me.json()["agent"]["name"], "en": me.json()["agent"]["name_en"]}
        self.http.headers["X-CSRF-Token"] = me.json()["csrf"]

    def do(self, conversation: str, what: str, **body: Any) -> dict[str, Any]:
        """Does something to a conversation: `take`, `typing`, `hand-back` …"""
        answer = self.http.post(f"{self.base}/conversations/{conversation}/{what}", json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json() if answer.content else {}

    def says(self, conversation: str, text: str) -> None:
        """Says something to the customer, whatever the desk thinks of the wording."""
        self.do(conversation, "messages", text=text, client_id=uuid.uuid4().hex, sure=True)
