"""Runs turns: one at a time in a conversation, in the order they were accepted, each once; also after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from gateway import buttons, codes, conversations, metrics, outcomes, words
from gateway.brain_client import BrainClient, BrainUnavailable
from gateway.database import Database
from gateway.hub import Hub
from gateway.locks import Locks
from gateway.log import log
from gateway.models import Conversation, Turn, now
from telemetry import tracing

# Turns that a customer made; they make the buttons of earlier ones stale.
CUSTOMER_KINDS = ("message", "press", "signed_in", "session_started", "handed_back", "closed")
# Turns whose failure must be told in a messaging app: there is no request that could be answered by an error.
TOLD_IN_APPS = ("message", "press", "signed_in", "session_started")
FINISHED = ("done", "failed", "rejected")
# A message that waited longer than this (the gateway was down) is not answered out of the blue: the customer is asked to repeat it.
TOO_OLD = timedelta(minutes=10)
# How long one waits for the end of a turn before one looks whether somebody else brought it about.
LOOK_AGAIN_S = 1.0
# How long Rasa is given to come up, when a turn is taken up that a dead process left, or when nobody could be told to ask again.
COME_UP_S = 60.0
# Why there was no answer, when the turn surely did not run: Rasa was not there.
AWAY = ("connect", "status_503", "breaker_open")
# The notice that tells the assistant that this customer waits for a person.
WAITING = "waiting"


class Turns:
    """The engine. `ensure_done` returns when a turn has its result, whoever ran it; `unanswered` hears of each line to which the assistant was silent."""

    def __init__(
        self,
        *,
        database: Database,
        brain: BrainClient,
        hub: Hub,
        locks: Locks,
        button_key: bytes,
        unseen: codes.Unseen,
        signed_in_for: int = 1800,
        unanswered: Callable[[Turn], None] = lambda turn: None,
    ) -> None:
        self.database, self.brain, self.hub, self.locks = database, brain, hub, locks
        self.button_key, self.unseen, self.signed_in_for = button_key, unseen, signed_in_for
        self.unanswered = unanswered
        self._drains: dict[str, asyncio.Task[None]] = {}
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._background: set[asyncio.Task[Any]] = set()
        self._recovering: set[str] = set()
        self.stopping = False

    async def ensure_done(self, conversation_id: str, turn_id: str) -> Turn:
        """Waits until the turn is finished, running it and those before it as needed; returns it."""
        try:
            while True:
                future = self._waiting.setdefault(turn_id, asyncio.get_running_loop().create_future())
                # Who was busy already, here or in another gateway, may have run this turn before anybody waited for it, and may go on for long.
                busy = conversation_id in self._drains
                drain = self._drain(conversation_id)
                if busy and (turn := await self._finished(turn_id)):
                    return turn
                await asyncio.wait({future, drain}, return_when=asyncio.FIRST_COMPLETED, timeout=LOOK_AGAIN_S)
                if turn := await self._finished(turn_id):
                    return turn
                if drain.done() and not drain.cancelled() and drain.exception():
                    raise drain.exception()  # type: ignore[misc]
        finally:
            self._waiting.pop(turn_id, None)

    async def _finished(self, turn_id: str) -> Turn | None:
        """Returns the turn when it has its result."""
        turn = await self.database.read(lambda session: session.get_one(Turn, turn_id))
        return turn if turn.status in FINISHED else None

    def later(self, conversation_id: str) -> None:
        """Runs what waits in the conversation without anybody waiting for it."""
        self._drain(conversation_id)

    async def settle(self, conversation_id: str) -> None:
        """Waits until nothing waits in the conversation."""
        await asyncio.wait({self._drain(conversation_id)})

    def _drain(self, conversation_id: str) -> asyncio.Task[None]:
        task = self._drains.get(conversation_id)
        if task is None or task.done():
            task = asyncio.create_task(self._run_all(conversation_id))
            self._drains[conversation_id] = task
            task.add_done_callback(lambda done: self._drained(conversation_id, done))
        return task

    def _drained(self, conversation_id: str, task: asyncio.Task[None]) -> None:
        if self._drains.get(conversation_id) is task:
            self._drains.pop(conversation_id)
        if not task.cancelled() and (error := task.exception()):
            log.error("turns_failed", conversation=conversation_id, error=type(error).__name__, exc_info=error)

    async def _run_all(self, conversation_id: str) -> None:
        async with self.locks.hold(conversation_id):
            while begun := await self.database.write(
                _begin, conversation_id=conversation_id, signed_in_for=self.signed_in_for
            ):
                turn, body = begun
                # Whose request this is may be another's than the one that began this task: the turn goes on in its own trace.
                parent = tracing.carried(turn.request)
                with tracing.span(
                    "turn", parent=parent, conversation=conversation_id, turn=turn.id, kind_of_turn=turn.kind
                ) as current:
                    if body is not None and "unseen" in body:
                        await self.unseen.submit(turn, account=body["account"], ref=body["unseen"])
                        await self.hub.nudge("desk", "conversation", conversation=conversation_id)
                    elif body is not None:
                        tracing.mark(current, outcome=await self._run(turn, body))
                    if turn.kind == "message" and turn.request.get("text") and (body is None or "unseen" in body):
                        self.unanswered(turn)
                if future := self._waiting.pop(turn.id, None):
                    future.set_result(None)
                await self.hub.nudge(conversation_id)
                await self.hub.nudge("deliveries")

    async def _run(self, turn: Turn, body: dict[str, Any]) -> str:
        """Asks Rasa and stores what it says; returns `done`, or why there is no answer."""
        await self.hub.nudge(turn.conversation_id, "typing", author="bot", typing=True)
        began = time.perf_counter()
        try:
            answer = await self._ask(turn, body)
        except BrainUnavailable as error:
            await self._failed(turn, error.reason, said=self._excuse(turn, body, error.reason))
            metrics.turns.labels(turn.kind, "failed").inc()
            return error.reason
        else:
            metrics.turn_seconds.observe(time.perf_counter() - began)
            try:
                if not await self.database.write(_finish, turn_id=turn.id, answer=answer, button_key=self.button_key):
                    log.warning("turn_answered_elsewhere", conversation=turn.conversation_id, turn=turn.id)
                metrics.turns.labels(turn.kind, "done").inc()
                return "done"
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                log.error("answer_not_understood", turn=turn.id, error=type(error).__name__)
                await self._failed(turn, "broken_answer", said=self._excuse(turn, body, "broken_answer"))
                metrics.turns.labels(turn.kind, "failed").inc()
                return "broken_answer"
        finally:
            await self.hub.nudge(turn.conversation_id, "typing", author="bot", typing=False)

    def _excuse(self, turn: Turn, body: dict[str, Any], reason: str) -> str | None:
        """Names the sentence (words.yml) that the talk itself tells in place of an answer; None where whoever asked is told."""
        if _in_app(turn, body):
            return "assistant_unavailable" if reason in AWAY else "say_again"
        again = turn.conversation_id in self._recovering and turn.kind in ("message", "press")
        return "say_again" if again else None

    async def _failed(self, turn: Turn, reason: str, *, said: str | None) -> None:
        await self.database.write(_fail, turn_id=turn.id, attempt=turn.attempts, reason=reason, said=said)

    async def _ask(self, turn: Turn, body: dict[str, Any]) -> dict[str, Any]:
        """Asks Rasa; it is given time to come up while recovering after a restart, and for messaging apps, where nobody holds the line."""
        deadline, in_doubt = time.monotonic() + COME_UP_S, False
        while True:
            try:
                return await self.brain.turn(body)
            except BrainUnavailable as error:
                in_doubt |= error.unknown
                patient = turn.conversation_id in self._recovering or (
                    _in_app(turn, body) and (error.unknown or error.reason in AWAY)
                )
                if patient and self.stopping:
                    # It stays as it is stored: the next gateway takes it up.
                    raise asyncio.CancelledError from None
                if not patient or time.monotonic() > deadline:
                    # Once it may have run, a Rasa that is gone now does not say that nothing was done.
                    raise (
                        BrainUnavailable("timeout", unknown=True) if in_doubt and not error.unknown else error
                    ) from None
                body = body | {"again": body["again"] or in_doubt}
                await asyncio.sleep(0.5)

    async def recover(self, *, older_than: float = 0.0) -> int:
        """Takes up turns that a dead process left; returns how many conversations had some."""
        found = await self.database.read(conversations.left_over, before=now() - timedelta(seconds=older_than))
        found = [one for one in found if one not in self._drains and one not in self._recovering]
        gate = asyncio.Semaphore(4)

        async def one(conversation_id: str) -> None:
            async with gate:
                try:
                    await self.settle(conversation_id)
                finally:
                    self._recovering.discard(conversation_id)

        for conversation_id in found:
            self._recovering.add(conversation_id)
            task = asyncio.create_task(one(conversation_id))
            self._background.add(task)
            task.add_done_callback(self._background.discard)
        if found:
            log.info("turns_taken_up", conversations=len(found))
        return len(found)

    async def idle(self, *, seconds: float) -> None:
        """Waits until running turns are over, at most for the given time."""
        self.stopping = True
        if tasks := list(self._drains.values()):
            await asyncio.wait(tasks, timeout=seconds)
        for task in [*self._drains.values(), *self._background]:
            task.cancel()
        with contextlib.suppress(BaseException):
            await asyncio.gather(*self._drains.values(), *self._background, return_exceptions=True)


def _begin(session: Session, *, conversation_id: str, signed_in_for: int) -> tuple[Turn, dict[str, Any] | None] | None:
    """Marks the next turn as running; returns it with Rasa's body, or None as body when the turn needs no Rasa."""
    conversation = session.get(Conversation, conversation_id, with_for_update=True)
    turn = conversations.unfinished(session, conversation_id=conversation_id)
    if conversation is None or turn is None:
        return None
    turn.attempts += 1
    turn.status, turn.started_at = "running", now()
    if turn.kind == "press":
        if turn.request["turn_number"] < conversation.current_turn:
            turn.status, turn.finished_at = "rejected", now()
            return turn, None
        if not conversations.messages_by_id(session, message_ids=[turn.id]):
            conversations.add_message(
                session,
                conversation_id=conversation_id,
                author="customer",
                text=turn.request["title"],
                turn_id=turn.id,
                message_id=turn.id,
            )
            conversation.customer_at = now()
    if turn.kind == "message" and now() - turn.created_at > TOO_OLD and turn.attempts == 1:
        _close_unanswered(session, turn=turn, conversation=conversation)
        return turn, None
    # In the queue the assistant still answers; once a person owns the talk it is silent.
    if conversation.owner == "human" and turn.kind not in ("signed_in", "handed_back", "closed"):
        if turn.kind == "operation_event":
            outcomes.tell(session, turn=turn, conversation=conversation)
        if conversation.account and (ref := codes.ref_of(turn.request)):
            return turn, {
                "unseen": ref,
                "account": conversation.account if _fresh(conversation, signed_in_for) else None,
            }
        turn.status, turn.finished_at = "done", now()
        turn.result = {"mode": conversation.owner, "language": conversation.language, "replies": []}
        return turn, None
    body: dict[str, Any] = {
        "conversation_id": conversation_id,
        "turn_id": turn.id,
        "language": conversation.language,
        "pinned": conversation.pinned,
        "channel": conversation.channel,
        "signed_in": _fresh(conversation, signed_in_for),
        "text": None,
        "code_refs": [],
        "command": None,
        "notices": [],
        "again": turn.attempts > 1,
    }
    body |= {name: turn.request[name] for name in ("text", "code_refs", "command", "notices") if name in turn.request}
    if conversation.owner == "queue":
        body["notices"] = [*body["notices"], WAITING]
    return turn, body


