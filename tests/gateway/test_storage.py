"""PostgreSQL or Redis away for a while: said honestly, within seconds, and answered once when they are back."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Iterator

import psycopg
import pytest
import requests
import socketio

from tests.gateway.conftest import ADMIN, Talk, World, drop, free_port, postgres, wait_for
from tests.gateway.test_streams import socket
from tests.services import missing


@pytest.fixture
def stored(fresh: World) -> Iterator[World]:
    """A world on a PostgreSQL database and a Redis of its own."""
    server = shutil.which("redis-server") or missing("redis-server")
    port, url = free_port(), postgres()
    fresh.env |= {"GATEWAY_DATABASE_URL": url, "REDIS_URL": f"redis://127.0.0.1:{port}"}
    fresh.processes["redis"] = subprocess.Popen(
        [server, "--port", str(port), "--save", "", "--dir", str(fresh.home)], stdout=subprocess.DEVNULL
    )
    yield fresh.start()
    fresh.close()
    drop(url)


def refused(talk: Talk, text: str) -> None:
    """Says something that cannot be taken now: that is said, before the client gives up."""
    answer = talk.say(text, text)
    assert (answer.status_code, answer.json()["code"]) == (503, "assistant_unavailable"), answer.text
    assert "950618" in answer.json()["message"]["zh"] and int(answer.headers["retry-after"]) > 0


def test_storage_that_is_away_is_said_and_nothing_is_lost(stored: World) -> None:
    talk = stored.talk()
    assert talk.replies("hello") == ["echo: hello"]
    # Redis does not answer (it hangs: worse than gone).
    stored.processes["redis"].send_signal(signal.SIGSTOP)
    refused(talk, "one")
    assert requests.get(stored.url + "/readyz").json()["checks"]["redis"]["ok"] is False
    stored.processes["redis"].send_signal(signal.SIGCONT)
    wait_for(lambda: talk.say("one", "one").status_code == 200)
    # The database lets nobody in.
    name = stored.env["GATEWAY_DATABASE_URL"].rsplit("/", 1)[1]
    with psycopg.connect(ADMIN, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        refused(talk, "two")
        assert requests.get(stored.url + "/healthz").status_code == 200
        assert requests.get(stored.url + "/readyz").json()["checks"]["database"]["ok"] is False
        with pytest.raises(socketio.exceptions.ConnectionError):
            asyncio.run(socket(stored, talk))
        assert '"event": "socket_failed"' not in stored.log_text()
        # What the runbook says to watch.
        counted = requests.get(stored.url + "/metrics").text
        assert 'messages",status="503"}' in counted and 'messages",status="500"}' not in counted
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert talk.replies("two", "two") == ["echo: two"]
    said = ["您好", "hello", "echo: hello", "one", "echo: one", "two", "echo: two"]
    assert [text for _, text in talk.history()] == said
    assert set(stored.rasa()["ran"].values()) == {1} and stored.rasa()["faults"] == []
