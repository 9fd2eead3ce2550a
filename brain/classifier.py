"""The intent classifier as a Rasa component: one model for all labels of both languages, with its rejection and the FAQ selection."""

from __future__ import annotations

import json
import logging
import shutil
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_RESPONSE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from brain import status
from brain.encoder import Encoders
from brain.language import detect
from brain.model import Model, Sample
from brain.recipe import fast, fingerprint
from brain.rejection import FALLBACK, OUT_OF_SCOPE
from brain.retrieval import attach, base
from brain.training import train_cached

logger = logging.getLogger(__name__)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class BilingualIntentClassifier(IntentClassifier, GraphComponent):
    """Predicts full labels (`faq/<topic>` or a plain intent), refuses, and asks back.

    Configuration: `exclude` (labels that only commands use; those that start with EXTERNAL_ always are), `ranking` (length), `seed`.
    Output: `intent`, `intent_ranking` (full labels), `response_selector`, `certainty` (probability, in-scope score, reason of a refusal).
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"exclude": [], "ranking": 10, "seed": 7}

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        return fingerprint()

    def __init__(
        self,
        config: dict[str, Any],
        storage: ModelStorage,
        resource: Resource,
        model: Model | None = None,
        responses: dict[str, list[dict[str, Any]]] | None = None,
    ) -> None:
        self._config, self._storage, self._resource = config, storage, resource
        self._model, self._responses = model, responses or {}

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "BilingualIntentClassifier":
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any
    ) -> "BilingualIntentClassifier":
        status.clear()
        with model_storage.read_from(resource) as folder:
            model = Model.load(folder, Encoders.open())
            responses = json.loads((folder / "responses.json").read_text(encoding="utf-8"))
        return cls(config, model_storage, resource, model, responses)

    def _samples(self, training_data: TrainingData) -> list[Sample]:
        samples = []
        for message in training_data.intent_examples:
            label = message.get(INTENT_RESPONSE_KEY) or message.get(INTENT)
            text = message.get(TEXT)
            if text and not label.startswith("EXTERNAL_") and label not in self._config["exclude"]:
                samples.append(Sample(text, label, detect(text)))
        return samples

    def train(self, training_data: TrainingData) -> Resource:
        samples = self._samples(training_data)
        responses = {name: list(rows) for name, rows in training_data.responses.items() if name.startswith("utter_faq/")}
        with self._storage.write_to(self._resource) as folder:
            if samples:
                shutil.copytree(train_cached(samples, Encoders.open(), seed=self._config["seed"], fast=fast()), folder, dirs_exist_ok=True)
            (folder / "responses.json").write_text(json.dumps(responses, ensure_ascii=False), encoding="utf-8")
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self._judge(message)
        return messages

    def _judge(self, message: Message) -> None:
        text = message.get(TEXT)
        if self._model is None or not text:
            message.set(INTENT, {"name": None, "confidence": 0.0}, add_to_output=True)
            message.set("intent_ranking", [], add_to_output=True)
            return
        prediction = self._model.predict(text)
        order = np.argsort(-prediction.probabilities)
        names = [self._model.labels[i] for i in order]
        ranking = [{"name": self._model.labels[i], "confidence": float(prediction.probabilities[i])} for i in order]
        verdict = self._model.decide(prediction, names, prediction.probabilities[order])
        top = ranking[: self._config["ranking"]]
        if verdict.name in (FALLBACK, OUT_OF_SCOPE) and verdict.reason == "far" and verdict.name == OUT_OF_SCOPE:
            top = sorted(top, key=lambda row: row["name"] != OUT_OF_SCOPE)
        message.set(INTENT, {"name": base(verdict.name), "confidence": verdict.confidence}, add_to_output=True)
        message.set("intent_ranking", top, add_to_output=True)
        message.set(
            "certainty",
            {
                "probability": ranking[0]["confidence"],
                "margin": ranking[0]["confidence"] - ranking[1]["confidence"] if len(ranking) > 1 else 1.0,
                "inside": prediction.inside,
                "reason": verdict.reason,
                "doubts": sorted(prediction.doubts),
            },
            add_to_output=True,
        )
        attach(message, ranking, self._responses)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data
