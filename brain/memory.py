"""The training sentences' vectors as an int8 product with a top-k, so that a message is held against all of them in under a millisecond."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from brain.graph import WIDTH, quantise, session

NEIGHBOURS = 3


def compile_memory(vectors: np.ndarray) -> bytes:
    """Write unit vectors [n, 384] as an int8 graph (one scale per sentence): `x` [1, 384] → `y` [1], the mean of the NEIGHBOURS greatest cosines."""
    count = min(NEIGHBOURS, len(vectors))
    tensors = [numpy_helper.from_array(np.ascontiguousarray(vectors.T.astype(np.float32)), "memory"), numpy_helper.from_array(np.array([count], np.int64), "count")]
    nodes = [
        helper.make_node("MatMul", ["x", "memory"], ["cosines"], name="product"),
        helper.make_node("TopK", ["cosines", "count"], ["nearest", "places"], name="nearest_node"),
        helper.make_node("ReduceMean", ["nearest"], ["y"], name="mean_node", axes=[1], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, WIDTH])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    model = helper.make_model(helper.make_graph(nodes, "memory", inputs, outputs, tensors), opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    with tempfile.TemporaryDirectory() as folder:
        plain, small = Path(folder) / "plain.onnx", Path(folder) / "small.onnx"
        onnx.save(model, str(plain))
        quantise(plain, small)
        return small.read_bytes()


class Memory:
    """A compiled memory, opened."""

    def __init__(self, graph: bytes) -> None:
        self.graph = graph
        self._session = session(graph)

    def nearness(self, vector: np.ndarray) -> float:
        """Return the mean cosine of a unit vector [384] to its nearest training sentences."""
        return float(self._session.run(None, {"x": vector[None].astype(np.float32)})[0][0])
