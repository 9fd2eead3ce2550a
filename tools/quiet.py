"""Runs a command and shows its output without the noise of the libraries that Rasa pins."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

from tools.stack import ROOT

NOISE = (
    "DeprecationWarning",
    "PyparsingDeprecation",
    "MovedIn20Warning",
    "pkg_resources",
    "declare_namespace",
    "warnings.warn",
    "Processed ",
    "More info at https://rasa.com",
    "duplicated intents have been found across multiple domain files: faq",
    # Actions say these replies by name; tests/dialogue/test_responses.py checks them.
    "is not used in any story or rule",
    "import pkg_resources",
    "_count_elements(self, iterable)",
    "xla_computation",
    "setParseAction",
    "parseString",
    "resetCache",
    '.replace("{", "\\{")',
    '.replace("}", "\\}")',
)


def worth_showing(line: str) -> bool:
    """Tells whether a line of output says something to a person."""
    return bool(line.strip()) and not any(word in line for word in NOISE)


def run(
    argv: list[str], *, env: dict[str, str], each: Callable[[str], None] = lambda line: None, **options: Any
) -> int:
    """Runs a command, prints what is worth showing as it comes, and returns its exit code; `each` sees every line."""
    with subprocess.Popen(
        argv,
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **options,
    ) as child:
        assert child.stdout
        for line in child.stdout:
            each(line)
            if worth_showing(line):
                print(line, end="", flush=True)
    return child.returncode
