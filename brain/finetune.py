"""Fine-tunes the encoder's upper layers on the labelled sentences, with the TensorFlow that Rasa brings.

The lower layers' int8 states are computed once and are the input, so what is trained is what serves. Loss: cross-entropy over the cosine to one
prototype of each label (several for large ones: brain/prototypes.py), both languages together.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import numpy as np

from brain.graph import HEADS, WIDTH, build, quantise
from brain.model import SCALE
from brain.prototypes import begin
from brain.threads import cores
from brain.weights import LAYERS, LOWER, Bundle

PARTS = ("q", "k", "v", "ao", "aln", "fi", "fo", "oln")


@dataclass(frozen=True)
class Settings:
    """How to fine-tune. Rates fall linearly after a warm-up of a tenth; each layer below the top learns at `decay` of the one above."""

    epochs: float = 3.0
    batch: int = 64
    rate: float = 3.5e-4
    head_rate: float = 1e-2
    decay: float = 0.9
    dropout: float = 0.1
    scale: float = SCALE
    smoothing: float = 0.0


@dataclass
class Tuned:
    """The tuned layers as an int8 graph, and the prototypes [prototypes, 384] (unit length) of the labels `owners` around `mean` [384]."""

    graph: bytes
    prototypes: np.ndarray
    owners: np.ndarray
    mean: np.ndarray


@dataclass(frozen=True)
class Start:
    """Where tuning begins: the upper layers as fp32 arrays, and prototypes [prototypes, 384] of the labels `owners` around `mean` [384]."""

    layers: dict[str, np.ndarray]
    prototypes: np.ndarray
    owners: np.ndarray
    mean: np.ndarray

    @classmethod
    def untuned(cls, bundle: Bundle, vectors: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> "Start":
        """Begin with the encoder as it comes; the prototypes stand at the means of the untuned sentence vectors [n, 384] of each label."""
        mean = vectors.mean(axis=0)
        centred = vectors - mean
        centred /= np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9
        return cls(dict(np.load(bundle.upper)), *begin(centred, labels, classes, seed), mean)


class Tuning:
    """Fine-tuning in stages: `run` as often as needed, `result` in between to see what came out."""

    def __init__(self, states: list[np.ndarray], labels: np.ndarray, begin: Start, *, settings: Settings, seed: int) -> None:
        """Take lower states ([tokens, 384] each) with class numbers, and where to begin."""
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(cores())
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:  # already running with what Rasa chose
            pass
        tf.random.set_seed(seed)
        self._tf, self._states, self._labels, self._settings, self._seed = tf, states, labels, settings, seed
        self._mean, self._owners = begin.mean, begin.owners
        self._trainer = _Trainer(tf, begin.layers, begin.prototypes, begin.owners, begin.mean, settings)
        self._steps = 0

    def run(self, rows: np.ndarray, epochs: float, *, pace: float = 1.0, say: Callable[[str], None] = lambda what: None) -> None:
        """Train on some of the sentences; rates start at `pace` of the settings and fall to nothing."""
        tf, settings = self._tf, self._settings
        states = [self._states[i] for i in rows]
        total = max(1, int(epochs * math.ceil(len(rows) / settings.batch)))
        loss, shown = 0.0, 0
        for step, batch in enumerate(_batches(states, settings.batch, total, self._seed + self._steps)):
            speed = pace * min(1.0, (step + 1) / (0.1 * total)) * max(0.02, 1 - step / total)
            x, mask = pad([states[i] for i in batch])
            self._steps += 1
            value = float(
                self._trainer.step(
                    tf.constant(x), tf.constant(mask), tf.constant(self._labels[rows[batch]], tf.int32), tf.constant(speed, tf.float32), tf.constant(float(self._steps))
                )
            )  # fmt: skip
            loss = value if step == 0 else 0.95 * loss + 0.05 * value
            if (step + 1) * 5 // total > shown:
                shown = (step + 1) * 5 // total
                say(f"fine-tuning {20 * shown} %, loss {loss:.2f}")

    def result(self) -> Tuned:
        """Quantise what has been learnt so far."""
        arrays, prototypes = self._trainer.arrays()
        return Tuned(compile_layers(arrays), prototypes, self._owners, self._mean)


def compile_layers(arrays: dict[str, np.ndarray]) -> bytes:
    """Write upper layers as an int8 graph and return its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        plain, small = Path(folder) / "plain.onnx", Path(folder) / "small.onnx"
        build(arrays, plain, first=LOWER, last=LAYERS, embed=False, pool=True)
        quantise(plain, small)
        return small.read_bytes()


