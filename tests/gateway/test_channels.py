"""Telegram, WeChat and signed webhooks, against stand-ins that enforce the platforms' rules."""

from __future__ import annotations

import concurrent.futures
import pathlib
import random
import re
import signal
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import select

from gateway.channels.wechat import parse
from gateway.database import Database
from gateway.models import Conversation, Delivery
from tests.gateway.apps import AES_KEY, HOOK_SECRET, Apps, sign, text
from tests.gateway.conftest import Talk, World, drop, postgres, wait_for
from tests.gateway.test_internal import deliver, event


@pytest.fixture(scope="module", params=["sqlite-plain", "postgresql-aes"])
def apps(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apps]:
    """A gateway with all three channels."""
    home: pathlib.Path = tmp_path_factory.mktemp("apps")
    aes = request.param.endswith("aes")
    url = postgres() if aes else ""
    world = World(
        home,
        GATEWAY_DATABASE_URL=url,
        TELEGRAM_BOT_TOKEN="tg:token",
        TELEGRAM_WEBHOOK_SECRET="tg-secret",
        WECHAT_TOKEN="wx-echo",
        WECHAT_APP_ID="wxapp",
        WECHAT_APP_SECRET="wxsecret",
        WECHAT_AES_KEY=AES_KEY if aes else "",
    )
    address = f"http://127.0.0.1:{world.ports['platforms']}"
    world.env |= {
        "TELEGRAM_API_URL": address,
        "WECHAT_API_URL": address,
        "WECHAT_OPEN_URL": "https://open.weixin.example",
        "GATEWAY_WEBHOOK_CLIENTS": f"ivr|{HOOK_SECRET}|{address}/hook",
    }
    world.start("rasa", "binding", "platforms", "gateway")
    yield Apps(world, aes=aes)
    assert world.rasa()["faults"] == []
    world.close()
    if url:
        drop(url)


@pytest.fixture(autouse=True)
def promises(apps: Apps) -> Iterator[None]:
    """Looks after each test whether a platform's rule was broken."""
    yield
    assert apps.control(mode="ok")["faults"] == []


def test_telegram_talks(apps: Apps) -> None:
    assert apps.telegram(11, text="/start").status_code == 200
    assert apps.telegram(11, text="hello there").status_code == 200
    wait_for(lambda: [one["text"] for one in apps.sent("telegram", 11)] == ["Hello", "echo: hello there"])
    apps.telegram(11, text="buttons")
    keyboard = wait_for(
        lambda: apps.sent("telegram", 11)[2:] and apps.sent("telegram", 11)[2]["reply_markup"]["inline_keyboard"]
    )
    assert [row[0]["text"] for row in keyboard] == ["招商银行 1234", "no", "page", "sign in"]
    assert keyboard[2][0]["url"] == apps.world.url + "/secure/t1" and "/channels/link/" in keyboard[3][0]["url"]
    apps.telegram(11, data=keyboard[1][0]["callback_data"])
    wait_for(lambda: apps.sent("telegram", 11)[-1]["text"] == "press no []")
    apps.telegram(11, data=keyboard[0][0]["callback_data"])
    wait_for(lambda: apps.sent("telegram", 11)[-1]["text"].startswith("That button is no longer"))
    apps.telegram(12, data=keyboard[1][0]["callback_data"])
    wait_for(lambda: apps.sent("telegram", 12)[-1]["text"].startswith("That button is no longer"))


def test_telegram_redelivers_and_is_answered_once(apps: Apps) -> None:
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert {pool.submit(apps.telegram, 21, update=77, text="once").result().status_code for _ in range(6)} == {200}
    apps.telegram(21, text="after")
    wait_for(lambda: [one["text"] for one in apps.sent("telegram", 21)] == ["echo: once", "echo: after"])


def test_telegram_what_is_not_for_us(apps: Apps) -> None:
    assert apps.telegram(31, text="x", secret="wrong").status_code == 401
    assert apps.telegram(31, text="x", type="group").status_code == 200
    assert apps.telegram(31, sticker={}).status_code == 200
    wait_for(lambda: [one["text"][:20] for one in apps.sent("telegram", 31)] == ["I can only read text"])
    apps.telegram(31, text="x" * 3000)
    wait_for(lambda: apps.sent("telegram", 31)[-1]["text"].startswith("That message is too long"))
    assert apps.telegram(31, text='/unbind_card{"card_id":"x"}').status_code == 200
    wait_for(lambda: apps.sent("telegram", 31)[-1]["text"] == 'echo: unbind_card{"card_id":"x"}')


