"""The guard itself: size, cleaning, masking, sealing, slashes; in this order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.guard.clean import clean
from gateway.guard.mask import find
from gateway.guard.slash import neutralise

LONGEST = 2_000
# Kinds of which the assistant warns the customer. A phone number is asked for at times, so it is only masked.
WARNED = ("card_number", "code", "id_number", "password")


class TextTooLong(Exception):
    """More than 2,000 code points."""


class TextEmpty(Exception):
    """Nothing that a person could read."""


@dataclass(frozen=True)
class Guarded:
    """What may be stored and sent on. `bare_code`: the text was nothing but a code, so `code_refs[0]` is to be submitted."""

    text: str
    code_refs: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    bare_code: bool = False


def guard(text: str, *, seal: Callable[[str], str]) -> Guarded:
    """Returns the text that may pass; `seal(code)` hides a six-digit code. Raises TextTooLong, TextEmpty."""
    if len(text) > LONGEST:
        raise TextTooLong
    text = clean(text)
    if not text.strip():
        raise TextEmpty
    out: list[str] = []
    refs: list[str] = []
    kinds: set[str] = set()
    last = 0
    for one in find(text):
        out += [text[last : one.start], one.stand_in]
        last = one.end
        kinds.add(one.kind)
        if one.kind == "code":
            refs.append(seal(one.digits))
    masked = "".join(out) + text[last:]
    safe = neutralise(masked)
    if not safe.strip():
        raise TextEmpty
    bare = len(refs) == 1 and re.fullmatch(r"[\W_]*\[code\][\W_]*", safe) is not None
    # A bare code is what the customer was asked for: no warning for it.
    notices = [kind for kind in WARNED if kind in kinds and not (kind == "code" and bare)]
    return Guarded(safe, refs, notices, bare)
