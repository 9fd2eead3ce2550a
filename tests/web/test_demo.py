"""The demo page explains itself: what it is, what to press, and where the code comes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.resting import box
from tests.web.world import World
from tools.stack import Process, free_ports


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_newcomer_sees_what_to_do_without_scrolling(customer: Any, language: str, phone: bool) -> None:
    one = customer(language, phone=phone)
    one.page.goto(one.world.url)
    expect(one.page.locator(".card").first).to_be_visible()
    expect(one.page.locator(".steps li")).to_have_count(3)
    for what in ("h1", ".steps", ".tries button >> nth=0", "#jiebang-widget button.b" if phone else "#jiebang-widget iframe"):
        expect(one.page.locator(what)).to_be_in_viewport(ratio=0.9)
    if not phone:
        for what in (".card >> nth=0", ".phone"):
            expect(one.page.locator(what)).to_be_in_viewport(ratio=0.8)


@pytest.mark.parametrize("width", [320, 375, 430])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_a_phone_the_head_is_one_row(customer: Any, language: str, width: int) -> None:
    one = customer(language, phone=True)
    one.page.set_viewport_size({"width": width, "height": 740})
    one.page.goto(one.world.url)
    expect(one.page.locator(".card").first).to_be_visible()
    places = [box(one.page.locator(what)) for what in (".logo svg", ".top-acts > :visible >> nth=0", ".top-acts > :visible >> nth=-1")]
    middles = [place["y"] + place["height"] / 2 for place in places]
    assert max(middles) - min(middles) < 4
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [900, 1024, 1160])
def test_where_the_chat_opens_by_itself_it_covers_nothing(customer: Any, width: int) -> None:
    one = customer("en")
    one.page.set_viewport_size({"width": width, "height": 768})
    one.page.goto(one.world.url)
    expect(one.chat.locator(".line--bot").first).to_be_visible()
    expect(one.page.locator(".card")).to_have_count(2)
    left = box(one.page.locator("#jiebang-widget iframe"))["x"]
    widest = "Math.max(...[...document.querySelectorAll('.top button, h1, .lead, .steps li, .tries button, .card, .rows, .phone, .console')].map((one) => one.getBoundingClientRect().right))"
    assert one.page.evaluate(widest) <= left
    assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_wants_to_answer_as_a_person_finds_the_desk(customer: Any) -> None:
    one = customer("zh")
    one.visit()
    with one.page.expect_popup() as opened:
        one.page.get_by_role("link", name="打开坐席工作台").click()
    expect(opened.value.locator("input[type=password]")).to_be_visible()


def test_on_a_phone_the_code_slides_in_over_the_chat_and_is_pasted(customer: Any) -> None:
    one = customer("zh", phone=True, reduced_motion="reduce")
    one.visit()
    code = one.until_code()
    banner = one.page.locator(".banner")
    expect(banner).to_contain_text(code)
    button = banner.locator(".note-code")
    expect(button).to_have_accessible_name(f"{code} 复制验证码")
    place = box(button)
    over = "([x, y]) => document.elementFromPoint(x, y).closest('.banner') !== null"
    assert one.page.evaluate(over, [place["x"] + 20, place["y"] + 10])  # above the chat, which fills the screen
    assert one.axe() == []
    button.click()
    expect(button).to_have_accessible_name(f"{code} 已复制")
    field = one.chat.locator(".composer-input--code")
    field.focus()
    one.page.keyboard.press("ControlOrMeta+V")
    expect(field).to_have_value(code)
    expect(banner).to_have_count(0)
    one.chat.locator(".composer-send").click()
    one.sees_end()
    expect(banner).to_contain_text("解除绑定")
    banner.get_by_role("button", name="收起").click()
    expect(banner).to_have_count(0)


def test_signing_in_on_the_page_can_be_left_by_keyboard(customer: Any) -> None:
    one = customer("en", signed_in=False)
    one.visit()
    one.page.locator(".top-acts").get_by_role("button", name="Sign in").click()
    dialog = one.page.get_by_role("dialog", name="Sign in to Jiaxuan Mall")
    expect(dialog.get_by_role("button", name="Continue as demo-zh")).to_be_focused()
    assert one.axe() == []
    one.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


@pytest.fixture
def bare(world: World) -> Iterator[str]:
    """A second gateway of the same backend, without the sandbox; returns its address."""
    ports = free_ports()
    url = f"http://127.0.0.1:{ports['GATEWAY_PORT']}"
    env = {"JIEBANG_SANDBOX": "", "GATEWAY_PORT": str(ports["GATEWAY_PORT"]), "GATEWAY_INTERNAL_PORT": str(ports["GATEWAY_INTERNAL_PORT"]), "GATEWAY_HOST": "127.0.0.1", "GATEWAY_PUBLIC_URL": url}
    env["BINDING_SERVICE_TOKEN"] = world.stack.env["GATEWAY_BINDING_SERVICE_TOKEN"]
    world.stack.processes["bare"] = Process("bare", [sys.executable, "-m", "gateway"], url + "/readyz", env)
    world.stack.start("bare")
    world.stack.wait("bare", seconds=60)
    yield url
    world.stack.processes.pop("bare").end()


def test_without_the_sandbox_the_page_says_so_and_the_assistant_still_answers(customer: Any, bare: str) -> None:
    one = customer("en")
    one.shop = bare.removeprefix("http://")
    one.page.goto(bare)
    expect(one.page.locator(".panel.off")).to_contain_text("The sandbox is off")
    expect(one.page.locator(".phone, .console")).to_have_count(0)
    expect(one.chat.locator(".line--bot").first).to_be_visible()
    one.say("Will my renewal stop?")
    expect(one.chat.locator(".line--bot").last).to_contain_text("stop being charged")
    assert one.axe() == []