def test_telegram_down_delivers_later_in_order_and_a_block_is_recorded(apps: Apps) -> None:
    apps.control(telegram="down")
    for line in ("one", "two"):
        apps.telegram(41, text=line)
    wait_for(lambda: "delivery_failed" in apps.world.log_text())
    apps.control(telegram="flood")
    wait_for(lambda: [one["text"] for one in apps.sent("telegram", 41)] == ["echo: one", "echo: two"])
    apps.telegram(403, text="blocked")
    wait_for(lambda: "blocked by the user" in apps.world.log_text())


def test_telegram_says_on_the_spot_that_somebody_is_too_fast(apps: Apps) -> None:
    apps.world.rasa(mode="ok", delay=3)
    answers = [apps.telegram(71, text="line 0")]
    while not answers[-1].content and len(answers) < 60:
        answers.append(apps.telegram(71, text=f"line {len(answers)}"))
    apps.world.rasa(mode="ok")
    # Never an error: Telegram would deliver it again and again, and everybody else's messages after it.
    assert {answer.status_code for answer in answers} == {200} and len(answers) > 20
    said = answers[-1].json()
    assert (said["method"], said["chat_id"]) == ("sendMessage", 71) and "a little fast" in said["text"]
    wait_for(
        lambda: (
            apps.sent("telegram", 71)[-1:] and apps.sent("telegram", 71)[-1]["text"] == f"echo: line {len(answers) - 2}"
        )
    )


def test_a_system_that_hangs_holds_up_nobody_else(apps: Apps) -> None:
    apps.control(hook="hang")
    for number in range(3):
        assert apps.hook({"address": f"u-hang-{number}", "text": "hello"}).status_code == 202
    wait_for(lambda: apps.control()["open"] == 3)
    assert apps.telegram(72, text="quick").status_code == 200
    wait_for(lambda: [one["text"] for one in apps.sent("telegram", 72)] == ["echo: quick"], seconds=5)
    assert apps.control()["open"] == 3
    apps.control(hook="up")
    wait_for(lambda: all(apps.sent("hook", f"u-hang-{number}") for number in range(3)))


def test_what_is_on_its_way_arrives_before_the_gateway_ends(apps: Apps) -> None:
    world = apps.world
    apps.control(telegram="slow")
    apps.telegram(73, text="last words")
    wait_for(lambda: apps.control()["open"] == 1)
    world.processes["gateway"].send_signal(signal.SIGTERM)
    wait_for(lambda: not reachable(world))
    apps.control(mode="ok")
    world.kill("gateway", signal.SIGTERM)
    database = Database(world.env["GATEWAY_DATABASE_URL"] or f"sqlite:///{world.home / 'gateway.sqlite'}")
    with database.session() as session:
        query = select(Delivery.status).join(Conversation, Conversation.id == Delivery.conversation_id)
        # One that was cut off would be sent again after the restart.
        assert list(session.scalars(query.where(Conversation.address == "73"))) == ["sent"]
    database.close()
    world.start("gateway")
    assert [one["text"] for one in apps.sent("telegram", 73)] == ["echo: last words"]


def reachable(world: World) -> bool:
    """Tells whether the gateway takes requests."""
    try:
        return requests.get(world.url + "/healthz", timeout=1).status_code == 200
    except requests.RequestException:
        return False


