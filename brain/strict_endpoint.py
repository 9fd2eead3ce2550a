"""The action server's address, with one difference from Rasa's: an action that failed ends the whole turn.

Rasa logs a failed action, forgets its events and goes on, and the customer gets an empty or half answer with status 200. A turn here happens whole or not at all."""
from __future__ import annotations

import asyncio
from typing import Any, Optional

import aiohttp
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

TIME_LIMIT_S = 12.0  # under the gateway's 15 s for a turn
REJECTED = 400  # how an action says "not me"; Rasa needs to see it


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
            return await super().request(*args, **{**kwargs, "timeout": TIME_LIMIT_S})
        except ClientResponseError as error:
            if error.status == REJECTED:
                raise
            raise TurnAborted(f"the action server answered {error.status}") from error
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            raise TurnAborted(f"the action server was not reached: {type(error).__name__}") from error
