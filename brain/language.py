"""Tells the language of a message: zh, en or None where it has none of its own (a number, a code, an emoji, only names that both languages share)."""

from __future__ import annotations

import re
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from brain.normaliser import HAN, PLACEHOLDER
from brain.pinyin import looks_typed
from brain.recipe import fingerprint

WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
# names and chat words that a Chinese sentence uses as they are, so that they say nothing about its language
SHARED = frozenset(
    "app ok okay jd pay apple alipay wechat unionpay paypal visa mastercard huawei mi vip plus pin sms otp nfc qr id atm pos cvv "
    "icbc ccb abc boc bocom cmb psbc citic ceb cmbc cib spdb pab gdb hxb pingan icloud iphone ios android wifi hi hello bye emo jb op".split()
)


def detect(text: str) -> str | None:
    """Return `zh`, `en`, or None for a text that belongs to neither; mixed text belongs to the language of its frame."""
    lowered = PLACEHOLDER.sub(" ", text).lower().replace("’", "'")
    han = len(HAN.findall(lowered))
    words = WORD.findall(lowered)
    plain = [word for word in words if word not in SHARED and len(word) > 1 or word in ("i", "a")]
    if not han:
        if not plain:
            return "en" if any(word in ("hi", "hello", "bye") for word in words) else None
        return "zh" if looks_typed(lowered) else "en"
    # one English word weighs about two Chinese characters
    return "en" if 2 * len(plain) > 1.5 * han and len(plain) >= 3 else "zh"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class LanguageTagger(GraphComponent):
    """Writes `language` (zh, en or null) into the parse result."""

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> "LanguageTagger":
        return cls()

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        return fingerprint()

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            message.set("language", detect(message.get(TEXT) or ""), add_to_output=True)
        return messages
