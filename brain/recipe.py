"""Identifies the code and word lists that a model was made with, so that Rasa retrains when they change (it hashes only a component's own class)."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

VERSION = "1"
# every module on which a trained model depends (tests/brain checks that none is forgotten)
MODULES = (
    "augment", "checkpoint", "classifier", "encoder", "entities", "finetune", "grams", "graph", "groups", "importer", "language", "lbfgs", "memory", "model", "mood", "naming", "normaliser",
    "pinyin", "prototypes", "readings", "regression", "rejection", "retrieval", "tokenizer", "traditional", "training", "use", "vocabulary", "weights", "writing",
)  # fmt: skip


def fast() -> bool:
    """Tell whether training is to skip fine-tuning (`FAST=1`)."""
    return os.environ.get("FAST", "") not in ("", "0")


# those on which the fine-tuned layers depend, beside the sentences themselves
TUNING = ("encoder", "finetune", "graph", "prototypes", "weights")


def tuning_code() -> str:
    """Return a digest of the modules that make the fine-tuned layers."""
    here = Path(__file__).resolve().parent
    return hashlib.sha256(b"".join((here / f"{name}.py").read_bytes() for name in TUNING)).hexdigest()[:16]


@lru_cache(maxsize=1)
def _code() -> str:
    here = Path(__file__).resolve().parent
    files = [path for name in MODULES if (path := here / f"{name}.py").exists()]
    files += [*(here / "lexicon").glob("*.yml"), *(here / "tuned").glob("*.npz")]
    files += (here.parent / "data" / "vocab").glob("*.yml")
    value = hashlib.sha256(VERSION.encode())
    for path in sorted(files):
        value.update(path.name.encode())
        value.update(path.read_bytes())
    return value.hexdigest()[:16]


def fingerprint() -> str:
    """Return a digest of this package's sources, its word lists, data/vocab and the training mode."""
    return f"{_code()}{'-fast' if fast() else ''}"
