"""The trained understanding: what it learns from labelled sentences, what it says about a new one, and how it is kept on disk (npz and JSON)."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sparse

from brain import status
from brain.encoder import Encoders, Upper
from brain.grams import Grams, sounded, written
from brain.language import detect
from brain.memory import Memory
from brain.mood import doubtful, features, unmeant
from brain.normaliser import normalise
from brain.pinyin import Speller
from brain.prototypes import merge
from brain.recipe import fingerprint
from brain.regression import Regression, softmax
from brain.rejection import OUT_OF_SCOPE, Rejection, Verdict

logger = logging.getLogger(__name__)

STRENGTH, SCALE = 30.0, 14.0
CHANNELS = (("written", written, 4, 0.6), ("sounded", sounded, 4, 0.5), ("mood", features, 3, 0.5))


@dataclass(frozen=True)
class Sample:
    """One training sentence."""

    text: str
    label: str
    language: str | None


@dataclass
class Prediction:
    """Probabilities per label (calibrated), the in-scope score (higher is nearer to what was learnt), the language and the doubtful moods."""

    text: str
    probabilities: np.ndarray
    inside: float
    language: str
    doubts: set[str]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length one."""
    return (vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)).astype(np.float32)


class Space:
    """The n-gram channels of a message as one sparse row."""

    def __init__(self, grams: list[Grams]) -> None:
        self.grams = grams
        self.starts = np.cumsum([0, *map(len, grams)])

    @classmethod
    def learn(cls, texts: list[str]) -> tuple["Space", sparse.csr_matrix]:
        """Learn the channels from texts; returns the space and the texts' rows in it."""
        channels, blocks = [], []
        for _, cut, least, weight in CHANNELS:
            documents = [cut(text) for text in texts]  # read once: moods and readings are what takes the time
            channels.append(Grams.learn(documents, least))
            blocks.append(channels[-1].matrix(documents) * weight)
        return cls(channels), sparse.hstack(blocks).tocsr().astype(np.float32)

    def row(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        rows = [(grams.row(cut(text)), start, weight) for grams, start, (_, cut, _, weight) in zip(self.grams, self.starts, CHANNELS)]
        return np.concatenate([r[0] + s for r, s, _ in rows]), np.concatenate([r[1] * w for r, _, w in rows])


class Model:
    """Labels, features and weights of one training; `predict` and `decide` use nothing but these and the encoders."""

    def __init__(self, *, labels: list[str], speller: Speller, space: Space, arrays: dict[str, np.ndarray], rejection: Rejection, encoders: Encoders, upper: bytes | None, memory: bytes | None = None) -> None:
        self.labels, self.speller, self.space, self.arrays, self.rejection = labels, speller, space, arrays, rejection
        self._encoders = encoders
        self._graph = upper
        self._near = Memory(memory) if memory is not None else None
        self.neural = encoders.ready and "mean_e5" in arrays
        if "mean_e5" in arrays and not encoders.ready:
            status.report("the model was trained with sentence encoders that are not here; the n-gram model answers")
        if "mean_e5" not in arrays:
            status.report("the model was trained without sentence encoders")
        if self.neural:
            self._upper = Upper(upper if upper is not None else encoders.bundle.frozen.read_bytes())
            self._regression = Regression(arrays["full_dense"], arrays["full_sparse"], arrays["full_bias"])
        else:
            self._regression = Regression(np.zeros((1, len(labels)), np.float32), arrays["plain_sparse"], arrays["plain_bias"])
        self._memory: OrderedDict[str, Prediction] = OrderedDict()

    # -- use ----------------------------------------------------------------------------------------------------------------
    def clean(self, text: str) -> str:
        """Normalise a message, decode typed pinyin and repair homophone slips."""
        return self.speller.repair(self.speller.decode(normalise(text).text))

    def predict(self, text: str) -> Prediction:
        """Score a raw message against all labels."""
        found = self._memory.get(text)
        if found is None:
            found = self._predict(text)
            self._memory[text] = found
            if len(self._memory) > 512:
                self._memory.popitem(last=False)
        return found

    def _predict(self, text: str) -> Prediction:
        clean = self.clean(text)
        language = detect(text) or ("zh" if detect(clean) == "zh" else "en")
        columns, values = self.space.row(clean)
        a, nearest = self.arrays, 0.0
        if self.neural:
            vector = unit(self._upper.vector(self._encoders.e5.hidden(clean)) - a["mean_e5"])
            use = unit(self._encoders.use.vector(clean) - a["mean_use"])
            nearest = self._near.nearness(vector) if self._near is not None else 0.0
            if "prototypes" in a:
                scores = merge(vector @ a["prototypes"].T * SCALE, a["owners"], len(self.labels)) + a["share"] * self._regression.score(use, columns, values)
            else:
                scores = self._regression.score(np.concatenate([vector, use]) * np.float32(0.7), columns, values)
        else:
            scores = self._regression.score(np.zeros(1, np.float32), columns, values)
        score = inside(scores[None], np.array([nearest]), self.labels, a["inside"])[0]
        scores = scores * a[f"heat_{language}"]
        if "lean" in a:
            scores[self.labels.index(OUT_OF_SCOPE)] += a["lean"]
        probabilities = softmax(scores)
        return Prediction(clean, probabilities, float(score), language, doubtful(clean) | unmeant(clean) | unmeant(normalise(text).text))

    def decide(self, prediction: Prediction, names: list[str], probabilities: np.ndarray) -> Verdict:
        """Judge a prediction by the limits that this process works under."""
        rejection = self.rejection if self.neural else self.rejection.stricter()
        return rejection.decide(names=names, probabilities=probabilities, inside=prediction.inside, language=prediction.language, doubts=prediction.doubts)

    # -- disk ---------------------------------------------------------------------------------------------------------------
    def save(self, folder: Path) -> None:
        """Write the model to a folder."""
        np.savez_compressed(folder / "arrays.npz", **{k: v for k, v in self.arrays.items()}, **{f"grams_{i}": g.weights for i, g in enumerate(self.space.grams)})
        document = {
            "labels": self.labels,
            "speller": self.speller.state(),
            "grams": [g.names for g in self.space.grams],
            "rejection": self.rejection.state(),
            "recipe": fingerprint(),
        }
        (folder / "model.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        if self._graph is not None:
            (folder / "upper.onnx").write_bytes(self._graph)
        if self._near is not None:
            (folder / "memory.onnx").write_bytes(self._near.graph)

    @classmethod
    def load(cls, folder: Path, encoders: Encoders) -> "Model":
        """Read a model that `save` wrote."""
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        grams = [Grams(names, arrays.pop(f"grams_{i}")) for i, names in enumerate(document["grams"])]
        for name in arrays:
            if arrays[name].dtype == np.float16:
                arrays[name] = arrays[name].astype(np.float32)
        graph, memory = folder / "upper.onnx", folder / "memory.onnx"
        return cls(
            labels=document["labels"],
            speller=Speller(**document["speller"]),
            space=Space(grams),
            arrays=arrays,
            rejection=Rejection.restore(document["rejection"]),
            encoders=encoders,
            upper=graph.read_bytes() if graph.exists() else None,
            memory=memory.read_bytes() if memory.exists() else None,
        )


def inside(scores: np.ndarray, nearest: np.ndarray, labels: list[str], scale: np.ndarray) -> np.ndarray:
    """Return in-scope scores: energy over all labels but out_of_scope plus nearness, both standardised by `scale` (mean, deviation, mean, deviation)."""
    known = [i for i, label in enumerate(labels) if label != OUT_OF_SCOPE]
    top = scores[:, known]
    peak = top.max(axis=1)
    energy = peak + np.log(np.exp(top - peak[:, None]).sum(axis=1))
    return (energy - scale[0]) / scale[1] + (nearest - scale[2]) / scale[3]
