"""Logs: one JSON object a line, UTC, on standard error; fields that could hold secrets are dropped, never shown."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_FIELDS = {
    "authorization",
    "x_customer_token",
    "token",
    "code",
    "password",
    "number",
    "holder",
    "id_number",
    "phone",
    "ticket",
}
LONG_DIGITS = re.compile(r"(?<![0-9])(?:[0-9][ -]?){10,18}[0-9Xx](?![0-9])")
JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
SIX_DIGITS = re.compile(r"(?<![0-9A-Za-z.:])[0-9]{6}(?![0-9A-Za-z.:])")
ROW_VALUES = re.compile(r"(DETAIL:\s+(?:Failing row contains|Key)) .*")  # PostgreSQL repeats what it refuses


def configure(service: str) -> None:
    """Set up structlog and pass the libraries' own log lines through it."""

    def name_service(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        entry["service"] = service
        return entry

    shared: list[Any] = [
        name_service,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                                                  structlog.processors.JSONRenderer(ensure_ascii=False)],
        )
    )  # fmt: skip
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def redact(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop secret fields and cut numbers and tokens out of texts."""
    for name, value in list(entry.items()):
        if name in SECRET_FIELDS:
            entry[name] = "[hidden]"
        elif isinstance(value, str) and name != "timestamp":
            entry[name] = redacted(value)
    return entry


def redacted(text: str) -> str:
    """Cut numbers that could be a card, an ID or a code, tokens, and the rows that a database refused, out of a text."""
    text = ROW_VALUES.sub(r"\1 [hidden]", text)
    return SIX_DIGITS.sub("[code]", LONG_DIGITS.sub("[number]", JWT.sub("[token]", text)))