def test_signing_in_from_telegram(apps: Apps) -> None:
    world, account = apps.world, apps.world.account()
    apps.telegram(51, text="who am i")
    wait_for(lambda: [one["text"] for one in apps.sent("telegram", 51)] == ["token 403 not_signed_in"])
    apps.telegram(51, text="buttons")
    link = wait_for(
        lambda: (
            apps.sent("telegram", 51)[1:]
            and apps.sent("telegram", 51)[1]["reply_markup"]["inline_keyboard"][3][0]["url"]
        )
    )
    page = requests.get(link)
    assert (
        page.status_code == 200
        and "<form" in page.text
        and "default-src 'none'" in page.headers["content-security-policy"]
    )
    assert requests.post(link + "/confirm", json={"customer_token": "x" * 40}).status_code == 401
    assert (
        requests.post(
            world.url + "/channels/link/nope/confirm", json={"customer_token": world.login(account)}
        ).status_code
        == 404
    )
    for _ in range(2):  # the host site may tell it again when it got no answer
        assert requests.post(link + "/confirm", json={"customer_token": world.login(account)}).json() == {"ok": True}
    assert requests.post(link + "/confirm", json={"customer_token": world.login(world.account())}).status_code == 409
    apps.telegram(51, text="who am i")
    wait_for(lambda: apps.sent("telegram", 51)[-1]["text"] == f"token 200 {account}")
    assert sum(one["text"].startswith("signed_in") for one in apps.sent("telegram", 51)) == 1


def wechat_texts(apps: Apps, sender: str) -> list[str]:
    """Returns what a WeChat customer got."""
    return [
        one["text"]["content"] if one["msgtype"] == "text" else one["msgmenu"]["head_content"]
        for one in apps.sent("wechat", sender)
    ]


def test_wechat_proves_its_address(apps: Apps) -> None:
    good = {"timestamp": "1", "nonce": "2", "echostr": "abc", "signature": sign("wx-echo", "1", "2")}
    answer = requests.get(apps.world.url + "/channels/wechat", params=good)
    assert answer.text == "abc" and answer.headers["content-type"].startswith("text/plain")
    assert requests.get(apps.world.url + "/channels/wechat", params=good | {"nonce": "3"}).status_code == 401
    assert requests.get(apps.world.url + "/channels/wechat").status_code == 401


def test_wechat_talks_one_bubble_a_turn(apps: Apps) -> None:
    assert apps.wechat("o-one", "<MsgType>event</MsgType><Event>subscribe</Event>").text == "success"
    wait_for(lambda: wechat_texts(apps, "o-one") == ["您好"])
    for _ in range(3):
        assert apps.wechat("o-one", text("twice 怎么解绑"), message=555).text == "success"
    wait_for(lambda: wechat_texts(apps, "o-one")[1:] == ["echo: twice 怎么解绑\n\nsecond"])
    apps.wechat("o-one", "<MsgType>event</MsgType><Event>CLICK</Event><EventKey>text:解绑</EventKey>")
    wait_for(lambda: wechat_texts(apps, "o-one")[2:] == ["echo: 解绑"])
    apps.wechat("o-one", text("buttons"))
    menu = wait_for(lambda: apps.sent("wechat", "o-one")[3:] and apps.sent("wechat", "o-one")[3])["msgmenu"]
    assert [entry["content"] for entry in menu["list"]] == ["招商银行 1234", "no"] and "/secure/t1" in menu[
        "head_content"
    ]
    apps.wechat("o-one", text("no") + f"<bizmsgmenuid>{menu['list'][1]['id']}</bizmsgmenuid>")
    wait_for(lambda: wechat_texts(apps, "o-one")[4:] == ["press no []"])


def test_wechat_fetches_a_new_token_and_records_the_quota(apps: Apps) -> None:
    apps.wechat("o-two", text("first"))
    wait_for(lambda: wechat_texts(apps, "o-two") == ["echo: first"])
    apps.control(revoke=True)
    apps.wechat("o-two", text("second one"))
    wait_for(lambda: wechat_texts(apps, "o-two") == ["echo: first", "echo: second one"])
    apps.control(quota={"o-two": 0})
    apps.wechat("o-two", text("third"))
    wait_for(lambda: "45047" in apps.world.log_text())
    assert len(wechat_texts(apps, "o-two")) == 2


