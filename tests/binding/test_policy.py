"""The policy file: what is refused when the process starts, with the name of what is wrong, and what stays possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from pydantic import ValidationError

from binding import settings
from binding.policy import policy

Table = dict[str, Any]
ORIGINAL = yaml.safe_load(Path("binding/policy.yml").read_text(encoding="utf-8"))


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Read the policy as it is with some of its sections' entries changed."""

    def loaded(**changed: Table) -> Any:
        table = {name: ({**was, **changed[name]} if name in changed else was) for name, was in ORIGINAL.items()}
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
