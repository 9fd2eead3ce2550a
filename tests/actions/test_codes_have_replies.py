"""Whatever binding can answer has a reply of its own in both languages."""
from __future__ import annotations

import re

import pytest
import yaml

from tests.dialogue.words import LANGUAGES, ROOT, languages_of, responses

RESPONSES = responses()
# Met by the client itself (`request_in_progress` is tried again), or faults of ours that no customer can mend: answered as "not available now".
OURS = {"invalid_request", "idempotency_key_missing", "idempotency_key_reused", "request_in_progress", "service_unavailable", "forbidden", "call_closed"}


def _policy() -> dict:
    return yaml.safe_load((ROOT / "binding" / "policy.yml").read_text(encoding="utf-8"))


def error_codes() -> list[str]:
    """Returns the codes of binding's problems."""
    text = (ROOT / "binding" / "errors.py").read_text(encoding="utf-8")
    titles = text[text.index("TITLES"):text.index("class Problem")]
    return sorted(set(re.findall(r'^    "(\w+)":', titles, flags=re.M)) - OURS)


def blocker_codes() -> list[str]:
    """Returns the codes of what can stand in the way."""
    return sorted({code for rules in _policy()["operations"].values() for code in rules["blockers"]})


def reason_codes() -> list[str]:
    """Returns the codes with which operations end, as they stand in binding's sources."""
    found = set()
    for path in (ROOT / "binding").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'reason(?:_code)?="(\w+)"', text))
        for group in re.findall(r"REASONS = \{([^}]*)\}", text):
            found |= set(re.findall(r'"(\w+)"', group))
    assert "too_many_attempts" in found and "bank_rejected" in found
    return sorted(found)


def both_languages(name: str) -> None:
    """Fails unless the reply exists in both languages."""
    assert name in RESPONSES, name
    assert {language for variation in RESPONSES[name] for language in languages_of(variation)} == set(LANGUAGES)


@pytest.mark.parametrize("code", [*error_codes(), "code_gone"])
def test_errors(code: str) -> None:
    """`utter_error_<code>`."""
    both_languages(f"utter_error_{code}")


@pytest.mark.parametrize("code", blocker_codes())
def test_blockers(code: str) -> None:
    """`utter_error_<blocker>`."""
    both_languages(f"utter_error_{code}")


@pytest.mark.parametrize("code", reason_codes())
def test_reasons(code: str) -> None:
    """`utter_failed_<reason>`."""
    both_languages(f"utter_failed_{code}")


@pytest.mark.parametrize("status", ["awaiting_verification", "processing", "pending", "cancelled", "expired", "manual_review"])
def test_states(status: str) -> None:
    """`utter_status_<status>`."""
    both_languages(f"utter_status_{status}")
