"""The desk's office: one gateway, the real binding with its bank and phones, and a stand-in Rasa that knows a few words."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.gateway.conftest import ROOT, Talk, World, drop, free_port, postgres, wait_for

HERE = pathlib.Path(__file__).parent


class Office(World):
    """A world with customers whose phones can be read."""

    def open(self) -> Office:
        """Starts everything."""
        sandbox = free_port()
        address = f"http://127.0.0.1:{sandbox}"
        self.env |= {
            "BINDING_PORT": str(self.ports["binding"]), "SANDBOX_PORT": str(sandbox), "BANK_URL": address, "SMS_URL": address,
            "BINDING_ADMIN_PORT": "0", "GATEWAY_TURN_TIMEOUT": "15", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        self.issuer = f"http://127.0.0.1:{(issuer := free_port())}"
        self.env |= {
            "DESK_OIDC_ISSUER": self.issuer, "DESK_OIDC_CLIENT_ID": "desk", "DESK_OIDC_CLIENT_SECRET": "s3cret",
            "DESK_OIDC_ROLE_CLAIM": "realm_access.roles", "DESK_OIDC_NAME": "Staff login",
        }  # fmt: skip
        self._launch("issuer", [str(HERE / "issuer.py"), str(issuer)], self.issuer + "/control")
        self._launch("sandbox", ["-m", "binding.sandbox"], f"{address}/healthz")
        self._launch(
            "rasa",
            [str(HERE / "desk_rasa.py"), str(self.ports["rasa"])],
            f"http://127.0.0.1:{self.ports['rasa']}/control",
        )
        self._launch("binding", ["-m", "binding"], f"http://127.0.0.1:{self.ports['binding']}/readyz")
        self._launch("gateway", ["-m", "gateway"], self.url + "/healthz")
        return self

    def _launch(self, name: str, command: list[str], url: str) -> None:
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command], env=self.env, cwd=ROOT, stdout=log, stderr=log
            )
        if name != "sandbox":
            return
        wait_for(lambda: requests.get(url, timeout=2).status_code == 200)

    def wait(self) -> Office:
        """Waits until everything answers."""
        for url in (
            self.issuer + "/control",
            f"http://127.0.0.1:{self.ports['rasa']}/control",
            f"http://127.0.0.1:{self.ports['binding']}/readyz",
            self.url + "/healthz",
        ):
            wait_for(lambda url=url: requests.get(url, timeout=2).status_code == 200)
        return self

    def customer(self, **state: Any) -> Customer:
        """Makes somebody with cards, a wallet and a phone."""
        phone = f"138{uuid.uuid4().int % 10**8:08d}"
        body = {
            "phone": phone,
            "cards": [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}],
            "wallets": ["alipay"],
        } | state
        answer = self.http.post(self.url + "/sandbox/accounts", json=body)
        assert answer.status_code == 201, answer.text
        return Customer(self, answer.json()["account"], phone)

    def wait_a_minute(self) -> None:
        """Moves the codes' clock on: between two codes there is a minute."""
        assert self.http.post(self.url + "/sandbox/clock", json={"advance_s": 61}).ok


class Customer:
    """Somebody with an account and a phone."""

    def __init__(self, office: Office, account: str, phone: str) -> None:
        self.office, self.account, self.phone = office, account, phone

    def talk(self, language: str = "zh") -> Talk:
        """Opens a signed-in chat."""
        return self.office.talk(account=self.account, language=language)

    def texts(self) -> list[dict[str, Any]]:
        """Returns what the phone got, oldest first."""
        return self.office.http.get(f"{self.office.url}/sandbox/phones/{self.account}").json()["messages"]

    def code(self) -> str:
        """Returns the newest code on the phone."""
        return wait_for(lambda: [one["code"] for one in self.texts() if one.get("code")][-1])

    def cards(self) -> dict[str, str]:
        """Returns what has become of the cards, by tail."""
        found = self.office.http.get(f"{self.office.url}/sandbox/accounts/{self.account}").json()
        return {one["tail"]: one.get("state", "bound") for one in found["cards"]}


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One running office."""
    made = Office(tmp_path_factory.mktemp("office"))
    try:
        yield made.open().wait()
    finally:
        made.close()


@pytest.fixture(scope="session")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A second office, on PostgreSQL where there is one."""
    try:
        url = postgres()
    except pytest.skip.Exception:
        url = ""
    made = Office(tmp_path_factory.mktemp("branch"), GATEWAY_DATABASE_URL=url)
    try:
        yield made.open().wait()
    finally:
        made.close()
        if url:
            drop(url)
