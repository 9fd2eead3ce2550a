"""Traces go to an OTLP/HTTP receiver when one is named, hold no words of customers, and cost nothing otherwise."""

from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.collector import Collector, attributes, collecting
from tests.gateway.apps import Apps
from tests.gateway.conftest import ROOT, World, wait_for
from tests.gateway.test_desk import Person
from tests.gateway.test_internal import call
from tests.gateway.test_unseen import operation

SAID = "POST /api/v1/conversations/{conversation_id}/messages"


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A running collector."""
    with collecting() as made:
        yield made


@pytest.fixture
def traced(fresh: World, collector: Collector) -> World:
    """A world that exports its traces, not started."""
    fresh.env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    return fresh


def test_one_trace_from_the_customers_request_to_rasa_and_binding(traced: World, collector: Collector) -> None:
    fresh = traced.start()
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
    fresh.kill("gateway", signal.SIGTERM)
    spans = wait_for(lambda: collector.spans)
    sent = [one for one in fresh.rasa()["traces"] if one]
    asked = [one["traceparent"] for one in fresh.binding()["seen"] if one["path"].startswith("/v1/")]
    assert len(sent) == 3 and len(asked) == 2
    ways = [collector.way(collector.span(bytes.fromhex(one.split("-")[2]))) for one in (*sent, *asked)]
    assert ways[0] == ["POST /api/v1/conversations", "turn", "rasa turn"]  # the greeting
    assert ways[1] == [SAID, "turn", "rasa turn"] and ways[3] == [SAID, "turn", "binding GET /v1/operations"]
    assert ways[4] == [SAID, "turn", "binding POST /v1/challenges"]
    traces = {span.trace_id.hex() for span in spans}
    # A customer cannot join a trace; our own services can.
    assert "a" * 32 not in traces and "c" * 32 in traces
    exported = b"".join(collector.raw)
    for secret in (b"secret sentence", b"4111", b"493817", b"echo", account.encode(), talk.token.encode()):
        assert secret not in exported
    assert collector.services == {"jiebang-gateway"}


def test_each_message_keeps_its_own_trace_and_tells_how_it_ended(traced: World, collector: Collector) -> None:
    talk = traced.start().talk()
    traced.rasa(mode="ok", delay=0.5)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(talk.say, "one")
        wait_for(lambda: any(body["text"] == "one" for body in traced.rasa()["seen"]))
        second = pool.submit(talk.say, "two")  # run by the task that the first one began
        names = [answer.result().json()["id"] for answer in (first, second)]
    traced.rasa(mode="error")
    assert [talk.say(text).status_code for text in ("", "three")] == [422, 503]
    traced.kill("gateway", signal.SIGTERM)
    turns = {attributes(span)["turn"]: span for span in collector.named("turn")}
    roots = [collector.path(turns[name])[0] for name in names]
    assert [root.name for root in roots] == [SAID, SAID] and roots[0].trace_id != roots[1].trace_id
    # What somebody looks for are the traces of what went wrong.
    assert [attributes(span)["status"] for span in collector.named(SAID)] == [200, 200, 422, 503]
    assert [attributes(span)["outcome"] for span in collector.named("turn")] == ["done", "done", "done", "status_500"]
    failed = collector.named("rasa turn")[-1]
    assert attributes(failed)["outcome"] == "status_500"
    logged = [json.loads(line) for line in traced.log_text().splitlines() if line.startswith("{")]
    assert [line["trace_id"] for line in logged if line["event"] == "brain_failed"] == [failed.trace_id.hex()]


def test_a_messaging_apps_message_is_one_trace_until_its_answer_is_delivered(
    traced: World, collector: Collector
) -> None:
    platforms = f"http://127.0.0.1:{traced.ports['platforms']}"
    traced.env |= {
        "TELEGRAM_BOT_TOKEN": "tg:token", "TELEGRAM_WEBHOOK_SECRET": "tg-secret", "TELEGRAM_API_URL": platforms,
    }  # fmt: skip
    apps = Apps(traced.start("rasa", "binding", "platforms", "gateway"), aes=False)
    apps.telegram(5, text="hello")
    wait_for(lambda: apps.sent("telegram", 5))
    traced.kill("gateway", signal.SIGTERM)
    [delivered] = collector.named("deliver telegram")
    assert collector.way(delivered) == ["POST /channels/telegram", "deliver telegram"]
    assert collector.way(collector.named("turn")[-1]) == ["POST /channels/telegram", "turn"]
    assert attributes(delivered)["outcome"] == "sent"


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
