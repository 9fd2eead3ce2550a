"""How a form reads a message: what fills, what does not, and who wins."""
from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actions.choosing import choose
from actions.operations import ALL, BY_INTENT
from actions.reading import Flow, Message, read

CARDS = [
    {"id": "card_a", "bank": "cmb", "tail": "1234", "type": "debit"},
    {"id": "card_b", "bank": "icbc", "tail": "5678", "type": "debit"},
    {"id": "card_c", "bank": "cmb", "tail": "9012", "type": "credit"},
]
UNBIND, CLOSE = BY_INTENT["unbind_card"], BY_INTENT["close_quick_pay"]


def said(intent: str, *, requested: str | None = "target", target: str | None = None, kind: Any = UNBIND, choices: tuple[str, ...] = (), items: Any = CARDS, **entities: Any) -> dict[str, Any]:
    """Reads one message."""
    return read(kind=kind, flow=Flow(requested=requested, target=target, choices=choices), message=Message(intent=intent, entities=entities), items=items)


def test_a_bank_with_one_card_settles_it() -> None:
    assert said("inform", bank="icbc")["target"] == "card_b"


def test_two_cards_of_one_bank_are_asked_about() -> None:
    assert said("inform", bank="cmb") | {} == {"target": None, "note": "ambiguous", "note_value": None, "choices": ["card_a", "card_c"], "confirmed": None, "code_ref": None, "method": None}


def test_an_ordinal_counts_along_the_list_that_was_shown() -> None:
    assert said("inform", ordinal="second", choices=("card_c", "card_a"))["target"] == "card_a"
    assert said("inform", ordinal="last")["target"] == "card_c"
    assert said("inform", ordinal="fourth")["note"] == "not_found"


def test_a_card_that_is_being_unbound_is_only_meant_when_nothing_else_can_be() -> None:
    """Who asks again for it hears how far it is; who asks for "my card" means the other one."""
    first, second, third = CARDS
    leaving = [{**first, "busy": True}, second, third]
    assert said("unbind_card", requested=None, bank="cmb", items=leaving)["target"] == "card_c"
    assert said("unbind_card", requested=None, card_tail="1234", items=leaving)["target"] == "card_a"
    assert said("unbind_card", requested=None, items=leaving[:2])["target"] == "card_b"
    assert said("unbind_card", requested=None, items=leaving[:1])["target"] == "card_a"


def test_the_other_one_is_the_one_that_is_not_chosen() -> None:
    assert said("correct", requested="confirmed", target="card_a", ordinal="other", items=CARDS[:2])["target"] == "card_b"
    assert said("correct", requested="confirmed", target="card_a", ordinal="other")["note"] == "ambiguous"


def test_what_is_not_there_is_named() -> None:
    found = said("inform", bank="ccb", card_tail="4321")
    assert (found["target"], found["note"], found["note_value"]) == (None, "not_found", "ccb 4321")


def test_all_at_once_only_where_that_exists() -> None:
    assert said("inform", kind=CLOSE, ordinal=ALL)["target"] == ALL
    assert said("inform", ordinal=ALL)["note"] == "one_at_a_time"
    assert said("inform", kind=CLOSE, ordinal=ALL, items=CARDS[:1])["target"] == "card_a"


def test_a_question_or_a_fraud_report_that_names_a_bank_fills_nothing() -> None:
    for intent in ("faq", "report_fraud", "third_party_request", "check_bindings", "thank", "complain", "close_quick_pay"):
        for requested in ("target", "confirmed", "code_ref"):
            assert said(intent, requested=requested, target="card_a", bank="icbc") == {}


def test_yes_and_no_answer_only_the_confirmation() -> None:
    assert said("affirm", requested="confirmed", target="card_a") == {"confirmed": True}
    assert said("deny", requested="confirmed", target="card_a") == {"confirmed": False}
    assert said("affirm", requested="target") == {} == said("affirm", requested="code_ref", target="card_a")


def test_no_with_the_name_of_the_card_at_hand_is_a_no() -> None:
    assert said("deny", requested="confirmed", target="card_b", bank="icbc") == {"confirmed": False}
    assert said("deny", requested="confirmed", target="card_a", bank="icbc") == {}


def test_a_correction_takes_back_the_yes_and_the_code() -> None:
    found = said("correct", requested="code_ref", target="card_a", bank="icbc")
    assert (found["target"], found["confirmed"], found["code_ref"], found["method"]) == ("card_b", None, None, None)
    assert said("correct", requested="confirmed", target="card_a")["note"] == "which"


def test_a_code_fills_only_when_it_was_asked_for() -> None:
    assert said("inform", requested="code_ref", target="card_a", code_ref="code_1") == {"code_ref": "code_1"}
    assert said("nlu_fallback", requested="code_ref", target="card_a", code_ref="code_1") == {"code_ref": "code_1"}
    assert "code_ref" not in said("inform", requested="confirmed", target="card_a", code_ref="code_1")
    assert said("faq", requested="code_ref", target="card_a", code_ref="code_1") == {}


def test_the_only_card_needs_no_question() -> None:
    assert said("unbind_card", requested=None, items=CARDS[:1])["target"] == "card_a"
    assert said("unbind_card", requested=None) == {}


def test_a_merchant_is_found_by_a_part_of_its_name() -> None:
    agreements = [{"id": "agr_1", "merchant": "网易云音乐", "card_id": "card_a"}, {"id": "agr_2", "merchant": "爱奇艺", "card_id": "card_b"}]
    kind = BY_INTENT["cancel_auto_deduction"]
    assert said("inform", kind=kind, items=agreements, merchant="网易云")["target"] == "agr_1"


hints = st.fixed_dictionaries({}, optional={"bank": st.sampled_from(["cmb", "icbc", "ccb"]), "card_tail": st.sampled_from(["1234", "5678", "0000"]), "ordinal": st.sampled_from(["first", "second", "third", "fourth", "last"]),
                                            "card_type": st.sampled_from(["debit", "credit"])})


@given(hints=hints, shown=st.permutations([card["id"] for card in CARDS]))
def test_what_is_chosen_always_fits_every_hint(hints: dict[str, str], shown: list[str]) -> None:
    choice = choose(objects="card", hints=hints, items=CARDS, shown=shown)
    if choice.found is None:
        return
    card = next(card for card in CARDS if card["id"] == choice.found)
    assert hints.get("bank", card["bank"]) == card["bank"] and hints.get("card_tail", card["tail"]) == card["tail"] and hints.get("card_type", card["type"]) == card["type"]


@given(intent=st.sampled_from(["affirm", "deny", "inform", "correct", "faq", "stop", "nlu_fallback", "out_of_scope", "unbind_card", "report_fraud"]), requested=st.sampled_from([None, "target", "confirmed", "code_ref"]), hints=hints)
def test_nothing_but_a_yes_to_the_confirmation_confirms(intent: str, requested: str | None, hints: dict[str, str]) -> None:
    found = said(intent, requested=requested, target="card_a", **hints)
    if found.get("confirmed"):
        assert intent == "affirm" and requested == "confirmed"


def test_ruling_out_what_is_not_on_the_list_settles_nothing() -> None:
    assert said("correct", bank="ccb") == {} == said("deny", bank="ccb")
