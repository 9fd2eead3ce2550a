"""Makes a model from labelled sentences: features, fine-tuning, regression, and limits from sentences that were held out."""

from __future__ import annotations

import hashlib
import logging
import os
import random
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Callable

import numpy as np

from brain.augment import noisy
from brain.checkpoint import MOST_NEW, Checkpoint, Fine, marks, write
from brain.encoder import Encoders, Upper
from brain.finetune import Settings, Start, Tuning
from brain.graph import layers
from brain.groups import folds, groups
from brain.home import folder as data_folder
from brain.language import detect
from brain.memory import compile_memory, nearness
from brain.model import STRENGTH, Model, Sample, Space, inside, unit
from brain.mood import doubtful
from brain.normaliser import normalise
from brain.pinyin import Speller
from brain.readings import Readings, mark
from brain.recipe import fast as fast_mode
from brain.recipe import fingerprint, tuning_code
from brain.regression import Regression, fit, softmax
from brain.rejection import OUT_OF_SCOPE, calibrate, lean
from brain.vocabulary import english_words
from brain.weights import FORMAT, LAYERS, LOWER, SHA256

logger = logging.getLogger(__name__)

SETTINGS = Settings(epochs=2.5)
HELD = 6  # one sixth of the sentences is held out for the limits
NOISE = 0.1  # share of the sentences that fine-tuning also sees misspelt
PACE = 0.35  # how fast the last stage learns, over all sentences
# Tuning on from the checkpoint: epochs, and how many known sentences stand beside each new one, between these bounds.
AGAIN, KEPT, KEPT_LEAST, KEPT_MOST = 2.0, 2.0, 1200, 4000
BASE = f"{SHA256[:12]} {LOWER} {LAYERS} {FORMAT}"
WRITE = "WRITE_CHECKPOINT"  # 1: tune from nothing, keep the layers and what they read; readings: keep what the repository's layers read


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
    value = hashlib.sha256(f"{fingerprint()} {seed} {encoders.ready} {fast_mode()} {os.environ.get(WRITE, '')}".encode())
    for sample in samples:
        value.update(f"{sample.label}\t{sample.text}\n".encode())
    return value.hexdigest()[:24]


def train_cached(samples: list[Sample], encoders: Encoders, *, seed: int, fast: bool) -> Path:
    """Train, or take the model of the very same sentences and recipe from `JIEBANG_HOME/cache`; returns its folder there."""
    place = data_folder("cache", "models") / key(samples, encoders, seed)
    if (place / "model.json").exists():
        logger.info("nothing changed: the cached model is used")
        place.touch()
        return place
    model = train(samples, encoders, seed=seed, fast=fast, checkpoint=None if os.environ.get(WRITE) == "1" else Checkpoint.load())
    work = Path(tempfile.mkdtemp(dir=place.parent))
    model.save(work)
    try:
        os.replace(work, place)
    except OSError:
        shutil.rmtree(work, ignore_errors=True)
    for old in sorted(place.parent.iterdir(), key=lambda p: p.stat().st_mtime)[:-6]:
        shutil.rmtree(old, ignore_errors=True)
    return place


