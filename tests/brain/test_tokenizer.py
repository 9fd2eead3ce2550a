"""Tokens of mixed text: no spaces, words whole, Chinese by character, and starts that are true."""

from rasa.shared.nlu.training_data.message import Message

from brain.tokenizer import MixedTokenizer, tokenise


def test_mixed_text():
    assert [word for word, _ in tokenise("unbind my 招行 card 1234, don't!")] == ["unbind", "my", "招", "行", "card", "1234", ",", "don't", "!"]


def test_starts_point_at_the_token():
    text = "解绑 Apple Pay，谢谢"
    assert all(text[start : start + len(word)] == word for word, start in tokenise(text))


def test_component_gives_rasa_tokens():
    component = MixedTokenizer({**MixedTokenizer.get_default_config()})
    message = Message.build(text="解绑 card")
    component.process([message])
    assert [token.text for token in message.get("text_tokens")] == ["解", "绑", "card"]
    assert all(token.text.strip() for token in message.get("text_tokens"))
