"""Cuts mixed Chinese and Latin text into Rasa tokens: one Chinese character, one Latin word or one number each; no space is a token."""

from __future__ import annotations

import re
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from brain.recipe import fingerprint

TOKEN = re.compile(r"[^\W\d_\u3400-\u9fff\uf900-\ufaff]+(?:['’][^\W\d_]+)?|\d+|[\u3400-\u9fff\uf900-\ufaff]|[^\s\w]|_", re.UNICODE)


def tokenise(text: str) -> list[tuple[str, int]]:
    """Return (token, start) pairs."""
    return [(match.group(), match.start()) for match in TOKEN.finditer(text)]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class MixedTokenizer(Tokenizer):
    """Rasa's tokens for text in any mix of Chinese and Latin script."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None, "prefix_separator_symbol": None}

    @staticmethod
    def supported_languages() -> list[str] | None:
        return None

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        return fingerprint()

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave the training sentences as they are: nothing here learns from tokens, and Rasa would fingerprint each of them after every component."""
        return training_data

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Return the tokens of one attribute of a message."""
        return self._apply_token_pattern([Token(word, start) for word, start in tokenise(message.get(attribute) or "")])
