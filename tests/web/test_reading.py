"""What is new can be read: an answer from its beginning, a place that was scrolled to undisturbed, and all of it at four times the size."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

LONG = {"text": "\n".join(f"- line {number} of a long answer" for number in range(60)), "buttons": []}
PLACE = "(() => { const log = document.querySelector('.log').getBoundingClientRect(); const one = [...document.querySelectorAll('.line--bot')].at(-1).getBoundingClientRect(); return [Math.round(one.top - log.top), Math.round(one.bottom - log.bottom)] })()"
# Where the customer stands in the log, in pixels from its end.
LEFT = "(() => { const log = document.querySelector('.log'); return Math.round(log.scrollHeight - log.scrollTop - log.clientHeight) })()"


def stands(one: Any, what: str, holds: str) -> None:
    """Waits until a measure of the log holds, for 20 s at most; the page's policy forbids Playwright's own way."""
    script = f"() => new Promise((done) => {{ const began = Date.now(); const look = () => (({holds})({what}) ? done(null) : Date.now() - began > 20000 ? done({what}) : setTimeout(look, 50)); look() }})"
    assert one.frame().evaluate(script) is None


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_a_long_answer_is_shown_from_its_beginning(customer: Any, motion: str) -> None:
    one = customer("en", reduced_motion=motion)
    one.visit()
    one.world.brain(replies=[LONG, {"text": "And one word more.", "buttons": []}])
    one.say("Tell me everything")
    expect(one.chat.locator(".line--bot")).to_have_count(3)
    first = "(() => document.querySelectorAll('.line--bot')[1].getBoundingClientRect().top - document.querySelector('.log').getBoundingClientRect().top)()"
    stands(one, first, "(top) => top >= 0 && top < 40")
    more = one.chat.get_by_role("button", name="More below")
    expect(more).to_be_visible()
    assert one.axe(one.frame()) == []
    more.click()
    stands(one, LEFT, "(left) => left < 5")
    expect(more).to_have_count(0)
    one.world.brain(replies=[{"text": "Short.", "buttons": []}])
    one.say("Thanks")
    expect(one.chat.locator(".line--bot").last).to_contain_text("Short.")
    stands(one, PLACE, "([top, bottom]) => top > 0 && bottom < 0")


def test_who_reads_further_up_is_not_moved(customer: Any) -> None:
    one = customer("en")
    one.visit()
    one.world.brain(replies=[LONG])
    one.say("Tell me everything")
    expect(one.chat.locator(".line--bot")).to_have_count(2)
    one.chat.get_by_role("button", name="More below").click()
    stands(one, LEFT, "(left) => left < 5")
    one.chat.locator(".log").hover()
    one.page.mouse.wheel(0, -900)
    stands(one, LEFT, "(left) => left > 400")
    one.world.brain(replies=[{"text": "From the other tab.", "buttons": []}])
    one.writes(["Something else"])
    expect(one.chat.locator(".line--bot")).to_have_count(3)
    news = one.chat.get_by_role("button", name="New messages")
    expect(news).to_be_visible()
    assert one.frame().evaluate(LEFT) > 400
    news.click()
    stands(one, LEFT, "(left) => left < 5")
    expect(news).to_have_count(0)


# A screen of 1280 by 720 (1024) at 200 and 400 percent is as a screen of half and a quarter of that.
@pytest.mark.parametrize(("width", "height"), [(640, 360), (320, 256)], ids=["200 percent", "400 percent"])
def test_the_main_job_is_done_with_everything_zoomed(customer: Any, width: int, height: int) -> None:
    one = customer("zh", reduced_motion="reduce")
    one.page.set_viewport_size({"width": width, "height": height})
    one.visit()
    code = one.until_code()
    field = one.chat.locator(".composer-input--code")
    expect(field).to_be_in_viewport(ratio=1)
    for where in (one.page, one.frame()):
        assert where.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert one.axe(where) == []
    one.say(code)
    one.sees_end()
    star = one.chat.get_by_role("button", name="5 分，非常满意")
    star.click()
    expect(one.chat.locator(".rating")).to_contain_text("感谢")
    assert one.frame().evaluate("document.documentElement.scrollWidth <= innerWidth")