def test_what_was_missed_comes_when_the_customer_writes_again(apps: Apps) -> None:
    # WeChat takes nothing more until the customer writes; then the news comes first, and the answer after it.
    apps.wechat("o-away", text("first"))
    wait_for(lambda: wechat_texts(apps, "o-away") == ["echo: first"])
    apps.control(quota={"o-away": 0})
    for number in range(5):
        apps.wechat("o-away", text(f"nobody hears {number}"))
    wait_for(lambda: statuses(apps, "o-away") == ["sent", *["failed"] * 5])
    apps.control(quota={"o-away": 5})
    apps.wechat("o-away", text("I am back"))
    # Not more than leaves room for the answer in the five that WeChat allows.
    heard = ["echo: first", *(f"echo: nobody hears {number}" for number in (2, 3, 4)), "echo: I am back"]
    wait_for(lambda: wechat_texts(apps, "o-away") == heard)
    assert statuses(apps, "o-away") == ["sent", "failed", "failed", "sent", "sent", "sent", "sent"]
    # A bot that was blocked, and is let in again.
    apps.control(telegram="blocked")
    apps.telegram(74, text="while it is blocked")
    wait_for(lambda: statuses(apps, "74") == ["failed"])
    apps.control(mode="ok")
    apps.telegram(74, text="and back")
    wait_for(
        lambda: [one["text"] for one in apps.sent("telegram", 74)] == ["echo: while it is blocked", "echo: and back"]
    )
    # What another system says is over, is over.
    apps.control(hook="gone")
    apps.hook({"address": "u-gone", "text": "over"})
    wait_for(lambda: statuses(apps, "ivr|u-gone") == ["failed"])
    apps.control(hook="up")
    apps.hook({"address": "u-gone", "text": "new"})
    wait_for(lambda: [one["data"]["message"]["text"] for one in apps.sent("hook", "u-gone")] == ["echo: new"])
    assert statuses(apps, "ivr|u-gone") == ["failed", "sent"]


def test_no_app_presses_anothers_button(apps: Apps) -> None:
    """Every channel's customer tries every other's live button, on the web too: each button is one conversation's."""
    world = apps.world
    web = world.talk()
    tokens = {"web": web.say("buttons").json()["replies"][0]["buttons"][0]["token"]}
    apps.telegram(76, text="buttons")
    apps.wechat("o-mine", text("buttons"))
    apps.hook({"address": "u-mine", "text": "buttons"})
    keyboard = wait_for(lambda: apps.sent("telegram", 76))[0]["reply_markup"]["inline_keyboard"]
    tokens["telegram"] = keyboard[0][0]["callback_data"]
    tokens["wechat"] = wait_for(lambda: apps.sent("wechat", "o-mine"))[0]["msgmenu"]["list"][0]["id"]
    shown = wait_for(lambda: apps.sent("hook", "u-mine"))[0]["data"]["message"]
    tokens["webhook"] = shown["buttons"][0]["token"]
    apps.control(quota={"o-thief": 50})
    for number, (owner, token) in enumerate(tokens.items(), 1):
        if owner != "telegram":
            apps.telegram(77, data=token)
        if owner != "wechat":
            apps.wechat("o-thief", text("x") + f"<bizmsgmenuid>{token}</bizmsgmenuid>")
        if owner != "webhook":
            apps.hook({"address": "u-thief", "button": token})
        if owner != "web":
            refused = world.talk().post("/press", {"token": token, "client_id": str(number)})
            assert refused.json()["code"] == "button_expired", owner
    wait_for(lambda: len(apps.sent("telegram", 77)) == 3)
    assert all(one["text"].startswith("That button is no longer") for one in apps.sent("telegram", 77))
    for texts in (
        lambda: wechat_texts(apps, "o-thief"),
        lambda: [one["data"]["message"]["text"] for one in apps.sent("hook", "u-thief")],
    ):
        wait_for(lambda texts=texts: len(texts()) == 3)
        assert all(text.startswith("这个按钮已经失效") for text in texts())
    # All four still work for whom they were shown to.
    assert web.post("/press", {"token": tokens["web"], "client_id": "mine"}).status_code == 200
    apps.telegram(76, data=tokens["telegram"])
    apps.wechat("o-mine", text("x") + f"<bizmsgmenuid>{tokens['wechat']}</bizmsgmenuid>")
    apps.hook({"address": "u-mine", "button": tokens["webhook"]})
    wait_for(lambda: any(one.get("text", "").startswith("press 招商银行 1234") for one in apps.sent("telegram", 76)))
    wait_for(lambda: wechat_texts(apps, "o-mine")[-1].startswith("press 招商银行 1234"))
    wait_for(lambda: apps.sent("hook", "u-mine")[-1]["data"]["message"]["text"].startswith("press 招商银行 1234"))


