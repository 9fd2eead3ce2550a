"""The action server's address, with one difference from Rasa's: an action that failed ends the whole turn.

Rasa logs a failed action, forgets its events and goes on, and the customer gets an empty or half answer with status 200. A turn here happens whole or not at all."""
from __future__ import annotations

import asyncio
import contextlib
import re
from contextvars import ContextVar
from typing import Any, Dict, Iterator, Mapping, Optional, Text

import aiohttp
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

TIME_LIMIT_S = 12.0  # under the gateway's 15 s for a turn
REJECTED = 400  # how an action says "not me"; Rasa needs to see it

# https://www.w3.org/TR/trace-context/: what does not look like this is not handed on.
TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_traceparent: ContextVar[Text] = ContextVar("traceparent", default="")


@contextlib.contextmanager
def joined(headers: Mapping[Text, Text]) -> Iterator[None]:
    """Hands the trace of a request on to the actions that are called in the block. Rasa opens no span of its own and needs no OpenTelemetry."""
    given = headers.get("traceparent") or ""
    token = _traceparent.set(given if TRACEPARENT.fullmatch(given) else "")
    try:
        yield
    finally:
        _traceparent.reset(token)


def _trace() -> Dict[Text, Text]:
    given = _traceparent.get()
    return {"traceparent": given} if given else {}


class TurnAborted(BaseException):
    """An action could not be run. Not an Exception, so that Rasa's own handler does not swallow it: nothing of the turn is saved."""


class StrictEndpoint(EndpointConfig):
    """An endpoint whose failures abort the turn."""

    @classmethod
    def of(cls, endpoint: EndpointConfig) -> "StrictEndpoint":
        """Wraps an endpoint's configuration."""
        strict = cls(url=endpoint.url, params=endpoint.params, headers=endpoint.headers, basic_auth=endpoint.basic_auth)
        strict.kwargs = endpoint.kwargs
        return strict

    async def request(self, *args: Any, **kwargs: Any) -> Optional[Any]:
        """Sends a request; raises TurnAborted unless the answer is a success or a rejection."""
        try:
            return await super().request(*args, **{**kwargs, "timeout": TIME_LIMIT_S, "headers": {**(kwargs.get("headers") or {}), **_trace()}})
        except ClientResponseError as error:
            if error.status == REJECTED:
                raise
            raise TurnAborted(f"the action server answered {error.status}") from error
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            raise TurnAborted(f"the action server was not reached: {type(error).__name__}") from error
