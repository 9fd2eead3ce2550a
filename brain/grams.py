"""Character n-grams of a message and of its pinyin, weighted by tf-idf: what the encoders miss in terse, misspelt or spoken text."""

from __future__ import annotations

import re
from collections import Counter
from typing import Iterable

import numpy as np
import scipy.sparse as sparse

from brain.pinyin import HAN_RUN, reading

PART = re.compile("[a-z0-9']+|[\u3400-\u9fff]+|[^\\sa-z0-9'\u3400-\u9fff]")


def written(text: str) -> list[str]:
    """List the n-grams of a normalised text: 1–4 Chinese characters, 2–5 letters of a Latin word, words and word pairs."""
    out: list[str] = []
    words: list[str] = []
    for part in PART.findall(text):
        if HAN_RUN.match(part):
            out += [part[i : i + n] for n in (1, 2, 3, 4) for i in range(len(part) - n + 1)]
        elif part[0].isalnum():
            part = re.sub(r"\d", "0", part)
            padded = f" {part} "
            out += [padded[i : i + n] for n in (3, 4, 5) for i in range(len(padded) - n + 1)]
            words.append(part)
        else:
            out.append(part)
    out += ["w:" + word for word in words]
    out += [f"w:{a} {b}" for a, b in zip(words, words[1:])] + [f"w:{a} {b} {c}" for a, b, c in zip(words, words[1:], words[2:])]
    parts = PART.findall(text)
    if parts:
        out += ["^" + parts[0][:2], parts[-1][-2:] + "$"]
    return out


def sounded(text: str) -> list[str]:
    """List the n-grams of the readings: 1–3 syllables of each Chinese run."""
    out: list[str] = []
    for run in HAN_RUN.findall(text):
        syllables = reading(run)
        out += ["~" + "-".join(syllables[i : i + n]) for n in (1, 2, 3) for i in range(len(syllables) - n + 1)]
    return out


class Grams:
    """A tf-idf space over n-grams. Rows are normalised to length one."""

    def __init__(self, names: list[str], weights: np.ndarray) -> None:
        self.names, self.weights = names, weights
        self._column = {name: i for i, name in enumerate(names)}

    @classmethod
    def learn(cls, documents: Iterable[list[str]], least: int = 2) -> "Grams":
        """Keep the n-grams of at least `least` documents."""
        seen: Counter[str] = Counter()
        size = 0
        for document in documents:
            seen.update(set(document))
            size += 1
        names = sorted(name for name, n in seen.items() if n >= least)
        return cls(names, np.array([np.log((1 + size) / (1 + seen[name])) + 1 for name in names], np.float32))

    def __len__(self) -> int:
        return len(self.names)

    def row(self, document: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return (columns, values) of one document."""
        counts = Counter(column for column in map(self._column.get, document) if column is not None)
        columns = np.fromiter(counts.keys(), np.int32, len(counts))
        values = (1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))) * self.weights[columns]
        return columns, values / (np.linalg.norm(values) + 1e-9)

    def matrix(self, documents: Iterable[list[str]]) -> sparse.csr_matrix:
        """Return the matrix [documents, n-grams]."""
        rows = [self.row(document) for document in documents]
        starts = np.concatenate([[0], np.cumsum([len(columns) for columns, _ in rows])])
        columns = np.concatenate([columns for columns, _ in rows]) if rows else np.zeros(0, np.int32)
        values = np.concatenate([values for _, values in rows]) if rows else np.zeros(0, np.float32)
        return sparse.csr_matrix((values.astype(np.float32), columns, starts), shape=(len(rows), len(self)))
