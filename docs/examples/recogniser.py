"""Feeds a call at the desk with what a speech recogniser heard. Reads `caller: …` and `agent: …` lines from standard input, one a sentence.

    POST /api/desk/v1/calls/{id}/feed → {token, url, socket}
    FEED_TOKEN=… FEED_URL=… python recogniser.py            # a request for each line
    FEED_TOKEN=… FEED_SOCKET=… python recogniser.py --socket # one WebSocket for all of them

A line that was sent before (same `client_id`) is stored once, so whatever was not answered is simply sent again.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid

import aiohttp

SPEAKERS = ("caller", "agent")
TRIES = 5


def lines() -> list[dict[str, str]]:
    """Reads the sentences; each gets an id of its own."""
    found = []
    for row in sys.stdin:
        speaker, _, text = row.partition(":")
        if speaker.strip() in SPEAKERS and text.strip():
            found.append({"speaker": speaker.strip(), "text": text.strip(), "client_id": uuid.uuid4().hex})
    return found


async def by_request(session: aiohttp.ClientSession) -> None:
    """Sends each sentence by itself, again after a fault of the line."""
    headers = {"Authorization": "Bearer " + os.environ["FEED_TOKEN"]}
    for line in lines():
        for attempt in range(TRIES):
            try:
                async with session.post(os.environ["FEED_URL"], json=line, headers=headers) as answer:
                    if answer.status < 500 and answer.status != 429:
                        answer.raise_for_status()
                        break
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.2 * 2**attempt)
        else:
            raise SystemExit("the desk does not answer")


async def by_socket(session: aiohttp.ClientSession) -> None:
    """Sends all sentences over one WebSocket; the first frame shows the token."""
    async with session.ws_connect(os.environ["FEED_SOCKET"]) as socket:
        await socket.send_json({"token": os.environ["FEED_TOKEN"]})
        if not (await socket.receive_json()).get("ready"):
            raise SystemExit("the token is not good any more")
        for line in lines():
            await socket.send_json(line)
            answer = await socket.receive_json()
            if "line" not in answer:
                raise SystemExit(f"not taken: {answer.get('code')}")


async def main() -> None:
    """Feeds the call."""
    async with aiohttp.ClientSession(trust_env=False) as session:
        await (by_socket(session) if "--socket" in sys.argv else by_request(session))


if __name__ == "__main__":
    asyncio.run(main())
