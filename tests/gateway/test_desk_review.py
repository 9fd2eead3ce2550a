"""The review queue: hard lines, what a supervisor says of them, and the training data that comes of it."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import uuid

import pytest
import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import conversations
from gateway.database import Database
from gateway.desk import people, review, settings
from gateway.models import ReviewItem, now
from tests.gateway.conftest import ROOT, tables
from tests.gateway.office import Office
from tests.gateway.test_desk import Person


def test_hard_lines_become_training_data(branch: Office, tmp_path: pathlib.Path) -> None:
    boss, agent = Person(branch, "supervisor"), Person(branch, "agent")
    assert agent.get("/review").status_code == 403
    talk = branch.talk()
    unclear, secret = f"咕噜咕噜{uuid.uuid4().hex[:4]}这个咋整", "我的卡号6222021234567893咕噜咕噜"
    for text in (unclear, secret, "咕噜 " + unclear):
        talk.say(text)
    talk.say("解绑要多久啊")
    talk.post("/feedback", {"score": 1})
    at = f"/conversations/{talk.id}"
    agent.post(at + "/take")
    line = next(one for one in agent.get(at).json()["messages"] if one["text"] == "解绑要多久啊")
    wrong = {"message": line["id"], "label": "faq/unbind_duration", "outcome": "wrong", "right": "faq/unbind_delayed"}
    assert agent.post(at + "/assist/feedback", wrong).status_code == 204
    agent.post(at + "/close", {"wrap_up": "advised"})
    items = {
        one["text"]: one for one in boss.get("/review", limit=100).json()["items"] if one["conversation"] == talk.id
    }
    assert (
        items[unclear]["reason"] in ("not_understood", "thumbs_down", "handed_off")
        and items["解绑要多久啊"]["reason"] == "corrected"
    )
    assert items["解绑要多久啊"]["proposed"] == "faq/unbind_delayed"
    masked = next(text for text in items if "[card ending 7893]" in text)
    for text, label in (
        (unclear, "faq/unbind_delayed"),
        (masked, "unbind_card"),
        ("咕噜 " + unclear, "new"),
        ("解绑要多久啊", "faq/unbind_delayed"),
    ):
        decided = boss.post(f"/review/{items[text]['id']}", {"label": label})
        assert decided.status_code == 200 and decided.json()["decided_by"] == "supervisor"
    assert boss.post(f"/review/{items[unclear]['id']}", {"label": "no_such"}).status_code == 422
    stats = boss.get("/review/stats").json()
    assert any(
        one["understood"] == "faq/unbind_duration" and one["right"] == "faq/unbind_delayed"
        for one in stats["confusions"]
    )
    assert stats["days"][-1]["reviewed"] >= 4

    # A test sentence is never written, nor what is trained with already.
    (tmp_path / "tests" / "nlu").mkdir(parents=True)
    known = {"version": "3.1", "nlu": [{"intent": "faq/unbind_delayed", "examples": "- 解绑要多久啊！\n"}]}
    (tmp_path / "tests" / "nlu" / "zh.yml").write_text(yaml.safe_dump(known, allow_unicode=True))
    env = branch.env | {"REVIEW_INTO": str(tmp_path)}
    for expected in ("2 sentences written to data/review, 1 need a new label", "Nothing was decided"):
        told = subprocess.run(
            [sys.executable, "-m", "tools.review"], env=env, cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert expected in told.stdout
    written = (tmp_path / "data" / "review" / "nlu.zh.yml").read_text(encoding="utf-8")
    blocks = {one["intent"]: one["examples"] for one in yaml.safe_load(written)["nlu"]}
    assert (
        unclear in blocks["faq/unbind_delayed"]
        and "[card ending 7893]" in blocks["unbind_card"]
        and "6222" not in written
    )
    assert (
        "解绑要多久啊" not in written
        and yaml.safe_load((tmp_path / "data" / "review" / "nlu.en.yml").read_text())["nlu"] == []
    )
    assert unclear in (branch.home / "reports" / "review-new.yml").read_text(encoding="utf-8")
    assert boss.post(f"/review/{items[unclear]['id']}", {"label": "skip"}).json()["code"] == "conflict"


def said(session: Session, talk: str, number: int, intent: str, confidence: float) -> None:
    """Writes a line of a customer's as a turn leaves it."""
    parse = {"intent": intent, "confidence": confidence, "ranking": [], "language": "zh"}
    turn = conversations.add_turn(session, conversation_id=talk, kind="message", request={}, key=f"line {number}")
    turn.status, turn.parse = "done", parse
    conversations.add_message(
        session,
        conversation_id=talk,
        author="customer",
        text=f"第{number}句 {intent}",
        turn_id=turn.id,
        message_id=turn.id,
    )


def test_around_a_code_nothing_is_left_to_learn(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "gateway.sqlite"
    shutil.copy(tables(), path)
    database = Database(f"sqlite:///{path}")
    with database.session() as session:

        def put(text: str, reason: str) -> bool:
            return review.add(
                session, place="call_1", message_id=uuid.uuid4().hex, text=text, language="zh", reason=reason,
                understood={"intent": "nlu_fallback"}, said_at=now(),
            )  # fmt: skip

        assert [put("短信里说是[code]", why) for why in ("not_understood", "sample", "thumbs_down")] == [False] * 3
        assert put("短信里说是什么", "not_understood")
        assert put("[code]不对，收到的是另一张卡的", "corrected")  # a person says that it means something
    database.close()


def test_accuracy_is_that_of_a_random_sample(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "current", lambda: settings.load({"DESK_REVIEW_SAMPLE_PERCENT": "50"}))
    path = tmp_path / "gateway.sqlite"
    shutil.copy(tables(), path)
    database = Database(f"sqlite:///{path}")
    boss = people.Person(id="agt_1", username="supervisor", name="Boss", role="supervisor", csrf="")
    with database.session() as session:
        talk, _ = conversations.create(session, language="zh", account=None, greet=False)
        # A hundred that were sure (of which 10 wrongly so), a hundred that were in doubt and wrong, and small talk.
        for number in range(100):
            said(session, talk, number, "unbind_card" if number % 10 else "close_quick_pay", 0.95)
            said(session, talk, 100 + number, "unbind_wallet", 0.3)
            said(session, talk, 200 + number, "affirm", 0.99)
        review.collect(session)
        found = session.scalars(select(ReviewItem)).all()
        assert {one.reason for one in found} == {"sample", "unsure"}
        drawn = [one for one in found if one.sampled]
        assert len([one for one in found if one.reason == "unsure"]) == 100 and 60 < len(drawn) < 140
        for one in found:
            review.decide(session, person=boss, item_id=one.id, label="unbind_card", note=None)
        stats = review.stats(session, days=30, zone="Asia/Shanghai")
        right = [one for one in drawn if one.understood and one.understood["intent"] == "unbind_card"]
        assert stats["sample"] == {"reviewed": len(drawn), "right": len(right), "accuracy": len(right) / len(drawn)}
        assert stats["sample_percent"] == 50 and stats["days"][-1]["sample"] == stats["sample"]
        # True are 90 of 200; the hard lines alone would say less, and that is told beside it.
        assert (
            abs(stats["sample"]["accuracy"] - 0.45) < 0.25 and stats["totals"]["accuracy"] < stats["sample"]["accuracy"]
        )
        again = review.collect(session)
        assert again == 0
    database.close()
