"""The secure page in a real browser: opened from another origin, signed in by a message, no rule of its policy broken."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services import missing

from .conftest import Cluster, Customer
from .test_secure_page import DETAILS

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


AXE = pathlib.Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
FIND = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | '))"


def shop_of(browser: Any, cluster: Cluster, customer: Customer, faults: list[str], **options: Any) -> Any:
    """Returns a shop's page in a context that does what the gateway does on the way: the widget's bearer becomes a customer token."""
    context = browser.new_context(**options)
    context.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    token = cluster.token(customer.account)
    context.route(
        "**/secure/*",
        lambda route: (
            route.continue_(headers=route.request.headers | {"x-customer-token": token})
            if route.request.headers.get("authorization") == "Bearer widget-bearer"
            else route.continue_()
        ),
    )
    return context.new_page()


def opened(shop: Any, url: str) -> Any:
    """Returns the secure page, opened by a button of the shop and told who is signed in."""
    shop.context.unroute("http://shop.test/")
    shop.context.route(
        "http://shop.test/", lambda r: r.fulfill(body=OPENER % ("widget-bearer", url), content_type="text/html")
    )
    shop.goto("http://shop.test/")
    with shop.context.expect_page() as found:
        shop.click("#go")
    return found.value


@pytest.mark.parametrize(("language", "scheme"), [("zh", "light"), ("en", "dark")])
def test_every_state_can_be_used_by_everybody(browser: Any, cluster: Cluster, language: str, scheme: str) -> None:
    if "BINDING_DATABASE_URL" in cluster.env:
        pytest.skip("the page is the same on every database")
    if not AXE.exists():
        missing("axe-core (npm ci in web/)")
    zh, expect = language == "zh", sync_api.expect
    # The account speaks the other language: the page speaks the conversation's.
    customer = cluster.customer(cards=[{"bank": "cmb", "tail": "1234"}], language="en" if zh else "zh")
    shop = shop_of(browser, cluster, customer, [], viewport={"width": 320, "height": 640}, color_scheme=scheme)
    link = lambda op, method: f"{cluster.base}{customer.challenge(op, method=method)['url']}?lang={language}"  # noqa: E731

    def look(page: Any) -> None:
        page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
        assert page.evaluate(FIND) == []
        assert page.evaluate("document.documentElement.scrollWidth <= 320")
        assert page.evaluate("document.documentElement.lang") == ("zh-CN" if zh else "en")

    card = link(customer.ask("card.bind", "cmb"), "payment_password")
    page = opened(shop, card)
    expect(page.locator("#state")).to_be_empty()
    expect(page.locator("h1")).to_have_text("请填写银行卡信息" if zh else "Enter the card's details")
    assert {one.get_attribute("name"): one.get_attribute("autocomplete") for one in page.locator("input").all()} == {
        "number": "cc-number", "holder": "cc-name", "id_number": "off", "phone": "tel-national",
    }  # fmt: skip
    look(page)
    page.click("#send")
    expect(page.locator("[aria-invalid=true]")).to_have_count(4)
    expect(page.locator("#number")).to_be_focused()
    expect(page.locator("#phone-fault")).to_have_text(
        "请填写11位手机号。" if zh else "Enter an 11-digit mobile number."
    )
    look(page)
    page.locator("#number").press_sequentially(DETAILS["number"][:-1] + str((int(DETAILS["number"][-1]) + 1) % 10))
    assert page.input_value("#number").startswith("6225 8800")  # in groups, as on the card
    for name in ("holder", "id_number", "phone"):
        page.fill(f"#{name}", DETAILS[name])
    page.click("#send")
    expect(page.locator("#number-fault")).to_have_text(
        "卡号有误，请对照银行卡核对。" if zh else "This card number isn't right. Please check it against the card."
    )
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    look(page)
    page.fill("#number", DETAILS["number"])
    page.press("#number", "Enter")
    expect(page.locator("form")).to_have_count(0)
    expect(page.locator("#back")).to_be_focused()
    look(page)
    # the click closes the page, which may be gone before it has returned
    with page.expect_event("close"), contextlib.suppress(sync_api.Error):
        page.click("#back")

    used = opened(shop, card)
    expect(used.locator(".ended")).to_have_text("这个链接已经用过了。" if zh else "This link has been used already.")
    look(used)
    unbinding = customer.unbind("1234")
    password = link(unbinding, "payment_password")
    page = opened(shop, password)
    expect(page.locator("#password")).to_be_focused()
    for left in (2, 1, 0):
        page.fill("#password", "000000")
        page.press("#password", "Enter")
        if left:
            expect(page.locator("#fault")).to_contain_text(str(left))
            expect(page.locator("#password")).to_be_focused()
            look(page)
    expect(page.locator("#fault")).to_contain_text("没有办理" if zh else "nothing was done")
    expect(page.locator("form")).to_have_count(0)
    expect(page.locator("#back")).to_be_visible()
    look(page)
    late = link(customer.unbind("1234"), "payment_password")
    cluster.advance(301)
    page = opened(shop, late)
    expect(page.locator(".ended")).to_contain_text("链接已过期" if zh else "has expired")
    look(page)
    unknown = opened(shop, f"{cluster.base}/secure/nothing?lang={language}")
    expect(unknown.locator(".ended")).to_contain_text("链接无效" if zh else "not valid")
    look(unknown)
    shop.context.close()


def test_a_password_is_typed_on_a_phone(browser: Any, cluster: Cluster) -> None:
    if "BINDING_DATABASE_URL" in cluster.env:
        pytest.skip("the page is the same on every database")
    customer = cluster.customer(cards=[{"bank": "cmb", "tail": "1234"}])
    op = customer.unbind("1234")
    url = cluster.base + customer.challenge(op, method="payment_password")["url"]
    faults: list[str] = []
    shop = shop_of(browser, cluster, customer, faults, viewport={"width": 360, "height": 640}, is_mobile=True)
    page = opened(shop, url)
    sync_api.expect(page.locator("#state")).to_have_text("")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.fill("#password", "000000")
    page.click("#send")
    sync_api.expect(page.locator("#fault")).to_contain_text("2")
    assert page.input_value("#password") == ""
    page.fill("#password", "246810")
    page.click("#send")
    page.get_by_text("请返回对话查看结果。").wait_for()
    shop.wait_for_function("document.title === 'done'")
    customer.until(op, "succeeded")
    # The refused password is the one thing that the browser may complain about.
    assert [f for f in faults if "422" not in f] == []
    shop.context.close()


@pytest.mark.parametrize("arrived", [True, False], ids=["taken", "untaken"])
def test_an_answer_that_got_lost_is_no_refusal_and_pressing_again_does_nothing_twice(
    browser: Any, cluster: Cluster, arrived: bool
) -> None:
    if "BINDING_DATABASE_URL" in cluster.env:
        pytest.skip("the page is the same on every database")
    expect = sync_api.expect
    customer = cluster.customer(cards=[{"bank": "cmb", "tail": "1234"}])
    op = customer.unbind("1234")
    shop = shop_of(browser, cluster, customer, [], viewport={"width": 390, "height": 844})
    page = opened(shop, cluster.base + customer.challenge(op, method="payment_password")["url"])
    expect(page.locator("#state")).to_be_empty()
    token, lost = cluster.token(customer.account), []

    def lose(route: Any) -> None:
        if arrived:
            lost.append(route.fetch(headers=route.request.headers | {"x-customer-token": token}).status)
        route.abort()

    page.route("**/secure/*", lose)
    page.fill("#password", "246810")
    page.click("#send")
    expect(page.locator("#fault")).to_contain_text("可能已经提交成功")
    expect(page.locator("#fault")).not_to_contain_text("尚未办理")
    expect(page.locator("#back")).to_be_visible()
    assert lost == ([202] if arrived else [])
    # A proxy that fell over knows no more than a dead line.
    page.unroute("**/secure/*")
    page.route("**/secure/*", lambda route: route.fulfill(status=502, json={"code": "binding_unavailable"}))
    page.click("#send")
    expect(page.locator("#fault")).to_contain_text("可能已经提交成功")
    page.unroute("**/secure/*")
    page.click("#send")
    expect(page.locator("h1")).to_have_text("已提交")
    expect(page.locator("form")).to_have_count(0)
    expect(page.locator("#fault")).to_be_empty()
    customer.until(op, "succeeded")
    shop.context.close()
