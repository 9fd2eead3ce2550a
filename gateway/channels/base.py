"""What an adapter is, and the one way in for all of them."""

from __future__ import annotations

import bisect
import hashlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway import buttons, conversations, ids, words
from gateway.channels import missed
from gateway.models import Conversation, now
from gateway.problems import Problem

if TYPE_CHECKING:
    from gateway.services import Services

LINK_LIFE_S = 900
# How many long messages an adapter remembers to have sent in part.
REMEMBERED = 1000


class DeliveryFailed(Exception):
    """A message did not reach the platform. `permanent`: trying again cannot help."""

    def __init__(self, reason: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.permanent, self.retry_after = reason[:180], permanent, retry_after


class Adapter(Protocol):
    """One platform. `merges`: messages of one turn go out as one (platforms that count them)."""

    name: str
    merges: bool

    async def deliver(self, *, address: str, messages: list[dict[str, Any]], language: str) -> None:
        """Sends messages as customers see them; raises DeliveryFailed."""


def pieces(text: str, *, most: int, size: Callable[[str], int]) -> list[str]:
    """Cuts a text that a platform would refuse into pieces of at most `most` by `size`, at a line's or sentence's end where there is one."""
    found = []
    while size(text) > most:
        end = bisect.bisect_right(range(len(text)), most, key=lambda count: size(text[:count])) - 1
        near = max(text.rfind(mark, end // 2, end) for mark in ("\n", "。", "！", "？", ". ", "；", "，", " ")) + 1
        found.append(text[: near or end].rstrip())
        text = text[near or end :].lstrip()
    return [*found, text] if text or not found else found


class Parts:
    """Remembers which parts of a message are out, so that a message that failed half-way goes on there and says nothing twice."""

    def __init__(self) -> None:
        self._out: OrderedDict[str, int] = OrderedDict()

    async def send(self, message_id: str, bodies: list[Any], send: Callable[[Any], Awaitable[None]]) -> None:
        """Sends the bodies that are not out yet, in order; what `send` raises goes on to the caller."""
        for number in range(self._out.get(message_id, 0), len(bodies)):
            await send(bodies[number])
            self._out[message_id] = number + 1
        self._out.pop(message_id, None)
        while len(self._out) > REMEMBERED:
            self._out.popitem(last=False)


@dataclass(frozen=True)
class Incoming:
    """What somebody wrote or pressed in an app. `key` is the platform's own id of the delivery; `begin` only greets."""

    channel: str
    address: str
    key: str
    text: str | None = None
    button: str | None = None
    begin: bool = False
    language: str = "zh"
    account: str | None = None


async def receive(services: Services, incoming: Incoming) -> str:
    """Takes a delivery in, durably and once; the answer goes out later. Returns the conversation's id."""
    await services.limits.take("conversation", f"{incoming.channel}:{incoming.address}")
    conversation_id, lines = await services.database.write(_conversation, incoming=incoming)
    if lines:
        await services.courier.wake()
    turn_id = ids.fresh("msg")
    request: dict[str, Any]
    text, kind = None, "message"
    if incoming.begin:
        kind, request = "session_started", {"command": {"name": "session_started"}}
    elif incoming.button is not None:
        pressed = await services.database.read(
            buttons.find_button, conversation_id=conversation_id, token=incoming.button
        )
        seen = await services.database.read(
            conversations.find_turn, conversation_id=conversation_id, key=conversations.client_key(incoming.key)
        )
        if pressed is None and seen is None:
            await services.database.write(
                _say, conversation_id=conversation_id, name="button_expired", key=incoming.key
            )
            await services.courier.wake()
            return conversation_id
        if pressed is None:
            return conversation_id
        kind = "press"
        request = {
            "command": {"name": "press", **pressed.command, "title": pressed.title},
            "title": pressed.title,
            "turn_number": pressed.turn_number,
        }
    else:
        try:
            guarded = services.talk.guarded(incoming.text or "", conversation_id=conversation_id, turn_id=turn_id)
        except Problem as problem:
            name = "text_too_long" if problem.code == "text_too_long" else "unsupported_content"
            await services.database.write(_say, conversation_id=conversation_id, name=name, key=incoming.key)
            await services.courier.wake()
            return conversation_id
        from gateway.talk import request_of

        text, request = guarded.text, request_of(guarded)
    key = conversations.client_key(incoming.key)
    turn, new = await services.database.write(
        conversations.accept,
        conversation_id=conversation_id,
        kind=kind,
        request=request,
        key=key,
        turn_id=turn_id,
        text=text,
    )
    if new or turn.status in conversations.UNFINISHED:
        services.turns.later(conversation_id)
        await services.hub.nudge("desk", "conversation", conversation=conversation_id)
    return conversation_id


def _conversation(session: Session, *, incoming: Incoming) -> tuple[str, int]:
    """Finds the talk with this address or begins one; two deliveries at once find the same. Returns its id and how many lines the customer missed."""
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(
            hashlib.sha256(f"{incoming.channel}|{incoming.address}".encode()).digest()[:8], "big", signed=True
        )
        session.execute(select(func.pg_advisory_xact_lock(number)))
    found = conversations.by_address(session, channel=incoming.channel, address=incoming.address)
    if found is None:
        conversation_id, _ = conversations.create(
            session,
            language=incoming.language,
            account=None,
            channel=incoming.channel,
            address=incoming.address,
            greet=False,
        )
        found = session.get_one(Conversation, conversation_id)
    if incoming.account:
        if found.account not in (None, incoming.account):
            raise Problem("conversation_of_another_account", "This address is another account's.")
        found.account, found.signed_in_at = incoming.account, now()
    return found.id, missed.send_again(session, conversation_id=found.id)


def _say(session: Session, *, conversation_id: str, name: str, key: str) -> None:
    """Answers with a sentence of the gateway's own, once for a delivery."""
    session.get_one(Conversation, conversation_id, with_for_update=True)
    hashed = conversations.client_key(key)
    if conversations.find_turn(session, conversation_id=conversation_id, key=hashed):
        return
    turn = conversations.add_turn(session, conversation_id=conversation_id, kind="message", request={}, key=hashed)
    conversation = session.get_one(Conversation, conversation_id)
    message = conversations.add_message(
        session,
        conversation_id=conversation_id,
        author="system",
        text=words.one(name, conversation.language),
        turn_id=turn.id,
    )
    turn.status, turn.finished_at = "done", now()
    turn.result = {"mode": conversation.owner, "language": conversation.language, "replies": [message.id]}


def link_ticket(services: Services, *, conversation_id: str, account: str | None = None) -> str:
    """Makes the ticket of a sign-in link: it names the conversation (and, after the host's sign-in, the account) and lives 15 minutes."""
    use = "link" if account is None else "prove"
    inside = {"conv": conversation_id, "exp": int(now().timestamp()) + LINK_LIFE_S, "use": use, "account": account}
    return jwe.encrypt_compact(
        {"alg": "dir", "enc": "A256GCM"},
        json.dumps(inside),
        OctKey.import_key(services.settings.seal_key),
        algorithms=["dir", "A256GCM"],
    )


def open_link(services: Services, *, ticket: str, use: str = "link") -> tuple[str, str]:
    """Returns (conversation, account or "") of a ticket that was made for this use; raises `not_found`."""
    try:
        token = jwe.decrypt_compact(
            ticket, OctKey.import_key(services.settings.seal_key), algorithms=["dir", "A256GCM"]
        )
        inside = json.loads(token.plaintext or b"")
        if inside["use"] == use and inside["exp"] > now().timestamp():
            return str(inside["conv"]), str(inside["account"] or "")
    except (JoseError, ValueError, KeyError, TypeError):
        pass
    raise Problem("not_found", "This link is too old. Ask for a new one in the chat.")


def link(services: Services, button: dict[str, Any], *, conversation_id: str) -> str | None:
    """Returns the absolute address behind a button that is not pressed but opened."""
    if button.get("url"):
        return services.settings.public_url + button["url"]
    if button.get("action") == "sign_in":
        return f"{services.settings.public_url}/channels/link/{link_ticket(services, conversation_id=conversation_id)}"
    return None
