"""Follows every fact of the help pages to its label, its reply and its tests, and writes the table of docs/dialogue.md.

`python -m tools.coverage` checks and rewrites the table; `--check` only checks, and fails when the table is out of date."""

from __future__ import annotations

import pathlib
import re
import sys
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
FACTS = ROOT / "docs" / "seed_facts.yml"
PAGE = ROOT / "docs" / "dialogue.md"
BEGIN, END = "<!-- coverage: made by tools/coverage.py -->", "<!-- end of coverage -->"
LANGUAGES = ("zh", "en")


def _read(path: pathlib.Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def replies() -> dict[str, dict[str, list[str]]]:
    """Returns `{response: {language: [texts with the facts filled in]}}`."""
    company = _read(ROOT / "data" / "facts.yml")
    found: dict[str, dict[str, list[str]]] = {}
    for path in sorted((ROOT / "data").rglob("responses.yml")):
        for name, variations in _read(path)["responses"].items():
            for variation in variations:
                language = variation["condition"][0]["value"]
                text = variation["text"]
                for key, value in company.items():
                    text = text.replace(f"{{{key}}}", str(value[language] if isinstance(value, dict) else value))
                found.setdefault(name, {}).setdefault(language, []).append(text)
    return found


def labels_tested() -> dict[str, set[str]]:
    """Returns `{language: labels}` that the sentences of tests/nlu cover."""
    found: dict[str, set[str]] = {}
    for language in LANGUAGES:
        text = "".join(
            path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / "nlu").glob(f"*{language}.yml"))
        )
        found[language] = set(re.findall(r"(?:intent|label): *[\"']?([\w/]+)", text)) | set(
            re.findall(r"^ *[\"']?([a-z_]+(?:/[a-z_]+)?)[\"']?:", text, flags=re.M)
        )
    return found


def transcripts() -> dict[str, str]:
    """Returns `{phenomenon/name: the whole transcript}`."""
    return {
        f"{path.parent.name}/{path.stem}": path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "tests" / "dialogue").glob("*/*.yml"))
    }


DONE_BY = {
    "unbind_card": "happy/unbind_card",
    "close_quick_pay": "happy/close_quick_pay",
    "bind_card": "happy/bind_card",
    "unbind_wallet": "happy/unbind_wallet",
    "bind_wallet": "happy/bind_wallet",
    "cancel_auto_deduction": "happy/cancel_auto_deduction",
    "check_bindings": "happy/lookups",
    "check_auto_deductions": "happy/lookups",
    "check_request_status": "happy/lookups",
    "human_handoff": "handoff/in_the_middle_and_back",
}


def rows() -> tuple[list[tuple[str, str, str, str, str]], list[str]]:
    """Returns the rows (page, fact, label, reply, tests) and what is missing."""
    said, sentences, played, found, missing = replies(), labels_tested(), transcripts(), [], []
    for page in _read(FACTS):
        for one in page["facts"]:
            name, label = f"utter_{one['label']}", one["label"]
            for language in LANGUAGES:
                texts = said.get(name, {}).get(language, [])
                # The wordings take turns, so the first one must hold it: who asks once hears that one.
                if not any(one["in"][language].casefold() in text.casefold() for text in texts[:1]):
                    missing.append(f"{one['fact']}: {name} in {language} does not hold {one['in'][language]!r}")
                if label not in sentences[language]:
                    missing.append(f"{one['fact']}: tests/nlu has no {language} sentence for {label}")
                if not (ROOT / "data" / label / f"nlu.{language}.yml").exists():
                    missing.append(f"{one['fact']}: no training sentences for {label} in {language}")
            tests = ["tests/nlu"]
            if one.get("does"):
                script = DONE_BY[one["does"]]
                tests.append(f"tests/dialogue/{script}")
                missing += [
                    f"{one['fact']}: no transcript {script}.{language}"
                    for language in LANGUAGES
                    if f"{script}.{language}" not in played
                ]
            found.append(
                (
                    page["page"],
                    one["fact"],
                    label + (f" → {one['does']}" if one.get("does") else ""),
                    name,
                    ", ".join(tests),
                )
            )
    return found, missing


def table(found: list[tuple[str, str, str, str, str]]) -> str:
    """Returns the rows as Markdown."""
    lines = ["| fact of the help page | label → operation | reply | tests |", "|---|---|---|---|"]
    page = ""
    for row in found:
        if row[0] != page:
            page = row[0]
            lines.append(f"| **{page}** | | | |")
        lines.append(f"| {row[1]} | `{row[2]}` | `{row[3]}` | {row[4]} |")
    return "\n".join(lines)


def main() -> None:
    """Checks, and writes or compares the table."""
    found, missing = rows()
    if missing:
        sys.exit("\n".join(missing))
    text = PAGE.read_text(encoding="utf-8")
    fresh = text[: text.index(BEGIN)] + BEGIN + "\n" + table(found) + "\n" + text[text.index(END) :]
    if "--check" in sys.argv and fresh != text:
        sys.exit("docs/dialogue.md is out of date: run python -m tools.coverage")
    if fresh != text:
        PAGE.write_text(fresh, encoding="utf-8")
    print(f"{len(found)} facts, each with a label, a reply in both languages and a test")


if __name__ == "__main__":
    main()
