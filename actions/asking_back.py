"""When it is not sure what the customer means: "do you mean A or B?", then the nearest questions, then a person."""
from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import yaml
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import direct, offers
from actions.base import Events, TurnAction, say
from actions.choosing import hints_in
from actions.display import DATA
from actions.flow import could_be_a_wallet
from actions.misses import count, lead_on, noted
from actions.operations import BY_INTENT, HINTS
from actions.starting import try_again
from actions.turn import Turn

# Looking something up changes nothing: it needs less certainty than doing something.
HARMLESS = {"check_bindings", "check_auto_deductions", "check_request_status"}
LIKELY = 0.5
# Below this share of the first candidate's certainty a second one is not worth offering.
NEAR = 0.25
# What is less likely than this is not worth a question the first time; the second time the nearest are shown whatever they are.
REMOTE = 0.1
# The message speaks of an operation only to deny, suppose, quote or tell it (brain/mood.py).
UNMEANT = "unmeant"
WITH_A_CARD = ("unbind_card", "close_quick_pay", "check_auto_deductions")
WITH_A_WALLET = ("bind_wallet", "unbind_wallet")


@lru_cache
def titles() -> dict[str, dict[str, str]]:
    """Returns the human name of each label, `{label: {zh, en}}`."""
    return yaml.safe_load((DATA / "titles.yml").read_text(encoding="utf-8"))


def candidates(ranking: list[dict[str, Any]], *, most: int, least: float = 0.0) -> list[str]:
    """Returns the labels worth offering, best first: those that have a title and at least that certainty."""
    named = [(r["name"], float(r.get("confidence") or 0.0)) for r in ranking if r.get("name") in titles()]
    best = named[0][1] if named else 0.0
    return [name for name, certainty in named[:most] if certainty >= max(best * NEAR, least)]


def button(label: str, *, language: str, entities: dict[str, Any]) -> dict[str, str]:
    """Returns the button that means a label; an operation's button keeps the card that was named."""
    if label.startswith("faq/"):
        return {"title": titles()[label][language], "payload": "/faq" + json.dumps({"topic": label.removeprefix("faq/")})}
    named = hints(label, entities)
    return {"title": titles()[label][language], "payload": f"/{label}" + (json.dumps(named) if named else "")}


def hints(label: str, entities: dict[str, Any]) -> dict[str, str]:
    """Returns the entities that name an object for the label."""
    names = HINTS[BY_INTENT[label].objects] if label in BY_INTENT else HINTS["card"] if label == "check_auto_deductions" else ()
    return {name: entities[name] for name in names if isinstance(entities.get(name), str)}


@lru_cache
def _identity() -> re.Pattern[str]:
    words = yaml.safe_load((DATA / "safety" / "identity.yml").read_text(encoding="utf-8"))
    return re.compile("|".join(re.escape(word) for language in words.values() for word in language), re.IGNORECASE)


def speaks_of_identity(text: str) -> bool:
    """Tells whether a message that we do not serve is about the identity check ("skip the code", "I'm staff")."""
    return _identity().search(text) is not None


def after_warning(turn: Turn, dispatcher: CollectingDispatcher) -> Events:
    """Leaves it at the warning against secrets in the chat, which was said first; without a form it asks what the customer wants."""
    if not turn.tracker.active_loop_name:
        say(dispatcher, "utter_how_can_i_help")
    return [SlotSet("misses", None)]


def ask_what_about(turn: Turn, dispatcher: CollectingDispatcher) -> bool:
    """Asks what should be done with the card or wallet that is all the message names; tells whether it names one."""
    if turn.entity("wallet") or turn.entity("object") == "wallet":
        say(dispatcher, "utter_what_about_wallet", buttons=[button(label, language=turn.language, entities=turn.entities) for label in WITH_A_WALLET])
    elif hints_in(objects="card", entities=turn.entities) or turn.entity("object") == "card":
        say(dispatcher, "utter_what_about_card", buttons=[button(label, language=turn.language, entities=turn.entities) for label in WITH_A_CARD])
    else:
        return False
    return True


