"""FAQ labels are handed to Rasa as its own ResponseSelector would."""

from rasa.shared.nlu.training_data.message import Message

from brain.retrieval import attach, base

RANKING = [{"name": "faq/unbind_duration", "confidence": 0.8}, {"name": "unbind_card", "confidence": 0.1}, {"name": "faq/unbind_failed", "confidence": 0.05}]


def test_rasa_answers_from_it():
    from rasa.core.actions.action import ActionRetrieveResponse
    from rasa.core.processor import MessageProcessor
    from rasa.shared.core.events import UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    message = Message(data={"text": "要多久"})
    attach(message, RANKING, {"utter_faq/unbind_duration": [{"text": "一般实时"}]})
    parsed = {"intent": {"name": base("faq/unbind_duration"), "confidence": 0.8}, "response_selector": message.get("response_selector")}
    MessageProcessor._update_full_retrieval_intent(None, parsed)
    assert parsed["intent"]["full_retrieval_intent_name"] == "faq/unbind_duration"
    tracker = DialogueStateTracker.from_events("someone", [UserUttered("要多久", parse_data={"text": "要多久", "entities": [], "intent_ranking": [], **parsed})])
    assert ActionRetrieveResponse("utter_faq").get_full_retrieval_name(tracker) == "utter_faq/unbind_duration"


def test_the_best_faq_is_named_even_under_another_intent():
    message = Message(data={"text": "x"})
    attach(message, RANKING[1:], {})
    chosen = message.get("response_selector")["faq"]["response"]
    assert chosen["intent_response_key"] == "faq/unbind_failed" and chosen["responses"]


def test_no_faq_no_property():
    message = Message(data={"text": "x"})
    attach(message, RANKING[1:2], {})
    assert message.get("response_selector") is None
