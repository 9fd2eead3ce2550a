"""The tuned layers that travel with the repository (`brain/tuned/layers.npz`): a fresh machine need not tune, and a small change of the sentences tunes on from them.

`make tune` writes the file after a fine-tuning from nothing. It holds both stages of `brain.training.Tune` and marks of the sentences that they saw, so that
what was held out from the first stage stays held out.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

import numpy as np

from brain.model import Sample

PATH = Path(__file__).parent / "tuned" / "layers.npz"
MOST_NEW = 0.15  # share of sentences that it may not know; with more, tuning begins from nothing


@dataclass(frozen=True)
class Fine:
    """What fine-tuning gives: an int8 graph and the prototypes [prototypes, 384] (of the labels `owners`, around `mean` [384]) of the stage that did
    not see the held-out sentences (`first_graph`, `first_prototypes`), and of the last one."""

    first_graph: bytes
    first_prototypes: np.ndarray
    graph: bytes
    prototypes: np.ndarray
    owners: np.ndarray
    mean: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything as arrays, for `numpy.savez`."""
        return {name: np.frombuffer(value, np.uint8) if isinstance(value, bytes) else value for name, value in vars(self).items()}

    @classmethod
    def of(cls, stored: dict[str, np.ndarray]) -> "Fine":
        """Make it of what `arrays` returned."""
        return cls(**{name: stored[name].tobytes() if name.endswith("graph") else stored[name] for name in cls.__annotations__})


@dataclass(frozen=True)
class Checkpoint:
    """A `Fine` with what it was made of: the labels' names, the recipe, and one mark [n] per sentence with whether it was held out [n]."""

    fine: Fine
    labels: list[str]
    recipe: str
    marks: np.ndarray
    held: np.ndarray

    def fits(self, labels: list[str], recipe: str) -> bool:
        """Tell whether it was made for these labels in this way."""
        return self.labels == labels and self.recipe == recipe

    def seen(self, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each mark whether it is known, and whether it was held out."""
        order = np.argsort(self.marks)
        place = np.minimum(np.searchsorted(self.marks, wanted, sorter=order), len(order) - 1)
        known = self.marks[order[place]] == wanted
        return known, known & self.held[order[place]]

    def save(self, path: Path = PATH) -> None:
        """Write it."""
        about = np.frombuffer(json.dumps({"labels": self.labels, "recipe": self.recipe}).encode(), np.uint8)
        write(path, about=about, marks=self.marks, held=self.held, **self.fine.arrays())

    @classmethod
    def load(cls, path: Path = PATH) -> "Checkpoint | None":
        """Read it; None when there is none."""
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as file:
            stored = {name: file[name] for name in file.files}
        about = json.loads(stored["about"].tobytes())
        return cls(Fine.of(stored), about["labels"], about["recipe"], stored["marks"], stored["held"])


def marks(samples: Iterable[Sample]) -> np.ndarray:
    """Return a number of 64 bits per labelled sentence, as it was written: a better normaliser is no reason to tune anew."""
    rows = (hashlib.sha256(f"{sample.label}\t{sample.text}".encode()).digest()[:8] for sample in samples)
    return np.frombuffer(b"".join(rows), np.uint64)


def write(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays to an npz file; a reader finds the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        np.savez_compressed(file, **arrays)
    os.replace(file.name, path)
    path.chmod(0o644)
