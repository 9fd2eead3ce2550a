"""One message of a customer's is one trace through all the real processes, when a collector is configured; and holds no word of theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.collector import Collector, attributes, collecting
from tests.e2e.customer import Customer, open_account, until
from tools.stack import Stack

TRACED = ("gateway", "actions", "binding")
SAID = "POST /api/v1/conversations/{conversation_id}/messages"


@pytest.fixture
def collector(stack: Stack) -> Iterator[Collector]:
    """Restarts what makes spans with a collector (Rasa makes none, it hands the trace on), and afterwards without."""
    with collecting() as made:
        stack.env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": made.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        _again(stack)
        yield made
        for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_BSP_SCHEDULE_DELAY"):
            del stack.env[name]
        _again(stack)


def _again(stack: Stack) -> None:
    for name in TRACED:
        stack[name].end()
    stack.start(*TRACED)
    stack.wait()


def test_one_message_is_one_trace_from_the_gateway_to_binding(stack: Stack, collector: Collector) -> None:
    account = open_account(stack.url, language="en", cards=[{"bank": "cmb", "tail": "1234"}])
    customer = Customer(stack.url, account=account, language="en")
    customer.says("please unbind my CMB card ending 1234")
    customer.says("yes")
    code = customer.code()
    assert "is unbound" in customer.says(code)
    submits = [SAID, "turn", "rasa turn", "action action_submit_operation"]
    verifies = [*submits, "POST /v1/challenges", "POST /v1/challenges/{challenge_id}/verify"]

    def ways() -> list[list[str]]:
        """Returns the ways of the message's trace, from its root down to each of its spans."""
        turns = [one for one in collector.named("turn") if attributes(one)["turn"] == customer.last["id"]]
        return [collector.way(one) for one in collector.spans if turns and one.trace_id == turns[0].trace_id]

    # The event that the operation has ended comes back to the gateway in the same trace.
    until(lambda: any(way[-3:] == ["POST /internal/v1/events", "turn", "rasa turn"] for way in ways()))
    until(lambda: all(way[0] == SAID for way in ways()))
    assert verifies in ways() and [*submits, "POST /internal/v1/codes", "POST /internal/v1/codes/open"] in ways()
    assert [*verifies, "work settle_operation", "bank POST"] in ways()
    assert collector.services == {"jiebang-gateway", "jiebang-actions", "jiebang-binding"}
    exported = b"".join(collector.raw)
    for secret in (code.encode(), b"unbind my CMB", account.encode(), customer.token.encode()):
        assert secret not in exported
