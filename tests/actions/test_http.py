"""The client of the neighbours against a real HTTP server that misbehaves on demand."""
from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from actions.errors import Refused, Unreachable
from actions.http import call

Answer = tuple[int, dict[str, Any]] | str


class Neighbour:
    """A server that gives the answers it was told to give, in turn; `cut` breaks the connection after reading the request."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str | None]] = []
        self.dies = False  # takes no connection any more, once it has read a request
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.command, self.headers.get("Idempotency-Key")))
                answer = outer.answers.pop(0)
                if outer.dies:
                    outer.server.shutdown()
                    outer.server.server_close()
                if answer == "cut":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, body = answer  # type: ignore[misc]
                payload = json.dumps(body).encode() if isinstance(body, dict) else str(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = _answer

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/x"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture()
def neighbour() -> Iterator[Neighbour]:
    """Starts the server."""
    made = Neighbour()
    yield made
    made.server.shutdown()
    made.server.server_close()


def ask(method: str, url: str, **headers: str) -> dict[str, Any]:
    """Calls and waits."""
    return asyncio.run(call(method, url, headers=headers, body={} if method == "POST" else None))


def keyed(url: str) -> dict[str, Any]:
    """Writes with an idempotency key."""
    return asyncio.run(call("POST", url, headers={"Idempotency-Key": "msg_1:verify"}, body={}))


def test_a_read_is_tried_again(neighbour: Neighbour) -> None:
    neighbour.answers = [(503, {}), (200, {"items": []})]
    assert ask("GET", neighbour.url) == {"items": []}
    assert len(neighbour.asked) == 2


def test_a_keyed_write_is_tried_again_with_the_same_key(neighbour: Neighbour) -> None:
    for first in ("cut", (502, {}), (409, {"code": "request_in_progress"})):
        neighbour.asked, neighbour.answers = [], [first, (200, {"status": "succeeded"})]
        assert keyed(neighbour.url)["status"] == "succeeded"
        assert [key for _, key in neighbour.asked] == ["msg_1:verify"] * 2


def test_a_write_without_a_key_is_never_repeated(neighbour: Neighbour) -> None:
    neighbour.answers = ["cut", (200, {})]
    with pytest.raises(Unreachable) as fault:
        ask("POST", neighbour.url)
    assert fault.value.maybe_done and len(neighbour.asked) == 1


def test_a_write_that_got_no_answer_may_have_happened(neighbour: Neighbour) -> None:
    for answers in (["cut", "cut"], [(500, {}), (500, {})], [(409, {"code": "request_in_progress"})] * 2):
        neighbour.answers = list(answers)
        with pytest.raises(Unreachable) as fault:
            keyed(neighbour.url)
        assert fault.value.maybe_done


@pytest.mark.parametrize("first", ["cut", (502, {}), (409, {"code": "request_in_progress"})])
def test_what_a_first_try_may_have_done_is_not_denied_because_nobody_took_the_second(neighbour: Neighbour, first: Answer) -> None:
    neighbour.answers, neighbour.dies = [first], True
    with pytest.raises(Unreachable) as fault:
        keyed(neighbour.url)
    assert fault.value.maybe_done and len(neighbour.asked) == 1


def test_a_write_that_nobody_took_did_not_happen() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable) as fault:
        keyed(f"http://127.0.0.1:{port}/v1/x")
    assert not fault.value.maybe_done


def test_a_refusal_keeps_its_code_and_what_comes_with_it(neighbour: Neighbour) -> None:
    neighbour.answers = [(422, {"code": "code_wrong", "attempts_left": 2})]
    with pytest.raises(Refused) as refusal:
        keyed(neighbour.url)
    assert (refusal.value.code, refusal.value.body["attempts_left"]) == ("code_wrong", 2) and len(neighbour.asked) == 1


def test_an_answer_that_is_no_json_is_no_answer(neighbour: Neighbour) -> None:
    neighbour.answers = [(200, "<html>")]  # type: ignore[list-item]
    with pytest.raises(Unreachable) as fault:
        keyed(neighbour.url)
    assert fault.value.maybe_done
