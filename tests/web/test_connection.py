"""The talk survives tabs, reloads, cuts and what stands between the customer and the gateway."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from playwright.sync_api import expect

BROKEN = "window.WebSocket = class { constructor() { setTimeout(() => { this.onerror?.(new Event('error')); this.onclose?.({code: 1006}) }) } close() {} send() {} }"

# The gateway has what the customer said.
ARRIVED = """async () => {
  const kept = JSON.parse(sessionStorage.getItem('jiebang:conversation'));
  const answer = await fetch(`/api/v1/conversations/${kept.id}/messages`, {headers: {Authorization: 'Bearer ' + kept.token}});
  return (await answer.json()).messages.some((message) => message.author === 'customer');
}"""


def test_two_tabs_are_two_talks_of_one_customer(customer: Any) -> None:
    one = customer()
    first = one.visit()
    other = one.tab()
    second = one.visit(page=other)
    one.say("看看我都绑了什么", second)
    expect(second.locator(".bindings")).to_be_visible()
    expect(first.locator(".line--customer")).to_have_count(0)
    one.page.bring_to_front()
    one.say(one.until_code())
    one.sees_end()
    other.bring_to_front()
    expect(other.locator(".card")).to_have_count(1)


def test_a_reload_in_the_middle_loses_nothing(customer: Any) -> None:
    one = customer("en")
    one.visit()
    code = one.until_code()
    one.page.reload()
    expect(one.chat.locator(".line--customer")).to_have_count(2)
    expect(one.chat.locator(".composer-input--code")).to_be_visible()
    one.say(code)
    one.sees_end()


def test_a_message_of_a_cut_line_is_sent_again_and_counts_once(customer: Any) -> None:
    one = customer()
    one.visit()
    one.context.set_offline(True)
    expect(one.chat.locator(".banner--cut")).to_be_visible()
    one.say("看看我都绑了什么")
    expect(one.chat.locator(".line[data-state=failed]")).to_contain_text("网络不通")
    one.context.set_offline(False)
    expect(one.chat.locator(".banner--cut")).to_have_count(0, timeout=10_000)
    one.chat.get_by_role("button", name="重新发送").click()
    expect(one.chat.locator(".bindings")).to_have_count(1)
    expect(one.chat.locator(".line--customer")).to_have_count(1)
    expect(one.chat.locator(".line[data-state]")).to_have_count(0)


def test_a_message_whose_answer_was_cut_off_is_not_called_unsent(customer: Any) -> None:
    one = customer()
    one.visit()
    one.world.brain(delay=3)
    one.say("续费会停吗")
    one.frame().wait_for_function(ARRIVED)
    one.context.set_offline(True)
    expect(one.chat.locator(".banner--cut")).to_be_visible()
    one.context.set_offline(False)
    expect(one.chat.locator(".line--bot").last).to_contain_text("其他付款方式不受影响")
    expect(one.chat.locator(".line[data-state]")).to_have_count(0)
    expect(one.chat.locator(".line--customer")).to_have_count(1)


def test_what_was_said_during_a_cut_comes_afterwards(customer: Any) -> None:
    one = customer()
    one.visit()
    one.world.bank("pending")
    one.say(one.until_code())
    expect(one.chat.locator(".operation[data-tone=busy]").last).to_be_visible()
    one.context.set_offline(True)
    expect(one.chat.locator(".banner--cut")).to_be_visible()
    one.world.settle()
    one.world.code(one.account)
    one.context.set_offline(False)
    expect(one.chat.locator(".operation[data-status=succeeded]")).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("left", ["events", "polling", "nothing of socket.io"])
def test_without_socket_io_the_talk_goes_on(customer: Any, left: str) -> None:
    one = customer()
    if left == "nothing of socket.io":
        one.context.route("**/assets/socket-*.js", lambda route: route.abort())
    else:
        one.context.add_init_script(BROKEN)
        one.context.route("**/socket.io/**", lambda route: route.abort())
    if left == "polling":
        one.context.route("**/events*", lambda route: route.abort())
    one.visit()
    one.world.bank("pending")
    one.say(one.until_code())
    expect(one.chat.locator(".operation[data-tone=busy]").last).to_be_visible()
    one.world.settle()
    expect(one.chat.locator(".operation[data-status=succeeded]")).to_be_visible(timeout=25_000)
    expect(one.chat.locator("main")).to_have_attribute("data-link", "live")


def test_an_assistant_that_is_away_is_said_and_the_message_can_be_sent_again(customer: Any) -> None:
    one = customer("en")
    one.visit()
    one.world.brain(fail=True)
    one.say("What's on my account?")
    fault = one.chat.locator(".line[data-state=failed] .fault")
    expect(fault).to_contain_text("nothing was done", timeout=20_000)
    one.world.brain()
    fault.get_by_role("button", name="Send again").click()
    expect(one.chat.locator(".bindings")).to_be_visible()
    expect(one.chat.locator(".line--customer")).to_have_count(1)


def test_new_messages_behind_the_closed_button_are_counted_and_marked(customer: Any) -> None:
    one = customer()
    one.visit()
    one.world.bank("pending")
    one.say(one.until_code())
    expect(one.chat.locator(".operation[data-tone=busy]").last).to_be_visible()
    one.chat.get_by_role("button", name="收起对话").click()
    button = one.page.locator("#jiebang-widget button.b")
    expect(button).to_be_focused()
    one.world.settle()
    expect(button.locator(".n")).to_have_text("2")
    expect(button).to_have_accessible_name("打开在线客服，2 条新消息")
    button.click()
    expect(one.chat.locator(".marker")).to_have_text("新消息")
    expect(button.locator(".n")).to_be_hidden()


def test_a_chat_that_does_not_come_can_be_closed_and_tried_again(customer: Any) -> None:
    one = customer("en")
    one.page.clock.install()
    one.context.route("**/widget/**", lambda route: route.fulfill(status=503))
    one.page.goto(one.world.url)
    away = one.page.get_by_role("alert")
    expect(one.page.locator("#jiebang-widget iframe")).to_have_count(1)
    one.page.clock.fast_forward(10_000)
    expect(away).to_contain_text("can't be opened right now")
    assert one.axe() == []
    away.get_by_role("button", name="Close").click()
    button = one.page.locator("#jiebang-widget button.b")
    expect(button).to_be_focused()
    one.context.unroute("**/widget/**")
    button.click()
    away.get_by_role("button", name="Try again").click()
    expect(one.chat.locator(".line--bot")).to_have_count(1)
    expect(away).to_have_count(0)


def test_an_opinion_that_was_not_kept_can_be_given_again(customer: Any) -> None:
    one = customer("en")
    one.visit()
    one.say(one.until_code())
    one.sees_end()
    one.context.route("**/feedback", lambda route: route.abort())
    star = one.chat.get_by_role("button", name="5 of 5, excellent")
    star.click()
    expect(one.chat.locator(".notice")).to_contain_text("wasn't saved")
    one.context.unroute("**/feedback")
    star.click()
    expect(one.chat.locator(".rating")).to_contain_text("Thanks")
    expect(star).to_be_focused()
    expect(one.chat.locator(".notice")).to_have_count(0)


def test_a_dead_bearer_begins_a_new_talk(customer: Any) -> None:
    one = customer()
    one.visit()
    one.frame().evaluate("sessionStorage.setItem('jiebang:conversation', JSON.stringify({...JSON.parse(sessionStorage.getItem('jiebang:conversation')), token: 'jbc_dead'}))")
    one.page.reload()
    expect(one.chat.locator(".line--bot")).to_have_count(1)
    expect(one.chat.locator(".notice")).to_contain_text("这是新的对话")


def test_signing_out_takes_the_talk_away(customer: Any) -> None:
    one = customer()
    one.visit()
    one.say("看看我都绑了什么")
    expect(one.chat.locator(".bindings")).to_be_visible()
    one.page.get_by_role("button", name="退出登录").click()
    expect(one.chat.locator(".line--customer")).to_have_count(0)
    expect(one.chat.locator(".bindings")).to_have_count(0)


def test_an_expired_sign_in_is_renewed_without_a_word(customer: Any) -> None:
    one = customer()
    one.visit()
    one.say("看看我都绑了什么")
    expect(one.chat.locator(".bindings")).to_have_count(1)
    _database(one, "UPDATE {conversations} SET signed_in_at = '2020-01-01 00:00:00.000000' WHERE id = ?")
    one.say("看看我都绑了什么")
    expect(one.chat.locator(".bindings")).to_have_count(2)
    expect(one.chat.locator(".line[data-state]")).to_have_count(0)


def test_typing_is_shown_while_the_assistant_thinks(customer: Any) -> None:
    one = customer()
    one.visit()
    one.world.brain(delay=1)
    one.say("你好")
    expect(one.chat.locator(".line--typing")).to_be_visible()
    expect(one.chat.locator(".line--typing")).to_have_count(0)


def _database(one: Any, statement: str) -> None:
    """Changes the gateway's database, as time does."""
    with sqlite3.connect(one.world.stack.home / "gateway.sqlite", timeout=10) as database:
        names = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        pick = lambda *wanted: next(name for name in names if name in wanted)  # noqa: E731
        database.execute(statement.format(conversations=pick("conversation", "conversations"), messages=pick("message", "messages")), (one.conversation,))
        database.commit()
