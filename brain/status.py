"""What the understanding of this process lacks. `degraded` is a plain module attribute, so that /readyz can read it without knowing the pipeline."""

import logging

logger = logging.getLogger(__name__)

degraded: list[str] = []


def report(reason: str) -> None:
    """Record and log, once per process, a reason why understanding is worse than it should be."""
    if reason not in degraded:
        degraded.append(reason)
        logger.warning("understanding is degraded: %s", reason)


def clear() -> None:
    """Forget all reasons (a new model is being loaded)."""
    degraded.clear()
