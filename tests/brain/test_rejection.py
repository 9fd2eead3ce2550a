"""What may stand, what is refused, and what is asked back."""

import numpy as np

from brain.rejection import FALLBACK, OUT_OF_SCOPE, Limits, Rejection, calibrate, lean, least

LIMITS = Rejection({"zh": Limits(far=-3, near=0.3, act=0.7, read=0.6, doubt=0.95), "en": Limits()})


def verdict(best, p, *, inside=0.0, doubts=(), second="faq/unbind_duration"):
    return LIMITS.decide(names=[best, second, OUT_OF_SCOPE], probabilities=np.array([p, 0.02, 0.01]), inside=inside, language="zh", doubts=set(doubts))


def test_a_sure_operation_starts():
    assert verdict("unbind_card", 0.9).name == "unbind_card"


def test_an_unsure_operation_is_asked_back():
    answer = verdict("unbind_card", 0.6)
    assert (answer.name, answer.reason) == (FALLBACK, "operation")


def test_a_doubtful_mood_asks_for_more():
    assert verdict("unbind_card", 0.9, doubts={"not"}).name == FALLBACK
    assert verdict("unbind_card", 0.97, doubts={"not"}).name == "unbind_card"


def test_an_act_that_is_not_meant_never_starts_and_another_one_is_no_doubt():
    assert verdict("unbind_card", 0.999, doubts={"unbind"}).reason == "unmeant"
    assert verdict("unbind_card", 0.9, doubts={"bind"}).name == "unbind_card"
    assert verdict("unbind_card", 0.9, doubts={"bind", "not"}).name == FALLBACK


def test_an_odd_sentence_must_be_as_sure_as_a_doubtful_one():
    assert verdict("unbind_card", 0.9, inside=-1.5).name == FALLBACK
    assert verdict("unbind_card", 0.97, inside=-1.5).name == "unbind_card"


def test_reading_needs_less_than_acting():
    assert verdict("check_bindings", 0.65).name == "check_bindings"


def test_an_answer_needs_less_than_an_operation():
    assert verdict("faq/unbind_duration", 0.6, second="unbind_card").name == "faq/unbind_duration"
    assert verdict("faq/unbind_duration", 0.2, second="unbind_card").reason == "near"


def test_far_from_everything_is_refused_however_sure():
    assert verdict("unbind_card", 0.99, inside=-5).name == FALLBACK
    assert verdict(OUT_OF_SCOPE, 0.2).name == OUT_OF_SCOPE


def test_a_degraded_assistant_is_stricter():
    strict = LIMITS.stricter().limits["zh"]
    assert strict.act >= 0.9 and strict.doubt > strict.act and strict.near > 0.3


def test_least_reaches_the_precision():
    values, right = np.array([0.9] * 200 + [0.6] * 100), np.array([True] * 200 + [True] * 50 + [False] * 50)
    limit = least(values, right, 0.99, 0.3)
    assert 0.6 < limit <= 0.9
    assert least(np.array([]), np.array([]), 0.99, 0.3) == 0.3


def test_calibration_is_kept_on_disk_as_numbers():
    n = 400
    random = np.random.RandomState(0)
    truth = np.array(["unbind_card", "faq/unbind_duration"] * (n // 2))
    learnt = calibrate(
        predicted=truth, probability=random.uniform(0.5, 1, n), inside=random.normal(size=n), truth=truth, languages=np.array(["zh", "en"] * (n // 2)), doubtful=np.zeros(n, bool)
    )  # fmt: skip
    assert Rejection.restore(learnt.state()).state() == learnt.state()


def test_out_of_scope_may_lean_only_as_far_as_known_messages_allow():
    truth = np.array([0] * 100 + [1] * 100)
    scores = np.column_stack([np.where(truth == 0, 3.0, 0.0), np.where(truth == 1, 3.0, np.linspace(0, 2, 200))])
    assert 0 < lean(scores, 1, truth) < 3
    assert lean(scores, 1, truth, budget=0.0) <= lean(scores, 1, truth, budget=0.1)
