"""The pages measured as a browser sees them: sizes, requests, paint, shifts, blocking, errors, accessibility, tap targets.

`python -m bench.page` prints `[{property, figure, target, ok}]` and writes it to var/reports/page.json. The gateway, the backend and
the bank stand-in are real, Rasa is the tests' stand-in. "Slow phone" is what Lighthouse calls mobile: a processor four times as slow,
150 ms and 1.6 Mbit/s to the server. Times are those of this machine; they are figures, not tests.
"""

from __future__ import annotations

import gzip
import json
import pathlib
import re
import statistics
import sys
import tempfile
import time
from typing import Any

from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright

from tests.web.conftest import CHROMIUM, DIST, FLAGS
from tests.web.customer import Customer
from tests.web.world import World
from tools.stack import ROOT

Row = dict[str, Any]
RUNS = 3
SLOW = {"latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8, "offline": False}
# Runs in every frame before anything of the page does.
OBSERVE = """
window.__seen = {lcp: 0, cls: 0, fcp: 0, tbt: 0};
new PerformanceObserver((list) => { for (const one of list.getEntries()) __seen.lcp = one.startTime }).observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) __seen.cls += one.value }).observe({type: 'layout-shift', buffered: true});
new PerformanceObserver((list) => { for (const one of list.getEntries()) if (one.name === 'first-contentful-paint') __seen.fcp = one.startTime }).observe({type: 'paint', buffered: true});
new PerformanceObserver((list) => { for (const one of list.getEntries()) if (one.startTime > __seen.fcp) __seen.tbt += Math.max(0, one.duration - 50) }).observe({type: 'longtask', buffered: true});
"""
# WCAG 2.5.8: 24 by 24 px, links inside a sentence excepted, and what is hidden from sight.
SMALL = """() => [...document.querySelectorAll('button, [role=button], input:not([type=radio]), textarea, select, a')].filter((one) => {
  const box = one.getBoundingClientRect();
  if (!box.width || !box.height || getComputedStyle(one).visibility === 'hidden' || one.closest('p a') || box.bottom < 0) return false;
  return box.width < 24 || box.height < 24;
}).map((one) => one.outerHTML.slice(0, 120))"""
HEAD = """() => [
  ['lang', /^(zh-CN|en)$/.test(document.documentElement.lang)], ['title', document.title.length > 3],
  ['viewport', /width=device-width/.test(document.querySelector('meta[name=viewport]')?.content ?? '') && !/user-scalable=no|maximum-scale=1/.test(document.querySelector('meta[name=viewport]').content)],
  ['charset', document.characterSet === 'UTF-8'], ['icon', !!document.querySelector('link[rel=icon]')],
  ['description', location.pathname !== '/' || (document.querySelector('meta[name=description]')?.content ?? '').length > 20],
].filter(([, good]) => !good).map(([name]) => name)"""


def row(prop: str, figure: float, target: str, ok: bool) -> Row:
    """Returns one line of the report."""
    return {"property": prop, "figure": figure, "target": target, "ok": ok}


def most(prop: str, figure: float, limit: float, unit: str = "") -> Row:
    """Returns a line for what may not be more than a limit."""
    return row(prop, round(figure, 3), f"≤ {limit:g}{' ' + unit if unit else ''}", figure <= limit)


def zero(prop: str, found: list[str]) -> Row:
    """Returns a line for what must not happen; what happened is printed."""
    for one in found:
        print(f"  {prop}: {one}", file=sys.stderr)
    return row(prop, len(found), "0", not found)


def sizes() -> list[Row]:
    """Measures what a customer's browser loads, gzipped."""

    def packed(paths: list[str]) -> float:
        return sum(len(gzip.compress((DIST / path.lstrip("/")).read_bytes(), 9)) for path in paths) / 1000

    def page(path: str) -> list[str]:
        html = (DIST / path).read_text(encoding="utf-8")
        return [path, *(one for one in re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css|svg))"', html) if one != "/widget.js")]

    return [
        most("loader, gzipped", packed(["widget.js"]), 10, "kB"),
        most("widget, gzipped", packed(page("widget/index.html")), 200, "kB"),
        row("demo page without the widget, gzipped", round(packed(page("index.html")), 1), "none", True),
    ]


def watched(browser: Browser, url: str, *, slow: bool, **options: Any) -> tuple[Page, list[int]]:
    """Opens `url` in a fresh browser profile and waits until it is calm; returns the page and the bytes of each answer."""
    context = browser.new_context(locale="zh-CN", **options)
    context.add_init_script(OBSERVE)
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    sizes: list[int] = []
    wire.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    if slow:
        wire.send("Network.emulateNetworkConditions", SLOW)
        wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(url, wait_until="load")
    return page, sizes


def paint(browser: Browser, name: str, url: str, ready: str, **options: Any) -> list[Row]:
    """Measures paint, shifts and blocking of one address; the median of some runs."""
    found: list[dict[str, float]] = []
    for _ in range(RUNS):
        page, sizes = watched(browser, url, **options)
        page.locator(ready).first.wait_for(timeout=60_000)
        page.wait_for_timeout(2_500)  # what shifts or blocks late is seen, too
        found.append({**page.evaluate("__seen"), "kB": sum(sizes) / 1000})
        page.context.close()
    median = {key: statistics.median(one[key] for one in found) for key in found[0]}
    return [
        most(f"{name}: largest contentful paint", median["lcp"], 2500, "ms"),
        most(f"{name}: cumulative layout shift", median["cls"], 0.1),
        most(f"{name}: total blocking time", median["tbt"], 200, "ms"),
        row(f"{name}: bytes over the wire", round(median["kB"], 1), "none", True),
    ]


def looks(world: World, browser: Browser) -> list[Row]:
    """Walks through the main job in both languages, by day and night, wide and on a phone, and looks at every view on the way."""
    axe: list[str] = []
    small: list[str] = []
    head: list[str] = []
    faults: list[str] = []
    requests: list[str] = []
    opened: list[float] = []
    views = 0
    for language in ("zh", "en"):
        for dark in (False, True):
            for phone in (False, True):
                one = Customer(world, browser, language, dark=dark, phone=phone, reduced_motion="reduce")
                one.page.on("request", lambda request: requests.append(request.url))
                label = f"{language} {'dark' if dark else 'light'} {'phone' if phone else 'wide'}"

                def look(what: str, one: Customer = one, label: str = label) -> None:
                    nonlocal views
                    views += 1
                    for where in (one.page, one.frame()):
                        axe.extend(f"{label}, {what}: {fault}" for fault in one.axe(where))
                        small.extend(f"{label}, {what}: {found}" for found in where.evaluate(SMALL))
                        head.extend(f"{label}, {what}: {found}" for found in where.evaluate(HEAD))

                chat = one.visit()
                expect(one.page.locator(".card")).to_have_count(2)
                look("greeting")
                opened.append(reopened(one, chat))
                code = one.until_code()
                look("code")
                one.say(code)
                one.sees_end()
                expect(chat.locator(".rating")).to_be_visible()
                look("done")
                faults.extend(f"{label}: {fault}" for fault in one.faults)
                one.close()
    foreign = [fault for fault in faults if "foreign request" in fault]
    policy = [fault for fault in faults if "CSP" in fault]
    return [
        row("views looked at", views, "24", views == 24),
        row("requests, all to the own origin", len(requests), "none", not foreign),
        zero("requests to other hosts", foreign),
        zero("CSP violations", policy),
        zero("console errors and warnings", [fault for fault in faults if fault not in foreign and fault not in policy]),
        zero("axe violations (contrast among them)", axe),
        zero("tap targets under 24 px", small),
        zero("lang, title, viewport, charset, icon, description missing", head),
        row("press on the button → chat in front", round(statistics.median(opened)), "none", True),
    ]


def reopened(one: Customer, chat: FrameLocator) -> float:
    """Closes the chat and opens it again; returns the milliseconds until its field can be typed in."""
    chat.locator(".header-button").last.click()
    button = one.page.locator("#jiebang-widget button.b")
    expect(button).to_be_visible()
    began = time.perf_counter()
    button.click()
    expect(chat.locator(".composer-input")).to_be_visible()
    return (time.perf_counter() - began) * 1000


def measure() -> list[Row]:
    """Runs all of it against a world of its own."""
    rows = sizes()
    with tempfile.TemporaryDirectory(prefix="jiebang-page-") as folder, sync_playwright() as running:
        world = World(pathlib.Path(folder))
        expect.set_options(timeout=20_000)
        try:
            world.start()
            browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            wide = {"viewport": {"width": 1440, "height": 900}}
            phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
            rows += paint(browser, "demo page, wide", world.url + "/", ".card", slow=False, **wide)
            rows += paint(browser, "demo page, slow phone", world.url + "/", ".card", slow=True, **phone)
            rows += paint(browser, "widget, slow phone", world.url + "/widget/", ".line--bot", slow=True, **phone)
            rows += looks(world, browser)
            browser.close()
        finally:
            world.stop()
    return rows


def main() -> int:
    """Measures, prints and keeps the report; 1 when a target was missed."""
    rows = measure()
    reports = ROOT / "var" / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "page.json").write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(rows, indent=2, ensure_ascii=False))
    return 0 if all(one["ok"] for one in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
