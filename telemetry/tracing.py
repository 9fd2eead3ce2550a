"""OpenTelemetry traces, when OTEL_EXPORTER_OTLP_ENDPOINT is set; otherwise nothing is imported and every call is free.

Spans hold routes, ids and outcomes; never a text, an account, a token, a code or an address.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

_tracer: Any = None
_provider: Any = None


def set_up(service: str) -> bool:
    """Starts to export, as `jiebang-<service>`, to the configured OTLP/HTTP endpoint; tells whether traces are on. The SDK's own variables apply."""
    global _tracer, _provider
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME") or f"jiebang-{service}"
    _provider = TracerProvider(resource=Resource.create({"service.name": name}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = _provider.get_tracer(service)
    return True


def close() -> None:
    """Sends what is left."""
    if _provider is not None:
        _provider.shutdown()


def span(
    name: str, *, kind: str = "internal", parent: Iterable[tuple[bytes, bytes]] | None = None, **attributes: Any
) -> AbstractContextManager[Any]:
    """Opens a span for the block. `kind`: internal, server, client. `parent`: the headers of a caller that we trust, or what `carried` returns;
    with `parent`, and for a server, the running span does not count."""
    if _tracer is None:
        return nullcontext()
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = None
    if kind == "server" or parent is not None:
        found = {key.decode("latin-1"): value.decode("latin-1") for key, value in parent or ()}
        context = TraceContextTextMapPropagator().extract(found, Context())
    return _tracer.start_as_current_span(
        name,
        context=context,
        kind=SpanKind[kind.upper()],
        attributes={key: value for key, value in attributes.items() if value is not None},
        # An exception's words may hold what a span must not.
        record_exception=False,
        set_status_on_exception=False,
    )


def mark(current: Any, *, name: str | None = None, **attributes: Any) -> None:
    """Adds attributes to a span of `span`, and names it when its name was not known before."""
    if current is not None:
        current.set_attributes(attributes)
        if name is not None:
            current.update_name(name)


def carried(stored: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """Returns the parent of a span for work that was stored together with `headers()` and is done later, maybe by another process."""
    return [(b"traceparent", str(stored.get("traceparent", "")).encode())]


def on() -> bool:
    """Tells whether traces are exported."""
    return _tracer is not None


def current() -> Any:
    """Returns the context of the running span, None when traces are off."""
    if _tracer is None:
        return None
    from opentelemetry.context import get_current

    return get_current()


def trace_id() -> str | None:
    """Returns the running span's trace as 32 hex digits, for the log line that belongs to it; None when there is none."""
    if _tracer is None:
        return None
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def headers() -> dict[str, str]:
    """Returns the W3C `traceparent` header of the running span, nothing when traces are off."""
    if _tracer is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(found)
    return found
