"""What became of an operation that was begun in a call: a line of its transcript, whether or not the call still goes on."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from gateway import ids, outcomes, words
from gateway.desk import calls
from gateway.models import Call, now


def tell(session: Session, *, call_id: str, account: Any, kind: str, operation: dict[str, Any]) -> bool:
    """Writes the end of an operation into its call, once, and moves the call to the top of its agent's list; tells whether there is such a call.

    `kind`: the event's type. What is under way only moves the call, so that an open page asks how it stands.
    """
    call = session.get(Call, call_id) if ids.looks_right(call_id, "call") else None
    if call is None or call.account is None or call.account != account:
        return False
    call.updated_at = now()
    status = str(operation.get("status"))
    if kind == "operation.updated" and status in outcomes.ENDS:
        text = words.one(f"operation_{status}", call.language, what=outcomes.described(operation, call.language))
        once = f"outcome|{operation.get('id')}|{status}"
        calls.add_line(session, call_id=call.id, speaker="system", text=text, client_id=once)
    return True
