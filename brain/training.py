"""Makes a model from labelled sentences: features, fine-tuning, regression, and limits from sentences that were held out."""

from __future__ import annotations

import hashlib
import logging
import os
import random
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brain.augment import noisy
from brain.encoder import Encoders, Upper
from brain.finetune import Settings, Tuning
from brain.groups import folds
from brain.home import folder as data_folder
from brain.language import detect
from brain.memory import NEIGHBOURS, compile_memory
from brain.model import STRENGTH, Model, Sample, Space, inside, unit
from brain.mood import doubtful
from brain.normaliser import normalise
from brain.pinyin import Speller
from brain.prototypes import merge
from brain.recipe import fast as fast_mode
from brain.recipe import fingerprint, tuning_code
from brain.regression import fit, softmax
from brain.rejection import OUT_OF_SCOPE, calibrate, lean

logger = logging.getLogger(__name__)

SETTINGS = Settings(epochs=2.5)
HELD = 6  # one sixth of the sentences is held out for the limits
NOISE = 0.1  # share of the sentences that fine-tuning also sees misspelt
PACE = 0.35  # how fast the last stage learns, over all sentences


class Progress:
    """Prints what training is doing and since when."""

    def __init__(self) -> None:
        self._start = time.time()

    def __call__(self, what: str) -> None:
        print(  # noqa: T201 - training is watched by a person
            f"  understanding {time.time() - self._start:5.0f} s  {what}", flush=True
        )


def key(samples: list[Sample], encoders: Encoders, seed: int) -> str:
    """Digest everything that a trained model depends on."""
    value = hashlib.sha256(f"{fingerprint()} {seed} {encoders.ready} {fast_mode()}".encode())
    for sample in samples:
        value.update(f"{sample.label}\t{sample.text}\n".encode())
    return value.hexdigest()[:24]


def train_cached(samples: list[Sample], encoders: Encoders, *, seed: int, fast: bool) -> Model:
    """Train, or take the model of the very same sentences and recipe from `JIEBANG_HOME/cache`."""
    place = data_folder("cache", "models") / key(samples, encoders, seed)
    if (place / "model.json").exists():
        logger.info("nothing changed: the cached model is used")
        return Model.load(place, encoders)
    model = train(samples, encoders, seed=seed, fast=fast)
    work = Path(tempfile.mkdtemp(dir=place.parent))
    model.save(work)
    try:
        os.replace(work, place)
    except OSError:
        shutil.rmtree(work, ignore_errors=True)
    for old in sorted(place.parent.iterdir(), key=lambda p: p.stat().st_mtime)[:-6]:
        shutil.rmtree(old, ignore_errors=True)
    return model


