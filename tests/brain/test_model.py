"""A small model learns, survives the disk, answers without its encoders, and Rasa's component gives the promised properties."""

from dataclasses import replace

import numpy as np
import pytest
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from brain import classifier, status, training
from brain.checkpoint import Checkpoint, Fine
from brain.classifier import BilingualIntentClassifier
from brain.encoder import E5, Encoders
from brain.finetune import Settings
from brain.language import detect
from brain.model import Model, Sample
from brain.readings import Readings, mark
from brain.training import train
from tests.brain.conftest import SENTENCES

SAMPLES = [Sample(text, label, detect(text)) for label, texts in SENTENCES.items() for text in texts]


@pytest.fixture(scope="module")
def plain() -> Model:
    return train(SAMPLES, Encoders(), fast=True)


def best(model, text):
    return model.labels[int(model.predict(text).probabilities.argmax())]


def test_the_ngram_model_learns(plain):
    assert best(plain, "我要解绑银行卡") == "unbind_card"
    assert best(plain, "how do i remove my card") == "faq/unbind_card_howto"
    assert np.isclose(plain.predict("你好").probabilities.sum(), 1, atol=1e-4)


def test_it_is_the_same_each_time(plain):
    again = train(SAMPLES, Encoders(), fast=True)
    assert np.array_equal(again.predict("解绑卡吧").probabilities, plain.predict("解绑卡吧").probabilities)


def test_it_survives_the_disk(plain, tmp_path):
    plain.save(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".pkl", ".pickle", ".joblib")]
    loaded = Model.load(tmp_path, Encoders())
    assert np.allclose(loaded.predict("解绑卡吧").probabilities, plain.predict("解绑卡吧").probabilities, atol=1e-3)


def test_without_encoders_it_says_so_and_is_stricter(plain):
    status.clear()
    Model(labels=plain.labels, speller=plain.speller, space=plain.space, arrays=plain.arrays, rejection=plain.rejection, encoders=Encoders(), upper=None)
    assert status.degraded
    prediction = plain.predict("解绑")
    assert plain.decide(prediction, ["unbind_card", "greet"], np.array([0.89, 0.05])).name == "nlu_fallback"


def test_fine_tuning_keeps_what_serves(monkeypatch, tmp_path):
    encoders = Encoders.open()
    if not encoders.ready:
        pytest.skip("the encoder packages are not installed")
    monkeypatch.setattr(training, "SETTINGS", Settings(epochs=1.0))
    monkeypatch.setenv("JIEBANG_HOME", str(tmp_path / "home"))
    model = train(SAMPLES, encoders)
    model.save(tmp_path)
    loaded = Model.load(tmp_path, encoders)
    assert best(loaded, "请帮我把银行卡解绑") == "unbind_card"
    assert np.allclose(loaded.predict("解绑卡吧").probabilities, model.predict("解绑卡吧").probabilities, atol=2e-3)
    # the same file on a machine without the encoders
    alone = Model.load(tmp_path, Encoders())
    assert not alone.neural and status.degraded
    assert best(alone, "请帮我把银行卡解绑") == "unbind_card"


def test_layers_that_were_tuned_on_the_same_sentences_are_not_tuned_again(monkeypatch, tmp_path):
    encoders = Encoders.open()
    if not encoders.ready:
        pytest.skip("the encoder packages are not installed")
    monkeypatch.setattr(training, "SETTINGS", Settings(epochs=0.5))
    monkeypatch.setenv("JIEBANG_HOME", str(tmp_path))
    tuned = watch(monkeypatch)
    first, again = train(SAMPLES, encoders), train(SAMPLES, encoders)
    train([*SAMPLES, Sample("换个说法解绑", "unbind_card", "zh")], encoders)
    assert [what for what, _ in tuned] == ["anew", "anew"]
    assert np.array_equal(first.predict("解绑卡吧").probabilities, again.predict("解绑卡吧").probabilities)


