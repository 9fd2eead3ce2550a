"""Traces: one from the caller's request through the queue to the bank and back to the gateway; no words, no numbers of customers."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from .conftest import ROOT, running
from .people import eventually


class Receiver(http.server.BaseHTTPRequestHandler):
    """A small OTLP/HTTP receiver."""

    spans: list[Any] = []
    raw: list[bytes] = []

    def do_POST(self) -> None:
        """Keep the spans of one export."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.raw.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            assert [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"] == [
                "jiebang-binding"
            ]
            self.spans.extend(span for scope in resource.scope_spans for span in scope.spans)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[http.server.HTTPServer]:
    """A running receiver."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_one_trace_from_the_request_to_the_bank_and_the_gateway(
    tmp_path: Path, receiver: http.server.HTTPServer
) -> None:
    endpoint = f"http://127.0.0.1:{receiver.server_port}"
    with running(tmp_path, None, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as cluster:
        customer = cluster.customer(cards=[{"bank": "cmb", "tail": "1234"}])
        op = customer.unbind("1234")
        challenge, code = customer.challenge(op), customer.code()
        trace, parent = "c" * 32, "d" * 16
        cluster.http.headers["traceparent"] = f"00-{trace}-{parent}-01"
        customer.answer(op, challenge, code, expect=202, wait=0)
        del cluster.http.headers["traceparent"]
        told = eventually(lambda: cluster.sink.of(op["id"]))
        phone, token = customer.truth()["phone"], cluster.token(customer.account)
        cluster.processes["binding-0"].send_signal(signal.SIGTERM)
        cluster.processes["binding-0"].wait(20)
    mine = {span.span_id.hex(): span for span in Receiver.spans if span.trace_id.hex() == trace}

    def way(span: Any) -> list[str]:
        above = mine.get(span.parent_span_id.hex())
        return [*(way(above) if above else []), span.name]

    ways = [way(span) for span in mine.values()]
    door = "POST /v1/challenges/{challenge_id}/verify"
    assert [door] in ways and [door, "work settle_operation", "bank POST"] in ways
    assert ways.count([door, "work settle_operation", "phone POST"]) == 2
    assert [door, "work settle_operation", "gateway POST"] in ways
    first = next(span for span in mine.values() if span.name == door)
    assert first.parent_span_id.hex() == parent and told[0]["traceparent"].split("-")[1] == trace
    exported = b"".join(Receiver.raw)
    for secret in (code, phone, customer.account, token, "1234", "爱奇艺"):
        assert secret.encode() not in exported


def test_nothing_is_imported_without_an_endpoint() -> None:
    script = (
        "import sys, binding.__main__, binding.api.app, telemetry.tracing as t\n"
        "assert not t.set_up('binding') and t.headers() == {} and t.current() is None\n"
        "with t.span('x') as s: t.mark(s, name='y', a=1)\n"
        "print([n for n in sys.modules if n.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
