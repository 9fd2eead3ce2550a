"""The training files are read once, and what is read is what Rasa's own importer reads."""

import copy

import pytest
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.importers.rasa import RasaFileImporter

from brain import importer
from brain.home import ROOT
from brain.importer import OnceImporter, Sentence

NLU = """version: "3.1"
nlu:
- intent: unbind_card
  examples: |
    - 解绑[招行](bank)的卡
    - remove my card
    - remove my card
- intent: faq/unbind_card_time
  examples: |
    - how long does it take
- synonym: cmb
  examples: |
    - 招行
"""
RESPONSES = """version: "3.1"
nlu:
- intent: greet
  examples: |
    - 你好
responses:
  utter_faq/unbind_card_time:
  - text: soon
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "zh.yml").write_text(NLU, encoding="utf-8")
    (tmp_path / "more.yml").write_text(RESPONSES, encoding="utf-8")
    return str(tmp_path)


def test_it_reads_what_rasa_reads(folder):
    ours, theirs = OnceImporter(training_data_paths=[folder]).get_nlu_data(), RasaFileImporter(training_data_paths=[folder]).get_nlu_data()
    assert ours.fingerprint() == theirs.fingerprint()
    assert len(ours.training_examples) == 4 and ours.responses and ours.entity_synonyms


def test_each_file_is_read_once_however_often_rasa_asks(folder, monkeypatch):
    read = []
    load = importer.load_data
    monkeypatch.setattr(importer, "load_data", lambda file, language: read.append(file) or load(file, language))
    found = TrainingDataImporter.load_from_dict({"importers": [{"name": "brain.importer.OnceImporter"}]}, training_data_paths=[folder])
    found.get_domain(), found.get_nlu_data(), found.get_nlu_data("zh"), found.get_nlu_data(language="zh")
    assert len(read) == 2


def test_the_configuration_names_it():
    assert "brain.importer.OnceImporter" in (ROOT / "config.yml").read_text(encoding="utf-8")


def test_a_change_is_hashed_and_reaches_no_copy():
    sentence = Sentence(data={"text": "解绑", "intent": "unbind_card", "entities": [{"entity": "bank"}]})
    twin, before = copy.deepcopy(sentence), sentence.fingerprint()
    assert twin.fingerprint() == before
    sentence.set("intent", "unbind_card")
    assert sentence.fingerprint() == before
    entities = sentence.get("entities")
    entities.append({"entity": "tail"})
    sentence.set("entities", entities)
    assert sentence.fingerprint() != before and twin.get("entities") == [{"entity": "bank"}] and twin.fingerprint() == before
    sentence.set("intent", "bind_card")
    assert twin.get("intent") == "unbind_card" and isinstance(twin, Sentence)
