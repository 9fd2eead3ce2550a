"""A line of a call: through the guard into the transcript, and to the brain for help. The same for an agent's typing and a recogniser."""

from __future__ import annotations

from typing import Any

from gateway import ids, metrics
from gateway.desk import assist, calls
from gateway.desk.people import Person
from gateway.desk.place import Place
from gateway.guard import TextEmpty, TextTooLong, guard
from gateway.models import Call, CallLine
from gateway.problems import Problem
from gateway.services import Services


async def take(services: Services, *, call: Call, speaker: str, text: str, client_id: str | None) -> CallLine:
    """Stores what was said, redacted; a code in a caller's line is sealed for that line of that call. Raises `empty_text`, `text_too_long`."""
    line_id = ids.fresh("line")
    refs: list[str] = []

    def seal(code: str) -> str:
        refs.append(services.sealer.seal(code=code, conversation=call.id, message=line_id))
        return refs[-1]

    try:
        found = guard(text, seal=seal)
    except TextTooLong:
        raise Problem("text_too_long", "At most 2,000 characters.") from None
    except TextEmpty:
        raise Problem("empty_text") from None
    for kind in found.notices:
        metrics.guarded.labels(kind).inc()
    sealed = refs[0] if speaker == "caller" and len(refs) == 1 else None
    kept, _ = await services.database.write(
        calls.add_line,
        call_id=call.id,
        speaker=speaker,
        text=found.text,
        line_id=line_id,
        sealed=sealed,
        client_id=client_id,
    )
    return kept


async def helped(services: Services, *, call: Call, person: Person, kept: CallLine) -> dict[str, Any] | None:
    """Returns the help for a caller's line and keeps what it was understood as; None when the brain is away: the call goes on."""
    here = Place("call", call.id, call.language, call.account if call.ended_at is None else None, person.username)
    try:
        found = await assist.assist(services, place=here, line_id=kept.id, text=kept.text, parse=None)
    except Problem as problem:
        if problem.code != "assistant_unavailable":
            raise
        return None
    await services.database.write(calls.understood, line_id=kept.id, parse=assist.parse_kept(found))
    return found
