"""Nothing that anybody writes is ever run: customers, assistant, agents, card fields, button titles, other windows."""

from __future__ import annotations

import http.server
import json
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.agent import Agent
from tests.web.resting import box
from tests.web.world import World

RUN = "window.__ran=(window.__ran||0)+1"
TAGS = ["img", "svg", "body", "iframe", "video", "audio", "input", "details", "marquee", "object", "embed", "math", "a", "b", "button", "select", "textarea", "keygen", "image", "style"]
EVENTS = ["onerror", "onload", "onfocus autofocus", "ontoggle open", "onstart"]
PAYLOADS = [f"<{tag} src=x href=x {event}={RUN}>" for tag in TAGS for event in EVENTS] + [
    f"<script>{RUN}</script>", f"</p><script>{RUN}</script>", f"\"><script>{RUN}</script>", f"'-{RUN}-'", "{{constructor.constructor('" + RUN + "')()}}", "${" + RUN + "}",
    f"[click](javascript:{RUN})", f"![x](javascript:{RUN})", f"javascript:{RUN}", f"**<img src=x onerror={RUN}>**", f"`<svg onload={RUN}>`", f"- <img src=x onerror={RUN}>",
    f"https://example.com/\"onmouseover=\"{RUN}", f"https://example.com/'><img src=x onerror={RUN}>", f"<a href=\"data:text/html,<script>{RUN}</script>\">x</a>", f"<svg><script>{RUN}</script></svg>",
    f"<math><mtext></p><img src=x onerror={RUN}>", f"<noscript><p title=\"</noscript><img src=x onerror={RUN}>\">", f"<template><img src=x onerror={RUN}></template>", f"<style>@import 'javascript:{RUN}'</style>",
    f"<iframe srcdoc=\"<script>parent.{RUN}</script>\">", f"<form action=javascript:{RUN}><input type=submit>", f"<base href=javascript:{RUN}//>", f"<meta http-equiv=refresh content=\"0;javascript:{RUN}\">", "&lt;script&gt;" + RUN + "&lt;/script&gt;",
    f"\u003cimg src=x onerror={RUN}\u003e", f"＜img src=x onerror={RUN}＞", f"<img/src=x/onerror={RUN}>", f"<ImG sRc=x oNeRrOr={RUN}>", f"<x onclick={RUN} tabindex=1 autofocus>\u202e",
]  # fmt: skip
INTACT = "[document.querySelectorAll('.log script, .log img, .log iframe, .log object, .log embed, .log video, .log style, .log form, .log input').length, [...document.querySelectorAll('.log *')].filter((one) => [...one.attributes].some((a) => a.name.startsWith('on'))).length, [...document.querySelectorAll('.log a')].filter((one) => !/^https?:/.test(one.href)).length, window.__ran ?? 0]"


def sheets() -> list[str]:
    """Returns the payloads a line each, on sheets that are as long as a message may be."""
    found = [""]
    for payload in PAYLOADS:
        if len(found[-1]) + len(payload) > 1900:
            found.append("")
        found[-1] += payload + "\n"
    return found


SHEETS = sheets()


def shown(one: Any) -> None:
    """Holds that the payloads are on the screen, for everybody to read."""
    assert one.frame().evaluate("document.querySelector('.log').textContent.split('__ran=').length - 1") >= 100


def unharmed(one: Any) -> None:
    """Holds that nothing ran and nothing became an element."""
    for button in one.chat.locator(".log a").all()[:3]:
        button.hover()
    assert one.frame().evaluate(INTACT) == [0, 0, 0, 0]
    assert one.page.evaluate("window.__ran ?? 0") == 0


def test_there_are_enough_payloads() -> None:
    assert len(set(PAYLOADS)) >= 100


def test_what_the_assistant_says_is_text(customer: Any) -> None:
    one = customer("en")
    one.visit()
    one.world.brain(replies=[{"text": payload, "buttons": [{"title": payload, "command": {"intent": "affirm", "entities": []}}]} for payload in PAYLOADS])
    one.say("go")
    expect(one.chat.locator(".line--bot")).to_have_count(len(PAYLOADS) + 1)
    unharmed(one)
    one.page.reload()
    expect(one.chat.locator(".line--bot")).to_have_count(len(PAYLOADS) + 1)
    unharmed(one)


def test_fields_of_cards_are_text(customer: Any) -> None:
    one = customer("en")
    one.visit()
    cards = []
    for payload in PAYLOADS:
        cards.append({"type": "operation", "id": f"op_{len(cards)}", "kind": payload, "status": "succeeded", "target": payload, "reference": payload, "reason": payload,
                      "effects": [{"code": "renewal_stops", "merchant": payload}, {"code": payload}], "eta": payload, "at": payload})  # fmt: skip
    cards.append({"type": "bindings", "cards": [{"id": str(n), "name": p, "bank": p, "tail": p, "quick_pay": True, "state": p} for n, p in enumerate(PAYLOADS)],
                  "wallets": [{"id": str(n), "name": p, "kind": p, "state": p} for n, p in enumerate(PAYLOADS)]})  # fmt: skip
    cards += [{"type": PAYLOADS[0]}, {"type": "operation"}, {"type": "bindings"}]
    one.world.brain(replies=[{"text": "", "buttons": [], "card": card} for card in cards])
    one.say("go")
    expect(one.chat.locator(".bindings li")).to_have_count(2 * len(PAYLOADS))
    unharmed(one)


