"""A model is made again when the code or the word lists that made it change."""

from pathlib import Path

from brain import recipe
from brain.classifier import BilingualIntentClassifier
from brain.entities import VocabularyEntityExtractor


def test_every_module_of_the_pipeline_counts():
    here = Path(recipe.__file__).parent
    imported = set()
    waiting = ["classifier", "entities", "normaliser", "tokenizer", "language"]
    while waiting:
        name = waiting.pop()
        if name in imported or not (here / f"{name}.py").exists():
            continue
        imported.add(name)
        for line in (here / f"{name}.py").read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[:1] == ["from"] and words[1].startswith("brain"):
                waiting += [words[1].removeprefix("brain.")] if words[1] != "brain" else [w.strip(",") for w in words[3:]]
    assert imported - set(recipe.MODULES) <= {"status", "threads", "home", "recipe"}


def test_rasa_sees_the_change(monkeypatch):
    before = BilingualIntentClassifier.fingerprint_addon({})
    monkeypatch.setenv("FAST", "1")
    assert BilingualIntentClassifier.fingerprint_addon({}) != before
    assert VocabularyEntityExtractor.fingerprint_addon({}) == recipe.fingerprint()
