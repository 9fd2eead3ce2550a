"""What is counted (Prometheus). Labels never hold an account, a conversation or a text."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

requests = Counter("gateway_requests_total", "HTTP requests", ["route", "method", "status"])
request_seconds = Histogram(
    "gateway_request_seconds",
    "Time to answer",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
turns = Counter("gateway_turns_total", "Turns by kind and outcome", ["kind", "outcome"])
turn_seconds = Histogram(
    "gateway_turn_seconds", "Time of a turn in Rasa", buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
)
brain_failures = Counter("gateway_brain_failures_total", "Turns that Rasa did not answer", ["reason"])
guarded = Counter("gateway_guarded_total", "Secrets masked or sealed", ["kind"])
limited = Counter("gateway_limited_total", "Requests refused by a rate limit", ["scope"])
streams = Gauge("gateway_streams", "Open event streams and sockets", ["kind"])
deliveries = Counter("gateway_deliveries_total", "Messages sent to messaging apps", ["channel", "outcome"])
waiting = Gauge("gateway_queue", "Conversations that wait for a person")
undelivered = Gauge("gateway_deliveries_waiting", "Messages that wait to be sent to messaging apps")


def page() -> tuple[bytes, str]:
    """Returns the metrics page and its content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
