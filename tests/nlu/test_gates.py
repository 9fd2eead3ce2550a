"""Understanding on blind sentences, through the trained Rasa model as it is served; gates in tests/thresholds.yml, report in var/reports/."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest
import yaml

from bench.understanding import CHANGING, REPORTS, ROOT, Parser, Row, confusions, figures, labelled, name_of, row, traps

THRESHOLDS = yaml.safe_load((ROOT / "tests" / "thresholds.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def parser() -> Parser:
    """Returns what parses texts with the newest trained model."""
    try:
        return Parser()
    except FileNotFoundError as missing:
        pytest.fail(str(missing))


@pytest.fixture(scope="module")
def rows(parser: Parser) -> List[Row]:
    """Parses every blind sentence once."""
    sentences = labelled()
    found = [row(sentence, parse) for sentence, parse in zip(sentences, parser([s["text"] for s in sentences]))]
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "confusions.txt").write_text(confusions(found), encoding="utf-8")
    return found


def missed(found: Dict[str, Any], gates: Dict[str, Any]) -> List[str]:
    """Lists the gates that the figures miss; refusals of in-scope sentences are at most, all others at least."""
    short = []
    for name, gate in gates.items():
        for part, limit in (gate if isinstance(gate, dict) else {"": gate}).items():
            value = found[name][part] if part else found[name]
            good = value <= limit if name == "in_scope_refused" else value >= limit
            if not good:
                short.append(f"{name} {part} {value:.1f}, gate {limit}")
    return short


@pytest.mark.parametrize("language", ["zh", "en"])
def test_understanding_reaches_its_gates(rows: List[Row], language: str) -> None:
    """Every figure of the language reaches what tests/thresholds.yml demands."""
    found = figures([row for row in rows if row.language == language])
    (REPORTS / f"understanding.{language}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    short = missed(found, THRESHOLDS[language])
    assert not short, f"{language}: " + "; ".join(short) + f"\nall figures: {json.dumps(found)}"


def test_traps_start_nothing(parser: Parser) -> None:
    """No sentence that only names an operation starts one."""
    named = [(name_of(parse), text) for text, parse in zip(traps(), parser(traps()))]
    sprung = [f"{name}: {text}" for name, text in named if name in CHANGING]
    assert len(sprung) <= THRESHOLDS["traps_started"], (
        f"{len(sprung)} of {len(named)} started an operation:\n" + "\n".join(sprung)
    )
