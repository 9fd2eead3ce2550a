"""The gateway's door into Rasa: one POST is one turn, answered with the parse and the replies, or with an error; never an empty 200."""
from __future__ import annotations

import hmac
import logging
import os
from collections import OrderedDict
from typing import Any, Awaitable, Callable, Dict, List, Optional, Text

from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.shared.core.constants import REQUESTED_SLOT
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from brain import answers
from brain.outbox import Outbox, reply_of
from brain.strict_endpoint import StrictEndpoint, TurnAborted, joined
from brain.suggest import suggest
from brain.switching import asked_language
from brain.turn import LANGUAGES, BadTurn, Turn, entity, language_written, parse_of_command, typed_command, unsure

logger = logging.getLogger(__name__)
REMEMBERED = 2048
# Commands that may be answered with nothing.
SILENT = {"operation_event", "signed_in", "session_started", "closed"}
RANKED = 5
# A notice is worded by the response of this name; a code is only worth a warning when nobody asked for one.
NOTICES = {"card_number": "utter_notice_card_number", "id_number": "utter_notice_id_number", "password": "utter_notice_password", "code": "utter_notice_code"}


def problem(status: int, code: Text, detail: Text) -> HTTPResponse:
    """Returns an RFC 9457 answer."""
    return response.json({"type": "about:blank", "title": code.replace("_", " "), "status": status, "code": code, "detail": detail}, status=status, content_type="application/problem+json")