class AskBack(TurnAction):
    """Asks instead of guessing."""

    NAME = "action_ask_back"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Offers the candidates; each miss in a row offers more help: a person at the third, and one is called at the fourth."""
        if turn.entity("code_ref") and not turn.tracker.active_loop_name:
            say(dispatcher, "utter_no_code_expected")
            return []
        if turn.warned:
            return after_warning(turn, dispatcher)
        return await self._here(turn, dispatcher) if turn.tracker.active_loop_name else await self._guess(turn, dispatcher, responses)

    @staticmethod
    async def _here(turn: Turn, dispatcher: CollectingDispatcher) -> Events:
        """Says so; the form asks its question again."""
        events = await lead_on(turn, dispatcher)
        if events is not None:
            return events
        say(dispatcher, "utter_left_for_person" if turn.waiting else "utter_not_understood_here")
        return [noted(turn)]

    @staticmethod
    async def _guess(turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Offers what comes nearest."""
        again = try_again(turn, named=True)
        if again is not None:
            return again
        misses = count(turn)
        entities = turn.entities
        ranking = [r for r in turn.message.get("intent_ranking") or [] if r.get("name") not in {"nlu_fallback", "out_of_scope", "faq"}]
        if turn.verdict.get("reason") == UNMEANT:
            ranking = ranking[1:]  # "Don't unbind it": to offer just that would be the wrong answer.
        offered = candidates(ranking, most=3) if misses > 1 else candidates(ranking, most=2, least=REMOTE)
        buttons = [button(label, language=turn.language, entities=entities) for label in offered]
        first = offered[0] if offered else None
        if first in HARMLESS and float(ranking[0].get("confidence") or 0.0) >= LIKELY and ranking[0].get("name") == first:
            return [SlotSet("misses", None), *await direct.run(direct.BY_LABEL[first], turn, dispatcher, responses)]
        events = await lead_on(turn, dispatcher, buttons=buttons)
        if events is not None:
            return events
        if turn.waiting:
            say(dispatcher, "utter_left_for_person", buttons=buttons)
        elif first == "unbind_card" and await could_be_a_wallet(turn):
            say(dispatcher, "utter_ask_card_or_wallet")
            return [noted(turn), SlotSet("open_question", offers.CARD_OR_WALLET)]
        elif first in BY_INTENT:
            say(dispatcher, "utter_shall_i", buttons=buttons, title=titles()[first][turn.language])
        elif misses == 1 and buttons:
            say(dispatcher, "utter_did_you_mean", buttons=buttons)
        elif buttons:
            say(dispatcher, "utter_nearest", buttons=buttons)
        elif not ask_what_about(turn, dispatcher):
            say(dispatcher, "utter_rephrase")
        # A typed "yes" takes the only offer; between two it settles nothing.
        only = offered[0] if len(offered) == 1 and offered[0] in BY_INTENT else None
        return [noted(turn), SlotSet("open_question", offers.start(only, hints(only, entities)) if only else None)]


class OutOfScope(TurnAction):
    """Says what it cannot do, and what it can."""

    NAME = "action_out_of_scope"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Declines; inside a form briefly, since the form asks its question again; in the queue it is the person's to answer. The third in a row brings the offer of a person."""
        again = try_again(turn, named=True)
        if again is not None:
            return again
        if turn.warned:
            return after_warning(turn, dispatcher)
        if turn.slot("requested_slot") == "code_ref" or speaks_of_identity(str(turn.message.get("text") or "")):
            say(dispatcher, "utter_out_of_scope_code")
            return [SlotSet("misses", None)]
        events = await lead_on(turn, dispatcher, ours=False)
        if events is not None:
            return events
        if turn.waiting:
            say(dispatcher, "utter_left_for_person")
        else:
            say(dispatcher, "utter_out_of_scope_here" if turn.tracker.active_loop_name else "utter_out_of_scope")
        return [noted(turn)]
