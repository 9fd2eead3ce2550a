"""A person answers: the customer waits in line, sees who it is and that they type, and comes back to the assistant."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.agent import Agent

WORDS = {
    "zh": {"ask": "转人工", "ahead": "前面还有 1 位", "next": "马上轮到您", "staff": "人工客服", "close": "收起对话", "badge": "打开在线客服，1 条新消息", "robot": "解绑助手",
           "says": "您好，我看到您的申请了。", "more": "已经帮您催办。", "thanks": "好的谢谢", "question": "续费会停吗", "answer": "其他付款方式不受影响", "read": "已读", "read_aloud": "客服已读您的消息", "joined": "为您服务"},
    "en": {"ask": "I want a person", "ahead": "1 ahead of you", "next": "you're next", "staff": "Support agent", "close": "Minimise the chat", "badge": "Open customer support, 1 new message", "robot": "Jiebang assistant",
           "says": "Hello, I can see your request.", "more": "I've asked the bank to hurry.", "thanks": "Thank you", "question": "Will my renewal stop?", "answer": "your other ways to pay are not affected",
           "read": "Read", "read_aloud": "The agent has read your message", "joined": "You're now talking to"},
}  # fmt: skip


@pytest.fixture
def first_in_line(world: Any) -> Any:
    """Somebody else waits already; returns what takes them out of the line."""
    made = world.http.post(world.url + "/api/v1/conversations", json={"language": "en"}, timeout=20).json()
    headers = {"Authorization": "Bearer " + made["token"]}
    said = world.http.post(f"{world.url}/api/v1/conversations/{made['id']}/messages", json={"text": "I want a person", "client_id": uuid.uuid4().hex}, headers=headers, timeout=20)
    assert said.json()["mode"] == "queue", said.text
    supervisor = Agent(world.url, "supervisor")
    left = []

    def leave() -> None:
        left.append(supervisor.do(made["id"], "take"))
        supervisor.do(made["id"], "hand-back")

    yield leave
    if not left:
        leave()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_in_line_then_a_person_then_the_assistant_again(customer: Any, first_in_line: Any, language: str) -> None:
    one, words = customer(language, reduced_motion="reduce"), WORDS[language]
    one.visit()
    one.say(words["ask"])
    banner = one.chat.locator(".banner--queue")
    expect(banner).to_contain_text(words["ahead"])
    first_in_line()
    one.say(words["ask"])
    expect(banner).to_contain_text(words["next"])
    assert one.axe(one.frame()) == []

    agent = Agent(one.world.url)
    agent.do(one.conversation, "take")
    expect(one.chat.locator(".header")).to_contain_text(words["staff"])
    expect(banner).to_have_count(0)
    agent.do(one.conversation, "typing", typing=True)
    expect(one.chat.locator(".line--typing")).to_be_visible()
    agent.says(one.conversation, words["says"])
    line = one.chat.locator(".line--agent").last
    expect(line).to_contain_text(words["says"])
    expect(line.locator(".line-who")).to_contain_text(agent.names[language])
    expect(one.chat.locator("h1")).to_have_text(agent.names[language])
    expect(one.chat.locator(".line--typing")).to_have_count(0)
    assert one.axe(one.frame()) == []
    one.shoot(f"agent-{language}")

    one.chat.get_by_role("button", name=words["close"]).click()
    agent.says(one.conversation, words["more"])
    button = one.page.locator("#jiebang-widget button.b")
    expect(button).to_have_accessible_name(words["badge"])
    button.click()
    expect(one.chat.locator(".marker")).to_be_visible()
    one.say(words["thanks"])
    expect(one.chat.locator(".line--customer:not([data-state])")).to_have_count(3)
    expect(one.chat.locator(".line--typing")).to_have_count(0)  # nobody thinks: a person reads

    one.page.reload()
    expect(one.chat.locator("h1")).to_have_text(agent.names[language])
    expect(one.chat.locator(".line--agent")).to_have_count(2)
    agent.do(one.conversation, "hand-back")
    expect(one.chat.locator("h1")).to_have_text(words["robot"])
    one.say(words["question"])
    expect(one.chat.locator(".line--bot").last).to_contain_text(words["answer"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_customer_sees_once_what_a_person_has_read(customer: Any, language: str) -> None:
    one, words = customer(language, reduced_motion="reduce"), WORDS[language]
    one.visit()
    one.say(words["ask"])
    agent = Agent(one.world.url)
    agent.do(one.conversation, "take")
    expect(one.chat.locator(".line--system").last).to_contain_text(words["joined"])
    expect(one.chat.locator("h1")).to_have_text(agent.names[language])  # as soon as the agent took it, before a word
    marks, aloud = one.chat.locator(".line-read"), one.chat.locator(".log-wrap > [role=status]").last

    def says(text: str, count: int) -> str:
        one.say(text)
        lines = one.chat.locator(".line--customer:not([data-state])")
        expect(lines).to_have_count(count)
        return lines.last.get_attribute("data-id")

    first = says(words["thanks"], 2)
    expect(marks).to_have_count(0)
    agent.do(one.conversation, "seen", message=first)
    expect(marks).to_have_text([words["read"]])
    expect(one.chat.locator(f"[data-id={first}] .line-read")).to_have_count(1)
    expect(aloud).to_have_text(words["read_aloud"])
    assert one.axe(one.frame()) == []
    agent.do(one.conversation, "typing", typing=True)
    expect(one.chat.locator(".line--typing")).to_be_visible()
    expect(aloud).to_have_text(words["read_aloud"])  # not said again when typing begins or ends

    second = says(words["question"], 3)
    expect(one.chat.locator(f"[data-id={first}] .line-read")).to_have_count(1)
    expect(aloud).to_have_text("")  # the newest is not read yet
    agent.do(one.conversation, "seen", message=second)
    expect(one.chat.locator(f"[data-id={second}] .line-read")).to_have_count(1)
    expect(marks).to_have_count(1)
    expect(aloud).to_have_text(words["read_aloud"])

    one.page.reload()
    expect(marks).to_have_count(1)
    agent.do(one.conversation, "hand-back")
    expect(one.chat.locator("h1")).to_have_text(words["robot"])
    expect(marks).to_have_count(0)


@pytest.mark.parametrize(("language", "thanks"), [("zh", "感谢您的评价"), ("en", "Thanks for your feedback")])
def test_who_was_served_by_a_person_is_asked_for_a_score_once(customer: Any, language: str, thanks: str) -> None:
    one, words = customer(language, reduced_motion="reduce"), WORDS[language]
    one.visit()
    one.say(words["ask"])
    agent = Agent(one.world.url)
    agent.do(one.conversation, "take")
    agent.says(one.conversation, words["says"])
    expect(one.chat.locator(".line--agent").last).to_contain_text(words["says"])
    agent.do(one.conversation, "close", wrap_up="solved")
    rating = one.chat.locator(".line--system .rating")
    expect(rating).to_be_visible()
    assert one.axe(one.frame()) == []
    one.shoot(f"closed-{language}")
    rating.get_by_role("button").nth(4).click()
    expect(rating).to_contain_text(thanks)
    one.say(words["question"])
    expect(one.chat.locator(".line--customer:not([data-state])")).to_have_count(2)
    expect(one.chat.locator(".line--typing")).to_have_count(0)
    expect(one.chat.locator(".rating")).to_have_count(1)
