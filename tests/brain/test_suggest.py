"""Help for the desk: moods by a lexicon, the assistant's own words in both languages, and no conversation that is touched."""

import asyncio
import glob

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.utils.io import read_yaml_file

from brain import suggest

RESPONSES = [*glob.glob("data/*/responses.yml"), *glob.glob("data/faq/*/responses.yml")]


@pytest.fixture(scope="module")
def responses():
    found = {}
    for path in RESPONSES:
        found.update(read_yaml_file(path)["responses"])
    return found


@pytest.mark.parametrize(
    ("text", "mood"),
    [("你们太差了，我要投诉", "angry"), ("This is ridiculous", "angry"), ("我的卡被盗刷了", "worried"), ("I'm worried about my card", "worried"),
     ("谢谢，太好了", "thankful"), ("thanks a lot", "thankful"), ("不投诉", "neutral"), ("this is not terrible", "neutral"), ("hello", "neutral"),
     ("what is the issue", "neutral"), ("怎么解绑", "neutral"), ("谢谢你们这些骗子", "angry")],
)  # fmt: skip
def test_moods(text, mood):
    assert suggest.mood_of(text)["name"] == mood


def test_every_help_answer_can_be_suggested_in_both_languages(responses):
    faq = [name for name in responses if name.startswith("utter_faq/")]
    assert len(faq) > 30
    for name in faq:
        said = suggest.say(responses, name)
        assert set(said) == {"zh", "en"} and "{" not in said["zh"] + said["en"], name


def test_what_only_the_customers_data_knows_is_left_open(responses):
    said = suggest.say(responses, "utter_confirm_unbind_card")
    assert "{target}" in said["zh"] and "{target}" in said["en"]
    assert suggest.say(responses, "utter_nobody_wrote_this") is None


def test_the_responses_that_are_named_exist(responses):
    named = {name for names in suggest.words()["responses"].values() for name in names or []} | set(suggest.words()["always"])
    assert sorted(named - set(responses)) == []
    for label in ("unbind_card", "close_quick_pay", "unbind_wallet", "cancel_auto_deduction", "bind_card", "bind_wallet"):
        assert {f"utter_ask_{label}_target", f"utter_confirm_{label}", f"utter_nothing_{label}"} <= set(responses)
    assert suggest.names_for("affirm") == []

def test_a_person_speaks_as_a_person():
    # Who is talking to a person is not told that one is on the way, nor greeted by an assistant.
    for label in ("greet", "human_handoff", "bot_challenge", "complain", "out_of_scope"):
        (name, said), = suggest.by_a_person(label).items()
        assert name == f"utter_{label}" and said["zh"] and said["en"]
        assert not any(word in said["zh"] + said["en"] for word in ("助手", "assistant", "转人工", "connect", "get a person"))
    assert suggest.by_a_person("unbind_card") == {}


class Processor:
    """Parses everything alike."""

    async def parse_message(self, message):
        assert not message.text.startswith("/")
        ranking = [{"name": "nlu_fallback", "confidence": 0.5}, {"name": "faq/unbind_duration", "confidence": 0.4}, {"name": "unbind_card", "confidence": 0.3}]
        return {"intent": {"name": "nlu_fallback", "confidence": 0.5}, "intent_ranking": ranking, "entities": [{"entity": "bank", "value": "cmb", "start": 0, "end": 2}]}


class Agent:
    """A model that is loaded; it has no tracker store, so none could be touched."""

    def __init__(self, responses):
        self.processor = Processor()
        self.domain = Domain.empty()
        self.domain.responses = responses


def test_a_line_is_answered_by_rank(responses):
    found = asyncio.run(suggest.suggest(Agent(responses), text="/unbind_card 招行多久", language="en"))
    assert found["parse"]["intent"] == "nlu_fallback" and found["language"] == "zh"
    assert [one["label"] for one in found["answers"]] == ["faq/unbind_duration", "unbind_card"]
    assert found["parse"]["entities"] == [{"entity": "bank", "value": "cmb"}]
    assert set(found["always"]) == {"utter_sign_in_required", "utter_anything_else"}
