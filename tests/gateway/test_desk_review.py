"""The review queue: hard lines, what a supervisor says of them, and the training data that comes of it."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import uuid

import yaml

from tests.gateway.conftest import ROOT
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