def test_what_a_customer_writes_is_text(customer: Any) -> None:
    one = customer("en")
    one.visit()
    for payload in PAYLOADS[-4:]:
        one.say(payload)  # through the field, as a person does; the rest through the same door without it
    expect(one.chat.locator(".line--customer:not([data-state])")).to_have_count(4)
    one.world.brain(replies=[])
    one.writes(SHEETS)
    expect(one.chat.locator(".line--customer")).to_have_count(4 + len(SHEETS))
    shown(one)
    unharmed(one)
    one.page.reload()
    expect(one.chat.locator(".line--customer")).to_have_count(4 + len(SHEETS))
    shown(one)
    unharmed(one)


def test_what_an_agent_writes_and_is_called_is_text(customer: Any) -> None:
    one = customer("en")
    one.visit()
    one.world.brain(replies=[{"text": str(number), "buttons": []} for number in range(len(PAYLOADS))])
    one.say("go")
    expect(one.chat.locator(".line--bot")).to_have_count(len(PAYLOADS) + 1)
    one.world.brain()
    one.say("I want a person")
    expect(one.chat.locator(".banner--queue")).to_be_visible()
    agent = Agent(one.world.url)
    agent.do(one.conversation, "take")
    for sheet in SHEETS:
        agent.says(one.conversation, sheet)
    expect(one.chat.locator(".line--agent")).to_have_count(len(SHEETS))
    shown(one)
    unharmed(one)
    with sqlite3.connect(one.world.stack.home / "gateway.sqlite", timeout=10) as database:
        # The desk's command line gives a person one name; here as many people have spoken as there are payloads.
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        table = "messages" if "messages" in tables else "message"
        lines = database.execute(f"SELECT id FROM {table} WHERE conversation_id = ? AND author = 'bot'", (one.conversation,)).fetchall()
        database.executemany(f"UPDATE {table} SET author = 'agent', agent = ? WHERE id = ?", [(payload, line[0]) for payload, line in zip(PAYLOADS, lines)])
        database.commit()
    one.page.reload()
    expect(one.chat.locator(".line--agent")).to_have_count(len(PAYLOADS) + len(SHEETS))
    assert one.frame().evaluate("[...document.querySelectorAll('.line--agent .line-who')].filter((one) => one.textContent.includes('__ran')).length") >= 100
    unharmed(one)


def test_names_on_the_shops_page_are_text(customer: Any) -> None:
    renewals = [{"merchant": payload[:64], "card": "1234"} for payload in PAYLOADS]
    one = customer("en", account={"agreements": renewals})
    one.visit()
    expect(one.page.locator(".rows li", has_text="from card ending 1234")).to_have_count(len(PAYLOADS))
    assert one.page.evaluate("[window.__ran ?? 0, document.querySelectorAll('main img, main script, main iframe, main object, main embed, main form').length]") == [0, 0]


def test_a_button_never_leads_to_a_foreign_page(customer: Any) -> None:
    one = customer("en")
    one.visit()
    opened: list[str] = []
    one.context.on("page", lambda page: opened.append(page.url))
    bad = ["https://evil.example/secure/x", "javascript:alert(1)", "//evil.example/secure/x", "/secure/../api/v1", "data:text/html,x", "/other"]
    one.world.brain(replies=[{"text": str(n), "buttons": [{"title": f"go {n}", "url": url}]} for n, url in enumerate(bad)])
    one.say("go")
    expect(one.chat.locator(".line--bot").last).to_be_visible()
    for choice in one.chat.locator(".choice").all():
        choice.click()
    assert opened == []


