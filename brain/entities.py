"""The entity extractor as a Rasa component; `brain.naming` does the work."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from brain.naming import digits_of, extract, references, tails
from brain.recipe import fingerprint
from brain.vocabulary import Vocabulary

__all__ = ["VocabularyEntityExtractor", "digits_of", "extract", "references", "tails"]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class VocabularyEntityExtractor(GraphComponent, EntityExtractorMixin):
    """Rasa component around `extract`; the model keeps the vocabulary that it was trained with."""

    def __init__(self, storage: ModelStorage, resource: Resource, vocabulary: Vocabulary | None = None) -> None:
        self._storage, self._resource, self._vocabulary = storage, resource, vocabulary

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "VocabularyEntityExtractor":
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any
    ) -> "VocabularyEntityExtractor":
        with model_storage.read_from(resource) as folder:
            vocabulary = Vocabulary.parse((folder / "vocabulary.json").read_text(encoding="utf-8"))
        return cls(model_storage, resource, vocabulary)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        return fingerprint()

    def train(self, training_data: TrainingData) -> Resource:
        self._vocabulary = Vocabulary.read()
        with self._storage.write_to(self._resource) as folder:
            (folder / "vocabulary.json").write_text(self._vocabulary.dump(), encoding="utf-8")
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            found = extract(message.get(TEXT) or "", self._vocabulary) if self._vocabulary else []
            found = self.add_extractor_name(found)
            message.set(ENTITIES, (message.get(ENTITIES) or []) + found, add_to_output=True)
        return messages
