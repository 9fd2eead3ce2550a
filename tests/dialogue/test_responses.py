"""Every reply in both languages, filled with sample values: nothing missing, nothing endless, no button that leads nowhere."""
from __future__ import annotations

import json
import re

import pytest
import yaml

from tests.dialogue.words import LANGUAGES, ROOT, domain, filled, languages_of, responses

RESPONSES = responses()
VARIATIONS = [(name, place, language, variation) for name, all_of_it in RESPONSES.items() for place, variation in enumerate(all_of_it) for language in languages_of(variation)]
IDS = [f"{name}-{language}-{place}" for name, place, language, _ in VARIATIONS]
HAN = re.compile(r"[㐀-鿿]")
FREQUENT = ("utter_greet", "utter_goodbye", "utter_ok_no", "utter_rephrase", "utter_out_of_scope", "utter_out_of_scope_here", "utter_not_understood_here", "utter_ask_unbind_card_target", "utter_code_sent", "utter_ask_code_again",
            "utter_error_code_wrong", "utter_done_unbind_card", "utter_done_close_quick_pay", "utter_declined", "utter_stopped", "utter_anything_else", "utter_handoff_waiting", "utter_handoff_next", "utter_thank", "utter_faq/cancel_quick_pay_howto", "utter_faq/unbind_card_howto", "utter_faq/wallet_bind_howto", "utter_faq/wallet_unbind_howto")


@pytest.mark.parametrize("name", RESPONSES)
def test_every_response_has_both_languages_and_no_wording_for_any(name: str) -> None:
    """A wording without a condition would be drawn in both languages."""
    spoken = [languages_of(variation) for variation in RESPONSES[name]]
    assert all(len(languages) == 1 for languages in spoken)
    assert {languages[0] for languages in spoken} == set(LANGUAGES)


@pytest.mark.parametrize(("name", "place", "language", "variation"), VARIATIONS, ids=IDS)
def test_a_wording_is_short_and_in_one_language(name: str, place: int, language: str, variation: dict) -> None:
    """At most 120 Chinese characters or 60 English words, unless it is a list."""
    text = filled(variation["text"], language)
    assert not re.search(r"[{}]", text), text
    is_list = text.count("\n") >= 2
    if language == "zh":
        assert HAN.search(text), text
        assert is_list or len(text) <= 120, f"{len(text)} characters: {text}"
    else:
        assert not HAN.search(text), text
        assert is_list or len(text.split()) <= 60, f"{len(text.split())} words: {text}"
    assert len(text) <= (260 if language == "zh" else 620), f"a list of {len(text)} characters"


@pytest.mark.parametrize(("name", "place", "language", "variation"), VARIATIONS, ids=IDS)
def test_a_button_leads_somewhere(name: str, place: int, language: str, variation: dict) -> None:
    """Titles fit a phone; payloads name labels, topics and entities that exist."""
    known = domain()
    for button in variation.get("buttons", []):
        title = button["title"]
        assert len(title) <= (12 if HAN.search(title) else 28), title
        assert bool(HAN.search(title)) == (language == "zh"), title
        payload = filled(button["payload"], language)
        if payload.startswith(("url:/", "action:sign_in")):
            continue
        match = re.fullmatch(r"/(\w+)(\{.*\})?", payload.replace("{{", "{").replace("}}", "}"))
        assert match, payload
        assert match[1] in known["intents"], payload
        entities = json.loads(match[2]) if match[2] else {}
        assert set(entities) <= set(known["entities"]), payload
        if match[1] == "faq":
            assert (ROOT / "data" / "faq" / entities["topic"]).is_dir(), payload


@pytest.mark.parametrize("name", yaml.safe_load((ROOT / "data" / "phrases.yml").read_text(encoding="utf-8")))
def test_a_phrase_has_both_languages_and_is_short(name: str) -> None:
    """What `data/phrases.yml` holds is said too."""
    phrase = yaml.safe_load((ROOT / "data" / "phrases.yml").read_text(encoding="utf-8"))[name]
    assert set(phrase) == set(LANGUAGES) and phrase["zh"] and phrase["en"]
    assert not HAN.search(phrase["en"]) and len(phrase["en"].split()) <= 60 and len(phrase["zh"]) <= 120


@pytest.mark.parametrize("name", FREQUENT)
def test_what_is_heard_often_has_two_wordings(name: str) -> None:
    """Nobody likes to hear the same sentence again."""
    for language in LANGUAGES:
        assert len([variation for variation in RESPONSES[name] if languages_of(variation) == [language]]) >= 2


def test_every_topic_has_an_answer() -> None:
    """One answer for each folder of questions, and none without."""
    topics = {path.name for path in (ROOT / "data" / "faq").iterdir() if path.is_dir()}
    assert {name.removeprefix("utter_faq/") for name in RESPONSES if name.startswith("utter_faq/")} == topics


def test_every_reply_that_the_actions_name_exists() -> None:
    """Plain names as they stand in the code, and the families that are put together there."""
    from actions.operations import KINDS

    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "actions").glob("*.py"))
    plain = {name for name in re.findall(r'"(utter_\w+)"', code) if not name.endswith("_")}
    families = {f"utter_{stem}_{kind.intent}" for stem in ("confirm", "remind", "done", "resume", "nothing") for kind in KINDS} | {f"utter_ask_{kind.intent}_target" for kind in KINDS}
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "data").rglob("rules.yml"))
    ruled = set(re.findall(r"action: (utter_\w+)", rules)) - {"utter_faq"}
    assert not (plain | families | ruled) - set(RESPONSES)
    notes = re.findall(r'"note": "(\w+)"', code) + ["not_found", "ambiguous"]
    assert not {f"utter_note_{note}" for note in notes} - set(RESPONSES)


def test_no_reply_is_left_over() -> None:
    """A reply that nothing names is a reply that nobody checks."""
    code = "\n".join(path.read_text(encoding="utf-8") for folder in ("actions", "brain") for path in (ROOT / folder).glob("*.py"))
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "data").rglob("rules.yml"))
    built = re.compile(r"utter_(faq/|error_|failed_|status_|confirm_|remind_|done_|resume_|nothing_|note_|ask_\w+_target|default)")
    assert not [name for name in RESPONSES if name not in code + rules and not built.match(name)]