class GatewayChannel(InputChannel):
    """Takes turns from the gateway only: a shared token, loopback, structured commands."""

    def __init__(self) -> None:
        answers.install()
        self._token = os.environ.get("RASA_CHANNEL_TOKEN", "")
        self._running: Dict[Text, Text] = {}
        self._answered: "OrderedDict[Text, Dict[Text, Any]]" = OrderedDict()
        self._seen: "OrderedDict[Text, None]" = OrderedDict()

    @classmethod
    def name(cls) -> Text:
        """Returns the channel's name, the part of the address after /webhooks/."""
        return "gateway"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Returns the routes `turn` and `readyz`."""
        routes = Blueprint("gateway_channel")

        @routes.get("/readyz")
        async def readyz(request: Request) -> HTTPResponse:
            return self._readiness(request.app.ctx.agent)

        @routes.post("/turn")
        async def turn(request: Request) -> HTTPResponse:
            given = request.headers.get("authorization", "")
            if not self._token or not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
                return problem(401, "unauthenticated", "the channel token is missing or wrong")
            try:
                asked = Turn.from_body(request.json)
            except BadTurn as error:
                return problem(400, "bad_turn", str(error))
            with joined(request.headers):
                return await self._answer(asked, request.app.ctx.agent)

        @routes.post("/suggest")
        async def suggest_for_desk(request: Request) -> HTTPResponse:
            given = request.headers.get("authorization", "")
            if not self._token or not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
                return problem(401, "unauthenticated", "the channel token is missing or wrong")
            body, agent = request.json, request.app.ctx.agent
            if not isinstance(body, dict) or not isinstance(body.get("text"), str) or not body["text"].strip():
                return problem(400, "bad_turn", "text is missing")
            if agent is None or not agent.is_ready():
                return problem(503, "not_ready", "the model is not loaded yet")
            return response.json(await suggest(agent, text=body["text"], language=body.get("language") if body.get("language") in LANGUAGES else "zh"))

        return routes

    @staticmethod
    def _readiness(agent: Optional[Agent]) -> HTTPResponse:
        from brain import status

        ready = bool(agent and agent.is_ready())
        return response.json({"ready": ready, "degraded": getattr(status, "degraded", None) or None}, status=200 if ready else 503)

    async def _answer(self, turn: Turn, agent: Optional[Agent]) -> HTTPResponse:
        known = self._answered.get(turn.turn_id)
        if known is not None:
            return response.json(known)
        if agent is None or not agent.is_ready():
            return problem(503, "not_ready", "the model is not loaded yet")
        if turn.conversation_id in self._running:
            return problem(409, "turn_running", "a turn of this conversation is running")
        self._running[turn.conversation_id] = turn.turn_id
        try:
            body = await self._earlier_answer(turn, agent) or await self._run(turn, agent)
        except TurnAborted as error:
            logger.error("turn %s was aborted: %s", turn.turn_id, error)
            return problem(500, "turn_failed", "an action could not be run; nothing of the turn counts")
        except Exception:
            logger.exception("turn %s failed", turn.turn_id)
            return problem(500, "turn_failed", "the turn failed")
        finally:
            self._running.pop(turn.conversation_id, None)
        self._answered[turn.turn_id] = body
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        return response.json(body)

    async def _run(self, turn: Turn, agent: Agent) -> Dict[Text, Any]:
        processor = agent.processor
        if processor.action_endpoint is not None and not isinstance(processor.action_endpoint, StrictEndpoint):
            processor.action_endpoint = StrictEndpoint.of(processor.action_endpoint)
        if turn.text is not None:
            # The guard has done this already; a text never names an intent, whoever calls.
            text = turn.text.strip().lstrip("/").strip() if turn.text.strip().startswith("/") else turn.text
            parse = await processor.parse_message(UserMessage(text, sender_id=turn.conversation_id))
            if typed_command(turn.text):
                parse = unsure(parse)
            parse["entities"] = [*(parse.get("entities") or []), *(entity("code_ref", ref) for ref in turn.code_refs[:1])]
        else:
            parse = parse_of_command(turn)
        language, pinned = self._language(turn, parse)
        parse["entities"].append(entity("language", language))
        outbox = Outbox()
        await self._warn(turn, agent, outbox, language)
        warnings = len(outbox.replies)
        await agent.handle_message(UserMessage(
            turn.shown_text(), outbox, turn.conversation_id, parse_data=parse, input_channel=self.name(), message_id=turn.turn_id, metadata=turn.metadata()))
        if len(outbox.replies) == warnings and not (turn.command and turn.command["name"] in SILENT):
            raise RuntimeError("the assistant had nothing to say")
        return {"language": language, "pinned": pinned, "replies": outbox.replies, "parse": _summary(parse, language)}

    @staticmethod
    def _language(turn: Turn, parse: Dict[Text, Any]) -> "tuple[Text, bool]":
        """Decides the language of the reply: what was asked for, else what was written, else what it was.

        Somebody who asks in one language for the other keeps the other until they ask again: they may not be able to write it."""
        written = language_written(turn.text or "", entities=parse["entities"])
        if parse["intent"].get("name") == "switch_language":
            wanted = asked_language(turn.text or "", entities=parse["entities"]) or written or turn.language
            return wanted, written is not None and written != wanted
        if turn.pinned or written is None:
            return turn.language, turn.pinned
        return written, False

    @staticmethod
    async def _warn(turn: Turn, agent: Agent, outbox: Outbox, language: Text) -> None:
        if not turn.notices:
            return
        tracker = await agent.tracker_store.get_or_create_tracker(turn.conversation_id)
        tracker.slots["language"].value = language
        for notice in turn.notices:
            if notice == "code" and tracker.slots[REQUESTED_SLOT].value == "code_ref":
                continue
            said = await agent.processor.nlg.generate(NOTICES[notice], tracker, outbox.name()) if notice in NOTICES else None
            if said:
                await outbox.send_response(turn.conversation_id, said)

    async def _earlier_answer(self, turn: Turn, agent: Agent) -> Optional[Dict[Text, Any]]:
        """Returns the replies of a turn that ran before: before this process started, or in another Rasa of the same tracker store.

        Looked up once a conversation, and whenever the gateway says that it asks again; all else is remembered."""
        if turn.conversation_id in self._seen and not turn.again:
            return None
        self._seen[turn.conversation_id] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        tracker: Optional[DialogueStateTracker] = await agent.tracker_store.retrieve(turn.conversation_id)
        events = list(tracker.events) if tracker else []
        place = next((i for i, e in enumerate(events) if isinstance(e, UserUttered) and e.message_id == turn.turn_id), None)
        if place is None:
            return None
        said: List[Dict[Text, Any]] = []
        for event in events[place + 1:]:
            if isinstance(event, UserUttered):
                break
            if isinstance(event, BotUttered):
                reply = reply_of({"text": event.text, **{name: value for name, value in event.data.items() if value}})
                if reply:
                    said.append(reply)
        uttered: UserUttered = events[place]
        language = next((e["value"] for e in uttered.entities if e["entity"] == "language"), turn.language)
        return {"language": language, "pinned": turn.pinned, "replies": said, "parse": _summary(uttered.parse_data, language)}


def _summary(parse: Dict[Text, Any], language: Text) -> Dict[Text, Any]:
    intent = parse.get("intent") or {}
    return {
        "intent": intent.get("full_retrieval_intent_name") or intent.get("name"), "confidence": float(intent.get("confidence") or 0.0), "language": language,
        "ranking": [{"name": r.get("name"), "confidence": float(r.get("confidence") or 0.0)} for r in (parse.get("intent_ranking") or [])[:RANKED]],
        "entities": [{"entity": e["entity"], "value": e["value"]} for e in parse.get("entities") or [] if e["entity"] not in {"code_ref", "language"}],
    }
