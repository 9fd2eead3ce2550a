"""Transformer layers as fused ONNX graphs (onnxruntime's Attention, SkipLayerNormalization, BiasGelu), written node by node, quantised to int8."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH, HEADS, EPSILON, FUSED = 384, 12, 1e-12, "com.microsoft"


def build(arrays: dict[str, np.ndarray], path: Path, *, first: int, last: int, embed: bool, pool: bool) -> None:
    """Write layers `first` to `last` (exclusive) as one fp32 graph.

    Input `x` [batch, tokens, 384]: word plus position vectors when `embed`, else hidden states. Output `y`: hidden states, or with `pool`
    their L2-normalised mean [batch, 384]. Weight names: `l<n>.<part>.<w|b>` with matrices as [out, in].
    """
    nodes: list = []
    tensors: list = []

    def tensor(name: str, value: np.ndarray) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(value.astype(np.float32)), name))
        return name

    def node(kind: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], domain=domain, name=output + "_node", **attributes))
        return output

    current = "x"
    if embed:
        scale, bias = tensor("embed_scale", arrays["emb.ln.w"]), tensor("embed_bias", arrays["emb.ln.b"])
        current = node("LayerNormalization", ["x", scale, bias], "embedded", epsilon=EPSILON, axis=-1)
    for index in range(first, last):
        p = f"l{index}_"

        def w(part: str, index: int = index) -> np.ndarray:
            return arrays[f"l{index}.{part}"]

        matrix = tensor(p + "qkv", np.concatenate([w("q.w").T, w("k.w").T, w("v.w").T], axis=1))
        offset = tensor(p + "qkv_b", np.concatenate([w("q.b"), w("k.b"), w("v.b")]))
        node("Attention", [current, matrix, offset], p + "context", FUSED, num_heads=HEADS)
        node("MatMul", [p + "context", tensor(p + "out", w("ao.w").T)], p + "mixed")
        norm = [tensor(p + "an_w", w("aln.w")), tensor(p + "an_b", w("aln.b")), tensor(p + "out_b", w("ao.b"))]
        node("SkipLayerNormalization", [p + "mixed", current, *norm], p + "attended", FUSED, epsilon=EPSILON)
        node("MatMul", [p + "attended", tensor(p + "wide", w("fi.w").T)], p + "inner")
        node("BiasGelu", [p + "inner", tensor(p + "wide_b", w("fi.b"))], p + "active", FUSED)
        node("MatMul", [p + "active", tensor(p + "narrow", w("fo.w").T)], p + "outer")
        norm = [tensor(p + "on_w", w("oln.w")), tensor(p + "on_b", w("oln.b")), tensor(p + "narrow_b", w("fo.b"))]
        current = node("SkipLayerNormalization", [p + "outer", p + "attended", *norm], p + "done", FUSED, epsilon=EPSILON)
    if pool:
        node("ReduceMean", [current], "mean", axes=[1], keepdims=0)
        node("LpNormalization", ["mean"], "y", axis=1, p=2)
        shape: list = ["batch", WIDTH]
    else:
        node("Identity", [current], "y")
        shape = ["batch", "tokens", WIDTH]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "tokens", WIDTH])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)]
    model = helper.make_model(
        helper.make_graph(nodes, "layers", inputs, outputs, tensors),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)],
    )
    model.ir_version = 8
    onnx.save(model, str(path))


def _advice(record: logging.LogRecord) -> bool:
    """Drop the quantiser's advice to pre-process the graph (ours is written fused) and what it says of every tensor."""
    return not any(words in record.getMessage() for words in ("pre-processing before quantization", "get_tensor_type", "Quantization parameters"))


def quantise(source: Path, target: Path) -> None:
    """Quantise the matrix products of a graph to int8 weights per channel; activations are scaled per call, so run batch 1 always.

    Weights use seven of the eight bits: processors without VNNI add two products in 16 bits, which full weights overflow, so that a sentence would have
    another vector there than where the model was trained.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().addFilter(_advice)
    quantize_dynamic(
        str(source),
        str(target),
        per_channel=True,
        weight_type=QuantType.QInt8,
        reduce_range=True,
        op_types_to_quantize=["MatMul", "Attention"],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


def layers(graph: bytes) -> dict[str, np.ndarray]:
    """Read the layers of a graph that `build` wrote and `quantise` made int8: fp32 arrays in the names that `build` takes."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(graph).graph.initializer}

    def matrix(name: str) -> np.ndarray:
        return stored[name + "_quantized"].astype(np.float32) * stored[name + "_scale"]

    out: dict[str, np.ndarray] = {}
    for index in sorted({int(name[1 : name.index("_")]) for name in stored if name.endswith("_qkv_b")}):
        p, to = f"l{index}_", f"l{index}."
        joined, offsets = matrix(p + "qkv"), stored[p + "qkv_b"]
        for place, part in enumerate("qkv"):
            columns = slice(place * WIDTH, (place + 1) * WIDTH)
            out[f"{to}{part}.w"], out[f"{to}{part}.b"] = joined[:, columns].T, offsets[columns]
        for part, name in (("ao", "out"), ("fi", "wide"), ("fo", "narrow")):
            out[f"{to}{part}.w"], out[f"{to}{part}.b"] = matrix(p + name).T, stored[f"{p}{name}_b"]
        for part, name in (("aln", "an"), ("oln", "on")):
            out[f"{to}{part}.w"], out[f"{to}{part}.b"] = stored[f"{p}{name}_w"], stored[f"{p}{name}_b"]
    return out


def session(path: Path | bytes, threads: int = 1):
    """Open a graph for inference on the CPU with the given number of threads."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    source = path if isinstance(path, bytes) else str(path)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
