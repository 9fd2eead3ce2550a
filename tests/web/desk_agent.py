"""What a person of the desk does with its page; the page is watched for errors, refused styles and foreign requests."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.resting import axe_faults
from tests.web.world import World

SEARCH = {"zh": "搜索常用语", "en": "Search canned replies"}
WIDE, TABLET = {"width": 1440, "height": 900}, {"width": 1024, "height": 768}
WATCH = """
addEventListener('securitypolicyviolation', (event) => console.error('CSP ' + event.effectiveDirective + ' ' + event.blockedURI + ' ' + (event.sample || '')));
localStorage.setItem('jiebang:desk:language', '%s');
"""
# The browser's own words about answers with an error code and cut lines; what the page does with those is tested by what it shows.
EXPECTED = ("Failed to load resource", "net::ERR_INTERNET_DISCONNECTED", "net::ERR_CONNECTION_REFUSED")


class Agent:
    """One person with a browser, signed in at the desk."""

    def __init__(self, world: World, browser: Browser, username: str = "agent", language: str = "zh", *, dark: bool = False, tablet: bool = False) -> None:
        self.world, self.language, self.faults = world, language, []  # type: ignore[var-annotated]
        self.context = browser.new_context(
            viewport=TABLET if tablet else WIDE, locale="zh-CN" if language == "zh" else "en-US", color_scheme="dark" if dark else "light", timezone_id="Asia/Shanghai", reduced_motion="reduce"
        )  # fmt: skip
        self.context.set_default_timeout(20_000)
        self.context.add_init_script(WATCH % language)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("request", lambda request: self._asked(request.url))
        self.username = username

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(known in text for known in EXPECTED):
            self.faults.append(f"{kind}: {text}")

    def _asked(self, url: str) -> None:
        if not re.match(rf"{re.escape(self.world.url)}/|data:|blob:", url):
            self.faults.append(f"foreign request: {url}")

    def sign_in(self, path: str = "/desk") -> Page:
        """Opens the desk and signs in."""
        self.page.goto(self.world.url + path, wait_until="commit", timeout=60_000)
        self.page.locator("input[autocomplete=username]").fill(self.username)
        self.page.locator("input[type=password]").fill(self.username)
        self.page.locator("button[type=submit]").click()
        self.page.locator(".rail").wait_for()
        return self.page

    def open(self, path: str) -> Page:
        """Opens a page of the desk as its own links do, without loading it again."""
        self.page.evaluate("path => history.pushState(null, '', path)", path)
        return self.page

    def row(self, conversation: str) -> Locator:
        """Returns a talk's row in the list."""
        return self.page.locator(f".row[href='/desk/chats/{conversation}']")

    def lines(self, kind: str) -> Locator:
        """Returns the lines of one author: customer, bot, agent, system, note."""
        return self.page.locator(f".line--{kind}")

    def say(self, text: str) -> None:
        """Writes to the customer."""
        self.page.locator(".composer textarea").fill(text)
        self.page.keyboard.press("Enter")

    def axe(self) -> list[str]:
        """Returns the accessibility faults of what is shown."""
        return axe_faults(self.page)

    def pick(self, word: str) -> None:
        """Takes the one ready sentence that a word finds, out of the list that is open."""
        self.page.get_by_role("textbox", name=SEARCH[self.language]).fill(word)
        expect(self.page.locator(".canned li")).to_have_count(1)
        self.page.keyboard.press("Enter")

    def close(self) -> None:
        """Closes the browser's window."""
        self.context.close()


def opened(box: Locator) -> Locator:
    """Opens a box's list; returns the list, which stands whole in the view."""
    box.click()
    lists = box.page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden)")
    expect(lists).to_have_count(1)
    expect(lists).to_be_in_viewport(ratio=0.99)
    return lists


def choose(box: Locator, option: str, *, typed: str = "") -> None:
    """Takes an option out of a box's list, as a person does: opens it, types what narrows it, clicks what it shows."""
    lists = opened(box)
    if typed:
        box.fill(typed)
    choice = lists.locator(".ant-select-item-option", has_text=option).first
    expect(choice).to_be_in_viewport(ratio=0.99)
    choice.click()
    expect(lists).to_have_count(0)


class Chatter:
    """A customer who talks by the API: many of them cost no browser."""

    def __init__(self, world: World, language: str = "zh", *, signed_in: bool = True) -> None:
        self.world, self.account, self.count = world, world.customer(language), 0
        headers = {"Authorization": f"Bearer {world.token(self.account)}"} if signed_in else {}
        made = world.http.post(world.url + "/api/v1/conversations", json={"language": language}, headers=headers, timeout=10).json()
        self.id, self.headers = made["id"], {"Authorization": f"Bearer {made['token']}"}

    def say(self, text: str) -> dict[str, Any]:
        """Says something; returns the answer."""
        self.count += 1
        url = f"{self.world.url}/api/v1/conversations/{self.id}/messages"
        answer = self.world.http.post(url, json={"text": text, "client_id": f"c{self.count}"}, headers=self.headers, timeout=15)
        answer.raise_for_status()
        return answer.json()

    def history(self) -> list[tuple[str, str]]:
        """Returns what the customer has seen, as (author, text)."""
        found = self.world.http.get(f"{self.world.url}/api/v1/conversations/{self.id}/messages", headers=self.headers, timeout=10).json()
        return [(one["author"], one["text"]) for one in found["messages"]]