def train(samples: list[Sample], encoders: Encoders, *, seed: int = 7, fast: bool = False, checkpoint: Checkpoint | None = None) -> Model:
    """Train a model; `fast` leaves the sentence encoder as it is, `checkpoint` spares what it already knows."""
    say = Progress()
    labels = sorted({sample.label for sample in samples})
    y = np.array([labels.index(sample.label) for sample in samples])
    normal = [normalise(sample.text).text for sample in samples]
    speller = Speller.learn(normal, english_words())
    texts = [speller.repair(speller.decode(text)) for text in normal]
    languages = np.array([sample.language or ("zh" if detect(text) == "zh" else "en") for sample, text in zip(samples, texts)])
    say(f"{len(samples)} sentences, {len(labels)} labels")
    tune = Tune(samples, y, labels, groups(texts), checkpoint=checkpoint, seed=seed)
    held = tune.held
    space, rows = Space.learn(texts)
    say(f"{rows.shape[1]} n-grams")
    arrays: dict[str, np.ndarray] = {}
    nothing = np.zeros((len(texts), 1), np.float32)
    graph: bytes | None = None
    memory: bytes | None = None
    scores = near = None
    # The regressions keep one core busy while the other reads sentences: neither waits for the other's results until the end.
    with ThreadPoolExecutor(1) as aside:
        plain = aside.submit(fit, nothing, rows, y, len(labels), strength=STRENGTH, iterations=50)
        if encoders.ready:
            use = encoders.use.vectors(texts)
            arrays["mean_use"] = use.mean(axis=0)
            use = unit(use - arrays["mean_use"])
            say("sentences read by the one encoder")
            if fast:
                vectors = Upper(encoders.bundle.frozen.read_bytes()).vectors(encoders.e5.hidden_all(texts))
                arrays["mean_e5"] = vectors.mean(axis=0)
                z = unit(vectors - arrays["mean_e5"])
                dense = np.hstack([z, use]) * np.float32(0.7)
                near, memory = nearness(z[held], z[~held]), compile_memory(z)
            else:
                dense = use

            def regress() -> tuple[np.ndarray, Regression]:
                part = fit(dense[~held], rows[~held], y[~held], len(labels), strength=STRENGTH, iterations=80)
                return part.scores(dense[held], rows[held]), fit(dense, rows, y, len(labels), strength=STRENGTH, start=part, iterations=20)

            @lru_cache(maxsize=1)
            def lower() -> list[np.ndarray]:
                states = encoders.e5.hidden_all(texts)
                say("sentences read by the other encoder's lower layers")
                return states

            regression = aside.submit(regress)
            if not fast:
                fine = tune.fine(lower, normal, speller, encoders, say)
                arrays |= {"prototypes": fine.prototypes, "owners": fine.owners, "mean_e5": fine.mean}
                of = mark(texts, fine, held, BASE)
                readings = Readings.load(of)
                if readings is None:
                    readings = Readings.take(of, lower(), fine, held, len(labels))
                    say("and by the tuned ones")
                graph, near, memory = fine.graph, readings.near, readings.memory
            scores, whole = regression.result()
            arrays |= {"full_dense": whole.dense, "full_sparse": whole.sparse.astype(np.float16), "full_bias": whole.bias}
            say(f"regression: {100 * (scores.argmax(axis=1) == y[held]).mean():.1f} % of the held-out sentences right")
            share = 0.0
            if not fast:
                head = readings.head.astype(np.float32)
                say(f"tuned layers: {100 * (head.argmax(axis=1) == y[held]).mean():.1f} % of the held-out sentences right")
                share = best_share(head, scores, y[held])
                scores = head + share * scores
            arrays["share"] = np.float32(share)
        else:
            part = fit(nothing[~held], rows[~held], y[~held], len(labels), strength=STRENGTH, iterations=80)
            scores = part.scores(nothing[held], rows[held])
            near = np.zeros(held.sum(), np.float32)
        arrays |= {"plain_sparse": plain.result().sparse.astype(np.float16), "plain_bias": plain.result().bias}
    if os.environ.get(WRITE) and graph is not None:
        if tune.from_nothing:
            Checkpoint(fine, labels, tune.recipe, tune.marks, held).save()
        readings.save()
        say("written to brain/tuned")
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
        doubtful=np.array([bool(doubtful(text)) for text, out in zip(texts, held) if out]),
    )
    say("limits learnt")
    return Model(labels=labels, speller=speller, space=space, arrays=arrays, rejection=rejection, encoders=encoders, upper=graph, memory=memory)


