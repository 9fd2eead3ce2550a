"""Structured logs: one JSON object a line on stdout, redacted as the last step."""

from __future__ import annotations

import logging
import sys
from typing import Any

from gateway.guard import redact
from gateway.lean import structlog
from telemetry import tracing

log: Any = structlog.get_logger("gateway")
# Names of fields that never hold anything a log may keep.
FORBIDDEN = {"text", "token", "authorization", "password", "code", "secret", "body", "cookie"}


def _redacted(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    return {key: "[removed]" if key.lower() in FORBIDDEN else _value(value) for key, value in event.items()}


def _traced(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    return event if (trace := tracing.trace_id()) is None else event | {"trace_id": trace}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and not any(char.isdigit() for char in value) else redact(value[:4000])
    if isinstance(value, dict):
        return {key: _value(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(inner) for inner in value]
    return value


def set_up(level: str) -> None:
    """Sends structlog and the standard library's records to stdout as JSON."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    stamps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        _redacted,
        _traced,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*stamps, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=stamps,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers, root.level = [handler], max(number, logging.WARNING)