def _in_app(turn: Turn, body: dict[str, Any]) -> bool:
    """Tells whether a turn came by a messaging app, so that no request waits that an error could be told to."""
    return body["channel"] != "web" and turn.kind in TOLD_IN_APPS


def _fresh(conversation: Conversation, signed_in_for: int) -> bool:
    """Tells whether the customer's sign-in still counts."""
    at = conversation.signed_in_at
    return conversation.account is not None and at is not None and now() - at <= timedelta(seconds=signed_in_for)


def _note_replies(session: Session, *, turn: Turn, replies: list[dict[str, Any]]) -> None:
    """Writes what the assistant did not get to say as lines for the desk's eyes."""
    for text in [reply["text"] for reply in replies if reply.get("text")] if turn.kind in ("message", "press") else []:
        conversations.add_message(
            session, conversation_id=turn.conversation_id, author="note", text=text, turn_id=turn.id
        )


def _close_unanswered(session: Session, *, turn: Turn, conversation: Conversation, said: str = "say_again") -> None:
    message = conversations.add_message(
        session,
        conversation_id=conversation.id,
        author="system",
        text=words.one(said, conversation.language),
        turn_id=turn.id,
    )
    turn.status, turn.finished_at = "done", now()
    turn.result = {"mode": conversation.owner, "language": conversation.language, "replies": [message.id]}


