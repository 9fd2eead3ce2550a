"""A table as CSV that a spreadsheet may open: no cell of it is ever run."""

from __future__ import annotations

import csv
import io
from typing import Any

# What a spreadsheet takes for a formula, also after blanks; a tab or line end would start a new cell there.
RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: Any) -> str:
    """Returns a value as text; words that a spreadsheet would run get an apostrophe in front, numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        text = str(value)
        return "'" + text if text.lstrip(" \u00a0\u3000").startswith(RUN) or text.startswith(RUN) else text
    return repr(value)


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """Spreads the pairs of a row: `title` becomes `title_zh` and `title_en`."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found |= {f"{name}_{language}": text for language, text in value.items()}
        else:
            found[name] = value
    return found


def table(rows: list[dict[str, Any]]) -> bytes:
    """Returns the rows as CSV: UTF-8 with the mark that Excel needs, a line of names first."""
    spread = [flat(row) for row in rows]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    names = list(spread[0]) if spread else []
    writer.writerow(names)
    for row in spread:
        writer.writerow([cell(row.get(name)) for name in names])
    return ("\ufeff" + out.getvalue()).encode()
