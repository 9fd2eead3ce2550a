"""Reads the training files once: Rasa 3.6 asks for them three times in one training, and hashes and copies every sentence some ten times more."""

from __future__ import annotations

import copy
from typing import Any

from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

# What a copy may share with its original, for nothing can change it.
_FIXED = (str, int, float, bool, type(None))


class Sentence(Message):
    """A training sentence that is hashed anew only when something of it has changed, and copied no deeper than need be."""

    @classmethod
    def of(cls, message: Message) -> "Sentence":
        """Return the same message as a sentence."""
        made = cls(message.data, message.output_properties, message.time, message.features)
        made._cached_fingerprint = message._cached_fingerprint
        return made

    def set(self, prop: str, info: Any, add_to_output: bool = False) -> None:
        """Set a property. Rasa strips every label at every merge, which for most of them changes nothing; a list may have been changed where it is."""
        if add_to_output or not isinstance(info, str) or self.data.get(prop) != info:
            super().set(prop, info, add_to_output)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Sentence":
        data = {name: value if isinstance(value, _FIXED) else copy.deepcopy(value, memo) for name, value in self.data.items()}
        twin = Sentence(data, set(self.output_properties), self.time, copy.deepcopy(self.features, memo))
        twin._cached_fingerprint = self._cached_fingerprint
        return twin


class OnceImporter(RasaFileImporter):
    """Rasa's importer of files, which keeps what it has read. The sentences of all languages stand in the same files, so the language asked for is of no matter."""

    _read: TrainingData | None = None

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        """Return the sentences and responses of all files; whoever merges them gets copies."""
        if self._read is None:
            files = [load_data(file, language) for file in self._nlu_files]
            for one in files:
                one.training_examples = [Sentence.of(message) for message in one.training_examples]
            self._read = TrainingData().merge(*files)
        return self._read
