"""Answers that need no verification, only a signed-in customer: bindings, deductions, the state of a request."""
from __future__ import annotations

from typing import Any

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import display, offers
from actions.base import Events, TurnAction, say
from actions.binding_client import Operation
from actions.choosing import choose, hints_in, named_in
from actions.errors import NotSignedIn, Refused, Unreachable
from actions.operations import ALL, BY_INTENT, BY_KIND, FRAUD, OPEN
from actions.outcome import say_outcome
from actions.starting import try_again
from actions.turn import Turn

UNDECIDED = {"processing", "pending", "manual_review"}


class CheckBindings(TurnAction):
    """Shows the customer's cards and wallets."""

    NAME = "action_check_bindings"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Lists them as text and as a card."""
        binding = await turn.binding()
        cards, wallets = await binding.cards(), await binding.wallets()
        asked = {entity.get("value") for entity in turn.message.get("entities") or [] if entity.get("entity") == "object"}
        # "My cards": only those, as long as there are any.
        cards, wallets = [] if asked == {"wallet"} and wallets else cards, [] if asked == {"card"} and cards else wallets
        if not cards and not wallets:
            say(dispatcher, "utter_nothing_bound")
            return []
        names = [display.card(card, turn.language) for card in cards] + [display.wallet(wallet["kind"], turn.language) for wallet in wallets]
        drawn = {
            "type": "bindings",
            "cards": [{"id": card["id"], "name": display.card(card, turn.language), "bank": card["bank"], "tail": card["tail"], "quick_pay": card["quick_pay"], "state": card["state"]} for card in cards],
            "wallets": [{"id": wallet["id"], "name": display.wallet(wallet["kind"], turn.language), "kind": wallet["kind"], "state": wallet["state"]} for wallet in wallets],
        }
        say(dispatcher, "utter_bindings", bindings="\n".join(f"· {name}" for name in names), card=drawn)
        return []


class CheckAutoDeductions(TurnAction):
    """Lists the automatic deductions, of one card when one is named."""

    NAME = "action_check_auto_deductions"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Lists merchant, amount and card."""
        binding = await turn.binding()
        cards = {card["id"]: card for card in await binding.cards()}
        entities = {name: turn.entity(name) for name in ("bank", "card_tail", "card_type")}
        hints = hints_in(objects="card", entities=entities)
        named = set(choose(objects="card", hints=hints, items=list(cards.values()), shown=()).fitting) if hints else None
        found = [a for a in await binding.agreements() if a["state"] == "active" and (named is None or a["card_id"] in named)]
        if not found:
            say(dispatcher, "utter_no_auto_deductions")
            return []
        lines = []
        for agreement in found:
            card = cards.get(agreement["card_id"] or "")
            paid = [display.money(agreement.get("amount"), agreement.get("currency")), display.card_button(card, turn.language) if card else ""]
            lines.append("· " + " ".join([display.merchant(agreement["merchant"], turn.language), *[word for word in paid if word]]))
        say(dispatcher, "utter_auto_deductions", deductions="\n".join(lines))
        return []


class CheckRequestStatus(TurnAction):
    """Says how far the customer's request is."""

    NAME = "action_check_request_status"

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Reports the named request, the one talked about, or the newest."""
        binding = await turn.binding()
        newest = await binding.operations(limit=10)
        named = str(turn.entity("request_ref") or "").casefold()
        wanted = next((o for o in newest if named and named in {o["id"].casefold(), str(o.get("reference")).casefold()}), None)
        if named and wanted is None:
            say(dispatcher, "utter_no_such_request", reference=turn.entity("request_ref"))
            return []
        started = [o for o in newest if o["status"] not in {"awaiting_verification", "cancelled", "expired"}] or newest
        open_ones = [o for o in newest if o["status"] in UNDECIDED][:3]
        talked_about = {turn.slot("operation_id") if turn.tracker.active_loop_name else None, turn.slot("last_operation_id")}
        again = None if wanted or open_ones else try_again(turn)
        if again is not None:
            return again  # What was refused is what this is about: "I've paid it off".
        told = [wanted] if wanted else open_ones or [o for o in newest if o["id"] in talked_about][:1] or started[:1]
        if not told:
            say(dispatcher, "utter_no_requests")
            return []
        for found in told:
            # Asking for one operation also makes this the conversation that hears of its end.
            operation = await binding.operation(operation_id=found["id"])
            say_outcome(dispatcher, operation, turn.language, responses)
        return [SlotSet("last_operation_id", operation["id"]), SlotSet("reported", f"{operation['id']}:{operation['status']}"), *self._offer(turn, operation)]

    @staticmethod
    def _offer(turn: Turn, operation: Operation) -> Events:
        """A request that waits for its code can be taken up with a "yes"."""
        kind = BY_KIND[operation["kind"]]
        if turn.tracker.active_loop_name or operation["status"] != OPEN:
            return []
        hints = {"ordinal": ALL} if operation["target"] == ALL else {kind.id_entity: operation["target"]}
        return [SlotSet("open_question", offers.start(kind.intent, hints))]


class FollowUpFaq(TurnAction):
    """After a general answer: what holds for this very customer, and the offer that an answer like it ends with."""

    NAME = "action_follow_up_faq"
    OFFERS = {
        "unbind_card_howto": "unbind_card", "cancel_quick_pay_howto": "close_quick_pay", "unbind_duration": "unbind_card", "unbind_failed": "unbind_card", "unbind_effect_on_orders": "unbind_card", "unbind_privacy": "unbind_card", "wallet_unbind_howto": "unbind_wallet",
        "wallet_bind_howto": "bind_wallet", "card_bind_howto": "bind_card", "rebind_howto": "bind_card", "card_bind_failed": "bind_card", "wallet_bind_failed": "bind_wallet", "wallet_unbind_failed": "unbind_wallet", "wallet_benefits": "bind_wallet", "wallet_supported": "bind_wallet", "auto_deduction_effect": "check_auto_deductions",
        "confirm_unbound": "check_bindings", "unbind_delayed": "check_request_status", "hotline": "human_handoff", "lost_card_or_phone": "close_quick_pay",
    }
    PERSONAL = {"unbind_duration", "unbind_delayed"}

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Adds the customer's own pending request to the answers about time; remembers what was offered."""
        topic = turn.topic or turn.entity("topic")
        if turn.tracker.active_loop_name:
            return []
        offer = offers.start(self.OFFERS[topic], self._named(turn, self.OFFERS[topic])) if topic in self.OFFERS else None
        # The offer to close everything after a fraud report stays until it is answered.
        events: Events = [SlotSet("misses", None), *([] if turn.slot(FRAUD) else [SlotSet("open_question", offer)])]
        if turn.same_question() >= 3 and not turn.waiting:
            say(dispatcher, "utter_same_again")
            return [SlotSet("misses", None), SlotSet("open_question", offers.person("failures"))]
        for operation in (await self._undecided(turn))[:1] if topic in self.PERSONAL else []:
            say_outcome(dispatcher, operation, turn.language, responses)
            events.append(SlotSet("last_operation_id", operation["id"]))
        return events

    @staticmethod
    def _named(turn: Turn, label: str) -> dict[str, Any]:
        """Returns what the question named for the operation that is offered: a "yes" means that very card."""
        return named_in(objects=BY_INTENT[label].objects, entities=turn.entities) if label in BY_INTENT else {}

    @staticmethod
    async def _undecided(turn: Turn) -> list[Operation]:
        try:
            return [o for o in await (await turn.binding()).operations(limit=5) if o["status"] in UNDECIDED]
        except (NotSignedIn, Refused, Unreachable):
            return []  # The general answer stands without it.