@pytest.fixture(scope="module")
def shop(world: World) -> Iterator[Any]:
    """A shop on another origin with a strict policy, its own token address, and a stranger's frame."""
    state: dict[str, Any] = {"account": None, "asked": 0}
    page = f"""<!doctype html><html lang="en-GB"><meta charset="utf-8"><title>Shop</title>
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src {world.url}; style-src 'nonce-wild'; frame-src {world.url}; connect-src 'self'">
    <style nonce="wild">div, button, span, svg, iframe {{ display: none !important; opacity: 0 !important; filter: blur(9px) !important; transform: scale(.1) !important; pointer-events: none !important }} html {{ direction: rtl; font-size: 3px }}</style>
    <body><h1>Shop</h1><div><script src="{world.url}/widget.js" data-token-url="/token" data-language="auto" async></script></div></body></html>"""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.path == "/token"
            state["asked"] += token
            body = json.dumps({"token": world.token(state["account"])}).encode() if token and state["account"] else page.encode()
            self.send_response(401 if token and not state["account"] else 200)
            self.send_header("Content-Type", "application/json" if token else "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, state
    server.shutdown()


def test_a_shop_on_another_origin_embeds_it_with_one_tag(customer: Any, shop: Any) -> None:
    one, (port, state) = customer("en"), shop
    one.shop = f"127.0.0.1:{port}"
    state |= {"account": one.account, "asked": 0}
    one.page.goto(f"http://{one.shop}/")
    assert state["asked"] == 0  # nobody's token is fetched before the chat is opened
    one.page.locator("#jiebang-widget button.b").click()
    one.say(one.until_code())
    one.sees_end()
    assert one.page.evaluate("document.querySelector('#jiebang-widget').shadowRoot.querySelector('iframe').contentDocument") is None
    one.page.reload()
    one.sees_end()
    state["account"] = None
    one.page.reload()
    expect(one.chat.locator(".line--bot")).to_have_count(1)  # signed out: the old talk is not shown
    one.say("Unbind my CMB card ending 1234")
    one.press("Sign in")
    expect(one.chat.locator(".notice")).to_contain_text("sign in on this page")
    state["account"] = one.account
    one.press("Sign in")
    expect(one.chat.locator(".line--bot").last).to_contain_text("can't find a card ending 1234")


def test_the_shops_styles_do_not_reach_the_chat(customer: Any, shop: Any) -> None:
    one, (port, state) = customer("en"), shop
    one.shop = f"127.0.0.1:{port}"
    state["account"] = one.account
    one.page.goto(f"http://{one.shop}/")
    button = one.page.locator("#jiebang-widget button.b")
    expect(button).to_be_in_viewport(ratio=1)
    host = "(() => { const seen = getComputedStyle(document.querySelector('#jiebang-widget')); return [seen.opacity, seen.filter, seen.transform, seen.direction, seen.pointerEvents] })()"
    assert one.page.evaluate(host) == ["1", "none", "none", "ltr", "auto"]
    assert box(button)["height"] == 56
    button.click()
    panel = one.page.locator("#jiebang-widget iframe")
    expect(panel).to_be_in_viewport(ratio=1)
    assert box(panel)["width"] == 400
    expect(one.chat.locator(".line--bot").first).to_be_visible()


def test_a_browser_that_denies_storage_to_frames_of_another_site_still_talks(customer: Any, shop: Any) -> None:
    one, (port, state) = customer("zh"), shop
    one.shop = f"localhost:{port}"  # another site, not only another origin; a private window gives its frames no storage
    state["account"] = one.account
    one.page.goto(f"http://{one.shop}/")
    one.page.locator("#jiebang-widget button.b").click()
    one.say(one.until_code())
    one.sees_end()


def test_other_windows_are_not_heard(customer: Any) -> None:
    one = customer("en")
    one.visit()
    frame = one.frame()
    frame.evaluate("""() => {
      for (const origin of ['https://evil.example', 'null', location.origin])
        window.dispatchEvent(new MessageEvent('message', {origin, source: window, data: {type: 'jiebang:say', text: 'unbind everything'}}));
      window.dispatchEvent(new MessageEvent('message', {origin: 'https://evil.example', source: window.parent, data: {type: 'jiebang:token', token: null}}));
      window.dispatchEvent(new MessageEvent('message', {origin: location.origin, source: window.parent, data: 'jiebang:say'}));
    }""")
    one.page.evaluate("""() => {
      const frame = document.querySelector('#jiebang-widget').shadowRoot.querySelector('iframe');
      window.__asked = 0; const before = window.Jiebang.getToken; window.Jiebang.getToken = (asked) => { window.__asked += 1; return before(asked) };
      for (const source of [window, null]) window.dispatchEvent(new MessageEvent('message', {origin: location.origin, source, data: {type: 'jiebang:need-token', id: 'x'}}));
      window.dispatchEvent(new MessageEvent('message', {origin: 'https://evil.example', source: frame.contentWindow, data: {type: 'jiebang:need-token', id: 'x'}}));
    }""")
    one.say("What's on my account?")
    expect(one.chat.locator(".bindings")).to_be_visible()
    expect(one.chat.locator(".line--customer")).to_have_count(1)
    assert one.page.evaluate("window.__asked") == 0


def test_the_pages_need_no_inline_code(world: World) -> None:
    for path in ("/", "/widget/"):
        answer = world.http.get(world.url + path)
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        assert "style-src 'self';" in answer.text and "unsafe" not in answer.text
        assert "<style" not in answer.text and " style=" not in answer.text and "onload" not in answer.text
    asset = next(part for part in world.http.get(world.url + "/widget/").text.split('"') if part.startswith("/assets/"))
    assert "immutable" in world.http.get(world.url + asset).headers["Cache-Control"]
    assert world.http.get(world.url + "/widget.js").headers["Cache-Control"] == "no-cache"