def test_the_repositorys_layers_spare_the_tuning_and_a_few_new_sentences_go_on_from_them(monkeypatch, tmp_path):
    encoders = Encoders.open()
    if not encoders.ready:
        pytest.skip("the encoder packages are not installed")
    monkeypatch.setattr(training, "SETTINGS", Settings(epochs=2.0))
    monkeypatch.setenv("JIEBANG_HOME", str(tmp_path))
    path = tmp_path / "layers.npz"
    monkeypatch.setenv(training.WRITE, "1")
    monkeypatch.setattr(Checkpoint, "save", lambda self, save=Checkpoint.save: save(self, path))
    monkeypatch.setattr(Readings, "save", lambda self, save=Readings.save: save(self, tmp_path / "readings.npz"))
    monkeypatch.setattr(Readings, "load", lambda mark, load=Readings.load: load(mark, tmp_path / "readings.npz"))
    read = []
    monkeypatch.setattr(E5, "hidden_all", lambda self, texts, all=E5.hidden_all: read.append(len(texts)) or all(self, texts))
    tuned = watch(monkeypatch)
    first = train(SAMPLES, encoders)
    kept = Checkpoint.load(path)
    assert kept is not None and len(kept.marks) == len(SAMPLES) and 0 < kept.held.sum() < len(SAMPLES) / 2

    monkeypatch.setenv("JIEBANG_HOME", str(tmp_path / "another machine"))
    monkeypatch.delenv(training.WRITE)
    read.clear()
    same = train(SAMPLES, encoders, checkpoint=kept)
    assert [what for what, _ in tuned] == ["anew"] and not read, "what the layers make of the same sentences is known as well"
    assert np.allclose(first.predict("解绑卡吧").probabilities, same.predict("解绑卡吧").probabilities, atol=1e-3)

    more = [*SAMPLES, Sample("换个说法解绑", "unbind_card", "zh"), Sample("卡片再见了", "unbind_card", "zh")]
    grown = train(more, encoders, checkpoint=kept)
    assert [what for what, _ in tuned] == ["anew", "on"]
    assert read == [len(more)]
    assert best(grown, "卡片再见了") == "unbind_card" and best(grown, "你好") == "greet"
    known, held = kept.seen(tuned[1][1].marks)
    assert known.sum() == len(SAMPLES)
    assert not (tuned[1][1].held & known & ~held).any(), "a sentence that the first stage saw is not held out afterwards"

    other = [Sample(s.text + " 了", s.label, s.language) for s in SAMPLES]
    train(other, encoders, checkpoint=kept)
    assert [what for what, _ in tuned] == ["anew", "on", "anew"], "too much is new"


def test_readings_serve_only_what_they_were_made_of(tmp_path):
    rows = np.arange(12, dtype=np.float32).reshape(3, 4)
    fine = Fine(b"first", rows, b"last", rows, np.arange(3), rows[0])
    held = np.array([True, False, True])
    of = mark(["解绑", "你好", "hello"], fine, held, "encoder 1")
    Readings(of, rows.astype(np.float16), rows[0], b"memory").save(tmp_path / "readings.npz")
    found = Readings.load(of, tmp_path / "readings.npz")
    assert found is not None and found.memory == b"memory" and np.array_equal(found.head, rows)
    others = [
        mark(["解绑", "你好", "hello!"], fine, held, "encoder 1"),
        mark(["解绑", "你好", "hello"], replace(fine, graph=b"other"), held, "encoder 1"),
        mark(["解绑", "你好", "hello"], fine, ~held, "encoder 1"),
        mark(["解绑", "你好", "hello"], fine, held, "encoder 2"),
    ]
    assert len({of, *others}) == 5
    assert [Readings.load(other, tmp_path / "readings.npz") for other in others] == [None] * 4
    assert Readings.load(of, tmp_path / "none.npz") is None


def watch(monkeypatch) -> list:
    """Note each tuning: whether from nothing (`anew`) or `on` from a checkpoint, and its `Tune`."""
    tuned: list = []
    for what in ("anew", "on"):
        real = getattr(training.Tune, f"_{what}")
        monkeypatch.setattr(training.Tune, f"_{what}", lambda self, *rest, what=what, real=real: tuned.append((what, self)) or real(self, *rest))
    return tuned


def test_the_component(monkeypatch, tmp_path, storage, resource, context):
    monkeypatch.setenv("JIEBANG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(classifier.Encoders, "open", classmethod(lambda cls: cls()))
    messages = [Message.build(text=s.text, intent=s.label) for s in SAMPLES]
    messages.append(Message.build(text="pressed a button", intent="EXTERNAL_event"))
    messages.append(Message.build(text="the code", intent="submit_code"))
    config = {**BilingualIntentClassifier.get_default_config(), "exclude": ["submit_code"]}
    component = BilingualIntentClassifier.create(config, storage, resource, context)
    component.train(TrainingData(messages, responses={"utter_faq/unbind_card_howto": [{"text": "这样做"}]}))
    loaded = BilingualIntentClassifier.load(config, storage, resource, context)

    message = Message(data={"text": "怎么解绑银行卡呢"})
    loaded.process([message])
    ranking = message.get("intent_ranking")
    assert ranking[0]["name"] == "faq/unbind_card_howto" and len(ranking) <= 10
    assert not {"EXTERNAL_event", "submit_code"} & {row["name"] for row in ranking}
    assert message.get("response_selector")["faq"]["response"]["utter_action"] == "utter_faq/unbind_card_howto"
    assert set(message.get("certainty")) == {"probability", "margin", "inside", "reason", "doubts"}

    empty = Message(data={"text": ""})
    loaded.process([empty])
    assert empty.get("intent") == {"name": None, "confidence": 0.0}