def statuses(apps: Apps, address: str) -> list[str]:
    """Returns what became of everything that was to be delivered to an address, in order."""
    database = Database(apps.world.env["GATEWAY_DATABASE_URL"] or f"sqlite:///{apps.world.home / 'gateway.sqlite'}")
    try:
        with database.session() as session:
            query = select(Delivery.status).join(Conversation, Conversation.id == Delivery.conversation_id)
            return list(session.scalars(query.where(Conversation.address == address).order_by(Delivery.seq)))
    finally:
        database.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_event_reaches_every_app_in_its_language(apps: Apps, language: str) -> None:
    """What becomes of an operation is told where the customer is, in the language of that talk, without being asked."""
    world, hello = apps.world, {"zh": "你好", "en": "hello"}[language]
    account = world.account()
    told = {"address": f"u-{language}", "text": hello, "language": language, "customer_token": world.login(account)}
    talk = Talk(world, apps.hook(told).json()["conversation"], "")
    wait_for(lambda: len(apps.sent("hook", f"u-{language}")) == 1)
    assert deliver(world, event(talk, account)).status_code == 204
    news = wait_for(lambda: apps.sent("hook", f"u-{language}")[1:])[0]["data"]
    assert (news["language"], news["message"]["text"]) == (language, "operation succeeded")
    assert news["message"]["card"]["id"] == "op_1"
    sender = f"o-event-{language}"
    apps.wechat(sender, text(f"buttons {hello}"))
    link = re.search(r"http\S+/channels/link/\S+", wait_for(lambda: wechat_texts(apps, sender))[0])[0]
    onward = requests.post(link + "/confirm", json={"customer_token": world.login(account)}).json()["next"]
    state = parse_qs(urlsplit(requests.get(onward, allow_redirects=False).headers["location"]).query)["state"][0]
    assert requests.get(onward, params={"code": f"code-{sender}", "state": state}).ok
    wait_for(lambda: wechat_texts(apps, sender)[1:] == ["signed_in  []"])
    body = event(None, account)
    body["data"]["conversation"] = conversation_of(apps, sender)
    for _ in range(2):
        assert deliver(world, body, event_id=f"wx-{language}-{apps.crypto is None}").status_code == 204
    wait_for(lambda: wechat_texts(apps, sender)[2:] == ["operation succeeded"])
    seen = [one for one in world.rasa()["seen"] if one["conversation_id"] == body["data"]["conversation"]]
    assert seen[-1]["command"]["name"] == "operation_event" and seen[-1]["channel"] == "wechat"


def conversation_of(apps: Apps, address: str) -> str:
    """Returns the id of an address's talk."""
    database = Database(apps.world.env["GATEWAY_DATABASE_URL"] or f"sqlite:///{apps.world.home / 'gateway.sqlite'}")
    try:
        with database.session() as session:
            return session.scalars(select(Conversation.id).where(Conversation.address == address)).one()
    finally:
        database.close()


def test_in_an_app_a_message_without_an_answer_is_never_met_with_silence(apps: Apps) -> None:
    """No request waits there that could be answered by an error: the talk itself says what is the matter."""
    world = apps.world
    apps.telegram(75, text="hello")
    apps.wechat("o-quiet", text("你好"))
    wait_for(lambda: apps.sent("telegram", 75) and wechat_texts(apps, "o-quiet"))
    # A turn that fails inside Rasa: it may have done something, so it is only asked to be said again.
    world.rasa(mode="error")
    apps.telegram(75, text="please fail")
    apps.wechat("o-quiet", text("请失败"))
    wait_for(lambda: "send it again" in apps.sent("telegram", 75)[-1]["text"])
    wait_for(lambda: "麻烦再发一次" in wechat_texts(apps, "o-quiet")[-1])
    # A Rasa that is gone for a while, also in the middle of a turn: the message waits for it and is answered once.
    world.rasa(mode="ok", delay=30)
    apps.telegram(75, text="in the middle")
    wait_for(lambda: any(body["text"] == "in the middle" for body in world.rasa()["seen"]))
    world.kill("rasa")
    apps.wechat("o-quiet", text("在吗"))
    wait_for(lambda: '"reason": "connect"' in world.log_text())
    world.start("rasa")
    wait_for(lambda: apps.sent("telegram", 75)[-1]["text"] == "echo: in the middle")
    wait_for(lambda: wechat_texts(apps, "o-quiet")[-1] == "echo: 在吗")
    assert set(world.rasa()["ran"].values()) == {1}
    assert [one["text"] for one in apps.sent("telegram", 75)].count("echo: in the middle") == 1


