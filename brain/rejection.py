"""Decides whether a prediction may stand: refuses what is far from everything known, asks back between neighbours, and holds operations to a higher certainty.

All limits are learnt from held-out scores (per language) and live in the model.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

OUT_OF_SCOPE, FALLBACK = "out_of_scope", "nlu_fallback"
OPERATIONS = (
    "unbind_card", "close_quick_pay", "bind_card", "unbind_wallet", "bind_wallet",
    "cancel_auto_deduction", "check_bindings", "check_request_status", "check_auto_deductions",
)  # fmt: skip
# the act that each changing operation is said with
ACTS = {"unbind_card": "unbind", "unbind_wallet": "unbind", "bind_card": "bind", "bind_wallet": "bind", "close_quick_pay": "close", "cancel_auto_deduction": "close"}
# reading one's own bindings changes nothing, so it is held to less
READING = ("check_bindings", "check_request_status", "check_auto_deductions")


@dataclass
class Limits:
    """Limits of one language. `far`: least in-scope score; `near`: least probability; `act`/`read`: least probability of an operation; `doubt`: the same where the mood
    speaks against it, or where the in-scope score is below `strange`."""

    far: float = -4.0
    near: float = 0.25
    act: float = 0.6
    read: float = 0.5
    doubt: float = 0.9
    # Of the operations that blind sentences wanted and that were less than 0.95 sure, a quarter lay below this score; of those that traps would have
    # started at that certainty, most.
    strange: float = -1.0

    def stricter(self) -> "Limits":
        """Return the limits of a degraded assistant, which must be surer before it acts."""
        return Limits(self.far, min(0.9, self.near + 0.1), max(0.9, self.act), max(0.8, self.read), max(0.98, self.doubt), self.strange)


@dataclass
class Verdict:
    """What to answer: `name` is a label, `out_of_scope` or `nlu_fallback`; `reason` says why it is not simply the best label."""

    name: str
    confidence: float
    reason: str | None = None


@dataclass
class Rejection:
    """Limits per language (`zh`, `en`)."""

    limits: dict[str, Limits] = field(default_factory=lambda: {"zh": Limits(), "en": Limits()})

    def state(self) -> dict[str, Any]:
        return {language: asdict(limits) for language, limits in self.limits.items()}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Rejection":
        return cls({language: Limits(**values) for language, values in state.items()})

    def stricter(self) -> "Rejection":
        """Return the rejection of a degraded assistant."""
        return Rejection({language: limits.stricter() for language, limits in self.limits.items()})

    def decide(self, *, names: list[str], probabilities: np.ndarray, inside: float, language: str, doubts: set[str]) -> Verdict:
        """Judge one prediction: labels and their probabilities (best first), the in-scope score, the language and the doubtful moods,
        an act among them (`unbind`, `bind`, `close`) that is only denied, supposed, quoted or told never starts, however sure the model is."""
        limits = self.limits[language]
        best, p = names[0], float(probabilities[0])
        if best == OUT_OF_SCOPE:
            return Verdict(best, p)
        if inside < limits.far:
            refused = float(probabilities[names.index(OUT_OF_SCOPE)]) if OUT_OF_SCOPE in names else 0.0
            return Verdict(OUT_OF_SCOPE if refused >= 0.1 else FALLBACK, 1.0 - p, "far")
        if ACTS.get(best) in doubts:
            return Verdict(FALLBACK, 1.0 - p, "unmeant")
        if best in OPERATIONS:
            moods = doubts - set(ACTS.values())  # another act that is not meant says nothing of this one
            needed = limits.read if best in READING else limits.doubt if moods or inside < limits.strange else limits.act
            if p < needed:
                return Verdict(FALLBACK, 1.0 - p, "operation")
        if p < limits.near:
            return Verdict(FALLBACK, 1.0 - p, "near")
        return Verdict(best, p)


def least(values: np.ndarray, right: np.ndarray, precision: float, floor: float, ceiling: float = 0.995) -> float:
    """Return the smallest limit in [floor, ceiling] above which at least `precision` of the predictions are right."""
    order = np.argsort(-values)
    v, r = values[order], right[order].astype(float)
    if not len(v):
        return floor
    # one assumed error keeps a limit honest where few examples stand above it
    rate = np.cumsum(r) / (np.arange(len(r)) + 1 + 0.5)
    last = np.append(v[1:] < v[:-1], True)  # equal values stand or fall together
    good = np.where((rate >= precision) & last)[0]
    return float(np.clip(v[good[-1]] if len(good) else ceiling, floor, ceiling))


def lean(scores: np.ndarray, out: int, truth: np.ndarray, budget: float = 0.006) -> float:
    """Return what may be added to the out-of-scope column of calibrated scores: all that costs at most `budget` of the known messages that were right."""
    rest = np.delete(scores, out, axis=1)
    known = (truth != out) & (scores.argmax(axis=1) == truth)
    if known.sum() < 50:
        return 0.0
    return float(np.clip(np.quantile(rest[known].max(axis=1) - scores[known, out], budget), 0.0, 4.0))


def calibrate(
    *,
    predicted: np.ndarray,
    probability: np.ndarray,
    inside: np.ndarray,
    truth: np.ndarray,
    languages: np.ndarray,
    doubtful: np.ndarray,
    precision: float = 0.98,
    refuse: float = 0.003,
) -> Rejection:
    """Learn the limits from held-out predictions: operations right in `precision` of the cases, at most `refuse` of in-scope messages refused as far."""
    result = Rejection()
    right = predicted == truth
    reading = np.isin(predicted, READING)
    acting = np.isin(predicted, OPERATIONS) & ~reading
    # Probabilities are calibrated per language, so both languages may share the sentences that these limits need most. The ceilings: among the
    # held-out sentences far more only speak of an operation than among customers' messages, so that a limit without one would ask back too often.
    act = least(probability[acting & ~doubtful], right[acting & ~doubtful], precision, 0.5, 0.78)
    doubt = max(act, least(probability[acting & doubtful], right[acting & doubtful], precision, 0.93, 0.95))
    read = least(probability[reading], right[reading], precision, 0.4, 0.5)
    for language in ("zh", "en"):
        mine = languages == language
        limits = result.limits[language]
        limits.act, limits.doubt, limits.read = act, doubt, read
        known = mine & (truth != OUT_OF_SCOPE) & (predicted != OUT_OF_SCOPE)
        if known.sum() < 50:
            continue
        limits = result.limits[language]
        limits.far = float(np.quantile(inside[known & right], refuse))
        # ask back where a guess would be wrong more often than right
        other = known & ~np.isin(predicted, OPERATIONS)
        grid = np.arange(0.1, 0.6, 0.02)
        wrong = [np.mean(right[other & (probability < g) & (probability >= g - 0.1)]) if np.any(other & (probability < g) & (probability >= g - 0.1)) else 1.0 for g in grid]
        below = [g for g, w in zip(grid, wrong) if w < 0.4]
        limits.near = min(0.4, float(below[-1])) if below else 0.15
    return result
