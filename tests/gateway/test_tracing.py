"""Traces go to an OTLP/HTTP receiver when one is named, hold no words of customers, and cost nothing otherwise."""

from __future__ import annotations

import http.server
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.conftest import ROOT, World, wait_for
from tests.gateway.test_desk import Person
from tests.gateway.test_internal import call
from tests.gateway.test_unseen import operation


class Receiver(http.server.BaseHTTPRequestHandler):
    """A small OTLP/HTTP receiver."""

    def do_POST(self) -> None:  # noqa: N802
        """Keeps the spans of one export."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        raw = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            import gzip

            raw = gzip.decompress(raw)
        server: Any = self.server
        server.raw.append(raw)
        for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            server.services.add(names["service.name"])
            server.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def receiver() -> Iterator[Any]:
    """A running receiver."""
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.spans, server.raw, server.services = [], [], set()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_one_trace_from_the_customers_request_to_rasa_and_binding(fresh: World, receiver: Any) -> None:
    fresh.env |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    fresh.start()
    account = fresh.account()
    talk = fresh.talk(account=account)
    forged = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    talk.world.http.post(
        f"{fresh.api}/conversations/{talk.id}/messages",
        json={"text": "my secret sentence 4111111111111111", "client_id": "1"},
        headers=talk.headers | {"traceparent": forged},
    )
    talk.say("a person please")
    assert Person(fresh, "agent").post(f"/conversations/{talk.id}/take").status_code == 200
    fresh.binding(operations={account: [operation(talk)]})
    talk.say("493817")
    inner = "00-" + "c" * 32 + "-" + "d" * 16 + "-01"
    fresh.http.headers["traceparent"] = inner
    assert call(fresh, "/token", {}).status_code == 422
    fresh.http.post(
        fresh.internal + "/internal/v1/token",
        json={},
        headers={"Authorization": "Bearer " + fresh.env["ACTIONS_TOKEN"]},
    )
    fresh.kill("gateway", __import__("signal").SIGTERM)
    spans = wait_for(lambda: receiver.spans if receiver.services else None)
    by_id = {span.span_id: span for span in spans}
    said = "POST /api/v1/conversations/{conversation_id}/messages"

    def way(span: Any) -> list[str]:
        """Returns the names from the root of a trace down to a span."""
        return [*(way(by_id[span.parent_span_id]) if span.parent_span_id in by_id else []), span.name]

    sent = [one for one in fresh.rasa()["traces"] if one]
    asked = [one["traceparent"] for one in fresh.binding()["seen"] if one["path"].startswith("/v1/")]
    assert len(sent) == 3 and len(asked) == 2
    ways = [way(by_id[bytes.fromhex(one.split("-")[2])]) for one in (*sent, *asked)]
    assert ways[1] == [said, "turn", "rasa turn"] and ways[3] == [said, "turn", "binding GET /v1/operations"]
    assert ways[4] == [said, "turn", "binding POST /v1/challenges"]
    traces = {span.trace_id.hex() for span in spans}
    # A customer cannot join a trace; our own services can.
    assert "a" * 32 not in traces and "c" * 32 in traces
    exported = b"".join(receiver.raw)
    for secret in (b"secret sentence", b"4111", b"493817", b"echo", account.encode(), talk.token.encode()):
        assert secret not in exported
    assert receiver.services == {"jiebang-gateway"}


def test_nothing_is_imported_without_an_endpoint(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    script = (
        "import sys, gateway.__main__, gateway.app, gateway.settings, telemetry.tracing as t; from gateway.services import Services\n"
        "gateway.app.public(Services(gateway.settings.load())); assert not t.set_up('gateway') and t.headers() == {}\n"
        "with t.span('x') as s: t.mark(s, a=1)\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    env = {name: value for name, value in world.env.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
    assert os.path.exists(world.home)