class Tune:
    """Fine-tuning of one training: which sentences may be seen, and the layers that come of it, the cheapest way that is right.

    The very same sentences as the repository's checkpoint: that. A few new ones: on from it. Otherwise from nothing.
    """

    def __init__(self, samples: list[Sample], y: np.ndarray, labels: list[str], group: np.ndarray, *, checkpoint: Checkpoint | None, seed: int) -> None:
        """Take sentences with class numbers and with the numbers of their groups of near-duplicates."""
        self._y, self._labels, self._seed = y, labels, seed
        self.marks = marks(samples)
        self.held = folds(group, HELD, seed) == 0
        self.recipe = f"{BASE} {SETTINGS} {PACE} {NOISE} {seed}"
        self._checkpoint = None
        if checkpoint is not None and checkpoint.fits(labels, self.recipe):
            known, held = checkpoint.seen(self.marks)
            if (~known).mean() <= MOST_NEW:
                self._checkpoint, self.new = checkpoint, ~known
                # What the first stage has seen can no longer be held out, nor can what is all but the same.
                trained = np.zeros(group.max() + 1, bool)
                trained[group[known & ~held]] = True
                self.held = (self.held | held) & ~trained[group] | held

    @property
    def from_nothing(self) -> bool:
        """Tell whether there is nothing to begin with."""
        return self._checkpoint is None

    def fine(self, lower: Callable[[], list[np.ndarray]], normal: list[str], speller: Speller, encoders: Encoders, say: Progress) -> Fine:
        """Return the tuned layers; `lower` reads the sentences' lower states ([tokens, 384] each), where something is to be tuned."""
        if self._checkpoint is not None and not self.new.any():
            say("tuned layers: those of the repository, made of the same sentences")
            return self._checkpoint.fine
        value = hashlib.sha256(f"{tuning_code()} {self.recipe} {self._labels} {self.from_nothing}".encode() + self.marks.tobytes() + self.held.tobytes())
        if self._checkpoint is not None:
            value.update(self._checkpoint.fine.graph)
        path = data_folder("cache", "tuned") / f"{value.hexdigest()[:24]}.npz"
        if not path.exists():
            fine = self._on(lower(), say) if self._checkpoint is not None else self._anew(lower(), normal, speller, encoders, say)
            write(path, **fine.arrays())
            for old in sorted(path.parent.glob("*.npz"), key=lambda p: p.stat().st_mtime)[:-3]:
                old.unlink(missing_ok=True)
        # read back in both cases, so that a repeated training is the same to the last digit
        with np.load(path, allow_pickle=False) as stored:
            return Fine.of({name: stored[name] for name in stored.files})

    def _anew(self, states: list[np.ndarray], normal: list[str], speller: Speller, encoders: Encoders, say: Progress) -> Fine:
        """Tune from nothing, first without the held-out sentences, then with all; a share of them is also seen misspelt."""
        source, extra = hurried(normal, speller, self._seed)
        vectors = Upper(encoders.bundle.frozen.read_bytes()).vectors(states)
        start = Start.untuned(encoders.bundle, vectors, self._y, len(self._labels), self._seed)
        states = states + encoders.e5.hidden_all(extra)
        ours, noise = np.arange(len(self._y)), np.arange(len(self._y), len(states))
        tuning = Tuning(states, np.concatenate([self._y, self._y[source]]), start, settings=SETTINGS, seed=self._seed)
        tuning.run(np.concatenate([ours[~self.held], noise[~self.held[source]]]), SETTINGS.epochs, say=say)
        before = tuning.result()
        tuning.run(np.concatenate([ours, ours[self.held], noise]), 1.0, pace=PACE, say=say)
        after = tuning.result()
        return Fine(before.graph, before.prototypes, after.graph, after.prototypes, after.owners, after.mean)

    def _on(self, states: list[np.ndarray], say: Progress) -> Fine:
        """Tune on from the checkpoint: the new sentences, among enough old ones that nothing is forgotten."""
        assert self._checkpoint is not None
        old, dice = self._checkpoint.fine, np.random.RandomState(self._seed)
        tuned = []
        for graph, prototypes, seen in ((old.first_graph, old.first_prototypes, ~self.held), (old.graph, old.prototypes, np.ones(len(self._y), bool))):
            new, known = np.flatnonzero(self.new & seen), np.flatnonzero(~self.new & seen)
            kept = dice.permutation(known)[: int(np.clip(KEPT * len(new), KEPT_LEAST, KEPT_MOST))]
            tuning = Tuning(states, self._y, Start(layers(graph), prototypes, old.owners, old.mean), settings=SETTINGS, seed=self._seed)
            tuning.run(np.concatenate([new, kept]), AGAIN, pace=PACE, say=say)
            tuned.append(tuning.result())
        return Fine(tuned[0].graph, tuned[0].prototypes, tuned[1].graph, tuned[1].prototypes, old.owners, old.mean)


def hurried(normal: list[str], speller: Speller, seed: int) -> tuple[np.ndarray, list[str]]:
    """Write a share of the normalised sentences with noise; returns their numbers and what the speller leaves of the noise."""
    dice = random.Random(seed)
    source, extra = [], []
    for i in sorted(dice.sample(range(len(normal)), int(NOISE * len(normal)))):
        text = normalise(noisy(normal[i], dice)).text
        source.append(i)
        extra.append(speller.repair(speller.decode(text)))
    return np.array(source, int), extra


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
