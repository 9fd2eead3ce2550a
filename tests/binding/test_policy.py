"""The policy file: what is refused when the process starts, with the name of what is wrong, and what stays possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from pydantic import ValidationError

from bench.torture.contract import WIDE
from binding import settings
from binding.policy import policy

from .conftest import ROOT

Table = dict[str, Any]
ORIGINAL = yaml.safe_load((ROOT / "binding" / "policy.yml").read_text(encoding="utf-8"))


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Read the policy as it is with some of its sections' entries changed."""

    def given(was: Any, new: Any) -> Any:
        return was | new if isinstance(new, dict) else new

    def loaded(**changed: Any) -> Any:
        table = {name: (given(was, changed[name]) if name in changed else was) for name, was in ORIGINAL.items()}
        (tmp_path / "policy.yml").write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
        for cached in (settings.settings, policy):
            cached.cache_clear()
        return policy()

    with mock.patch.dict("os.environ", {"BINDING_POLICY_FILE": str(tmp_path / "policy.yml")}):
        yield loaded
    for cached in (settings.settings, policy):
        cached.cache_clear()


def test_the_policy_that_comes_with_the_service_is_taken(load: Callable[..., Any]) -> None:
    assert load().limits.tries_per_operation == 3


@pytest.mark.parametrize("tries", [0, 4, 5])
def test_an_operation_has_one_to_three_tries(load: Callable[..., Any], tries: int) -> None:
    with pytest.raises(ValidationError, match="tries_per_operation"):
        load(limits={"tries_per_operation": tries})


NOON, ONE = "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z"
KIND = ORIGINAL["operations"]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"limits": {"code_life_s": -1}}, "code_life_s"),
        ({"limits": {"code_life_s": 86_400}}, "code_life_s"),
        ({"limits": {"failures_per_day": 0}}, "failures_per_day"),
        ({"limits": {"operations_of_caller": 0}}, "operations_of_caller"),
        ({"limits": {"send_interval_s": -1}}, "send_interval_s"),
        ({"operations": {"card.unbind": KIND["card.unbind"] | {"methods": []}}}, "methods"),
        ({"operations": {"card.unbind": KIND["card.unbind"] | {"methods": ["card_details"]}}}, "card.unbind cannot have"),
        ({"operations": {"card.bind": KIND["card.bind"] | {"methods": ["sms"]}}}, "card.bind cannot have"),
        ({"operations": {"card.unbind": KIND["card.unbind"] | {"effects": ["wallet_stops"]}}}, "card.unbind cannot have"),
        ({"operations": {"card.rename": KIND["card.unbind"]}}, "card.rename"),
        ({"bank": {"ask_after_s": []}}, "ask_after_s"),
        ({"bank": {"ask_after_s": [1, 0]}}, "ask_after_s"),
        ({"bank": {"ask_after_s": [float("inf")]}}, "ask_after_s"),
        ({"events": {"retry_after_s": []}}, "retry_after_s"),
        ({"notices": {"retry_after_s": []}}, "retry_after_s"),
        ({"notices": {"on": {"suceeded": [{"channel": "sms"}]}}}, "suceeded"),
        ({"notices": {"on": {"expired": [{"channel": "sms"}]}}}, "expired"),
        ({"notices": {"on": {"failed": [{"channel": "sms"}, {"channel": "sms"}]}}}, "twice"),
        ({"maintenance": [{"bank": "cbm", "from": NOON, "to": ONE}]}, "cbm"),
        ({"maintenance": [{"bank": "cmb", "from": NOON[:-1], "to": ONE}]}, "timezone"),
        ({"maintenance": [{"bank": "cmb", "from": ONE, "to": NOON}]}, "ends before"),
        ({"banks": []}, "banks"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(load: Callable[..., Any], changed: Table, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        load(**changed)


def test_wide_limits_and_a_closed_bank_are_taken(load: Callable[..., Any]) -> None:
    wide = load(limits=WIDE, maintenance=[{"bank": "cmb", "from": NOON, "to": ONE}], notices={"on": {}})
    assert (wide.limits.send_interval_s, wide.limits.failures_per_day) == (0, 1_000_000)
    assert wide.maintenance[0].end.isoformat() == "2026-01-01T13:00:00+00:00"
