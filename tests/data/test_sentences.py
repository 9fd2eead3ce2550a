"""The training sentences keep the annotation guide: twins, numbers, labels, no sentence twice, nothing that a test must find unseen."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict

import pytest

from tests.data.corpus import DATA, Sentence, blind, files, same, training, traps

OPERATIONS = (
    "unbind_card", "close_quick_pay", "bind_card", "unbind_wallet", "bind_wallet", "cancel_auto_deduction",
    "check_bindings", "check_request_status", "check_auto_deductions",
)  # fmt: skip
TOPICS = (
    "cancel_quick_pay_howto", "unbind_card_howto", "unbind_duration", "unbind_delayed", "unbind_failed", "unbind_effect_on_orders",
    "unbind_privacy", "auto_deduction_effect", "rebind_howto", "verification_methods", "sms_code_not_received", "phone_number_changed",
    "payment_password_forgotten", "payment_security_tips", "unbind_notification", "keep_record", "confirm_unbound", "card_bind_howto",
    "card_bind_failed", "replace_card", "wallet_definition", "wallet_supported", "wallet_bind_howto", "wallet_bind_failed",
    "wallet_pay_howto", "wallet_benefits", "wallet_unbind_howto", "wallet_unbind_failed", "wallet_security", "hotline",
    "jintiao_vs_finance", "close_account", "lost_card_or_phone",
)  # fmt: skip
SAFETY = ("report_fraud", "third_party_request")
TALK = (
    "greet", "goodbye", "thank", "affirm", "deny", "stop", "correct", "resend_code", "human_handoff", "bot_challenge", "complain",
    "repeat", "switch_language", "inform", "out_of_scope",
)  # fmt: skip
LABELS = {*OPERATIONS, *(f"faq/{topic}" for topic in TOPICS), *SAFETY, *TALK}
AT_LEAST = {**dict.fromkeys(LABELS, 25), **dict.fromkeys((*OPERATIONS, "affirm", "deny", "stop", "correct"), 60), "out_of_scope": 300}

SIX_DIGITS = re.compile(r"(?<!\d)\d{6}(?!\d)")
LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){10,}")
MACHINE_PATH = re.compile(r"(?:^|[\s\"'(])(?:/(?:root|home|work|tmp|Users|opt|var)/|[A-Za-z]:\\)")


def real() -> list[Sentence]:
    """Returns the training sentences of customers."""
    return [sentence for sentence in training() if not sentence.label.startswith("EXTERNAL_")]


def listing(found: list[str]) -> str:
    return f"{len(found)} found:\n" + "\n".join(found[:40])


def test_every_file_has_a_twin():
    names = {str(path.relative_to(DATA)) for path in files()}
    other = {"nlu.zh.yml": "nlu.en.yml", "nlu.en.yml": "nlu.zh.yml"}
    assert all(name.rsplit("/", 1)[1] in other for name in names), names
    missing = sorted(name for name in names if name.replace(name.rsplit("/", 1)[1], other[name.rsplit("/", 1)[1]]) not in names)
    assert not missing, listing(missing)


def test_the_labels_are_those_of_the_guide():
    assert {sentence.label for sentence in real()} == LABELS


def test_commands_are_the_only_other_labels_and_carry_no_customer_words():
    commands = [sentence for sentence in training() if sentence.label.startswith("EXTERNAL_")]
    assert commands
    assert all(re.fullmatch(r"<(command|命令) \w+>", sentence.text) for sentence in commands)


def test_every_label_has_enough_sentences_in_both_languages():
    counts = Counter((sentence.label, sentence.language) for sentence in real())
    few = [
        f"{label} {language}: {counts[label, language]} of {least}"
        for label, least in sorted(AT_LEAST.items())
        for language in ("zh", "en")
        if counts[label, language] < least
    ]
    assert not few, listing(few)


def test_no_sentence_stands_twice():
    places = defaultdict(list)
    for sentence in real():
        places[same(sentence.text)].append(sentence)
    twice = ["\n  ".join(map(str, group)) for group in places.values() if len(group) > 1 and len({s.label for s in group}) == 1]
    assert not twice, listing(twice)


def test_no_sentence_has_two_labels():
    places = defaultdict(list)
    for sentence in real():
        places[same(sentence.text)].append(sentence)
    torn = ["\n  ".join(map(str, group)) for group in places.values() if len({s.label for s in group}) > 1]
    assert not torn, listing(torn)


def test_no_test_sentence_was_trained_with():
    unseen = {same(sentence.text) for sentence in blind()} | {same(text) for text in traps()}
    seen = [str(sentence) for sentence in real() if same(sentence.text) in unseen]
    assert not seen, listing(seen)


@pytest.mark.parametrize("where", ["training", "blind"])
def test_sentences_are_clean(where):
    odd = []
    for sentence in real() if where == "training" else blind():
        for c in sentence.text:
            if unicodedata.category(c) in ("Cc", "Co", "Cn", "Cs"):
                odd.append(f"control character {c!r}: {sentence}")
        if any(number != "950618" for number in SIX_DIGITS.findall(sentence.text)):
            odd.append(f"six digits: {sentence}")
        if LONG_NUMBER.search(sentence.text):
            odd.append(f"a long number: {sentence}")
        if MACHINE_PATH.search(sentence.text):
            odd.append(f"a path: {sentence}")
        if "](" in sentence.text or re.search(r"[{}]", sentence.text):
            odd.append(f"looks like a broken mark: {sentence}")
        if not sentence.text or sentence.text != sentence.text.strip():
            odd.append(f"empty or padded: {sentence}")
    assert not odd, listing(odd)


def test_test_sentences_keep_their_labels_too():
    assert {sentence.label for sentence in blind()} <= LABELS
    labels = defaultdict(set)
    for sentence in blind():
        labels[same(sentence.text)].add(sentence.label)
    assert not [text for text, found in labels.items() if len(found) > 1]
