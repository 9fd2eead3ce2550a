"""A small OTLP/HTTP receiver, and the questions that tests ask about what it received."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """What was exported: spans, their services, and the bytes as they came."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.raw: list[bytes] = []
        self.service_of: dict[bytes, str] = {}
        self.url = ""

    def take(self, raw: bytes) -> None:
        """Keeps the spans of one export."""
        self.raw.append(raw)
        for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                self.service_of[span.span_id] = names["service.name"]
                self.spans.append(span)

    @property
    def services(self) -> set[str]:
        """Returns who exported."""
        return set(self.service_of.values())

    def span(self, span_id: bytes) -> Any:
        """Returns the span of an id, None for one that was not exported."""
        return next((one for one in self.spans if one.span_id == span_id), None)

    def named(self, name: str) -> list[Any]:
        """Returns the spans of a name, oldest first."""
        return sorted((one for one in self.spans if one.name == name), key=lambda one: one.start_time_unix_nano)

    def path(self, span: Any) -> list[Any]:
        """Returns the spans from the root of a trace down to one."""
        parent = self.span(span.parent_span_id)
        return [*(self.path(parent) if parent is not None else []), span]

    def way(self, span: Any) -> list[str]:
        """Returns the names from the root of a trace down to a span."""
        return [one.name for one in self.path(span)]


def attributes(span: Any) -> dict[str, Any]:
    """Returns the attributes of a span."""
    return {one.key: one.value.int_value or one.value.string_value for one in span.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """Runs a collector for the time of the block."""
    found = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802
            raw = self.rfile.read(int(self.headers["content-length"]))
            found.take(gzip.decompress(raw) if self.headers.get("content-encoding") == "gzip" else raw)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
