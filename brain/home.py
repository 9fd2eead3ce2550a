"""Where this process keeps files that it can make again: weights and caches, under `JIEBANG_HOME` (default `var`)."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Return the absolute data folder; a relative `JIEBANG_HOME` is taken from the project's root."""
    path = Path(os.environ.get("JIEBANG_HOME", "var"))
    return path if path.is_absolute() else ROOT / path


def folder(*parts: str) -> Path:
    """Return a folder below the data folder and make it if missing."""
    path = home().joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path
