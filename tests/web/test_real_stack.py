"""The whole product in a browser: the page, the gateway, Rasa with the trained model, the actions, the backend and the bank stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.binding.test_secure_page import id_complete, luhn_complete
from tests.web.conftest import customers
from tests.web.sandbox import Sandbox
from tools.stack import Stack

NUMBER = luhn_complete("622588000000777")
WORDS = {
    "zh": {"confirm": "确认解绑", "password": "支付密码", "secure": "打开安全页面", "unbind": "帮我解绑尾号1234的招行卡", "done": "解绑", "working": "银行", "renewal": "爱奇艺",
           "bind": "我想绑定一张招商银行的卡", "bound": "绑定"},
    "en": {"confirm": "Yes, unbind it", "password": "payment password", "secure": "Open the secure page", "unbind": "please unbind my CMB card ending 1234", "done": "unbound", "working": "bank", "renewal": "Netflix",
           "bind": "I'd like to add a China Merchants Bank card", "bound": "added"},
}  # fmt: skip


@pytest.fixture(scope="module")
def sandbox(browser: Any, stack: Stack) -> Sandbox:
    """The sandbox of the real stack."""
    return Sandbox(stack)


@pytest.fixture
def customer(sandbox: Sandbox, browser: Any) -> Iterator[Any]:
    """Makes customers of the real stack; the bank is left as it was found."""
    with customers(sandbox, browser) as make:
        yield make
    sandbox.bank("ok")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_card_is_unbound_by_clicking_and_typing(customer: Any, language: str) -> None:
    one, words = customer(language), WORDS[language]
    one.visit()
    expect(one.page.locator(".card")).to_have_count(2)
    one.page.locator(".tries button").first.click()
    question = one.chat.locator(".line--bot").last
    expect(question).to_contain_text("1234")
    expect(question).to_contain_text(words["renewal"])
    one.press(words["confirm"])
    field = one.chat.locator(".composer-input--code")
    field.wait_for()
    code = one.world.code(one.account)
    expect(one.page.locator(".note-code")).to_contain_text(code)  # on the pretend phone, for everybody to see
    field.press_sequentially(code)
    field.press("Enter")
    one.sees_end()
    expect(one.chat.locator(".line--bot").filter(has=one.chat.locator(".operation")).last).to_contain_text(words["done"])
    expect(one.page.locator(".card")).to_have_count(1)
    expect(one.page.locator(".card")).to_contain_text("9012")
    expect(one.page.locator(".note[data-kind=push]")).to_have_count(1)
    expect(one.chat.locator("textarea.composer-input")).to_be_focused()
    one.shoot(f"real-main-job-{language}")


def test_what_the_bank_ends_later_is_told_without_being_asked(customer: Any) -> None:
    one, words = customer("en"), WORDS["en"]
    one.visit()
    one.say(words["unbind"])
    one.press(words["confirm"])
    one.chat.locator(".composer-input--code").wait_for()
    one.page.get_by_role("radio", name="Pending").check()
    one.say(one.world.code(one.account))
    running = one.chat.locator(".operation[data-tone=busy]").last
    expect(running).to_be_visible()
    expect(running.locator("[aria-current=step]")).to_have_text("With the bank")
    expect(one.chat.locator(".operation[data-status=succeeded]")).to_have_count(0)
    one.page.get_by_role("button", name="Settle now").click()
    one.sees_end()
    expect(one.page.locator(".card")).to_have_count(1)


def test_the_payment_password_goes_to_the_secure_page_and_the_talk_goes_on(customer: Any) -> None:
    one, words = customer("zh"), WORDS["zh"]
    one.visit()
    one.say(words["unbind"])
    one.press(words["password"])
    with one.page.expect_popup() as opened:
        one.press(words["secure"])
    page = opened.value
    page.locator("input[name=password]").fill("246810")
    expect(page.locator("#state")).to_be_empty()
    page.locator("#send").click()
    expect(page.locator("form")).to_have_count(0)
    one.sees_end()
    expect(one.page.locator(".card")).to_have_count(1)
    expect(one.chat.locator(".log")).not_to_contain_text("246810")


def test_a_card_is_bound_on_the_secure_page(customer: Any) -> None:
    one, words = customer("zh"), WORDS["zh"]
    one.visit()
    one.say(words["bind"])
    one.press(words["secure"])  # the confirmation
    with one.page.expect_popup() as opened:
        one.chat.locator(".choice:has(svg)", has_text=words["secure"]).click()
    page = opened.value
    for name, value in {"number": NUMBER, "holder": "张三", "id_number": id_complete("11010519900101001"), "phone": "13800138000"}.items():
        page.locator(f"input[name={name}]").fill(value)
    expect(page.locator("#state")).to_be_empty()
    page.locator("#send").click()
    expect(page.locator("form")).to_have_count(0)
    one.sees_end()
    expect(one.page.locator(".card")).to_have_count(3)
    expect(one.page.locator(".card", has_text=NUMBER[-4:])).to_be_visible()
    expect(one.chat.locator(".log")).not_to_contain_text(NUMBER)