def has_bfloat16() -> bool:
    """Tell whether this processor multiplies bfloat16 matrices in tiles (AMX: several times as fast; with AVX-512 alone the casts make it slower than fp32)."""
    try:
        return "amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False


def pad(states: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Stack states of different lengths: ([n, tokens, 384], mask [n, tokens])."""
    longest = max(len(state) for state in states)
    x = np.zeros((len(states), longest, WIDTH), np.float32)
    mask = np.zeros((len(states), longest), np.float32)
    for row, state in enumerate(states):
        x[row, : len(state)], mask[row, : len(state)] = state, 1
    return x, mask


def _batches(states: list[np.ndarray], size: int, total: int, seed: int) -> Iterator[np.ndarray]:
    """Yield `total` batches of sentences of like length, epoch after epoch, in an order fixed by the seed."""
    random = np.random.RandomState(seed)
    lengths = np.array([len(state) for state in states])
    given = 0
    while True:
        order = random.permutation(len(states))
        batches = []
        for at in range(0, len(order), size * 16):
            near = order[at : at + size * 16]
            near = near[np.argsort(lengths[near], kind="stable")]
            batches += [near[i : i + size] for i in range(0, len(near), size)]
        for index in random.permutation(len(batches)):
            if given == total:
                return
            given += 1
            yield batches[index]


class _Trainer:
    """The layers as TensorFlow variables and one training step (Adam, one rate per layer)."""

    def __init__(self, tf, upper: dict[str, np.ndarray], prototypes: np.ndarray, owners: np.ndarray, mean: np.ndarray, settings: Settings) -> None:
        self._tf, self._settings = tf, settings
        self._half = has_bfloat16()
        self._vars: dict[str, object] = {}
        self._rates: dict[str, float] = {}
        for index in range(LOWER, LAYERS):
            rate = settings.rate * settings.decay ** (LAYERS - 1 - index)

            def put(name: str, value: np.ndarray, index: int = index, rate: float = rate) -> None:
                self._vars[f"{index}.{name}"] = tf.Variable(np.ascontiguousarray(value, np.float32))
                self._rates[f"{index}.{name}"] = rate

            get = lambda part, index=index: upper[f"l{index}.{part}"]  # noqa: E731
            put("qkv", np.concatenate([get("q.w").T, get("k.w").T, get("v.w").T], axis=1))
            put("qkv_b", np.concatenate([get("q.b"), get("k.b"), get("v.b")]))
            for part in ("ao", "fi", "fo"):
                put(part, get(part + ".w").T)
                put(part + "_b", get(part + ".b"))
            for part in ("aln", "oln"):
                put(part, get(part + ".w"))
                put(part + "_b", get(part + ".b"))
        self._vars["prototypes"] = tf.Variable(prototypes.astype(np.float32))
        self._rates["prototypes"] = settings.head_rate
        self._membership = tf.constant(np.eye(int(owners.max()) + 1, dtype=np.float32)[owners])
        self._mean = tf.constant(mean.astype(np.float32))
        self._slots = {name: (tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for name, v in self._vars.items()}
        spec = [tf.TensorSpec((None, None, WIDTH)), tf.TensorSpec((None, None)), tf.TensorSpec((None,), tf.int32), tf.TensorSpec(()), tf.TensorSpec(())]
        self.step = tf.function(self._step, input_signature=spec)

    def _norm(self, x, name: str):
        tf = self._tf
        average, variance = tf.nn.moments(x, [-1], keepdims=True)
        return (x - average) * tf.math.rsqrt(variance + 1e-12) * self._vars[name] + self._vars[name + "_b"]

    def _product(self, x, name: str):
        tf = self._tf
        if not self._half:
            return tf.matmul(x, self._vars[name]) + self._vars[name + "_b"]
        product = tf.matmul(tf.cast(x, tf.bfloat16), tf.cast(self._vars[name], tf.bfloat16))
        return tf.cast(product, tf.float32) + self._vars[name + "_b"]

    def _drop(self, x):
        return self._tf.nn.dropout(x, self._settings.dropout) if self._settings.dropout else x

    def _forward(self, x, mask):
        tf = self._tf
        shape = tf.shape(x)
        batch, tokens = shape[0], shape[1]
        hide = (1.0 - mask[:, None, None, :]) * -1e9
        flat = tf.reshape(x, (-1, WIDTH))
        for index in range(LOWER, LAYERS):
            p = f"{index}."
            qkv = tf.reshape(self._product(flat, p + "qkv"), (batch, tokens, 3, HEADS, WIDTH // HEADS))
            q, k, v = tf.unstack(tf.transpose(qkv, (2, 0, 3, 1, 4)))
            attention = self._drop(tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / math.sqrt(WIDTH / HEADS) + hide))
            context = tf.reshape(tf.transpose(tf.matmul(attention, v), (0, 2, 1, 3)), (-1, WIDTH))
            flat = self._norm(flat + self._drop(self._product(context, p + "ao")), p + "aln")
            inner = tf.nn.gelu(self._product(flat, p + "fi"), approximate=False)
            flat = self._norm(flat + self._drop(self._product(inner, p + "fo")), p + "oln")
        states = tf.reshape(flat, (batch, tokens, WIDTH)) * mask[:, :, None]
        return tf.nn.l2_normalize(tf.reduce_sum(states, axis=1), axis=-1)

    def _step(self, x, mask, labels, pace, count):
        tf, settings = self._tf, self._settings
        names = list(self._vars)
        with tf.GradientTape() as tape:
            z = tf.nn.l2_normalize(self._forward(x, mask) - self._mean, axis=-1)
            scores = tf.matmul(z, tf.nn.l2_normalize(self._vars["prototypes"], axis=-1), transpose_b=True) * settings.scale
            peak = tf.stop_gradient(tf.reduce_max(scores, axis=1, keepdims=True))
            scores = tf.math.log(tf.matmul(tf.exp(scores - peak), self._membership) + 1e-30) + peak
            target = tf.one_hot(labels, tf.shape(scores)[1])
            if settings.smoothing:
                target = target * (1 - settings.smoothing) + settings.smoothing / tf.cast(tf.shape(scores)[1], tf.float32)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, scores))
        for name, gradient in zip(names, tape.gradient(loss, [self._vars[n] for n in names])):
            m, v = self._slots[name]
            tf.raw_ops.ResourceApplyAdam(
                var=self._vars[name].handle, m=m.handle, v=v.handle, beta1_power=tf.pow(0.9, count), beta2_power=tf.pow(0.999, count),
                lr=pace * self._rates[name], beta1=0.9, beta2=0.999, epsilon=1e-8, grad=gradient,
            )  # fmt: skip
        return loss

    def arrays(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return the layers in the names of `brain.graph` and the unit prototypes."""
        out: dict[str, np.ndarray] = {}
        for index in range(LOWER, LAYERS):
            value = lambda name, index=index: self._vars[f"{index}.{name}"].numpy()  # noqa: E731
            for place, part in enumerate("qkv"):
                out[f"l{index}.{part}.w"] = value("qkv")[:, place * WIDTH : (place + 1) * WIDTH].T
                out[f"l{index}.{part}.b"] = value("qkv_b")[place * WIDTH : (place + 1) * WIDTH]
            for part in ("ao", "fi", "fo"):
                out[f"l{index}.{part}.w"], out[f"l{index}.{part}.b"] = value(part).T, value(part + "_b")
            for part in ("aln", "oln"):
                out[f"l{index}.{part}.w"], out[f"l{index}.{part}.b"] = value(part), value(part + "_b")
        prototypes = self._vars["prototypes"].numpy()
        return out, prototypes / (np.linalg.norm(prototypes, axis=1, keepdims=True) + 1e-9)
