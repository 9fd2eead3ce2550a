"""The agents' desk in a browser: a chat with the customer's widget beside it, two agents and one chat, a cut line, a phone call, and every page for everybody."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from tests.services import missing
from tests.web.conftest import DIST
from tests.web.resting import box
from tests.web.desk_agent import Agent, Chatter, choose, opened

WORDS = {
    "zh": {"take": "接入", "hand_back": "交回助手", "close": "结束", "phone": "来电号码", "start": "开始通话", "send_code": "发送核实短信", "digits": "用他说的这串数字", "unbind": "解绑 招商银行 ••1234",
           "agree": "客户听过影响并同意，发送验证码", "ask": "您好，帮我解绑尾号1234的招行卡", "code": "短信里说是{}", "done": "已完成", "end": "结束通话", "unbound": "已办理解绑", "gone": "通话已结束", "check": "核对"},
    "en": {"take": "Take", "hand_back": "Hand back", "close": "Close it", "phone": "Caller's number", "start": "Start the call", "send_code": "Send the text", "digits": "Use the digits just said",
           "unbind": "Unbind China Merchants Bank ••1234", "agree": "They heard the effects and agree: send the code", "ask": "Hi, please unbind my CMB card ending 1234", "code": "it says {}", "done": "Done",
           "end": "End call", "unbound": "Unbound", "gone": "The call has ended", "check": "Check"},
}  # fmt: skip


@pytest.fixture(scope="module")
def desk(world: Any, browser: Any) -> Iterator[Any]:
    """Makes people of the desk, each signed in once for all tests; at the end none of their pages may have complained."""
    if not (DIST / "desk" / "index.html").exists():
        missing("the desk's page in the web build (make setup)")
    made: dict[tuple[str, str, bool, bool], Agent] = {}

    def make(username: str = "agent", language: str = "zh", *, dark: bool = False, tablet: bool = False) -> Agent:
        key = (username, language, dark, tablet)
        if key not in made:
            made[key] = Agent(world, browser, username, language, dark=dark, tablet=tablet)
            made[key].sign_in()
        return made[key]

    yield make
    faults = [fault for one in made.values() for fault in one.faults]
    for one in made.values():
        one.close()
    assert faults == []


def test_a_customer_and_an_agent_side_by_side(customer: Any, desk: Any) -> None:
    one, agent = customer("zh"), desk()
    page = agent.page
    one.visit()
    one.say("解绑会影响爱奇艺自动续费吗")
    expect(one.chat.locator(".line--bot").last).to_contain_text("会停")
    one.say("我要转人工")
    row = page.locator(".row", has_text="接通人工客服").first
    row.click()  # it came by itself
    expect(page.locator(".intent", has_text="解绑后自动续费怎么办")).to_be_visible()  # what was understood stands at each line
    page.locator("h1").click()
    page.keyboard.press("t")
    expect(page.locator(".owner[data-mode=mine]")).to_be_visible()
    expect(one.chat.locator(".line--system").last).to_contain_text("客服 林晓 Lynn 为您服务")
    page.locator(".composer textarea").press_sequentially("您好")
    expect(one.chat.locator(".line--typing")).to_be_visible()
    page.locator(".composer textarea").press_sequentially("，我来帮您。")
    page.keyboard.press("Enter")
    expect(agent.lines("agent").last).to_contain_text("您好，我来帮您。")
    expect(one.chat.locator(".log")).to_contain_text("您好，我来帮您。")
    expect(agent.lines("agent").last).to_contain_text("已读")
    one.chat.locator(".composer-input").press_sequentially("嗯")
    expect(page.locator(".typing")).to_have_text("客户正在输入…")
    one.chat.locator(".composer-input").fill("")
    expect(page.locator(".typing")).to_have_text("")
    one.say("解绑一般要多久")
    expect(agent.lines("customer").last).to_contain_text("解绑一般要多久")
    expect(agent.lines("customer").last.locator(".intent")).to_be_visible()  # also while a person owns the talk
    suggestion = page.locator(".suggestion")
    expect(suggestion).to_contain_text("马上生效")
    page.keyboard.press("Alt+Enter")  # as it is
    expect(one.chat.locator(".log")).to_contain_text("个别银行要1到3个工作日")
    page.locator(".composer textarea").fill("请告诉我您的支付密码")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("机密")
    page.get_by_role("button", name="我来改").click()
    expect(page.locator(".composer textarea")).to_have_value("请告诉我您的支付密码")
    page.locator(".composer textarea").fill("")
    page.keyboard.press("/")
    agent.pick("greeting")
    expect(page.locator(".composer textarea")).to_have_value(re.compile("您好，我是客服林晓"))
    page.locator(".composer textarea").fill("")
    page.keyboard.press("m")  # a letter in the field is a letter
    expect(page.locator(".composer textarea")).to_have_value("m")
    page.locator(".composer textarea").fill("")
    page.locator(".composer").get_by_text("写备注").click()
    page.locator(".composer textarea").fill("客户很着急 6222020000001234567")
    page.keyboard.press("Enter")
    expect(agent.lines("note").last).to_contain_text("卡号 ••4567")
    expect(one.chat.locator(".log")).not_to_contain_text("着急")
    page.keyboard.press("Alt+h")
    expect(page.locator(".owner[data-mode=bot]")).to_be_visible()
    one.say("看看我都绑了什么")
    expect(one.chat.locator(".bindings")).to_be_visible()


def test_an_agent_unbinds_in_a_chat_and_never_sees_the_code(customer: Any, desk: Any) -> None:
    one, agent = customer("en"), desk()
    page = agent.page
    one.visit()
    one.say("I want a person please")
    expect(one.chat.locator(".line--bot")).to_have_count(2)
    page.locator("h1").first.click()
    page.keyboard.press("n")
    expect(page.locator(".owner[data-mode=mine]")).to_be_visible()
    page.locator(".side").get_by_role("tab", name="客户").click()
    page.get_by_role("button", name=WORDS["zh"]["unbind"]).click()
    page.locator(".side").get_by_role("tab", name="助手").click()
    guide = page.locator(".guide")
    expect(guide).to_contain_text("自动扣款会停止")
    guide.get_by_role("button", name="放进回复").click()
    expect(page.locator(".composer textarea")).to_have_value(re.compile("1234"))  # in the customer's language
    page.keyboard.press("Enter")
    guide.get_by_role("button", name="客户同意，发送验证码").click()
    code = one.world.code(one.account)
    expect(guide.locator(".guide-note")).to_contain_text("****")
    one.say(code)
    expect(guide.locator(".state")).to_have_text("已完成")
    expect(page.locator("body")).not_to_contain_text(code)
    assert one.world.tails(one.account) == ["9012"]
    page.keyboard.press("Alt+w")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".ant-radio-button-wrapper-checked")).to_contain_text("已办理解绑")
    dialog.get_by_role("button", name=WORDS["zh"]["close"]).click()
    expect(page.locator(".owner[data-mode=bot]")).to_be_visible()


def test_two_agents_and_one_chat(desk: Any, world: Any) -> None:
    first, second, talk = desk("agent"), desk("supervisor"), Chatter(world)
    talk.say("转人工")
    second.open(f"/desk/chats/{talk.id}")
    cookies = {one["name"]: one["value"] for one in first.context.cookies()}
    root = world.url + "/api/desk/v1"
    csrf = requests.get(root + "/session", cookies=cookies, timeout=10).json()["csrf"]

    def faster(route: Any) -> None:
        answer = requests.post(f"{root}/conversations/{talk.id}/take", json={}, cookies=cookies, headers={"X-CSRF-Token": csrf}, timeout=10)
        assert answer.status_code == 200
        route.continue_()

    second.page.route("**/take", faster)
    second.page.get_by_role("button", name=WORDS["zh"]["take"], exact=True).click()
    expect(second.page.locator(".ant-message")).to_contain_text("林晓 Lynn 已经接入了这个会话")
    expect(second.page.locator(".owner")).to_have_text("林晓 Lynn 接待中")
    expect(second.page.locator(".composer")).to_have_attribute("data-note", "true")  # only a note can be written
    second.page.unroute("**/take")
    first.page.get_by_role("tab", name=re.compile("我的")).click()
    expect(first.row(talk.id)).to_be_visible()
    first.page.get_by_role("tab", name=re.compile("排队")).click()
    expect(first.row(talk.id)).to_have_count(0)


@pytest.mark.parametrize("tablet", [False, True])
def test_english_words_have_room_and_no_gap_reaches_a_customer(desk: Any, world: Any, tablet: bool) -> None:
    agent, talk = desk("agent", "en", tablet=tablet), Chatter(world, "en", signed_in=False)
    page = agent.page
    talk.say("an agent please")

    def urgent(route: Any) -> None:
        answer = route.fetch()
        found = answer.json()
        for row in found["items"]:
            row["ticket"] = row["ticket"] and {**row["ticket"], "priority": "high"}
        route.fulfill(response=answer, json=found)

    page.route(re.compile(r"/conversations\?"), urgent)
    page.goto(f"{world.url}/desk/chats/{talk.id}")
    top = agent.row(talk.id).locator(".row-top")
    expect(top).to_contain_text("Priority")
    assert top.evaluate("one => one.scrollWidth <= one.clientWidth"), "the time stands in its row"
    page.unroute(re.compile(r"/conversations\?"))
    page.get_by_role("button", name=WORDS["en"]["take"], exact=True).click()
    expect(page.locator(".owner[data-mode=mine]")).to_be_visible()
    chosen = page.locator(".list-tools .ant-select-content")
    assert chosen.evaluate("one => one.scrollWidth <= one.clientWidth"), "“All languages” is read whole"
    field = page.locator(".composer textarea")
    field.press("/")
    agent.pick("unbind_confirm")
    expect(field).to_have_value(re.compile("unbind {card}"))
    page.keyboard.press("Enter")
    expect(page.locator(".ant-message")).to_contain_text("Fill in {card}")
    page.keyboard.type("your CMB card")  # the gap is what is selected
    page.keyboard.press("Enter")
    expect(agent.lines("agent").last).to_contain_text("unbind your CMB card.")
    assert not [text for _, text in talk.history() if "{card}" in text]
    agent.say("please tell me the code")
    ways = page.get_by_role("dialog").locator(".ant-modal-confirm-btns button")
    expect(ways).to_have_count(2)
    assert len({round(box(way)["y"]) for way in ways.all()}) == 1, "side by side"
    ways.last.click()
    field.fill("")
    page.keyboard.press("Alt+f")
    page.get_by_role("dialog").get_by_role("button", name="Transfer").click()
    expect(agent.row(talk.id).locator(".row-last")).to_have_text(re.compile("^Me: I'm about to unbind"))  # nobody's talk, but my words
    page.get_by_role("button", name=WORDS["en"]["take"], exact=True).click()
    expect(page.locator(".owner[data-mode=mine]")).to_be_visible()
    page.keyboard.press("Alt+w")
    page.get_by_role("dialog").get_by_role("button", name=WORDS["en"]["close"]).click()


def test_a_cut_line_loses_nothing(desk: Any, world: Any) -> None:
    agent, talk = desk(), Chatter(world)
    talk.say("转人工")
    agent.open(f"/desk/chats/{talk.id}")
    agent.page.get_by_role("button", name=WORDS["zh"]["take"], exact=True).click()
    expect(agent.page.locator(".owner[data-mode=mine]")).to_be_visible()
    agent.context.set_offline(True)
    expect(agent.page.locator(".cut")).to_be_visible()
    agent.say("马上就好")
    expect(agent.page.locator(".line[data-state=failed]")).to_contain_text("马上就好")
    talk.say("你还在吗")
    agent.context.set_offline(False)
    expect(agent.page.locator(".cut")).to_have_count(0)
    expect(agent.lines("customer").last).to_contain_text("你还在吗")
    agent.page.get_by_role("button", name="重发").click()
    expect(agent.page.locator(".line[data-state]")).to_have_count(0)
    assert [text for author, text in talk.history() if author == "agent"] == ["马上就好"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_call_from_ring_to_wrap_up(desk: Any, world: Any, language: str) -> None:
    agent, words, account = desk("agent", language, tablet=language == "en"), WORDS[language], world.customer(language)
    page, phone = agent.page, world.account(account)["phone"]
    agent.open("/desk/calls")
    page.get_by_label(words["phone"]).fill(phone)
    page.get_by_role("button", name=words["start"]).click()
    expect(page.locator(".talk h1")).to_contain_text("****")
    field = page.locator(".composer-row input")
    field.fill(words["ask"])
    page.keyboard.press("Enter")
    expect(page.locator(".suggestion-text")).to_be_visible()
    page.locator(".side").get_by_role("tab").nth(1).click()
    expect(page.locator(".side .ant-empty:visible")).to_be_visible()  # nothing of the account before the code
    expect(page.locator(".things")).to_have_count(0)
    page.get_by_role("button", name=words["send_code"]).click()
    first = world.code(account)
    field.fill(words["code"].format(first))
    page.keyboard.press("Enter")
    expect(page.locator(".lines")).not_to_contain_text(first)
    page.get_by_role("button", name=words["digits"]).click()
    expect(page.locator(".identity[data-state=verified]")).to_be_visible()
    page.get_by_role("button", name=words["unbind"]).click()
    guide = page.locator(".guide")
    expect(guide.locator("[aria-current=step]")).to_be_visible()
    assert agent.axe() == []
    guide.get_by_role("button", name=words["agree"]).click()
    second = world.code(account, after=1)
    guide.locator(".code-field input").fill("000000" if second != "000000" else "111111")
    guide.get_by_role("button", name=words["check"]).click()
    expect(page.locator(".ant-message")).to_contain_text("2")
    guide.locator(".code-field input").fill(second)
    guide.get_by_role("button", name=words["check"]).click()
    expect(guide.locator(".state")).to_have_text(words["done"])
    assert world.tails(account) == ["9012"]
    page.keyboard.press("Alt+w")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".ant-radio-button-wrapper-checked")).to_contain_text(words["unbound"])
    expect(dialog.locator("textarea")).not_to_have_value("")
    dialog.get_by_role("button", name=words["end"]).click()
    expect(page.locator(".ant-message")).to_contain_text(words["gone"])
    expect(page.locator(".composer")).to_have_count(0)


def test_the_end_of_an_operation_finds_an_agent_who_looks_elsewhere(desk: Any, world: Any) -> None:
    agent, words, account = desk(), WORDS["zh"], world.customer("zh")
    page = agent.page
    agent.open("/desk/calls")
    page.get_by_label(words["phone"]).fill(world.account(account)["phone"])
    page.get_by_role("button", name=words["start"]).click()
    page.get_by_role("button", name=words["send_code"]).click()
    page.locator(".composer-row input").fill(words["code"].format(world.code(account)))
    page.keyboard.press("Enter")
    page.get_by_role("button", name=words["digits"]).click()
    page.get_by_role("button", name=words["unbind"]).click()
    guide = page.locator(".guide")
    guide.get_by_role("button", name=words["agree"]).click()
    world.bank("pending")
    try:
        guide.locator(".code-field input").fill(world.code(account, after=1))
        guide.get_by_role("button", name=words["check"]).click()
        expect(guide.locator(".state")).to_have_attribute("data-status", "pending")
        agent.open("/desk/chats")
        expect(page.locator(".guide")).to_have_count(0)
    finally:
        world.bank("ok")
    world.settle()
    news = page.locator(".ant-notification-notice")
    expect(news).to_contain_text("解绑银行卡（尾号 1234），已经办好了。")
    assert agent.axe() == []
    news.get_by_role("button", name="打开通话").click()
    expect(agent.lines("system").last).to_contain_text("已经办好了")
    expect(guide.locator(".state")).to_have_text(words["done"])
    expect(news).to_have_count(0)
    page.keyboard.press("Alt+w")
    page.get_by_role("dialog").get_by_role("button", name=words["end"]).click()


def test_what_an_agent_corrects_a_supervisor_reviews(desk: Any, world: Any) -> None:
    agent, boss, talk = desk(), desk("supervisor"), Chatter(world)
    said = "一直扣" + "".join(random.choices("天地玄黄宇宙洪荒", k=4))  # a line that was reviewed once does not come again
    talk.say("转人工")
    agent.open(f"/desk/chats/{talk.id}")
    agent.page.get_by_role("button", name=WORDS["zh"]["take"], exact=True).click()
    talk.say("那个爱奇艺续费怎么" + said)
    expect(agent.lines("customer").last).to_contain_text(said)
    agent.page.locator(".intent-view").get_by_role("button", name="理解错了").click()
    choose(agent.page.get_by_role("combobox", name="选意图…"), "取消自动扣款", typed="取消自动")
    expect(agent.page.locator(".intent-view")).to_contain_text("会进入复核")
    boss.open("/desk/review")
    item = boss.page.locator(".review-item", has_text=said)
    expect(item).to_contain_text("坐席建议")
    # A key of the page's own is not the frame's: `1` picks the first intent here, it does not leave for the chats.
    choose(boss.page.get_by_role("combobox", name="来源"), "坐席纠正")
    expect(boss.page.locator(".review-item").first).to_contain_text(said)
    boss.page.locator("h1").click()
    boss.page.keyboard.press("1")
    expect(item).to_have_count(0)
    assert boss.page.url.endswith("/desk/review")
    # A slip is put right until it was exported; for what has no intent a sentence says what it is.
    boss.page.locator(".ant-segmented-item", has_text="已复核").click()
    item.get_by_role("button", name="改判").click()
    choose(item.get_by_role("combobox", name="选意图…"), "新意图")
    dialog = boss.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("问为什么一直扣")
    assert boss.axe() == []
    boss.page.keyboard.press("Enter")
    expect(item).to_contain_text("“问为什么一直扣”")


def test_every_list_opens_where_it_can_be_seen(desk: Any, world: Any) -> None:
    """Once a menu was placed ten screens to the left: a transition, however short, ran on it while it was measured."""
    boss = desk("supervisor")
    for path, names in (("review", ["来源", "语言"]), ("reports", ["渠道", "语言"]), ("audit", ["动作"]), ("chats", ["语言"])):
        boss.open("/desk/" + path)
        for name in names:
            box = boss.page.get_by_role("combobox", name=name)
            expect(box).to_have_count(1)
            found = opened(box)
            assert found.evaluate("list => getComputedStyle(list).transitionDuration") == "0s", path
            boss.page.keyboard.press("Escape")
            expect(found).to_have_count(0)


def test_beside_a_call_stand_notes_and_ready_sentences_and_a_supervisor_only_looks(desk: Any, world: Any) -> None:
    agent, boss, words, account = desk(), desk("supervisor"), WORDS["zh"], world.customer("zh")
    page = agent.page
    agent.open("/desk/calls")
    page.get_by_label(words["phone"]).fill(world.account(account)["phone"])
    page.get_by_role("button", name=words["start"]).click()
    field = page.locator(".composer-row input")
    field.press("/")
    agent.pick("greeting")
    expect(field).to_have_value(re.compile("您好，我是客服林晓"))
    field.press("Enter")
    expect(agent.lines("agent").last).to_contain_text("我是客服林晓")
    page.locator(".composer--call").get_by_text("备注").click()
    field.fill("背景很吵，卡号6222020000001234567")
    field.press("Enter")
    expect(agent.lines("note").last).to_contain_text("卡号 ••4567")
    assert agent.axe() == []
    boss.open("/desk/calls")
    boss.page.get_by_text("全部通话").click()
    boss.page.locator(".row", has_text="林晓 Lynn 接待中").first.click()
    expect(boss.lines("note").last).to_contain_text("背景很吵")
    expect(boss.page.locator(".composer, .identity, .talk-acts")).to_have_count(0)
    page.keyboard.press("Alt+w")
    page.get_by_role("dialog").get_by_role("button", name=words["end"]).click()
    expect(boss.page.locator(".owner")).to_have_text("已结束")


def test_who_is_given_a_talk_is_called_wherever_they_look(desk: Any, world: Any) -> None:
    agent, boss, talk = desk(), desk("supervisor"), Chatter(world)
    boss.open("/desk/team")
    talk.say("转人工")
    agent.open(f"/desk/chats/{talk.id}")
    agent.page.get_by_role("button", name=WORDS["zh"]["take"], exact=True).click()
    expect(agent.page.locator(".owner[data-mode=mine]")).to_be_visible()
    expect(agent.page.locator(".talk-why")).to_contain_text("客户要求人工")
    dialog = agent.page.get_by_role("dialog")
    agent.page.keyboard.press("Alt+w")
    expect(dialog.get_by_role("textbox")).to_be_visible()
    agent.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)  # one that was closed holds no key back, also for who wants no motion
    agent.page.keyboard.press("Alt+f")
    choose(dialog.get_by_role("combobox").first, "周敏 May")
    dialog.get_by_role("button", name="转接").click()
    news = boss.page.locator(".ant-notification-notice", has_text="转给了您")
    expect(news).to_be_visible()
    assert boss.axe() == []
    news.get_by_role("button", name="打开会话").click()
    expect(boss.page.locator(".owner[data-mode=mine]")).to_be_visible()
    boss.page.locator(".composer textarea").press_sequentially("您好")
    expect(agent.page.locator(".typing")).to_have_text("周敏 May 正在输入…")
    boss.page.locator(".composer textarea").fill("")
    boss.page.keyboard.press("Alt+w")
    boss.page.get_by_role("dialog").get_by_role("button", name=WORDS["zh"]["close"]).click()


@pytest.mark.parametrize(("language", "dark"), [("zh", False), ("en", True)])
def test_every_page_is_for_everybody(desk: Any, world: Any, browser: Any, language: str, dark: bool) -> None:
    stranger = Agent(world, browser, "supervisor", language, dark=dark)
    stranger.page.goto(world.url + "/desk", wait_until="commit", timeout=60_000)
    expect(stranger.page.locator("button[type=submit]")).to_be_visible()
    found = {"sign-in": stranger.axe()}
    stranger.close()
    boss, talk = desk("supervisor", language, dark=dark), Chatter(world, language)
    talk.say("气死我了，要投诉，转人工" if language == "zh" else "This is ridiculous, an agent please")
    for path, shown in (
        (f"chats/{talk.id}", ".suggestion"), ("calls", ".new-call"), ("replies", ".replies li"), ("team", "td"), ("review", ".chart canvas"), ("reports", ".chart canvas"), ("audit", "td .mono"),
    ):  # fmt: skip
        boss.open("/desk/" + path)
        expect(boss.page.locator(shown).first).to_be_visible()
        found[path] = boss.axe()
        assert boss.page.evaluate("document.documentElement.lang") == ("zh-CN" if language == "zh" else "en")
    boss.page.locator("h1").first.click()
    boss.page.keyboard.press("?")
    expect(boss.page.get_by_role("dialog")).to_be_visible()
    found["keys"] = boss.axe()
    assert {name: faults for name, faults in found.items() if faults} == {}
    whole = boss.page.locator(".whole")
    expect(whole).not_to_have_attribute("data-broken", "true")


def test_the_page_talks_to_nobody_else(world: Any) -> None:
    answers = [requests.get(world.url + "/desk", timeout=10) for _ in range(2)]
    policies = [answer.headers["content-security-policy"] for answer in answers]
    nonces = [re.findall(r"'nonce-([^']+)'", policy) for policy in policies]
    assert nonces[0] != nonces[1] and all(nonce[0] in answer.text for nonce, answer in zip(nonces, answers, strict=True))
    assert all("unsafe" not in policy and "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy for policy in policies)
    assert answers[0].headers["cache-control"] == "no-store"
