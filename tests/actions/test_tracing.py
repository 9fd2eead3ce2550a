"""Traces of the action server: Rasa's trace goes on to the neighbours, and holds no words of the customer."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from tests.actions.test_server import asked
from tests.e2e.customer import until
from tools.stack import ROOT, free_ports, python

TRACE, PARENT = "c" * 32, "d" * 16


class Neighbours(ThreadingHTTPServer):
    """Gateway, binding and an OTLP receiver in one: what it was asked, with which trace, and the spans that arrived."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: dict[str, str | None] = {}
        self.exported: list[bytes] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Neighbours

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/v1/traces":
            self.server.exported.append(body)
            answer = b""
        else:
            self.server.asked[self.path.split("?")[0]] = self.headers.get("traceparent")
            answer = json.dumps({"token": "a-token", "expires_in": 60, "items": [], "next_cursor": None}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = _answer

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def neighbours() -> Iterator[Neighbours]:
    """Running neighbours."""
    server = Neighbours()
    yield server
    server.shutdown()


def test_one_trace_from_rasa_to_the_neighbours(neighbours: Neighbours, tmp_path: pathlib.Path) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    there, port = f"http://127.0.0.1:{neighbours.server_port}", free_ports()["ACTIONS_PORT"]
    env = {
        **os.environ,
        "ACTIONS_PORT": str(port),
        "BINDING_URL": there,
        "GATEWAY_INTERNAL_URL": there,
        "PYTHONPATH": str(ROOT),
        "OTEL_EXPORTER_OTLP_ENDPOINT": there,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen([python("app"), "-m", "actions"], cwd=ROOT, env=env, stdout=log, stderr=log)

    def up() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/health", timeout=2).ok
        except requests.ConnectionError:
            return False

    def spans() -> list[Any]:
        found = [ExportTraceServiceRequest.FromString(raw) for raw in neighbours.exported]
        return [span for one in found for r in one.resource_spans for scope in r.scope_spans for span in scope.spans]

    try:
        until(up, seconds=60)
        traceparent = f"00-{TRACE}-{PARENT}-01"
        body = asked("action_check_bindings", intent="check_bindings")
        assert requests.post(
            f"http://127.0.0.1:{port}/webhook", json=body, headers={"traceparent": traceparent}, timeout=30
        ).ok
        until(lambda: any(span.name == "action action_check_bindings" for span in spans()), seconds=30)
    finally:
        child.terminate()
        child.wait(timeout=15)
    by_name = {span.name: span for span in spans()}
    door = by_name["action action_check_bindings"]
    assert (door.trace_id.hex(), door.parent_span_id.hex()) == (TRACE, PARENT)
    assert neighbours.asked and all((trace or "").split("-")[1] == TRACE for trace in neighbours.asked.values())
    assert {"POST /internal/v1/token", "GET /v1/cards"} <= set(by_name)
    assert by_name["GET /v1/cards"].parent_span_id == door.span_id
    for secret in (b"4111", b"a-token", b"a secret"):
        assert secret not in b"".join(neighbours.exported)


def test_nothing_is_imported_without_an_endpoint() -> None:
    script = (
        "import sys, actions.http, telemetry.tracing as t\n"
        "assert not t.set_up('actions') and not t.on() and t.headers() == {}\n"
        "with t.span('x') as s: t.mark(s, a=1)\n"
        "print([n for n in sys.modules if n.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