def test_wechat_refuses_what_is_forged_or_broken(apps: Apps) -> None:
    assert apps.wechat("o-x", text("x"), token="wrong").status_code == 401
    # In plain mode a signature says nothing of the body: one that was seen once would let anybody speak for everybody.
    assert (
        apps.wechat("o-x", text("x"), age=3600).status_code
        == apps.wechat("o-x", text("x"), age=-3600).status_code
        == 401
    )
    assert apps.wechat("o-clock", text("x"), age=240).text == "success"
    at = str(int(time.time()))
    good = {
        "timestamp": at,
        "nonce": "n",
        "signature": sign("wx-echo", at, "n"),
        "msg_signature": sign("wx-echo", at, "n", ""),
    }
    for raw in (
        b"",
        b"<xml",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><xml><MsgType>text</MsgType></xml>",
        b"\xff\xfe",
        b"<xml/>",
        b"[]",
    ):
        assert requests.post(apps.world.url + "/channels/wechat", params=good, data=raw).status_code in (200, 400, 401)
    chance = random.Random(7)
    pieces = [
        b"<xml>",
        b"</xml>",
        b"<MsgType>text</MsgType>",
        b"<FromUserName>o</FromUserName>",
        b"<Content>",
        b"</Content>",
        b"<![CDATA[",
        b"]]>",
        b"&amp;",
        b"&x;",
        b"\x00",
        b"\xff",
        b"<a b='c'/>",
        "验".encode(),
    ]
    session = requests.Session()
    for _ in range(400):
        raw = b"".join(chance.choice(pieces) for _ in range(chance.randrange(8)))
        assert session.post(apps.world.url + "/channels/wechat", params=good, data=raw).status_code < 500, raw
        body = {
            "update_id": chance.choice([1, None, "x", 10**30]),
            "message": chance.choice(
                [
                    None,
                    [],
                    {"chat": None},
                    {
                        "chat": {"id": chance.choice(["x", 10**400, True, 5]), "type": "private"},
                        "text": chance.choice([None, 5, ""]),
                    },
                ]
            ),
        }
        assert (
            session.post(
                apps.world.url + "/channels/telegram",
                json=body,
                headers={"X-Telegram-Bot-Api-Secret-Token": "tg-secret"},
            ).status_code
            < 500
        )


def test_long_answers_arrive_whole_and_nothing_twice(apps: Apps) -> None:
    long = "。".join(f"第{number}句很长的话" for number in range(190))
    apps.control(break_at="第150句")
    apps.wechat("o-long", text(long))
    wait_for(lambda: "第189句" in "".join(wechat_texts(apps, "o-long")))
    assert "".join(wechat_texts(apps, "o-long")) == "echo: " + long and len(wechat_texts(apps, "o-long")) == 3
    apps.telegram(61, text="😀" * 2000)
    apps.telegram(61, text="/start from-the-shop")
    wait_for(lambda: [one["text"] for one in apps.sent("telegram", 61)] == ["echo: " + "😀" * 2000, "Hello"])


def test_wechat_says_on_the_spot_that_somebody_is_too_fast(apps: Apps) -> None:
    apps.control(quota={"o-fast": 50})
    apps.world.rasa(mode="ok", delay=3)
    answers = [apps.wechat("o-fast", text("line 0"))]
    while answers[-1].text == "success" and len(answers) < 60:
        answers.append(apps.wechat("o-fast", text(f"line {len(answers)}")))
    apps.world.rasa(mode="ok")
    assert {answer.status_code for answer in answers} == {200} and len(answers) > 20
    fields = parse(answers[-1].content)
    if apps.crypto:
        parts = (fields["TimeStamp"], fields["Nonce"], fields["Encrypt"])
        assert fields["MsgSignature"] == sign("wx-echo", *parts)
        fields = parse(apps.crypto.decrypt(fields["Encrypt"]))
    assert (
        fields["ToUserName"] == "o-fast"
        and fields["FromUserName"] == "gh_1"
        and fields["Content"].startswith("您发得有点快")
    )
    wait_for(lambda: wechat_texts(apps, "o-fast")[-1:] == [f"echo: line {len(answers) - 2}"])


