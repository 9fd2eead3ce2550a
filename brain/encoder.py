"""Sentence encoders. `E5` splits its twelve layers: the lower ones are shared and frozen, the upper ones may be a fine-tuned copy. `brain.use` is the second opinion.

Always one sentence per run: int8 activations are scaled per call, so a batch would give other vectors than serving does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Iterable

import numpy as np

from brain import status
from brain.graph import session
from brain.threads import each
from brain.use import Use
from brain.weights import MAX_TOKENS, Bundle, WeightsError, prepare


class Unigram:
    """Splits text into word pieces by the best-scoring path (XLM-R's unigram model), in characters, without native code."""

    def __init__(self, bundle: Bundle) -> None:
        document = json.loads(bundle.pieces.read_text(encoding="utf-8"))
        scores = np.load(bundle.vocabulary)["scores"]
        special = document["special"]
        self.begin, self.end, self.unknown = special["begin"], special["end"], special["unknown"]
        self._table = {int(point): text for point, text in document["table"].items()}
        self._pieces = {p: (i, float(scores[i])) for i, p in enumerate(document["pieces"]) if p and i != self.unknown}
        self._longest = max(map(len, self._pieces))
        self._penalty = float(scores.min()) - 10.0

    def __call__(self, text: str) -> list[int]:
        """Return piece ids with begin and end marks, at most MAX_TOKENS pieces between them."""
        text = " " + " ".join(text.translate(self._table).split())
        text = text.replace(" ", "\u2581")
        size, pieces, longest, penalty = len(text), self._pieces, self._longest, self._penalty
        best, piece, back = [-1e30] * (size + 1), [0] * (size + 1), [0] * (size + 1)
        best[0] = 0.0
        for i in range(size):
            here = best[i]
            for j in range(i + 1, min(size, i + longest) + 1):
                found = pieces.get(text[i:j])
                if found is not None and here + found[1] > best[j]:
                    best[j], piece[j], back[j] = here + found[1], found[0], i
            if here + penalty > best[i + 1]:
                best[i + 1], piece[i + 1], back[i + 1] = here + penalty, self.unknown, i
        path = []
        while size > 0:
            path.append(piece[size])
            size = back[size]
        return [self.begin, *path[::-1][:MAX_TOKENS], self.end]


class E5:
    """The lower layers of multilingual-e5-small as an int8 graph."""

    def __init__(self, bundle: Bundle) -> None:
        values = np.load(bundle.vocabulary)
        self._scale, self._position = values["scale"], values["position"]
        self._table = np.load(bundle.table, mmap_mode="r")
        self._lower = session(bundle.lower)
        self.pieces = Unigram(bundle)

    def hidden(self, text: str) -> np.ndarray:
        """Return the lower layers' states of one sentence: [1, tokens, 384]."""
        ids = self.pieces(text)
        x = self._table[ids].astype(np.float32) * self._scale[ids, None] + self._position[: len(ids)]
        return self._lower.run(None, {"x": x[None]})[0]

    def hidden_all(self, texts: list[str]) -> list[np.ndarray]:
        """Return the states of many sentences (fp16, [tokens, 384] each), one run per sentence, on all cores."""
        return each(lambda text: self.hidden(text)[0].astype(np.float16), texts)


class Upper:
    """Upper layers as an int8 graph that ends in a pooled, normalised sentence vector of 384 numbers."""

    def __init__(self, graph: bytes) -> None:
        self._session = session(graph)

    def vector(self, hidden: np.ndarray) -> np.ndarray:
        """Return the vector [384] of one sentence's lower states [1, tokens, 384]."""
        return self._session.run(None, {"x": np.asarray(hidden, np.float32)})[0][0]

    def vectors(self, states: Iterable[np.ndarray]) -> np.ndarray:
        """Return the vectors [n, 384] of many sentences' states ([tokens, 384] each), one run per sentence, on all cores."""
        return np.stack(each(lambda state: self.vector(state[None]), states))


@dataclass
class Encoders:
    """The two encoders of this process; both None when one is missing or altered, for a model needs the features it was trained on."""

    e5: E5 | None = None
    use: Use | None = None
    bundle: Bundle | None = None

    @property
    def ready(self) -> bool:
        return self.e5 is not None and self.use is not None

    @classmethod
    def open(cls) -> "Encoders":
        """Open what is there once per process; report what is not (`brain.status`)."""
        try:
            return _open()
        except WeightsError as error:
            status.report(f"sentence encoder: {error}")
        except (OSError, ImportError, ValueError, RuntimeError) as error:
            status.report(f"sentence encoder: {type(error).__name__}: {error}")
        return cls()


@lru_cache(maxsize=1)
def _open() -> Encoders:
    bundle = prepare()
    return Encoders(E5(bundle), Use(), bundle)
