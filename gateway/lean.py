"""Libraries without what they import wherever it is installed, for uses that are not ours: python-socketio its Redis managers and its client,
structlog its coloured console. A third of our start."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def _without(*names: str) -> Iterator[None]:
    """Makes the named packages look as if they were not installed, for the time of the block."""
    kept = {name: sys.modules.get(name) for name in names}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


with _without("redis", "requests", "rich"):
    import engineio
    import socketio
    import structlog

__all__ = ["engineio", "socketio", "structlog"]
