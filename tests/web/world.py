"""A real gateway, a real backend and bank stand-in, and a stand-in Rasa; what the browser talks to."""

from __future__ import annotations

import pathlib
import sys
from typing import Any

from tests.web.sandbox import Sandbox
from tools.stack import Process, Stack, free_ports

HERE = pathlib.Path(__file__).parent
# A list of payloads says more in a minute than a customer does.
SETTINGS = {"REDIS_URL": "", "GATEWAY_TURN_TIMEOUT": "10", "GATEWAY_MESSAGES_PER_MINUTE": "1000", "GATEWAY_ACCOUNT_MESSAGES_PER_MINUTE": "1000"}


class World(Sandbox):
    """One running Jiebang for the browser."""

    def __init__(self, home: pathlib.Path) -> None:
        super().__init__(Stack(home=home, ports=free_ports(), extra=SETTINGS))
        env = self.stack.env
        self.rasa_url = env["RASA_URL"]
        self.stack.processes["rasa"] = Process(
            "rasa",
            [sys.executable, str(HERE / "standin_rasa.py"), env["RASA_PORT"]],
            env["RASA_URL"] + "/webhooks/gateway/readyz",
            {"ACTIONS_TOKEN": env["ACTIONS_GATEWAY_INTERNAL_TOKEN"], "ACTIONS_BINDING_TOKEN": env["ACTIONS_BINDING_SERVICE_TOKEN"]},
        )
        del self.stack.processes["actions"]

    def start(self) -> World:
        """Starts everything and waits until it is ready."""
        self.stack.start()
        self.stack.wait(seconds=90)
        return self

    def stop(self) -> None:
        """Ends everything."""
        self.stack.stop()

    def brain(self, **orders: Any) -> None:
        """Orders the stand-in Rasa: `replies` word for word, `delay` in seconds, `fail`; nothing puts it back."""
        self.http.post(self.rasa_url + "/control", json=orders, timeout=5).raise_for_status()
