"""Helps people of the desk: what a line means and what the assistant would answer, in both languages. Reads the model and the words; touches no conversation."""
from __future__ import annotations

import pathlib
import re
from functools import lru_cache
from typing import Any, Dict, List, Optional, Text

from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.core.nlg.generator import ResponseVariationFilter
from rasa.shared.utils.io import read_yaml_file

from brain.turn import language_written
from brain.voice import facts_in

WORDS = pathlib.Path(__file__).with_name("suggest.yml")
LANGUAGES = ("zh", "en")
RANKED = 5
LONGEST = 2000
# Labels of which nobody wants to hear an answer: they only mean something after a question.
ANSWERS = {"affirm", "deny", "inform", "correct", "stop", "repeat", "resend_code"}
_NEGATED = re.compile(r"(?:不|没|别|无需|未)$|(?:\bnot|\bno|n't|\bnever)\s*(?:\w+\s+)?$", re.I)


class Missing(Dict[Text, Text]):
    """Values of a sentence; one that is not known stays as it is written, for the caller to fill in."""

    def __missing__(self, key: Text) -> Text:
        return "{" + key + "}"


@lru_cache(maxsize=1)
def words() -> Dict[Text, Any]:
    """Returns suggest.yml."""
    return read_yaml_file(WORDS)


@lru_cache(maxsize=4)
def _facts(language: Text) -> Dict[Text, Text]:
    return facts_in(language)


def mood_of(text: Text) -> Dict[Text, Any]:
    """Returns `{name, words}`: angry before worried before thankful, else neutral. A denied word does not count."""
    lowered = text.lower()
    for name, lexicon in words()["moods"].items():
        found = [str(word) for language in LANGUAGES for word in lexicon[language] if _says(lowered, str(word).lower())]
        if found:
            return {"name": name, "words": found[:5]}
    return {"name": "neutral", "words": []}


def _says(text: Text, word: Text) -> bool:
    edge = r"\b" if word[0].isascii() and word[0].isalpha() else ""
    for match in re.finditer(edge + re.escape(word) + edge, text):
        if not _NEGATED.search(text[max(0, match.start() - 12):match.start()]):
            return True
    return False


def names_for(label: Text) -> List[Text]:
    """Returns the responses that the assistant may answer a label with."""
    known = words()["responses"]
    if label in known:
        return list(known[label] or [])
    if label in ANSWERS:
        return []
    return [f"utter_{label}", f"utter_ask_{label}_target", f"utter_confirm_{label}", f"utter_confirm_{label}_renewals", f"utter_nothing_{label}"]


def say(responses: Dict[Text, Any], name: Text) -> Optional[Dict[Text, Text]]:
    """Returns a response's first wording in each language, with the company's facts filled in; None when nobody wrote it."""
    if name not in responses:
        return None
    found: Dict[Text, Text] = {}
    for language in LANGUAGES:
        fitting = ResponseVariationFilter(responses).responses_for_utter_action(name, "gateway", {"language": language})
        if not fitting or not fitting[0].get("text"):
            return None
        found[language] = str(fitting[0]["text"]).format_map(Missing(_facts(language)))
    return found


def by_a_person(label: Text) -> Dict[Text, Dict[Text, Text]]:
    """Returns what a person says to a label in other words than the assistant's, as a response of its own; empty for most labels."""
    pair = words()["people"].get(label)
    return {f"utter_{label}": {language: str(pair[language]) for language in LANGUAGES}} if pair else {}


async def suggest(agent: Agent, *, text: Text, language: Text) -> Dict[Text, Any]:
    """Returns `{language, parse, answers: [{label, responses: {name: {zh, en}}}], always: {name: {zh, en}}, mood}` for a customer's line.

    `answers` follow the ranking. Values that only the customer's data knows (`{target}`, `{merchants}`, …) are left open."""
    shown = text.strip()[:LONGEST].lstrip("/").strip()
    parse = await agent.processor.parse_message(UserMessage(shown or "?", sender_id="desk"))
    intent = parse.get("intent") or {}
    best = intent.get("full_retrieval_intent_name") or intent.get("name")
    ranking = [{"name": r.get("name"), "confidence": float(r.get("confidence") or 0.0)} for r in (parse.get("intent_ranking") or [])[:RANKED + 1]]
    ranked = [r for r in ranking if r["name"] not in {None, "nlu_fallback", "faq"}][:RANKED]
    responses = agent.domain.responses
    labels = list(dict.fromkeys([*([best] if best and best != "nlu_fallback" else []), *(r["name"] for r in ranked)]))
    spoken = language_written(shown, entities=parse.get("entities") or []) or language
    answers = []
    for label in labels:
        answers.append({"label": label, "responses": by_a_person(label) or {name: pair for name in names_for(label) if (pair := say(responses, name))}})
    return {
        "language": spoken,
        "parse": {
            "intent": best, "confidence": float(intent.get("confidence") or 0.0), "ranking": ranked, "language": spoken,
            "entities": [{"entity": e["entity"], "value": e["value"]} for e in parse.get("entities") or []],
        },
        "answers": answers,
        "always": {name: pair for name in words()["always"] if (pair := say(responses, name))},
        "mood": mood_of(shown),
    }
