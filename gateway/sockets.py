"""Socket.IO for the widget: the same bearer, the same rules, the same replay as the event stream.

Fan-out over several gateways goes by nudges (hub.py) and replay from the database, so a lost nudge cannot lose a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from gateway import buttons, conversations, ids, metrics
from gateway.api.stream import changes
from gateway.identity.bearers import Caller
from gateway.lean import engineio, socketio
from gateway.log import log
from gateway.problems import UNAVAILABLE, Problem
from gateway.routes import scrub
from gateway.services import Services

# Lines that a new connection is sent at once; who wants older ones pages through `GET …/messages`.
LONGEST_HISTORY = 1000
# A connection has this long to say whose it is.
INTRODUCED_S = 30.0
ENDING: set[asyncio.Future[None]] = set()
# Where a connection's ASGI scope keeps its Engine.IO id.
SID = "jiebang.engineio_sid"
# What a client may send, each with one argument.
TAKEN = ("message", "press", "typing", "seen")


class Sockets(socketio.AsyncNamespace):
    """One conversation per socket. Emits `history`, `replies`, `typing`, `seen`, `mode`, `closed`; takes `message`, `press`, `typing` and `seen` with an ack."""

    def __init__(self, services: Services) -> None:
        super().__init__("/")
        self.services = services
        self._pumps: dict[str, asyncio.Task[None]] = {}

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        """Lets a socket in whose `auth.token` is a live bearer; `auth.after` is the last message it has."""
        auth = scrub(auth) if isinstance(auth, dict) else {}
        address = (environ.get("asgi.scope", {}).get("client") or (None,))[0]
        try:
            caller = await self._caller(str(auth.get("token", "")), address)
            if self.services.hub.full(caller.conversation_id):
                raise Problem("too_many_requests", retry_after=10)
            after = auth.get("after")
            seq = 0
            if isinstance(after, str) and ids.looks_right(after, "msg"):
                seq = await self.services.talk.seq(conversation_id=caller.conversation_id, after=after)
            await self.save_session(sid, {"token": auth["token"], "address": address})
            await self.enter_room(sid, caller.conversation_id)
        except Exception as error:  # noqa: BLE001 - python-socketio forgets a socket only when it is refused
            raise _refusal(error) from None
        self._pumps[sid] = asyncio.create_task(self._pump(sid, caller, seq))
        metrics.streams.labels("socket").inc()

    async def on_disconnect(self, sid: str, *_: Any) -> None:
        """Ends the socket's stream."""
        if task := self._pumps.pop(sid, None):
            metrics.streams.labels("socket").dec()
            task.cancel()

    async def on_message(self, sid: str, data: Any = None) -> dict[str, Any]:
        """Takes `{text, client_id}`; the ack is the answer of `POST …/messages` with `ok`, or a problem."""
        return await self._act(sid, data, "text", self.services.talk.say)

    async def on_press(self, sid: str, data: Any = None) -> dict[str, Any]:
        """Takes `{token, client_id}`; the ack is the answer of `POST …/press` with `ok`, or a problem."""
        return await self._act(sid, data, "token", self.services.talk.press)

    async def on_typing(self, sid: str, data: Any = None) -> dict[str, Any]:
        """Takes `{typing}`; to be told again every few seconds."""
        return await self._signal(sid, data, "typing", bool, self.services.talk.typing)

    async def on_seen(self, sid: str, data: Any = None) -> dict[str, Any]:
        """Takes `{message}`, the newest on the customer's screen."""
        return await self._signal(sid, data, "message", str, self.services.talk.seen)

    async def _caller(self, token: str, address: str | None) -> Caller:
        # Whatever is sent: each costs a question to the database.
        await self.services.limits.take("look", address)
        caller = await self.services.talk.caller(token)
        if not caller.fresh:
            raise Problem("sign_in_again")
        return caller

    async def _act(self, sid: str, data: Any, field: str, act: Any) -> dict[str, Any]:
        async def run(body: dict[str, Any]) -> dict[str, Any]:
            value, client_id = body.get(field), body.get("client_id")
            if not isinstance(value, str) or not (
                client_id is None or isinstance(client_id, str) and 1 <= len(client_id) <= 128
            ):
                raise Problem("invalid_request")
            session = await self.get_session(sid)
            caller = await self._caller(session["token"], session["address"])
            return await act(caller=caller, client_id=client_id, address=session["address"], **{field: value})

        return await self._answered(data, run)

    async def _signal(self, sid: str, data: Any, field: str, kind: type, act: Any) -> dict[str, Any]:
        async def run(body: dict[str, Any]) -> dict[str, Any]:
            if not isinstance(value := body.get(field), kind):
                raise Problem("invalid_request")
            session = await self.get_session(sid)
            await act(caller=await self._caller(session["token"], session["address"]), **{field: value})
            return {}

        return await self._answered(data, run)

    @staticmethod
    async def _answered(data: Any, run: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Returns the ack: what `run` says of the body, or a problem."""
        try:
            return {"ok": True, **await run(scrub(data) if isinstance(data, dict) else {})}
        except Problem as problem:
            return {"ok": False, "error": problem.body()}
        except UNAVAILABLE as error:
            log.warning("storage_unavailable", error=type(error).__name__)
            return {"ok": False, "error": Problem("assistant_unavailable", retry_after=3).body()}
        except Exception as error:  # noqa: BLE001 - a socket without its ack would wait for ever
            log.error("socket_failed", error=type(error).__name__, exc_info=error)
            return {"ok": False, "error": Problem("internal_error").body()}

    async def _pump(self, sid: str, caller: Caller, seq: int) -> None:
        """Sends the history, then everything that comes, in order."""
        services = self.services
        try:
            newest = await services.database.read(conversations.newest_seq, conversation_id=caller.conversation_id)
            found, seq = [], max(seq, newest - LONGEST_HISTORY)
            while page := await services.database.read(
                conversations.messages_after, conversation_id=caller.conversation_id, seq=seq, limit=200
            ):
                seq = page[-1].seq
                found += [buttons.shown(message, key=services.button_key) for message in page]
            await self.emit("history", {"messages": found}, to=sid)
            mode: dict[str, Any] = {}
            async for event, _, data in changes(services, caller=caller, seq=seq):
                if event == "message":
                    await self.emit("replies", {**mode, "replies": [data]}, to=sid)
                elif event != "ping":
                    mode = data if event == "mode" else mode
                    await self.emit(event, data, to=sid)
            await self.disconnect(sid)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001
            log.error("socket_stream_failed", error=type(error).__name__, exc_info=error)
            with contextlib.suppress(Exception):
                await self.disconnect(sid)


def _refusal(error: Exception) -> Exception:
    """Returns what refuses a connection, with a problem that the client can show."""
    problem = Problem("internal_error")
    if isinstance(error, Problem):
        problem = error
    elif isinstance(error, UNAVAILABLE):
        log.warning("storage_unavailable", error=type(error).__name__)
        problem = Problem("assistant_unavailable", retry_after=3)
    elif not isinstance(error, KeyError):  # a KeyError: it hung up before it was let in
        log.error("socket_failed", error=type(error).__name__, exc_info=error)
    return socketio.exceptions.ConnectionRefusedError(problem.code, problem.body())


class Engine(engineio.AsyncServer):
    """Engine.IO whose connections end when they are ended."""

    async def disconnect(self, sid: str | None = None) -> None:
        """Ends a connection (all of them without `sid`) at once.

        python-engineio's own waits until the farewell has been sent: for ever when the client has hung up, since then nothing is sent any more.
        It also leaves the line open until the client closes it.
        """
        for line in [*self.sockets.values()] if sid is None else [self.sockets.get(sid)]:
            if line is not None:
                await line.close(wait=False, reason=self.reason.SERVER_DISCONNECT)
                await line.queue.put(None)  # its writer closes the line, which ends its reader
                self.sockets.pop(line.sid, None)


class Server(socketio.AsyncServer):
    """Socket.IO over our Engine.IO. A packet that no client of ours sends ends its connection."""

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:
        environ["asgi.scope"][SID] = eio_sid
        asyncio.get_running_loop().call_later(INTRODUCED_S, self._introduced, eio_sid)
        return await super()._handle_eio_connect(eio_sid, environ)

    def _introduced(self, eio_sid: str) -> None:
        """Ends a connection that has shown no bearer by now: it would be kept for as long as it answers pings, which costs the other side nothing."""
        known = self.manager.is_connected(self.manager.sid_from_eio_sid(eio_sid, "/"), "/")
        if not known and eio_sid in self.eio.sockets:
            log.info("socket_refused", error="never_introduced")
            task = asyncio.ensure_future(self.eio.disconnect(eio_sid))
            ENDING.add(task)
            task.add_done_callback(ENDING.discard)

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:  # noqa: A002
        """Takes what clients may send. python-socketio would run any handler that a client names: "connect" too, with an environment of the client's own making."""
        if data[0] in TAKEN:
            await super()._handle_event(eio_sid, namespace, id, data[:2])

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            await super()._handle_eio_message(eio_sid, data)
        except Exception as error:  # noqa: BLE001
            log.info("socket_refused", error=type(error).__name__)
            await self.eio.disconnect(eio_sid)


class Door(socketio.ASGIApp):
    """Socket.IO in front of the application. What is no Socket.IO ends that one connection, in silence: anybody may send it."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles one connection or request."""
        try:
            await super().__call__(scope, receive, send)
        except Exception as error:  # noqa: BLE001
            if scope["type"] != "websocket":
                raise
            log.info("socket_refused", error=type(error).__name__)
            with contextlib.suppress(Exception):
                await send({"type": "websocket.close", "code": 1002})
            if sid := scope.get(SID):  # python-engineio would keep it until its next ping is missed
                await self.engineio_server.eio.disconnect(sid)


def mount(services: Services, app: Any) -> Any:
    """Returns the ASGI application with Socket.IO at /socket.io in front of `app`."""
    origins: Any = list(services.settings.cors_origins) or None
    # Their own loggers write past ours, with what was sent; these go by ours, which redacts.
    server = Server(
        async_mode="asgi",
        cors_allowed_origins=origins,
        max_http_buffer_size=64 * 1024,
        ping_interval=20,
        ping_timeout=20,
        logger=logging.getLogger("socketio"),
        engineio_logger=logging.getLogger("engineio"),
    )
    server.register_namespace(Sockets(services))
    return Door(server, other_asgi_app=app, socketio_path="socket.io")
