"""An executor that, cut off from its slot, does not notice: it goes on and writes what it was about to write.

`python -m bench.torture.sleepless` serves like `python -m binding`, but never looks after its slot, and notes in the file that
LATE_FILE names each answer of a bank that it brought to an operation which somebody else had ended meanwhile.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from bench.torture import light
from binding import executors, workflows
from binding.models import Operation
from binding.repository import operations
from binding.service.finish import UNDECIDED, take_answer

FOR_EVER_S = 1e6


def note_late(session: Session, *, owner: str, operation_id: str, answer: dict[str, Any], asked: int) -> Operation:
    """Take an answer, and note it when it comes too late."""
    found = operations.operation(session, owner, operation_id)
    if found is not None and found.status not in UNDECIDED:
        with Path(os.environ["LATE_FILE"]).open("a") as late:
            late.write(f"{operation_id}\n")
    return take_answer(session, owner=owner, operation_id=operation_id, answer=answer, asked=asked)


def main() -> int:
    """Serve."""
    executors.EVERY_S = FOR_EVER_S
    workflows.take_answer = note_late
    return light.main()


if __name__ == "__main__":
    sys.exit(main())
