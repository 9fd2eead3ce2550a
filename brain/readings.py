"""What the tuned layers make of the training sentences (`brain/tuned/readings.npz`): reading them again takes a processor without VNNI some four minutes.

`make tune` and `make readings` write the file. It serves only the very sentences and layers that it was made of.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brain.checkpoint import PATH as LAYERS
from brain.checkpoint import Fine, write
from brain.encoder import Upper
from brain.memory import NEIGHBOURS, WIDTHS, compile_memory, nearness
from brain.model import SCALE, unit
from brain.prototypes import merge

PATH = LAYERS.with_name("readings.npz")


@dataclass(frozen=True)
class Readings:
    """Of the held-out sentences, by the stage that did not see them: the head's scores (fp16, [held, labels]) and the nearness to the others (fp32, [held]).
    Of all sentences, by the last stage: the compiled memory. `mark` says of what."""

    mark: str
    head: np.ndarray
    near: np.ndarray
    memory: bytes

    @classmethod
    def take(cls, mark: str, states: list[np.ndarray], fine: Fine, held: np.ndarray, labels: int) -> "Readings":
        """Read the sentences' lower states ([tokens, 384] each)."""
        first = unit(Upper(fine.first_graph).vectors(states) - fine.mean)
        head = merge(first[held] @ fine.first_prototypes.T * SCALE, fine.owners, labels)
        last = unit(Upper(fine.graph).vectors(states) - fine.mean)
        return cls(mark, head.astype(np.float16), nearness(first[held], first[~held]), compile_memory(last))

    def save(self, path: Path = PATH) -> None:
        """Write them whole or not at all."""
        write(path, mark=np.array(self.mark), head=self.head, near=self.near, memory=np.frombuffer(self.memory, np.uint8))

    @classmethod
    def load(cls, mark: str, path: Path = PATH) -> "Readings | None":
        """Read those of this mark; None when there are none."""
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as file:
            if str(file["mark"]) != mark:
                return None
            return cls(mark, file["head"], file["near"], file["memory"].tobytes())


def mark(texts: list[str], fine: Fine, held: np.ndarray, base: str) -> str:
    """Digest everything that readings depend on: the sentences as the encoder gets them, the layers, what was held out, the encoder below (`base`)."""
    value = hashlib.sha256(f"{base} {SCALE} {NEIGHBOURS} {WIDTHS}".encode() + held.tobytes())
    for text in texts:
        value.update(text.encode() + b"\n")
    for array in fine.arrays().values():
        value.update(np.ascontiguousarray(array).tobytes())
    return value.hexdigest()[:24]
