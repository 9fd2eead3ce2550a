"""The secure page in a real browser: opened from another origin, signed in by a message, no rule of its policy broken."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services import missing

from .conftest import Cluster

sync_api = pytest.importorskip("playwright.sync_api")
OPENER = """<!doctype html><button id=go>go</button><script>
window.addEventListener("message", (event) => {
  if (event.data.type === "jiebang:secure-ready") event.source.postMessage({type: "jiebang:customer-token", token: "%s"}, "*");
  if (event.data.type === "jiebang:secure-done") document.title = "done";
});
document.getElementById("go").addEventListener("click", () => window.open("%s"));
</script>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, the machine's own when Playwright has none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except sync_api.Error as error:
            missing(f"Chromium ({str(error).splitlines()[0]})")
        yield started
        started.close()


def test_a_password_is_typed_on_a_phone(browser: Any, cluster: Cluster) -> None:
    if "BINDING_DATABASE_URL" in cluster.env:
        pytest.skip("the page is the same on every database")
    customer = cluster.customer(cards=[{"bank": "cmb", "tail": "1234"}])
    op = customer.unbind("1234")
    url = cluster.base + customer.challenge(op, method="payment_password")["url"]
    context = browser.new_context(viewport={"width": 360, "height": 640}, is_mobile=True)
    faults: list[str] = []
    context.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    # What the gateway does on the way: the widget's bearer becomes a customer token.
    token = cluster.token(customer.account)
    context.route(
        "**/secure/*",
        lambda route: (
            route.continue_(headers=route.request.headers | {"x-customer-token": token})
            if route.request.headers.get("authorization") == "Bearer widget-bearer"
            else route.continue_()
        ),
    )
    context.route(
        "http://shop.test/", lambda r: r.fulfill(body=OPENER % ("widget-bearer", url), content_type="text/html")
    )
    shop = context.new_page()
    shop.goto("http://shop.test/")
    with context.expect_page() as opened:
        shop.click("#go")
    page = opened.value
    sync_api.expect(page.locator("#state")).to_have_text("")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.fill("#password", "000000")
    page.click("#send")
    sync_api.expect(page.locator("#fault")).to_contain_text("2")
    assert page.input_value("#password") == ""
    page.fill("#password", "246810")
    page.click("#send")
    page.get_by_text("已提交，请返回对话查看结果。").wait_for()
    shop.wait_for_function("document.title === 'done'")
    customer.until(op, "succeeded")
    # The refused password is the one thing that the browser may complain about.
    assert [f for f in faults if "422" not in f] == []
    context.close()
