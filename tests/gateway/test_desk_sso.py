"""Single sign-on: the issuer says who it is and which role they have; anything that does not fit lets nobody in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.gateway.office import Office


@pytest.fixture
def order(office: Office) -> Iterator[Any]:
    """Gives the issuer its orders, and puts it back to usual."""

    def give(**orders: Any) -> None:
        assert requests.post(office.issuer + "/control", json=orders, timeout=5).ok

    yield give
    give()


class Browser:
    """A browser that signs in; it stops at the desk's page, which is not served here."""

    def __init__(self, office: Office) -> None:
        self.url, self.http = office.url + "/api/desk/v1", requests.Session()

    def out(self) -> str:
        """Begins; returns where the issuer sends it back to."""
        answer = self.http.get(self.url + "/oidc/start", allow_redirects=False, timeout=10)
        assert answer.status_code == 303 and "HttpOnly" in answer.headers["set-cookie"]
        return self.http.get(answer.headers["location"], allow_redirects=False, timeout=10).headers["location"]

    def back(self, url: str) -> str:
        """Comes back; returns where it is sent then."""
        answer = self.http.get(url, allow_redirects=False, timeout=20)
        assert answer.status_code == 303
        return answer.headers["location"]

    def me(self) -> requests.Response:
        """Asks who is signed in."""
        return self.http.get(self.url + "/session", timeout=10)


def test_signing_in_by_the_company(office: Office, order: Any) -> None:
    browser = Browser(office)
    assert browser.http.get(browser.url + "/sign-in").json()["oidc"] == {
        "name": "Staff login",
        "url": "/api/desk/v1/oidc/start",
    }
    assert browser.back(browser.out()) == "/desk"
    agent = browser.me().json()["agent"]
    assert (agent["username"], agent["name"], agent["role"]) == ("wangfang", "Wang Fang", "supervisor")
    browser.http.headers["X-CSRF-Token"] = browser.me().json()["csrf"]
    assert browser.http.get(browser.url + "/audit").json()["items"][0]["detail"] == {"by": "sso"}
    # The same person, now an agent; another of the same name is somebody else.
    order(claims={"realm_access": {"roles": ["agent"]}, "name": "王芳", "name#en": "Wang F."})
    assert browser.back(browser.out()) == "/desk" and browser.me().json()["agent"]["role"] == "agent"
    assert [browser.me().json()["agent"][name] for name in ("name", "name_en")] == ["王芳", "Wang F."]
    assert browser.http.get(browser.url + "/audit").status_code == 403
    order(claims={"sub": "u-2"})
    other = Browser(office)
    assert other.back(other.out()) == "/desk" and other.me().json()["agent"]["username"] == "wangfang-2"
    order(claims={"sub": "u-3", "preferred_username": "supervisor", "realm_access": {"roles": ["agent"]}})
    third = Browser(office)
    assert third.back(third.out()) == "/desk" and third.me().json()["agent"]["username"] == "supervisor-2"
    # Nobody signs in by password to an account that has none.
    assert requests.post(browser.url + "/session", json={"username": "wangfang", "password": "!"}).status_code == 401
    order(turn_keys=True)
    fresh = Browser(office)
    assert fresh.back(fresh.out()) == "/desk"


def test_what_does_not_fit_lets_nobody_in(office: Office, order: Any) -> None:
    now = int(time.time())
    wrong: list[dict[str, Any]] = [
        {"claims": {"realm_access": {"roles": ["cleaner"]}}}, {"claims": {"realm_access": None}}, {"claims": {"aud": "another"}},
        {"claims": {"aud": ["desk", "another"]}}, {"claims": {"iss": "https://evil.example"}}, {"claims": {"exp": now - 3600}},
        {"claims": {"nonce": "x"}}, {"claims": {"sub": ""}}, {"sign_with": "other"},
    ]  # fmt: skip
    for orders in wrong:
        order(**orders)
        browser = Browser(office)
        location = browser.back(browser.out())
        assert location.startswith("/desk?sign_in=") and browser.me().status_code == 401, orders
    order()
    # Another browser's way back, a way back twice, and one that was made up.
    victim, thief = Browser(office), Browser(office)
    back = victim.out()
    assert thief.back(back) == "/desk?sign_in=failed" and thief.me().status_code == 401
    thief.out()
    assert thief.back(back) == "/desk?sign_in=failed"
    assert victim.back(back) in ("/desk", "/desk?sign_in=failed")
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert victim.back(f"{victim.url}/oidc/callback?code=made-up&state={state}") == "/desk?sign_in=failed"
    assert victim.back(victim.url + "/oidc/callback") == "/desk?sign_in=failed"
