"""A running Jiebang as the tests of the pages use it: customers made to order, their phones, and the bank's mood."""

from __future__ import annotations

import time
from typing import Any

import requests

from tools.stack import Stack


class Sandbox:
    """The sandbox of one stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = requests.Session()

    @property
    def url(self) -> str:
        """Returns the gateway's address."""
        return self.stack.url

    def customer(self, language: str = "zh", **shape: Any) -> str:
        """Makes a customer with cards ending 1234 and 9012, a wallet and a renewal; returns the account."""
        body = {
            "language": language,
            "cards": [{"bank": "cmb", "tail": "1234"}, {"bank": "ccb", "tail": "9012", "quick_pay": False}],
            "wallets": ["alipay"],
            "agreements": [{"merchant": "爱奇艺" if language == "zh" else "Netflix", "card": "1234"}],
            **shape,
        }
        answer = self.http.post(self.url + "/sandbox/accounts", json=body, timeout=20)
        answer.raise_for_status()
        return answer.json()["account"]

    def token(self, account: str) -> str:
        """Returns a customer JWT of the account."""
        return self.http.post(self.url + "/sandbox/login", json={"account": account}, timeout=10).json()["token"]

    def code(self, account: str, *, after: int = 0) -> str:
        """Waits for the newest code on the account's phone; `after` is how many there were before."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            found = self.http.get(f"{self.url}/sandbox/phones/{account}", timeout=5).json()["messages"]
            codes = [message["code"] for message in found if message.get("code")]
            if len(codes) > after:
                return codes[-1]
            time.sleep(0.05)
        raise AssertionError("no code came")

    def bank(self, mode: str) -> None:
        """Sets how the bank answers."""
        self.http.put(self.url + "/sandbox/bank", json={"mode": mode}, timeout=10).raise_for_status()

    def settle(self) -> None:
        """Lets the bank end what is pending."""
        self.http.post(self.url + "/sandbox/bank/settle", timeout=10).raise_for_status()

    def account(self, account: str) -> dict[str, Any]:
        """Returns the true state of an account."""
        return self.http.get(f"{self.url}/sandbox/accounts/{account}", timeout=5).json()

    def tails(self, account: str) -> list[str]:
        """Returns the last digits of the cards that are still bound."""
        return [card["tail"] for card in self.account(account)["cards"] if card["state"] == "bound"]
