"""What tests of the desk share: a client id, a talk that was taken, and an ear on the desk's stream."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import requests

from tests.gateway.conftest import Talk
from tests.gateway.office import Office
from tests.gateway.test_desk import Person


def once() -> str:
    """Returns a client id of its own."""
    return uuid.uuid4().hex


def taken(office: Office, person: Person, talk: Talk, wish: str) -> str:
    """Has a customer say something and ask for a person; returns the path of the talk that the person took."""
    talk.say(wish)
    talk.say("a person please")
    at = f"/conversations/{talk.id}"
    assert person.post(at + "/take").status_code == 200
    return at


class Ear:
    """Listens to the desk's stream in a thread."""

    def __init__(self, person: Person, **headers: str) -> None:
        self.events: list[tuple[str, str, Any]] = []
        self.response = person.http.get(person.url + "/stream", headers=headers, stream=True, timeout=60)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.response.iter_lines(chunk_size=1, decode_unicode=True):
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                elif "event" in fields:
                    self.events.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
                    fields = {}
        except (requests.RequestException, AttributeError):
            pass

    def rows(self) -> dict[str, dict[str, Any]]:
        """Returns the newest row of each talk that was told."""
        return {data["id"]: data for event, _, data in self.events if event == "conversation"}

    def names(self) -> list[str]:
        """Returns the names of the events so far."""
        return [event for event, _, _ in self.events]
