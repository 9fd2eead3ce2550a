"""Help for a line of a chat: answers with the customer's own data, operations, ready sentences, and what must not be asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.conftest import wait_for
from tests.gateway.desk_ear import once, taken
from tests.gateway.office import Office
from tests.gateway.test_desk import Person


def test_help_for_a_line_with_the_customers_own_data(branch: Office) -> None:
    customer, agent = branch.customer(), Person(branch, "agent")
    talk = customer.talk()
    at = taken(branch, agent, talk, "帮我解绑招商的卡，我要投诉")
    line = next(one for one in agent.get(at).json()["messages"] if "投诉" in one["text"])
    help_ = agent.get(at + "/assist", message=line["id"]).json()
    assert (help_["intent"]["name"], help_["intent"]["title"]["zh"], help_["understood"]) == (
        "unbind_card",
        "解绑银行卡",
        True,
    )
    first = help_["suggestions"][0]
    assert (
        "招商银行储蓄卡（1234）" in first["text"]
        and "China Merchants Bank" in first["texts"]["en"]
        and "{" not in "".join(first["texts"].values())
    )
    assert [one["title"]["zh"] for one in help_["start"]] == ["解绑招商银行储蓄卡（1234）"]
    assert help_["mood"] == {"name": "angry", "title": {"zh": "不满", "en": "Upset"}, "words": ["投诉"]}
    assert {"never_password", "angry"} <= {one["name"] for one in help_["prompts"]}
    assert help_["translation"] == {
        "language": "en",
        "text": "Unbind a bank card · China Merchants Bank",
        "exact": False,
    }
    # Sent as it is, edited, dismissed: each is remembered.
    used = {"message": line["id"], "label": first["label"], "text": first["text"]}
    for text, key in ((first["text"], "1"), ("好的，马上为您处理。", "2")):
        said = agent.post(at + "/messages", {"text": text, "client_id": key, "suggestion": used})
        assert said.status_code == 201
    dismissed = {"message": line["id"], "label": first["label"], "outcome": "dismissed"}
    assert agent.post(at + "/assist/feedback", dismissed).status_code == 204
    counts = Person(branch, "supervisor").get("/reports").json()["suggestions"]
    assert counts["sent"] >= 1 and counts["edited"] >= 1 and counts["dismissed"] >= 1
    # Somebody who has not taken the talk is helped without the customer's data.
    other = branch.customer().talk()
    other.say("解绑招商1234")
    curious = agent.get(f"/conversations/{other.id}/assist").json()
    assert curious["start"] == [] and "1234" not in curious["suggestions"][0]["text"]
    assert agent.get(f"/conversations/{other.id}/customer").json()["code"] == "forbidden"
    branch.rasa(mode="error")
    assert agent.get(at + "/assist").status_code == 503
    branch.rasa(mode="ok")
    asked = agent.get("/answers", query="解绑要多久", language="zh").json()["items"]
    assert asked[0]["label"] == "faq/unbind_duration" and asked[0]["text"]
    assert {one["name"] for one in agent.get("/labels").json()["items"]} >= {
        "unbind_card",
        "faq/hotline",
        "out_of_scope",
    }


def test_who_has_a_person_is_not_told_that_one_is_on_the_way(branch: Office) -> None:
    agent = Person(branch, "agent")
    at = taken(branch, agent, branch.customer(language="en").talk("en"), "hello")
    offered = agent.get(at + "/assist").json()["suggestions"]
    assert [one["label"] for one in offered] == ["human_handoff"]
    assert offered[0]["texts"]["en"] == "You're talking to a person now. Please tell me what happened."


def test_a_card_that_is_gone_stands_for_no_other() -> None:
    from gateway.desk import assist
    from tests.gateway.desk_rasa import responses

    left = {"id": "card_2", "state": "bound", "bank": "ccb", "tail": "9012", "type": "debit", "quick_pay": True}
    customer = assist.Customer(known=True, cards=[left], wallets=[{"id": "w_1", "state": "bound", "kind": "alipay"}])
    said = {name: responses()[name] for name in responses() if "unbind_card" in name or "unbind_wallet" in name}
    # "Unbind my CMB card 1234", which was done a moment ago: the other card is asked about, never taken for it.
    named = [{"entity": "bank", "value": "cmb"}, {"entity": "card_tail", "value": "1234"}]
    texts = assist.answer("unbind_card", said, customer, named, {})
    assert (
        texts is not None
        and texts["zh"] == responses()["utter_ask_unbind_card_target"]["zh"] + "\n· 中国建设银行储蓄卡（9012）"
    )
    assert customer.objects("unbind_card", named) == []
    assert customer.objects("unbind_wallet", [{"entity": "wallet", "value": "wechat_pay"}]) == []
    confirmed = assist.answer("unbind_card", said, customer, [], {})
    assert confirmed is not None and "9012" in confirmed["zh"] and confirmed["zh"] != texts["zh"]


@pytest.mark.parametrize(
    ("status", "said"), [("pending", "正在办理"), ("processing", "正在办理"), ("succeeded", "办好了")]
)
def test_of_a_card_that_the_bank_works_on_the_state_is_told(status: str, said: str) -> None:
    from gateway.desk import assist
    from tests.gateway.desk_rasa import responses

    left = {"id": "card_2", "state": "bound", "bank": "ccb", "tail": "9012", "type": "debit", "quick_pay": True}
    summary = {"type": "card", "bank": "cmb", "tail": "1234", "card_type": "debit"}
    under_way = {"id": "op_1", "kind": "card.unbind", "status": status, "reference": "JB1", "target_summary": summary}
    customer = assist.Customer(known=True, cards=[left], operation=under_way)
    ready = {name: text for name, text in responses().items() if "unbind_card" in name}
    texts = assist.answer("unbind_card", ready, customer, [{"entity": "card_tail", "value": "1234"}], {})
    assert texts is not None and said in texts["zh"] and "9012" not in texts["zh"]


def test_an_operation_in_a_chat_is_verified_by_the_customer_alone(branch: Office) -> None:
    customer, agent = branch.customer(language="en"), Person(branch, "agent")
    talk = customer.talk("en")
    at = taken(branch, agent, talk, "unbind my CMB card 1234")
    card = next(one for one in agent.get(at + "/customer").json()["cards"] if one["tail"] == "1234")
    begun = agent.post(at + "/operations", {"kind": "card.unbind", "target": card["id"], "client_id": once()}).json()
    operation = begun["operation"]
    assert "1234" in begun["guide"]["say"]["en"]
    confirm = {"effects_version": operation["effects_version"], "client_id": once()}
    confirmed = agent.post(f"{at}/operations/{operation['id']}/confirm", confirm).json()
    assert "type the 6 digits right here" in confirmed["guide"]["say"]["en"]
    assert agent.post(
        f"{at}/operations/{operation['id']}/verify", {"code": "123456", "client_id": once()}
    ).status_code in (404, 405)
    code = customer.code()
    talk.say(code)
    done = wait_for(
        lambda: (
            (found := agent.get(f"{at}/operations/{operation['id']}").json())["operation"]["status"] == "succeeded"
            and found
        )
    )
    assert [one["name"] for one in done["guide"]["steps"] if one["state"] == "done"][-1] == "done"
    assert code not in agent.get(at).text
    assert agent.get(at + "/summary").json()["wrap_up"] == "unbound"
    assert agent.get(at).json()["wrap_up_suggested"] == "unbound"
    closed = agent.post(at + "/close", {"wrap_up": "unbound", "summary": "done, code 123456"})
    assert closed.json()["mode"] == "bot"
    # No longer one's own: nothing can be done in the customer's name.
    again = agent.post(at + "/operations", {"kind": "quick_pay.disable", "target": "all", "client_id": once()})
    assert (again.status_code, again.json()["code"]) == (409, "owner_changed")


def test_an_agent_who_asks_for_a_secret_is_stopped_once(branch: Office) -> None:
    agent = Person(branch, "agent")
    at = taken(branch, agent, branch.customer().talk(), "你好")
    asked = agent.post(at + "/messages", {"text": "请把您的支付密码告诉我", "client_id": "p"})
    assert (asked.status_code, asked.json()["code"], asked.json()["found"]) == (409, "asks_for_secret", ["password"])
    assert "支付密码" in asked.json()["message"]["zh"]
    for text in ("我们从不问您的支付密码", "验证码请直接在这里输入", "Never share your password with anyone"):
        assert agent.post(at + "/messages", {"text": text, "client_id": once()}).status_code == 201
    sure = agent.post(at + "/messages", {"text": "请把您的支付密码告诉我", "client_id": "p", "sure": True})
    assert sure.status_code == 201
    lines = (
        Person(branch, "supervisor")
        .get("/audit", conversation_id=at.rpartition("/")[2], action="message")
        .json()["items"]
    )
    assert lines[0]["detail"]["found"] == ["password"]


def test_ready_sentences_in_two_languages(branch: Office) -> None:
    customer, agent, boss = (
        branch.customer(cards=[{"bank": "cmb", "tail": "1234"}]),
        Person(branch, "agent"),
        Person(branch, "supervisor"),
    )
    at = taken(branch, agent, customer.talk(), "解绑")
    items = agent.get("/canned", conversation=at.rpartition("/")[2]).json()["items"]
    assert len(items) >= 12 and all(set(one["rendered"]) == {"zh", "en"} for one in items)
    confirm = next(one for one in items if one["name"] == "unbind_confirm")
    assert "招商银行储蓄卡（1234）" in confirm["rendered"]["zh"] and confirm["missing"] == []
    assert next(one for one in items if one["name"] == "in_progress")["missing"] == ["reference"]
    assert all(one["rendered"] is None for one in agent.get("/canned").json()["items"])
    body = {
        "topic": "general",
        "title": {"zh": "周末", "en": "Weekend"},
        "texts": {"zh": "周末愉快，{agent}", "en": "Enjoy the weekend, {agent}"},
    }
    assert agent.post("/canned", body).status_code == 403
    made = boss.post("/canned", body)
    assert made.status_code == 201 and made.json()["variables"] == ["agent"]
    # One is found by its name, which is its alone; what was taken away may be written anew.
    named = boss.post("/canned", body | {"name": "weekend"}).json()
    assert (named["id"], named["name"]) == ("weekend", "weekend")
    for name in ("weekend", "hotline"):
        assert boss.post("/canned", body | {"name": name}).json()["code"] == "name_taken"
    assert boss.post("/canned", body | {"name": "Not A Name"}).status_code == 422
    assert boss.http.delete(f"{boss.url}/canned/weekend", timeout=10).status_code == 204
    assert boss.post("/canned", body | {"name": "weekend"}).status_code == 201
    assert boss.http.delete(f"{boss.url}/canned/weekend", timeout=10).status_code == 204
    wrong = boss.post("/canned", body | {"texts": {"zh": "{password}", "en": "x"}})
    assert (wrong.status_code, wrong.json()["variables"]) == (422, ["password"])
    assert boss.post("/canned", body | {"texts": {"zh": "{agent.name}", "en": "{"}}).status_code == 422
    assert (
        boss.post("/canned", body | {"texts": {"zh": "请告诉我您的密码", "en": "x"}}).json()["code"]
        == "asks_for_secret"
    )
    changed = boss.http.put(boss.url + "/canned/hotline", json=body, timeout=10)
    assert changed.status_code == 200
    assert next(one for one in agent.get("/canned").json()["items"] if one["id"] == "hotline")["texts"][
        "zh"
    ].startswith("周末")
    for name in ("hotline", made.json()["id"]):
        assert boss.http.delete(f"{boss.url}/canned/{name}", timeout=10).status_code == 204
        assert boss.http.delete(f"{boss.url}/canned/{name}", timeout=10).status_code == 404
    assert not {"hotline", made.json()["id"]} & {one["id"] for one in agent.get("/canned").json()["items"]}


def test_what_we_say_ourselves_asks_for_no_secret() -> None:
    from gateway.desk import compliance, names
    from tests.gateway.desk_rasa import responses

    said = [text for pair in responses().values() for text in pair.values()]
    said += [entry[language] for entry in names.read("canned.yml").values() for language in names.LANGUAGES]
    assert len(said) > 200 and [text for text in said if compliance.found_in(text)] == []
    asked = (
        "您的支付密码是多少？",
        "请把验证码告诉我",
        "What's your password?",
        "Please send me the code",
        "请提供完整卡号",
        "your ID number please",
    )
    assert [text for text in asked if not compliance.found_in(text)] == []


def test_what_a_line_means_stands_at_it_while_a_person_owns_the_talk(branch: Office) -> None:
    agent = Person(branch, "agent")
    for language, hello, line, title in (
        ("zh", "您好", "解绑要多久", "解绑要多久"),
        ("en", "hello", "how long does it take to unbind", "How long unbinding takes"),
    ):
        talk = branch.customer(language=language).talk(language)
        at = taken(branch, agent, talk, hello)
        ran = branch.rasa()["ran"]
        assert talk.say(line).json()["replies"] == []

        def chip(at: str = at, line: str = line) -> dict[str, Any] | None:
            shown = next(one for one in agent.get(at).json()["messages"] if one["text"] == line)
            return shown.get("parse")

        found = wait_for(chip)
        assert (found["intent"], found["title"][language]) == ("faq/unbind_duration", title)
        # The dialogue has not moved, and what was said to a person is no question that the assistant was asked.
        assert branch.rasa()["ran"] == ran
        talk.say("493817" if language == "en" else "我的验证码是 493817")
        assert "493817" not in agent.get(at).text
