"""The main job on the demo page: a card is unbound by talking, in both languages, by a code or on the secure page."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.resting import box


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_sample_sentence_unbinds_the_card(customer: Any, language: str) -> None:
    one = customer(language)
    one.visit()
    expect(one.page.locator(".card")).to_have_count(2)
    one.page.locator(".tries button").first.click()
    one.press(one.words["confirm"])
    field = one.chat.locator(".composer-input--code")
    expect(field).to_have_attribute("inputmode", "numeric")
    expect(field).to_have_attribute("autocomplete", "one-time-code")
    expect(one.page.locator(".note-code")).to_have_count(1)  # the pretend phone shows the SMS
    code = one.world.code(one.account)
    assert code in one.page.locator(".note-code").inner_text()
    field.press_sequentially(code)
    one.chat.locator(".composer-send").click()
    one.sees_end()
    operation = one.chat.locator(".operation")
    expect(operation).to_contain_text("JB")
    expect(operation).to_contain_text("1234")
    expect(operation).to_contain_text("爱奇艺" if language == "zh" else "Netflix")
    expect(one.page.locator(".card")).to_have_count(1)  # it disappears from the account by itself
    expect(one.page.locator(".note[data-kind=push]")).to_have_count(1)
    expect(one.chat.locator(".log")).not_to_contain_text(code)  # the code is not left on the screen
    one.shoot(f"main-job-{language}")


def test_a_question_dictated_into_the_field_of_the_code_arrives_whole(customer: Any) -> None:
    one = customer("zh")
    one.visit()
    one.until_code()
    question = "先别急我想问一下解绑以后爱奇艺的会员还能不能接着用到下个月"
    one.chat.locator(".composer-input--code").fill(question)  # all at once, as a phone's dictation or a paste does
    written = one.chat.locator("textarea.composer-input")
    expect(written).to_have_value(question)
    written.press("Enter")
    expect(one.chat.locator(".line--customer", has_text=question)).to_have_count(1)


def test_the_card_of_an_operation_can_be_copied_and_the_talk_rated(customer: Any) -> None:
    one = customer("en")
    one.visit()
    one.say(one.until_code())
    one.sees_end()
    one.chat.locator(".operation .copy").click()
    reference = one.chat.locator(".operation .mono").inner_text()
    assert one.page.evaluate("navigator.clipboard.readText()") == reference
    one.chat.get_by_role("button", name="4 of 5, good").click()
    expect(one.chat.locator(".rating")).to_contain_text("Thanks for your feedback")
    one.page.reload()
    expect(one.chat.locator(".rating")).to_contain_text("Thanks for your feedback")


def test_stars_that_come_up_under_a_pointer_at_rest_are_not_given(customer: Any) -> None:
    one = customer("en")
    one.visit()
    one.say(one.until_code())
    one.sees_end()
    star = one.chat.get_by_role("button", name="5 of 5, excellent")
    full = one.chat.locator(".rating path[fill=currentColor]")
    star.hover()
    expect(full).to_have_count(5)
    one.chat.locator(".log").evaluate("one => one.scrollTo(0, 0)")
    expect(full).to_have_count(0)
    one.chat.locator(".log").evaluate("one => one.scrollTo(0, one.scrollHeight)")
    one.page.wait_for_timeout(800)  # the browser tells the page late what has come under the pointer
    expect(full).to_have_count(0)


def test_a_wrong_code_can_be_corrected(customer: Any) -> None:
    one = customer()
    one.visit()
    code = one.until_code()
    one.say("000000" if code != "000000" else "111111")
    expect(one.chat.locator(".line--bot").last).to_contain_text("还可以试2次")
    one.say(code)
    one.sees_end()


def test_the_card_of_a_message_says_that_a_code_is_asked_for(customer: Any) -> None:
    one = customer()
    one.visit()
    asks = {"text": "请查收短信，把收到的数字告诉我。", "buttons": [{"title": "重新发送", "command": {"intent": "resend_code", "entities": []}}], "card": {"type": "code", "length": 6}}
    one.world.brain(replies=[asks, {"text": "也可以改用支付密码。", "buttons": []}])
    one.say("解绑")
    field = one.chat.locator(".composer-input--code")
    expect(field).to_have_attribute("autocomplete", "one-time-code")
    expect(one.chat.locator(".choice.Btn--primary")).to_have_count(0)  # what is wanted is the code, not another one
    one.world.brain(replies=[{"text": "好的，没有做任何改动。", "buttons": []}])
    one.say("482913")
    expect(field).to_have_count(0)


def test_text_can_be_typed_while_a_code_is_asked_for(customer: Any) -> None:
    one = customer()
    one.visit()
    one.until_code()
    one.chat.get_by_role("button", name="改用文字输入").click()
    expect(one.chat.locator("textarea.composer-input")).to_be_focused()
    one.say("续费会停吗")
    expect(one.chat.locator(".line--bot").last).to_contain_text("其他付款方式不受影响")
    expect(one.chat.locator(".line--bot").last.locator("li")).to_have_count(2)


def test_words_that_are_written_into_the_codes_field_are_not_lost(customer: Any) -> None:
    one = customer("en")
    one.visit()
    one.until_code()
    expect(one.chat.locator(".composer-input--code")).to_be_focused()  # after a button, what comes next is typed
    one.page.keyboard.type("no text came")
    words = one.chat.locator("textarea.composer-input")
    expect(words).to_have_value("no text came")
    words.fill("")
    one.chat.get_by_role("button", name="Enter the code").click()
    expect(one.chat.locator(".composer-input--code")).to_be_focused()
    wire = one.context.new_cdp_session(one.page)
    wire.send("Input.imeSetComposition", {"text": "shoubudao", "selectionStart": 9, "selectionEnd": 9})
    expect(one.chat.locator(".composer-input--code")).to_have_value("shoubudao")
    wire.send("Input.insertText", {"text": "收不到"})
    expect(words).to_have_value("收不到")
    expect(words).to_be_focused()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_secure_page_takes_the_payment_password(customer: Any, language: str) -> None:
    one = customer(language)
    one.visit()
    one.say(one.words["unbind"])
    one.press(one.words["password"])
    with one.page.expect_popup() as opened:
        one.press(one.words["secure"])
    secure = opened.value
    assert one.axe(secure) == []
    secure.locator("input[name=password]").fill("246810")
    expect(secure.locator("#state")).to_be_empty()  # the chat has told it who is signed in
    secure.locator("#send").click()
    expect(secure.locator("form")).to_have_count(0)
    one.sees_end()
    assert one.world.tails(one.account) == ["9012"]


def test_a_request_that_waits_for_the_bank_shows_its_progress_and_ends_by_itself(customer: Any) -> None:
    one = customer()
    one.visit()
    one.world.bank("pending")
    one.say(one.until_code())
    running = one.chat.locator(".operation[data-tone=busy]").last
    expect(running.locator("[aria-current=step]")).to_have_text("银行处理")
    one.world.settle()
    one.sees_end()
    expect(one.chat.locator(".operation[data-tone=busy], .operation [aria-current=step]")).to_have_count(0)  # nothing looks as though it still waits


def test_on_a_phone_each_step_of_a_request_is_one_line(customer: Any) -> None:
    one = customer("en", phone=True)
    one.visit()
    one.world.bank("pending")
    one.say(one.until_code())
    now = one.chat.locator(".operation[data-tone=busy] [aria-current=step]").last
    expect(now).to_have_text("With the bank")  # the longest, and bold
    assert box(now)["height"] < 40


def test_who_is_not_signed_in_is_asked_to_and_then_it_goes_on(customer: Any) -> None:
    one = customer("zh", signed_in=False)
    one.visit()
    one.say("帮我解绑尾号1234的招行卡")
    one.press("登录")
    one.page.get_by_role("button", name="demo-zh").click()
    expect(one.chat.locator(".line--bot").last).to_contain_text("确认解绑吗")
    expect(one.page.locator(".who")).to_be_visible()


def test_a_new_customer_begins_from_the_beginning(customer: Any) -> None:
    one = customer()
    one.visit()
    one.say("看看我都绑了什么")
    expect(one.chat.locator(".bindings li")).to_have_count(3)
    one.page.get_by_role("button", name="换一位新客户").click()
    expect(one.page.locator(".card")).to_have_count(3)
    expect(one.chat.locator(".line--customer")).to_have_count(0)
    expect(one.chat.locator(".line--bot")).to_have_count(1)


def test_the_bank_switch_works(customer: Any) -> None:
    one = customer("en")
    one.visit()
    one.page.get_by_role("radio", name="Refuses").check()
    expect(one.page.locator(".console-note")).to_contain_text("nothing changes")
    one.say(one.until_code())
    expect(one.chat.locator(".operation[data-status=failed]")).to_be_visible()
    expect(one.chat.locator(".operation")).to_contain_text("Refused by the bank")
    expect(one.chat.locator(".operation")).not_to_contain_text("What changes")  # nothing did


def test_the_language_follows_the_page_then_the_customer_then_the_talk(customer: Any) -> None:
    one = customer("zh")
    one.visit()
    expect(one.chat.locator("h1")).to_have_text("解绑助手")
    one.chat.get_by_role("button", name="Switch to English").click()
    expect(one.chat.locator("h1")).to_have_text("Jiebang assistant")
    expect(one.chat.locator(".line--bot").first).to_contain_text("Hi, I'm")  # nothing was said yet: the greeting changes too
    one.say("看看我都绑了什么")
    expect(one.chat.locator("h1")).to_have_text("解绑助手")
    one.page.get_by_role("button", name="English", exact=True).click()
    expect(one.page.locator("h1")).to_have_text("Say it, and the card is unbound")
    expect(one.chat.locator("h1")).to_have_text("Jiebang assistant")
