"""What a test does when something that it needs is not here: it says so and is skipped, or fails where services are required."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skips the test for want of something, or fails it when REQUIRE_SERVICES=1."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is required (REQUIRE_SERVICES=1) and was not found")
    pytest.skip(f"{what} was not found")
