"""The three questions of an operation: which one, shall I, and the code. Each is asked again after a digression, so each first looks at what already stands."""
from __future__ import annotations

from abc import abstractmethod

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import display, objects, offers
from actions.base import Events, TurnAction, end_flow, say, say_refusal
from actions.binding_client import Binding, Operation
from actions.choosing import hints_in
from actions.codes import ask_again, send_challenge
from actions.confirming import confirm, kind_of
from actions.ending import leave, report
from actions.errors import Refused
from actions.operations import BY_INTENT, OPEN, STALE, OperationKind
from actions.turn import Turn

# After these the whole question is said again; after anything else (a question, thanks …) a short reminder is enough.
SAY_IN_FULL = {"repeat", "switch_language", "correct", "affirm", "deny", "EXTERNAL_signed_in", "EXTERNAL_handed_back", *BY_INTENT}

# Who says one of these has no need of "which one?" any more: a goodbye as long as nothing was begun, thanks right after hearing that what was named cannot be had.
GOODBYE, THANKS = "goodbye", "thank"

MOST_BANKS = 8


class Question(TurnAction):
    """A form's question; silent once when what was just said left no need for it (a person was called, a new code was sent)."""

    async def act(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Asks, or holds its tongue."""
        return [SlotSet("quiet", None)] if turn.slot("quiet") else await self.ask(turn, dispatcher, responses)

    @abstractmethod
    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Asks the question; may raise what `act` may."""


class AskTarget(Question):
    """Asks which card, wallet or deduction; buttons for what there is."""

    NAME = "action_ask_target"

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Asks, after saying why the last answer did not settle it; who takes leave is let go."""
        if self._takes_leave(turn):
            return await leave(turn, dispatcher)
        kind = kind_of(turn)
        items, _ = await objects.load(kind=kind, binding=await turn.binding())
        if not items:
            say(dispatcher, f"utter_nothing_{kind.intent}")
            return await leave(turn, dispatcher)
        free = [item for item in items if not item.get("busy")] or items
        # A list that was narrowed down stays so after a digression.
        again = turn.slot("note") in {None, "ambiguous"} and turn.slot("choices")
        narrowed = [item for item in items if item["id"] in (turn.slot("choices") or [])] if again else free
        not_offered = turn.slot("note") == "not_found" and kind.objects in objects.ONE_TARGET
        if not_offered:
            dispatcher.utter_message(text=display.phrase("not_offered", turn.language, value=_spoken(turn.slot("note_value"), turn.language)))
        elif turn.slot("note"):
            say(dispatcher, f"utter_note_{turn.slot('note')}", value=_spoken(turn.slot("note_value"), turn.language))
        # Of all banks only the first few are shown; any other is simply named.
        shown = narrowed[:MOST_BANKS] if kind.objects == "bank" else narrowed
        buttons = [objects.button(kind=kind, item=item, language=turn.language) for item in shown]
        say(dispatcher, f"utter_ask_{kind.intent}_target", buttons=buttons)
        return [SlotSet("choices", [item["id"] for item in shown]), SlotSet("note", None), SlotSet("note_value", turn.slot("note_value") if not_offered else None)]

    @staticmethod
    def _takes_leave(turn: Turn) -> bool:
        """Tells whether the customer has done with it. What was not offered is noted (without a note to say) until the question comes the next time."""
        not_offered = turn.slot("note_value") and not turn.slot("note")
        if turn.slot("operation_id") or hints_in(objects=kind_of(turn).objects, entities=turn.entities):
            return False  # "Thanks, Alipay then" goes on.
        return turn.intent == GOODBYE or turn.intent == THANKS and bool(not_offered)


class AskConfirmed(Question):
    """Names the object and the effects, and asks for a yes. The operation exists from here on, waiting for verification."""

    NAME = "action_ask_confirmed"

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Creates the operation (or finds the one that waits) and asks."""
        operation = await open_operation(turn=turn, binding=await turn.binding(), kind=kind_of(turn))
        if operation["status"] != OPEN:
            return await report(turn, dispatcher, operation, responses)
        asked = (turn.slot("operation_id"), turn.slot("effects_version")) == (operation["id"], operation["effects_version"])
        return confirm(dispatcher, operation=operation, turn=turn, responses=responses, briefly=asked and turn.intent not in SAY_IN_FULL)

    async def refused(self, refusal: Refused, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Says each thing that stands in the way, with its next step; "it's settled now" tries again. A bank that cannot be bound is named, and another one may be."""
        kind = kind_of(turn)
        if refusal.code == "invalid_target" and kind.objects in objects.ONE_TARGET:
            name = display.name_of(objects.ONE_TARGET[kind.objects], str(turn.slot("target")), turn.language)
            dispatcher.utter_message(text=display.phrase("not_offered", turn.language, value=name))
            return [*await leave(turn, dispatcher), SlotSet("open_question", offers.again(kind.intent, {}))]
        say_refusal(dispatcher, refusal, responses, language=turn.language)
        return [*await leave(turn, dispatcher), *([SlotSet("open_question", self._again(turn))] if refusal.code == "blocked" else [])]

    async def unreachable(self, turn: Turn, dispatcher: CollectingDispatcher) -> Events:
        """Ends the flow: a "yes" must never answer a question that the customer has not seen."""
        kind = kind_of(turn)
        payload = f'/{kind.intent}{{"{kind.id_entity}": "{turn.slot("target")}"}}'
        say(dispatcher, "utter_error_unavailable", buttons=[{"title": display.phrase("try_again", turn.language), "payload": payload}])
        return [*end_flow(), SlotSet("open_question", self._again(turn))]

    @staticmethod
    def _again(turn: Turn) -> str:
        kind = kind_of(turn)
        return offers.again(kind.intent, {kind.id_entity: turn.slot("target")})


class AskCode(Question):
    """Sends the code (or opens the secure page) once, and asks for it."""

    NAME = "action_ask_code_ref"

    async def ask(self, turn: Turn, dispatcher: CollectingDispatcher, responses: frozenset[str]) -> Events:
        """Asks for the code that was sent, or sends one."""
        binding = await turn.binding()
        operation = await open_operation(turn=turn, binding=binding, kind=kind_of(turn))
        if operation["status"] != OPEN:
            return await report(turn, dispatcher, operation, responses)
        method = turn.slot("method") or _first_method(operation)
        live = operation.get("challenge") or {}
        if live.get("method") == method == "sms" and turn.slot("challenge_id") == live.get("id"):
            ask_again(dispatcher, turn=turn, operation=operation)
            return [SlotSet("operation_id", operation["id"])]
        return await send_challenge(turn=turn, dispatcher=dispatcher, binding=binding, operation=operation, method=method, responses=responses, asked=True)


def _first_method(operation: Operation) -> str:
    methods = operation.get("verification", {}).get("methods") or ["sms"]
    return "sms" if "sms" in methods else methods[0]


def _spoken(value: str | None, language: str) -> str:
    """Returns the named things as the customer knows them: `cmb 9999` → 招商银行 9999."""
    words = (value or "").split(" ")
    for vocabulary in ("bank", "wallet", "merchant", "card_type", "ordinal"):
        words = [display.name_of(vocabulary, word, language) for word in words]
    return " ".join(words)


async def open_operation(*, turn: Turn, binding: Binding, kind: OperationKind) -> Operation:
    """Returns the operation for the chosen object: the one at hand, the one that another conversation left open, or a new one.

    An operation for an object that the customer has turned away from is cancelled; so is one that was put aside, since other things have changed meanwhile."""
    target, known = turn.slot("target"), turn.slot("operation_id")
    if known:
        operation = await binding.operation(operation_id=known)
        if operation["target"] == target and operation["status"] != "expired" and not (turn.slot("effects_version") == STALE and operation["status"] == OPEN):
            return operation
        if operation["status"] == OPEN:
            await binding.cancel(operation_id=known, key=turn.key("cancel", known))
    try:
        return await binding.create_operation(kind=kind.kind, target=target, key=turn.key("create", kind.kind, target))
    except Refused as refusal:
        if refusal.code != "operation_in_progress" or not refusal.body.get("operation_id"):
            raise
        other = await binding.operation(operation_id=refusal.body["operation_id"])
        if other["kind"] != kind.kind and other["status"] == OPEN:
            # Another kind of operation waits on the same object, unconfirmed: the customer now wants this one.
            await binding.cancel(operation_id=other["id"], key=turn.key("cancel", other["id"]))
            return await binding.create_operation(kind=kind.kind, target=target, key=turn.key("create", kind.kind, target, "again"))
        return other
