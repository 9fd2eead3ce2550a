"""Writes the names that the extractor finds into the training sentences, as Rasa reads them: [招行](bank:cmb). (Rasa checks
its longer form, with braces, against a JSON schema mark by mark, which costs a training a minute.)

Training and serving agree because the marks come from `brain.naming`, which serves. Run it after each change of sentences, `data/vocab` or
`brain/naming.py`; a second run changes nothing:

    .venvs/rasa/bin/python -m tools.annotate            # rewrite data/**/nlu.*.yml
    .venvs/rasa/bin/python -m tools.annotate --check    # change nothing; exit with 1 and list the lines that would change
"""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
# what Rasa's reader takes for a mark; the gateway's placeholders ([code], [card ending 1234]) have no name after them and stay
MARK = re.compile(r"\[(?P<text>[^\[\]]+)\]\((?P<entity>[a-z_]+)(?::(?P<value>[^():]+))?\)")
PLACEHOLDER = re.compile(r"\[[^\[\]]+\](?!\()")
EXAMPLE = re.compile(r"^(?P<indent>\s+- )(?P<text>.*)$")


class Mark(NamedTuple):
    """One marked name: where it stands in the plain text, and what it means."""

    entity: str
    start: int
    end: int
    value: str


def plain(line: str) -> str:
    """Returns a sentence without its marks."""
    return MARK.sub(lambda found: found["text"], line)


def marks_of(line: str) -> list[Mark]:
    """Reads the marks of a sentence; positions are those of the plain text."""
    marks, removed = [], 0
    for found in MARK.finditer(line):
        start = found.start() - removed
        removed += len(found.group()) - len(found["text"])
        marks.append(Mark(found["entity"], start, start + len(found["text"]), found["value"] or found["text"]))
    return marks


def marked(text: str, entities: list[dict[str, Any]]) -> str:
    """Writes marks into a plain sentence. Inside a placeholder nothing can be marked: Rasa's brackets do not nest."""
    closed = [found.span() for found in PLACEHOLDER.finditer(text)]
    for entity in sorted(entities, key=lambda e: -e["start"]):
        start, end = entity["start"], entity["end"]
        name = text[start:end]
        if any(start < b and a < end for a, b in closed) or re.search(r"[\[\]{}]", name):
            continue
        value = f":{entity['value']}" if entity["value"] != name else ""
        text = f"{text[:start]}[{name}]({entity['entity']}{value}){text[end:]}"
    return text


def files() -> list[pathlib.Path]:
    """Returns the NLU files of the training data; the gateway's commands name nothing."""
    return sorted(path for path in DATA.rglob("nlu.*.yml") if path.parent.name != "commands")


def rewritten(content: str, find: Callable[[str], list[dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    """Yields each line of an NLU file as it is and as it should be."""
    inside = False
    for line in content.split("\n"):
        if re.match(r"^\s*examples:\s*\|", line):
            inside = True
            yield line, line
            continue
        example = EXAMPLE.match(line) if inside else None
        if example is None or re.match(r"^\s*- intent:", line):
            inside = inside and not re.match(r"^\s*- intent:", line)
            yield line, line
            continue
        text = plain(example["text"])
        yield line, example["indent"] + marked(text, find(text))


def main(arguments: list[str]) -> int:
    """Marks all files, or with `--check` only tells what is out of date."""
    from brain.naming import extract
    from brain.vocabulary import Vocabulary

    vocabulary = Vocabulary.read()
    check, count = "--check" in arguments, 0
    for path in files():
        pairs = list(rewritten(path.read_text(encoding="utf-8"), lambda text: extract(text, vocabulary)))
        wrong = [new for old, new in pairs if old != new]
        count += len(wrong)
        if check:
            print("".join(f"{path.relative_to(ROOT)}: {line.strip()}\n" for line in wrong), end="")
        elif wrong:
            path.write_text("\n".join(new for _, new in pairs), encoding="utf-8")
    print(f"{count} sentences {'would change' if check else 'changed'}")
    return 1 if check and count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