def test_a_wechat_link_works_only_for_who_talks_there(apps: Apps) -> None:
    world, account = apps.world, apps.world.account()
    apps.wechat("o-link", text("buttons"))
    shown = wait_for(lambda: wechat_texts(apps, "o-link") and wechat_texts(apps, "o-link")[0])
    link = re.search(r"http\S+/channels/link/\S+", shown)[0]
    assert requests.get(link).status_code == 200
    signed_in = requests.post(link + "/confirm", json={"customer_token": world.login(account)}).json()
    # The browser that signed in has to show that it is who talks in the chat the link came from.
    assert signed_in["ok"] is False
    asked = requests.get(signed_in["next"], allow_redirects=False).headers["location"]
    assert asked.startswith("https://open.weixin.example/connect/oauth2/authorize?appid=wxapp&redirect_uri=")
    query = parse_qs(urlsplit(asked).query)
    back, state = query["redirect_uri"][0], query["state"][0]
    for code in ("code-o-victim", "stolen"):
        refused = requests.get(back, params={"code": code, "state": state})
        assert (refused.status_code, refused.json()["code"]) == (403, "link_of_another")
    assert requests.get(back, params={"code": "code-o-link", "state": "x"}).status_code == 404
    assert requests.get(link + "/wechat").status_code == 404
    assert "登录成功" in requests.get(back, params={"code": "code-o-link", "state": state}).text
    apps.wechat("o-link", text("who am i"))
    wait_for(lambda: wechat_texts(apps, "o-link")[-1] == f"token 200 {account}")


def test_an_address_belongs_to_its_first_account(apps: Apps) -> None:
    world, account = apps.world, apps.world.account()
    first = {"address": "u-own", "text": "who am i", "customer_token": world.login(account)}
    assert apps.hook(first).status_code == 202
    other = apps.hook(first | {"customer_token": world.login(world.account())})
    assert (other.status_code, other.json()["code"]) == (409, "conversation_of_another_account")
    wait_for(lambda: [one["data"]["message"]["text"] for one in apps.sent("hook", "u-own")] == [f"token 200 {account}"])


def test_the_generic_webhook(apps: Apps) -> None:
    world, account = apps.world, apps.world.account()
    for _ in range(2):
        assert apps.hook({"address": "u-1", "text": "hello"}, event="e-once").status_code == 202
    wait_for(lambda: [one["data"]["message"]["text"] for one in apps.sent("hook", "u-1")] == ["echo: hello"])
    apps.control(hook="down")
    assert apps.hook({"address": "u-1", "text": "who am i", "customer_token": world.login(account)}).status_code == 202
    wait_for(lambda: "the other side answered 500" in world.log_text())
    apps.control(hook="up")
    wait_for(
        lambda: (
            [one["data"]["message"]["text"] for one in apps.sent("hook", "u-1")]
            == ["echo: hello", f"token 200 {account}"]
        )
    )
    assert (
        apps.hook({"address": "u-1", "text": "x"}, secret="whsec_" + "b3RoZXItc2VjcmV0LW9mLXRlc3RzLTEyMzQ1").status_code
        == 401
    )
    for body in (
        {},
        {"address": "u-1"},
        {"address": "", "text": "x"},
        {"address": "u-1", "text": "x", "begin": True},
        [],
        {"address": "a b", "text": "x"},
    ):
        assert apps.hook(body).status_code == 422
    assert apps.hook({"address": "u-1", "text": "x", "customer_token": "x" * 40}).status_code == 401
    assert requests.post(world.url + "/channels/webhook/nobody", json={}).status_code == 404
    assert not re.search(r"whsec_|wxsecret|tg:token", world.log_text())
