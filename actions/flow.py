"""What moves between operations: starting one, correcting it, coming back to one that was left."""
from __future__ import annotations

import logging

from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import direct, offers
from actions.base import Events, TurnAction, end_flow, forget_target, say
from actions.choosing import hints_in
from actions.ending import closed
from actions.errors import NotSignedIn, Refused, Unreachable
from actions.operations import BY_INTENT, BY_KIND, FRAUD, OPEN, STALE
from actions.outcome import say_outcome
from actions.starting import try_again
from actions.talked_about import talked_about
from actions.turn import Turn

logger = logging.getLogger(__name__)


class StartOperation(TurnAction):
    """Begins an operation; one that is under way is put aside and offered again afterwards."""

    NAME = "action_start_operation"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Clears what an earlier operation collected; "unbind" alone may mean a card or a wallet."""
        running, wanted = (turn.tracker.active_loop_name or "").removesuffix("_form"), turn.intent
        if running == wanted:
            return []
        if wanted == "unbind_card" and _meant(turn) == "wallet":
            return [*suspend(turn, "unbind_wallet"), FollowupAction(BY_INTENT["unbind_wallet"].form)]
        if wanted == "unbind_card" and not running and await could_be_a_wallet(turn):
            say(dispatcher, "utter_ask_card_or_wallet")
            return [*forget_target(), SlotSet("open_question", offers.CARD_OR_WALLET), SlotSet("misses", None), FollowupAction("action_listen")]
        return suspend(turn, wanted)


def _meant(turn: Turn) -> str | None:
    """Returns what "unbind it" is about, by its own words or because it was talked about: `card`, `wallet`; None when nothing says."""
    if turn.entity("object") or hints_in(objects="card", entities=turn.entities):
        return turn.entity("object") or "card"
    return next((sort for sort in ("card", "wallet") if talked_about(kind=BY_INTENT[f"unbind_{sort}"], events=turn.tracker.events)), None)


async def could_be_a_wallet(turn: Turn) -> bool:
    """Tells whether nothing says "card" and the customer has both cards and wallets."""
    if turn.entity("object") or _meant(turn) == "card":
        return False
    try:
        binding = await turn.binding()
        return bool(await binding.wallets()) and bool(await binding.cards())
    except (NotSignedIn, Refused, Unreachable):
        return False


def suspend(turn: Turn, wanted: str) -> Events:
    """Returns the events that make room for the operation `wanted`; one under way is put aside."""
    running = (turn.tracker.active_loop_name or "").removesuffix("_form")
    suspended = [entry for entry in turn.slot("suspended") or [] if entry["operation"] not in {wanted, running}]
    if running in BY_INTENT and turn.slot("target"):
        suspended.append({"operation": running, "target": turn.slot("target"), "operation_id": turn.slot("operation_id")})
    return [*forget_target(), SlotSet("operation", wanted), SlotSet("suspended", suspended or None), SlotSet("open_question", None), SlotSet("misses", None)]


class CorrectAnswer(TurnAction):
    """"不对" without saying what: asks which one again."""

    NAME = "action_correct"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Says that it listens; the form asks its question again by itself."""
        again = try_again(turn, named=True)
        if again is not None:
            return again
        if not turn.tracker.active_loop_name:
            say(dispatcher, "utter_what_is_wrong")
        elif turn.slot("requested_slot") == "target":
            say(dispatcher, "utter_pick_one")
        return []


class ResumeOperation(TurnAction):
    """Goes on with what was asked before the customer signed in, or before a person took over."""

    NAME = "action_resume"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Says what has changed; an active form asks its question again by itself, a lookup that was asked for is done."""
        active = turn.tracker.active_loop_name
        if closed(turn):
            return await clear(turn, dispatcher, responses)
        if turn.intent == "EXTERNAL_handed_back":
            taken_up = [] if active else await take_up_the_agents(turn)
            # With nothing left to do, this is the end of the talk with the person; else the score is asked for at the end of what goes on.
            say(dispatcher, "utter_handed_back", card=None if active or taken_up else {"type": "rating"})
            # What was offered before is old news: a "yes" to the agent's last words must not start it.
            forgotten = [SlotSet(FRAUD, None), SlotSet("misses", None), SlotSet("complaints", None)]
            return forgotten if active else [*forgotten, SlotSet("open_question", None), *taken_up]
        offer = offers.read(turn.slot("open_question"))
        if not active and offer.sort == offers.SIGN_IN and offer.label in direct.BY_NAME:
            return [SlotSet("open_question", None), *await direct.run(direct.BY_NAME[offer.label], turn, dispatcher, responses)]
        say(dispatcher, "utter_signed_in_go_on" if active else "utter_signed_in")
        return []


async def take_up_the_agents(turn: Turn) -> Events:
    """Returns the events that take up what the agent began in this talk and nobody has verified, at the step where it stands: the question, or the code that was sent. What cannot be read is left to expire."""
    aside = {entry.get("operation_id") for entry in turn.slot("suspended") or []}
    try:
        found = await (await turn.binding()).operations(limit=10)
    except (NotSignedIn, Refused, Unreachable) as fault:
        logger.warning("what the agent began was not looked up: %s", fault)
        return []
    left = [one for one in found if one["status"] == OPEN and one.get("conversation") == turn.conversation_id and one["id"] not in aside and one["kind"] in BY_KIND]
    if not left:
        return []
    operation, kind = left[0], BY_KIND[left[0]["kind"]]
    events = [*forget_target(), SlotSet("operation", kind.intent), SlotSet("target", operation["target"]), SlotSet("operation_id", operation["id"])]
    sent = operation.get("challenge") or {}
    if sent.get("method") == "sms":
        # The agent has told the effects and heard the yes: only the code is missing.
        events += [SlotSet("confirmed", True), SlotSet("method", "sms"), SlotSet("challenge_id", sent["id"]), SlotSet("effects_version", operation["effects_version"])]
    return [*events, FollowupAction(kind.form)]


async def clear(turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
    """Ends what was open when the agent closed the talk: "OK, thanks" to the agent's last words must not confirm it. A request that nobody verified is cancelled, and that is told."""
    if turn.tracker.active_loop_name and turn.slot("operation_id"):
        try:
            binding = await turn.binding()
            operation = await binding.operation(operation_id=turn.slot("operation_id"))
            if operation["status"] == OPEN:
                say_outcome(dispatcher, await binding.cancel(operation_id=operation["id"], key=turn.key("cancel", operation["id"])), turn.language, responses)
        except (NotSignedIn, Refused, Unreachable) as fault:
            logger.warning("the request of a closed talk was left to expire: %s", fault)
    return [*end_flow(), *[SlotSet(name, None) for name in (FRAUD, "misses", "complaints", "open_question", "suspended", "quiet")]]


def resume_suspended(turn: Turn) -> Events:
    """Returns the events that take up the operation that was put aside last."""
    suspended = list(turn.slot("suspended") or [])
    entry = suspended.pop()
    return [
        *forget_target(), SlotSet("suspended", suspended or None), SlotSet("operation", entry["operation"]), SlotSet("target", entry["target"]),
        SlotSet("operation_id", entry.get("operation_id")), SlotSet("effects_version", STALE), SlotSet("open_question", None), FollowupAction(BY_INTENT[entry["operation"]].form),
    ]