def train(samples: list[Sample], encoders: Encoders, *, seed: int = 7, fast: bool = False) -> Model:
    """Train a model; `fast` leaves the sentence encoder as it is."""
    say = Progress()
    labels = sorted({sample.label for sample in samples})
    y = np.array([labels.index(sample.label) for sample in samples])
    normal = [normalise(sample.text).text for sample in samples]
    speller = Speller.learn(normal)
    texts = [speller.repair(speller.decode(text)) for text in normal]
    languages = np.array([sample.language or ("zh" if detect(text) == "zh" else "en") for sample, text in zip(samples, texts)])
    say(f"{len(samples)} sentences, {len(labels)} labels")
    space = Space.learn(texts)
    rows = space.matrix(texts)
    say(f"{rows.shape[1]} n-grams")
    held = folds(texts, HELD, seed) == 0
    arrays: dict[str, np.ndarray] = {}
    nothing = np.zeros((len(texts), 1), np.float32)
    plain = fit(nothing, rows, y, len(labels), strength=STRENGTH, iterations=30)
    arrays |= {"plain_sparse": plain.sparse.astype(np.float16), "plain_bias": plain.bias}
    say("n-gram model")
    graph: bytes | None = None
    memory: bytes | None = None
    scores = near = None
    if encoders.ready:
        use = encoders.use.vectors(texts)
        arrays["mean_use"] = use.mean(axis=0)
        use = unit(use - arrays["mean_use"])
        if fast:
            vectors = Upper(encoders.bundle.frozen.read_bytes()).vectors(encoders.e5.hidden_all(texts))
            arrays["mean_e5"] = vectors.mean(axis=0)
            z = first = unit(vectors - arrays["mean_e5"])
            dense = np.hstack([z, use]) * np.float32(0.7)
        else:
            dense = use
        say("sentences read by the encoders")
        part = fit(dense[~held], rows[~held], y[~held], len(labels), strength=STRENGTH, iterations=45)
        scores = part.scores(dense[held], rows[held])
        say(f"regression: {100 * (scores.argmax(axis=1) == y[held]).mean():.1f} % of the held-out sentences right")
        whole = fit(dense, rows, y, len(labels), strength=STRENGTH, start=part, iterations=20)
        arrays |= {"full_dense": whole.dense, "full_sparse": whole.sparse.astype(np.float16), "full_bias": whole.bias}
        share = 0.0
        if not fast:
            source, extra = hurried(normal, speller, seed)
            fine = fine_cached(texts, extra, source, y, held, len(labels), encoders, seed=seed, say=say)
            graph, z, first = fine.graph, fine.vectors, fine.first
            arrays |= {"prototypes": fine.prototypes, "owners": fine.owners, "mean_e5": fine.mean}
            head = merge(first[held] @ fine.first_prototypes.T * SETTINGS.scale, fine.owners, len(labels))
            say(f"fine-tuned: {100 * (head.argmax(axis=1) == y[held]).mean():.1f} % of the held-out sentences right")
            share = best_share(head, scores, y[held])
            scores = head + share * scores
        near = nearness(first[held], first[~held])
        memory = compile_memory(z)
        arrays["share"] = np.float32(share)
    else:
        part = fit(nothing[~held], rows[~held], y[~held], len(labels), strength=STRENGTH, iterations=50)
        scores = part.scores(nothing[held], rows[held])
        near = np.zeros(held.sum(), np.float32)
    say(f"together: {100 * (scores.argmax(axis=1) == y[held]).mean():.1f} % of the held-out sentences right")
    arrays["inside"] = scale_of(scores, near, labels)
    for language in ("zh", "en"):
        mine = languages[held] == language
        arrays[f"heat_{language}"] = np.float32(heat(scores[mine], y[held][mine]))
    warm = scores * np.array([arrays[f"heat_{language}"] for language in languages[held]])[:, None]
    if OUT_OF_SCOPE in labels:
        out = labels.index(OUT_OF_SCOPE)
        arrays["lean"] = np.float32(lean(warm, out, y[held]))
        warm[:, out] += arrays["lean"]
    p = softmax(warm)
    say(f"out of scope leans by {float(arrays.get('lean', 0)):.2f}; right {100 * (p.argmax(axis=1) == y[held]).mean():.1f} %")
    rejection = calibrate(
        predicted=np.array(labels)[p.argmax(axis=1)],
        probability=p.max(axis=1),
        inside=inside(scores, near, labels, arrays["inside"]),
        truth=np.array([sample.label for sample in samples])[held],
        languages=languages[held],
        doubtful=np.array([bool(doubtful(text)) for text in texts])[held],
    )
    say("limits learnt")
    return Model(labels=labels, speller=speller, space=space, arrays=arrays, rejection=rejection, encoders=encoders, upper=graph, memory=memory)


@dataclass(frozen=True)
class Fine:
    """What fine-tuning gives: unit vectors [n, 384] and prototypes (of the labels `owners`) of the stage that did not see the held-out sentences (`first`), and of the last one."""

    first: np.ndarray
    first_prototypes: np.ndarray
    vectors: np.ndarray
    prototypes: np.ndarray
    owners: np.ndarray
    mean: np.ndarray
    graph: bytes


