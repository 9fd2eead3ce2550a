"""What a customer does with the demo page and the widget in it."""

from __future__ import annotations

import json
import pathlib
import re
import uuid
from typing import Any

from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.web.resting import axe_faults
from tests.web.sandbox import Sandbox

ROOT = pathlib.Path(__file__).parents[2]
REPORTS = ROOT / "var" / "reports"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 375, "height": 740}
WORDS = {
    "zh": {"confirm": "确认解绑", "password": "用支付密码验证", "unbind": "帮我解绑尾号1234的招行卡", "secure": "打开安全页面", "sign_in": "登录", "resend": "重新发送", "done": "办好了"},
    "en": {"confirm": "Yes, unbind it", "password": "Use my payment password", "unbind": "Unbind my CMB card ending 1234", "secure": "Open the secure page", "sign_in": "Sign in",
           "resend": "Send again", "done": "Done: "},
}  # fmt: skip
WATCH = """
addEventListener('securitypolicyviolation', (event) => console.error('CSP ' + event.effectiveDirective + ' ' + event.blockedURI));
if (location.pathname === '/' && !sessionStorage.getItem('jiebang:demo')) sessionStorage.setItem('jiebang:demo', JSON.stringify(%s));
"""


class Customer:
    """One person with a browser, an account and a language."""

    def __init__(self, world: Sandbox, browser: Browser, language: str = "zh", *, dark: bool = False, phone: bool = False, signed_in: bool = True, account: dict[str, Any] | None = None, **options: Any) -> None:
        self.world, self.language, self.words = world, language, WORDS[language]
        self.account = world.customer(language, **(account or {}))
        self.faults: list[str] = []
        self.shop = "the shop's own address, where there is one"
        self.expected: list[str] = ["Failed to load resource", "WebSocket connection to"]
        mobile = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2} if phone else {}
        self.context = browser.new_context(
            viewport=PHONE if phone else DESKTOP, locale="zh-CN" if language == "zh" else "en-US", color_scheme="dark" if dark else "light",
            timezone_id="Asia/Shanghai", permissions=["clipboard-read", "clipboard-write"], **mobile, **options,
        )  # fmt: skip
        self.context.set_default_timeout(30_000)
        shown = {"language": language, "account": self.account if signed_in else None}
        self.context.add_init_script(WATCH % json.dumps(shown))
        self.page = self.tab()

    def tab(self) -> Page:
        """Opens a tab that is watched."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("request", lambda request: self._asked(request.url))
        page.on("dialog", lambda dialog: (self.faults.append("dialog"), dialog.dismiss()))
        return page

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(known in text for known in self.expected):
            self.faults.append(f"{kind}: {text}")

    def _asked(self, url: str) -> None:
        own = self.world.url.removeprefix("http://")
        if not re.match(rf"(?:https?|wss?)://({re.escape(own)}|{self.shop})(/|$)|data:|blob:|about:", url):
            self.faults.append(f"foreign request: {url}")

    @property
    def conversation(self) -> str:
        """Returns the id of the chat in the first tab."""
        return self.frame().evaluate("JSON.parse(sessionStorage.getItem('jiebang:conversation')).id")

    def writes(self, texts: list[str]) -> None:
        """Sends texts with the tab's own bearer, past its field."""
        kept = self.frame().evaluate("JSON.parse(sessionStorage.getItem('jiebang:conversation'))")
        for text in texts:
            answer = self.world.http.post(f"{self.world.url}/api/v1/conversations/{kept['id']}/messages", json={"text": text, "client_id": uuid.uuid4().hex}, headers={"Authorization": "Bearer " + kept["token"]}, timeout=20)
            assert answer.ok, answer.text

    def close(self) -> None:
        """Closes the browser's window."""
        self.context.close()

    def visit(self, path: str = "/", page: Page | None = None) -> FrameLocator:
        """Loads the demo page; returns the chat, open and greeting."""
        page = page or self.page
        page.goto(self.world.url + path)
        page.locator("#jiebang-widget button.b").wait_for(state="attached")
        if page.locator("#jiebang-widget button.b:not(.off)").count():
            page.locator("#jiebang-widget button.b").click()
        chat = page.frame_locator("#jiebang-widget iframe")
        chat.locator(".line--bot").first.wait_for()
        return chat

    @property
    def chat(self) -> FrameLocator:
        """Returns the chat in the first tab."""
        return self.page.frame_locator("#jiebang-widget iframe")

    def say(self, text: str, chat: FrameLocator | None = None) -> None:
        """Types a message and sends it with Enter."""
        field = (chat or self.chat).locator(".composer-input")
        field.fill(text)
        field.press("Enter")

    def press(self, title: str) -> None:
        """Presses a button of the assistant."""
        self.chat.locator(".choice:not([disabled])", has_text=title).click()

    def until_code(self) -> str:
        """Asks for the unbinding and confirms it; returns the code that the SMS brought."""
        self.say(self.words["unbind"])
        self.press(self.words["confirm"])
        self.chat.locator(".composer-input--code").wait_for()
        return self.world.code(self.account)

    def sees_end(self) -> None:
        """Waits for the card that says that it is done."""
        expect(self.chat.locator(".operation[data-status=succeeded]")).to_be_visible()

    def axe(self, where: Any = None) -> list[str]:
        """Returns the accessibility faults of a page or frame."""
        return axe_faults(where or self.page, iframes=False)

    def frame(self) -> Any:
        """Returns the chat's frame, for scripts."""
        return next(frame for frame in self.page.frames if "/widget/" in frame.url)

    def shoot(self, name: str) -> None:
        """Keeps a screenshot."""
        REPORTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(REPORTS / f"{name}.png"))