def _fail(session: Session, *, turn_id: str, attempt: int, reason: str, said: str | None) -> None:
    """Ends a turn without an answer, unless it has one or a later attempt goes on. When nobody waits for it, the talk itself tells the customer (`said`)."""
    turn, conversation, running = conversations.still_running(session, turn_id=turn_id)
    if not running or turn.attempts != attempt:
        return
    turn.status, turn.finished_at, turn.result = "failed", now(), {"error": reason}
    if said:
        _close_unanswered(session, turn=turn, conversation=conversation, said=said)


def _finish(session: Session, *, turn_id: str, answer: dict[str, Any], button_key: bytes) -> bool:
    """Stores the replies of a turn, before anybody is sent them; tells whether it did (False: it has its result already)."""
    turn, conversation, running = conversations.still_running(session, turn_id=turn_id)
    if not running:
        return False
    if answer.get("language") in ("zh", "en"):
        conversation.language = answer["language"]
    conversation.pinned = bool(answer.get("pinned", conversation.pinned))
    reply_ids = []
    replies = answer["replies"]
    if conversation.owner == "human" and turn.kind != "handed_back" and not codes.ref_of(turn.request):
        # A person who took the talk while this turn ran is not talked over: they read what would have been said.
        # What became of a code is told all the same, since nobody else can know it.
        _note_replies(session, turn=turn, replies=replies)
        replies = []
    for reply in replies:
        made = [_button(button) for button in reply.get("buttons") or []]
        card = reply.get("card")
        if card == conversations.RATING and not conversations.may_ask_rating(session, conversation_id=conversation.id):
            card = None
        message = conversations.add_message(
            session,
            conversation_id=conversation.id,
            author="bot",
            text=reply.get("text") or "",
            turn_id=turn.id,
            buttons=[button for button in made if button],
            card=card,
        )
        buttons.add_buttons(session, message=message, turn_number=turn.number, key=button_key)
        reply_ids.append(message.id)
    if turn.kind in CUSTOMER_KINDS:
        conversation.current_turn = turn.number
    turn.status, turn.finished_at, turn.parse = "done", now(), answer.get("parse")
    turn.result = {"mode": conversation.owner, "language": conversation.language, "replies": reply_ids}
    return True


def _button(button: dict[str, Any]) -> dict[str, Any] | None:
    """Keeps of a button what the gateway knows; an address must be a path of this origin."""
    title = str(button["title"])
    if isinstance(button.get("command"), dict) and isinstance(button["command"].get("intent"), str):
        return {"title": title, "command": button["command"]}
    url = button.get("url")
    if isinstance(url, str) and url.startswith("/") and not url.startswith("//") and "\\" not in url:
        return {"title": title, "url": url}
    if button.get("action") == "sign_in":
        return {"title": title, "action": "sign_in"}
    log.warning("button_dropped", keys=sorted(button))
    return None
