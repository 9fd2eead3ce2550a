"""The stand-in Rasa with the door that the desk asks: labels by a few words, answers from the real `data/`. `python desk_rasa.py PORT`."""

from __future__ import annotations

import functools
import os
import pathlib
import sys
from typing import Any

import yaml
from aiohttp import web

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.gateway.standins import Rasa  # noqa: E402

# What a line holds → its label; the first that fits is what was understood, the others follow.
WORDS = (
    ("盗刷", "report_fraud"), ("stolen", "report_fraud"), ("老婆", "third_party_request"), ("my wife", "third_party_request"),
    ("多久", "faq/unbind_duration"), ("how long", "faq/unbind_duration"), ("怎么解绑", "faq/unbind_card_howto"), ("how do i unbind", "faq/unbind_card_howto"),
    ("电话", "faq/hotline"), ("hotline", "faq/hotline"), ("快捷", "close_quick_pay"), ("quick pay", "close_quick_pay"),
    ("支付宝", "unbind_wallet"), ("alipay", "unbind_wallet"), ("解绑", "unbind_card"), ("unbind", "unbind_card"), ("绑了什么", "check_bindings"),
    ("on my account", "check_bindings"), ("续费", "cancel_auto_deduction"), ("a person", "human_handoff"), ("renewal", "cancel_auto_deduction"),
)  # fmt: skip
NAMED = {
    "招商": ("bank", "cmb"),
    "cmb": ("bank", "cmb"),
    "工商": ("bank", "icbc"),
    "icbc": ("bank", "icbc"),
    "1234": ("card_tail", "1234"),
}
ANGRY = ("投诉", "ridiculous")
ALWAYS = ("utter_sign_in_required", "utter_anything_else")


@functools.cache
def responses() -> dict[str, dict[str, str]]:
    """Returns `{name: {zh, en}}`, the first wording of every response, with the facts filled in."""
    facts = yaml.safe_load((ROOT / "data" / "facts.yml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {}
    for path in sorted((ROOT / "data").rglob("responses.yml")):
        for name, wordings in yaml.safe_load(path.read_text(encoding="utf-8"))["responses"].items():
            said: dict[str, str] = {}
            for wording in wordings:
                for condition in wording.get("condition") or []:
                    text = str(wording.get("text", ""))
                    for fact, value in facts.items():
                        shown = value.get(condition["value"]) if isinstance(value, dict) else value
                        text = text.replace("{" + fact + "}", str(shown))
                    said.setdefault(str(condition["value"]), text)
            if set(said) == {"zh", "en"}:
                found[name] = said
    return found


@functools.cache
def people() -> dict[str, dict[str, str]]:
    """Returns what a person says in other words than the assistant's, by label."""
    return yaml.safe_load((ROOT / "brain" / "suggest.yml").read_text(encoding="utf-8"))["people"]


def suggest(text: str) -> dict[str, Any]:
    """Answers as brain/suggest.py does, in its shape."""
    lowered, language = text.lower(), "en" if text.isascii() else "zh"
    labels = list(dict.fromkeys(label for word, label in WORDS if word in lowered)) or ["nlu_fallback"]
    ranking = [
        {"name": label, "confidence": round(0.9 / (place + 1), 3)}
        for place, label in enumerate(labels)
        if label != "nlu_fallback"
    ]
    entities = [{"entity": entity, "value": value} for word, (entity, value) in NAMED.items() if word in lowered]
    angry = [word for word in ANGRY if word in lowered]
    special = {
        "check_bindings": ("utter_bindings", "utter_nothing_bound"),
        "report_fraud": ("utter_fraud_advice",),
        "third_party_request": ("utter_third_party",),
    }
    answers = []
    for label in labels:
        names = special.get(label) or (
            f"utter_{label}", f"utter_ask_{label}_target", f"utter_confirm_{label}", f"utter_confirm_{label}_renewals", f"utter_nothing_{label}",
        )  # fmt: skip
        said = {name: responses()[name] for name in names if name in responses()}
        if label in people():
            said = {f"utter_{label}": people()[label]}
        answers.append({"label": label, "responses": said})
    return {
        "language": language,
        "parse": {"intent": labels[0], "confidence": ranking[0]["confidence"] if ranking else 0.2, "ranking": ranking, "language": language, "entities": entities},
        "answers": [one for one in answers if one["label"] != "nlu_fallback"],
        "always": {name: responses()[name] for name in ALWAYS if name in responses()},
        "mood": {"name": "angry" if angry else "neutral", "words": angry},
    }  # fmt: skip


class DeskRasa(Rasa):
    """Adds the desk's door; a turn's parse is that of the same words."""

    async def suggest(self, request: web.Request) -> web.Response:
        """Answers a line."""
        if request.headers.get("Authorization") != "Bearer " + os.environ["RASA_CHANNEL_TOKEN"]:
            return web.json_response({"code": "unauthenticated"}, status=401)
        if self.mode["mode"] == "error":
            return web.json_response({"code": "turn_failed"}, status=500)
        return web.json_response(suggest((await request.json())["text"]))

    async def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        found = await super()._answer(body)
        if body["text"]:
            found["parse"] = suggest(body["text"])["parse"]
        return found


def main() -> None:
    """Serves it."""
    app, brain = web.Application(client_max_size=1 << 20), DeskRasa()
    app.router.add_route("*", "/control", brain.control)
    app.router.add_get("/webhooks/gateway/readyz", brain.ready)
    app.router.add_post("/webhooks/gateway/turn", brain.turn)
    app.router.add_post("/webhooks/gateway/suggest", brain.suggest)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
