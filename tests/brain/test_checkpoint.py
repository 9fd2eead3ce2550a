"""The tuned layers in the repository belong to the sentences in the repository."""

import numpy as np

from bench.nlu import read_nlu
from brain.checkpoint import MOST_NEW, Checkpoint, marks
from brain.graph import build, layers, quantise
from brain.home import ROOT
from brain.weights import LAYERS, LOWER, prepare


def test_most_sentences_are_known_to_the_layers_in_the_repository():
    kept = Checkpoint.load()
    assert kept is not None, "make tune"
    samples = [sample for sample, _ in read_nlu(sorted((ROOT / "data").rglob("nlu.*.yml")))]
    known, _ = kept.seen(marks(samples))
    assert (~known).mean() <= MOST_NEW / 2, f"{(~known).sum()} of {len(samples)} sentences are new: make tune"
    assert kept.labels == sorted({sample.label for sample in samples}), "other labels: make tune"


def test_layers_are_read_back_from_the_graph_that_serves(tmp_path):
    bundle = prepare()
    before = dict(np.load(bundle.upper))
    build(before, tmp_path / "plain.onnx", first=LOWER, last=LAYERS, embed=False, pool=True)
    quantise(tmp_path / "plain.onnx", tmp_path / "small.onnx")
    after = layers((tmp_path / "small.onnx").read_bytes())
    assert set(after) == set(before)
    for name, value in before.items():
        assert after[name].shape == value.shape
        # one step of a seven-bit scale per column at most
        assert np.abs(after[name] - value).max() <= np.abs(value).max() / 63 + 1e-6, name
