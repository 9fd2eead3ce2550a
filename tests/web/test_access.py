"""The pages can be used by everybody: keyboard, screen reader, phone, dark, calm."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.services import missing
from tests.web.resting import AXE

SPOKEN = "[...document.querySelectorAll('[aria-label], [title], [placeholder]')].filter((one) => !one.lang).flatMap((one) => ['aria-label', 'title', 'placeholder'].map((name) => one.getAttribute(name)).filter(Boolean))"
HAN = re.compile(r"[\u4e00-\u9fff]")


# Words are measured in one language each, colours by day and by night; `python -m bench.page` walks through all eight ways.
@pytest.mark.parametrize(("language", "dark"), [("zh", False), ("en", True)], ids=["zh-light", "en-dark"])
def test_axe_finds_nothing_and_labels_speak_the_customers_language(customer: Any, language: str, dark: bool) -> None:
    if not AXE.exists():
        missing("axe-core (npm ci in web/)")
    one = customer(language, dark=dark, reduced_motion="reduce")
    one.visit()
    expect(one.page.locator(".card")).to_have_count(2)
    assert one.axe() == []
    code = one.until_code()
    assert one.axe(one.frame()) == []
    one.say(code)
    one.sees_end()
    expect(one.chat.locator(".rating")).to_be_visible()
    one.say("看看我都绑了什么" if language == "zh" else "What's on my account?")
    expect(one.chat.locator(".bindings")).to_be_visible()
    one.context.set_offline(True)
    one.say("…")
    expect(one.chat.locator(".fault")).to_be_visible()
    assert one.axe(one.frame()) == []
    labels = one.frame().evaluate(SPOKEN) + one.page.evaluate(SPOKEN)
    assert labels
    assert [label for label in labels if bool(HAN.search(label)) != (language == "zh") and not re.fullmatch(r"[\d\W]+", label)] == []
    one.context.set_offline(False)
    expect(one.page.locator(".card")).to_have_count(1)
    assert one.axe() == []
    frame = one.frame()
    assert frame.evaluate("document.documentElement.lang") == ("zh-CN" if language == "zh" else "en")
    # One polite log; nothing interrupts.
    assert frame.evaluate("[...document.querySelectorAll('[role=log]')].map((one) => one.getAttribute('aria-live'))") == ["polite"]
    assert frame.evaluate("document.querySelectorAll('[role=alert], [aria-live=assertive]').length") == 0


def test_everything_goes_by_keyboard_alone(customer: Any) -> None:
    one = customer("en")
    one.visit()
    page, keyboard = one.page, one.page.keyboard

    def tab_to(name: str, *, back: bool = False) -> None:
        focused = "(document.activeElement.shadowRoot?.activeElement ?? document.activeElement)"
        read = f"(() => {{ const one = {focused}; return (one.getAttribute('aria-label') || one.innerText || '').trim() }})()"
        for _ in range(40):
            here = page.evaluate(read)
            inside = one.frame().evaluate("document.hasFocus() ? (document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || '').trim() : ''")
            if name in (here, inside):
                return
            keyboard.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"{name} was not reached")

    tab_to("Unbind my CMB card ending 1234")
    keyboard.press("Enter")
    expect(one.chat.locator(".choice", has_text="Yes, unbind it")).to_be_enabled()
    tab_to("Yes, unbind it", back=False)
    keyboard.press("Enter")
    expect(one.chat.locator(".composer-input--code")).to_be_visible()
    code = one.world.code(one.account)
    tab_to("6-digit code")
    keyboard.type(code)
    keyboard.press("Enter")
    one.sees_end()
    expect(one.chat.locator("textarea.composer-input")).to_be_focused()  # the field changed, the focus stayed
    tab_to("5 of 5, excellent", back=True)
    keyboard.press("Space")
    expect(one.chat.locator(".rating")).to_contain_text("Thanks")
    keyboard.press("Escape")
    expect(page.locator("#jiebang-widget button.b")).to_be_focused()
    keyboard.press("Enter")
    expect(one.chat.locator("textarea.composer-input")).to_be_focused()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_a_phone_nothing_is_cut_off(customer: Any, language: str) -> None:
    one = customer(language, phone=True)
    one.page.set_viewport_size({"width": 320, "height": 640})
    one.visit()
    one.say(one.until_code())
    one.sees_end()
    one.say("看看我都绑了什么" if language == "zh" else "What's on my account?")
    expect(one.chat.locator(".bindings")).to_be_visible()
    frame = one.frame()
    for where in (frame, one.page):
        assert where.evaluate("document.documentElement.scrollWidth") <= 320
    assert frame.evaluate("document.documentElement.scrollHeight") <= 640  # only the log scrolls, also for what is only heard
    assert frame.evaluate("[...document.querySelectorAll('.Bubble, .Card, .Btn, .header, .footer')].filter((one) => { const box = one.getBoundingClientRect(); return box.right > 320.5 || box.left < -0.5 }).length") == 0
    assert frame.evaluate("[...document.querySelectorAll('.choice, .composer-send, .header-button')].filter((one) => one.getBoundingClientRect().height < 24).length") == 0
    assert frame.evaluate("getComputedStyle(document.querySelector('.composer-input')).fontSize") == "16px"  # smaller makes iOS zoom
    one.shoot(f"phone-320-{language}")


def test_calm_motion_is_respected(customer: Any) -> None:
    one = customer("zh", reduced_motion="reduce")
    one.visit()
    longest = "Math.max(...document.getAnimations().map((one) => one.effect.getComputedTiming().duration), 0)"
    one.world.brain(delay=1)
    one.say("你好")
    expect(one.chat.locator(".line--typing")).to_be_visible()
    assert one.frame().evaluate(longest) < 50