def fine_tune(
    texts: list[str], extra: list[str], source: np.ndarray, y: np.ndarray, held: np.ndarray, classes: int, encoders: Encoders, *, seed: int, say: Progress
) -> Fine:
    """Tune the upper layers, first without the held-out sentences, then with all; `extra` are misspelt copies of the sentences numbered `source`."""
    states = encoders.e5.hidden_all(texts)
    vectors = Upper(encoders.bundle.frozen.read_bytes()).vectors(states)
    states += encoders.e5.hidden_all(extra)
    say("lower layers computed")
    ours, noise = np.arange(len(texts)), np.arange(len(texts), len(states))
    tuning = Tuning(states, vectors, np.concatenate([y, y[source]]), classes, encoders.bundle, settings=SETTINGS, seed=seed)
    tuning.run(np.concatenate([ours[~held], noise[~held[source]]]), SETTINGS.epochs, say=say)
    before = tuning.result()
    first = unit(Upper(before.graph).vectors(states[: len(texts)]) - before.mean)
    tuning.run(np.concatenate([ours, ours[held], noise]), 1.0, pace=PACE, say=say)
    after = tuning.result()
    return Fine(first, before.prototypes, unit(Upper(after.graph).vectors(states[: len(texts)]) - after.mean), after.prototypes, after.owners, after.mean, after.graph)


def fine_cached(
    texts: list[str], extra: list[str], source: np.ndarray, y: np.ndarray, held: np.ndarray, classes: int, encoders: Encoders, *, seed: int, say: Progress
) -> Fine:
    """Fine-tune, or take what the very same sentences and layers gave before: a change of guards, features or limits then costs a minute."""
    value = hashlib.sha256(f"{tuning_code()} {SETTINGS} {PACE} {seed} {classes}".encode())
    for text in (*texts, *extra):
        value.update(text.encode() + b"\n")
    for numbers in (source, y, held):
        value.update(np.ascontiguousarray(numbers, np.int64).tobytes())
    path = data_folder("cache", "tuned") / f"{value.hexdigest()[:24]}.npz"
    if not path.exists():
        fine = fine_tune(texts, extra, source, y, held, classes, encoders, seed=seed, say=say)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.savez(file, **{**vars(fine), "graph": np.frombuffer(fine.graph, np.uint8)})
        os.replace(file.name, path)
        for old in sorted(path.parent.glob("*.npz"), key=lambda p: p.stat().st_mtime)[:-3]:
            old.unlink(missing_ok=True)
    # read back in both cases, so that a repeated training is the same to the last digit
    with np.load(path, allow_pickle=False) as stored:
        return Fine(**{name: stored[name].tobytes() if name == "graph" else stored[name] for name in stored.files})


def hurried(normal: list[str], speller: Speller, seed: int) -> tuple[np.ndarray, list[str]]:
    """Write a share of the normalised sentences with noise; returns their numbers and what the speller leaves of the noise."""
    dice = random.Random(seed)
    source, extra = [], []
    for i in sorted(dice.sample(range(len(normal)), int(NOISE * len(normal)))):
        text = normalise(noisy(normal[i], dice)).text
        source.append(i)
        extra.append(speller.repair(speller.decode(text)))
    return np.array(source, int), extra


def nearness(vectors: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """Return the mean cosine to the nearest training sentences."""
    return np.partition(vectors @ memory.T, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:].mean(axis=1)


def best_share(head: np.ndarray, scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the weight of the regression beside the fine-tuned head that makes the held-out log-loss least."""
    grid = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3)
    row = np.arange(len(labels))
    losses = []
    for share in grid:
        both = head + share * scores
        losses.append(-np.log(softmax(both * heat(both, labels))[row, labels] + 1e-9).mean())
    return grid[int(np.argmin(losses))]


def scale_of(scores: np.ndarray, nearest: np.ndarray, labels: list[str]) -> np.ndarray:
    """Return mean and deviation of energy and of nearness (see `inside`)."""
    zero = np.array([0.0, 1.0, 0.0, 1.0])
    energy = inside(scores, np.zeros(len(scores)), labels, zero)
    return np.array([energy.mean(), energy.std() + 1e-6, nearest.mean(), nearest.std() + 1e-6], np.float32)


def heat(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the factor on the scores that makes held-out probabilities honest (least log-loss)."""
    if len(labels) < 20:
        return 1.0
    grid = np.exp(np.linspace(np.log(0.2), np.log(5), 60))
    losses = [-np.log(softmax(scores * g)[np.arange(len(labels)), labels] + 1e-9).mean() for g in grid]
    return float(grid[int(np.argmin(losses))])
