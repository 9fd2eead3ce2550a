"""Scores the trained model as it is served on the blind sentences of tests/nlu, and times its parses on one core.

    .venvs/rasa/bin/python -m bench.understanding [--wrong]     # --wrong also prints each sentence that was not named rightly

Runs in Rasa's environment; `make bench` calls it. Writes `understanding.json` and `confusions.txt` to JIEBANG_HOME/reports.
tests/nlu/test_gates.py holds the same figures against tests/thresholds.yml.
"""

from __future__ import annotations

import asyncio
import collections
import json
import logging
import os
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parent.parent
BLIND = ROOT / "tests" / "nlu"
REPORTS = ROOT / "var" / "reports"
CHANGING = {"unbind_card", "close_quick_pay", "bind_card", "unbind_wallet", "bind_wallet", "cancel_auto_deduction"}
OPERATIONS = CHANGING | {"check_bindings", "check_request_status", "check_auto_deductions"}
SAFETY = {"report_fraud", "third_party_request"}
REFUSED = {"out_of_scope", "nlu_fallback"}


class Row(NamedTuple):
    """One sentence, its label, and what the model made of it: the name it gave, its best label, and that label's probability."""

    language: str
    text: str
    label: str
    name: str
    best: str
    confidence: float
    source: str = ""


def group(label: str) -> str:
    """Returns the group that a label is gated in."""
    if label in OPERATIONS:
        return "operations"
    if label in SAFETY:
        return "safety"
    if label == "out_of_scope":
        return "out_of_scope"
    return "faq" if label.startswith("faq/") else "conversation"


def labelled() -> List[Dict[str, str]]:
    """Reads the blind sentences: language, label, text, and the file's stem."""
    found = []
    for path in sorted(BLIND.glob("*.yml")):
        language = path.stem.rpartition(".")[2]
        for block in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("nlu", []):
            lines = [line[2:].strip() for line in block["examples"].splitlines() if line.startswith("- ")]
            found += [
                {"language": language, "label": block["intent"], "text": line, "source": path.stem} for line in lines
            ]
    return found


def traps() -> List[str]:
    """Reads the sentences that must start no operation."""
    paths = sorted(BLIND.glob("traps*.yml"))
    return [str(text) for path in paths for text in yaml.safe_load(path.read_text(encoding="utf-8"))["traps"]]


def name_of(parse: Dict[str, Any]) -> str:
    """Returns the name that a parse gives, in full."""
    return str(parse["intent"].get("full_retrieval_intent_name") or parse["intent"]["name"])


def row(sentence: Dict[str, str], parse: Dict[str, Any]) -> Row:
    """Puts a sentence and its parse together."""
    ranked = [one for one in parse.get("intent_ranking", []) if one["name"] not in {"nlu_fallback", "faq"}]
    best = ranked[0] if ranked else {"name": name_of(parse), "confidence": 0.0}
    return Row(
        sentence["language"],
        sentence["text"],
        sentence["label"],
        name_of(parse),
        best["name"],
        best["confidence"],
        sentence.get("source", ""),
    )


class Parser:
    """The newest trained model (or that in JIEBANG_TEST_MODEL), as Rasa loads it."""

    def __init__(self) -> None:
        models = Path(os.environ.get("JIEBANG_TEST_MODEL", ROOT / "models"))
        if not any(models.glob("*.tar.gz")):
            raise FileNotFoundError("no trained model: make train")
        from rasa.core.agent import Agent

        self._agent = Agent.load(str(models))

    def __call__(self, texts: List[str]) -> List[Dict[str, Any]]:
        """Parses texts one after the other."""

        async def all_of() -> List[Dict[str, Any]]:
            return [await self._agent.parse_message(text) for text in texts]

        return asyncio.run(all_of())

    def milliseconds(self, texts: List[str]) -> List[float]:
        """Times each parse."""

        async def all_of() -> List[float]:
            times = []
            for text in texts:
                began = time.perf_counter()
                await self._agent.parse_message(text)
                times.append(1000 * (time.perf_counter() - began))
            return times

        return asyncio.run(all_of())


def share(rows: List[Row], hit: Callable[[Row], bool]) -> float:
    """Returns the share of rows, in per cent."""
    return 100.0 * sum(1 for row in rows if hit(row)) / max(1, len(rows))


def figures(rows: List[Row]) -> Dict[str, Any]:
    """Returns the figures of one language."""
    groups: Dict[str, List[Row]] = collections.defaultdict(list)
    for one in rows:
        groups[group(one.label)].append(one)
    inside = [one for one in rows if one.label != "out_of_scope"]
    started = [one for one in rows if one.name in OPERATIONS]
    found: Dict[str, Any] = {
        "all": {
            "best": share(inside, lambda r: r.best == r.label),
            "named": share(inside, lambda r: r.name == r.label),
        },
        "operations_right": share(started, lambda r: r.name == r.label),
        "out_of_scope_refused": share(groups["out_of_scope"], lambda r: r.name in REFUSED),
        "in_scope_refused": share(inside, lambda r: r.name in REFUSED),
        "n": len(rows),
    }
    for name in ("operations", "faq", "safety", "conversation"):
        found[name] = {
            "best": share(groups[name], lambda r: r.best == r.label),
            "named": share(groups[name], lambda r: r.name == r.label),
        }
    return found


def confusions(rows: List[Row]) -> str:
    """Lists the confused pairs, the most frequent first."""
    pairs = collections.Counter((one.label, one.best) for one in rows if one.label != one.best)
    return "".join(f"{count:3}  {truth} → {best}\n" for (truth, best), count in pairs.most_common())


def silence() -> None:
    """Keeps Rasa from printing each parse, which it does where nobody has told its log a level."""
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def main() -> None:
    """Scores, times, prints and writes the report."""
    silence()
    parser, sentences = Parser(), labelled()
    rows = [row(sentence, parse) for sentence, parse in zip(sentences, parser([s["text"] for s in sentences]))]
    report: Dict[str, Any] = {
        language: figures([r for r in rows if r.language == language]) for language in ("zh", "en")
    }
    trapped = [(name_of(parse), text) for text, parse in zip(traps(), parser(traps())) if name_of(parse) in CHANGING]
    report["traps"] = {"sentences": len(traps()), "operations_started": len(trapped)}
    # a trailing full stop makes each text new to the parse cache
    times = parser.milliseconds(
        [re.sub(r"[。.!?！？]*$", " .", s["text"]) for s in sentences[:: max(1, len(sentences) // 400)]]
    )
    report["parse_ms"] = {
        "p50": round(statistics.median(times), 1),
        "p95": round(statistics.quantiles(times, n=20)[-1], 1),
    }
    if "--wrong" in sys.argv:
        for one in sorted((r for r in rows if r.name != r.label), key=lambda r: (r.language, r.label)):
            sys.stdout.write(
                f"{one.source:10} {one.label:26} → {one.name:22} best {one.best:24} {one.confidence:.2f}  {one.text}\n"
            )
        for name, text in trapped:
            sys.stdout.write(f"TRAP {name}: {text}\n")
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "understanding.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (REPORTS / "confusions.txt").write_text(confusions(rows), encoding="utf-8")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
