"""The bodies of the desk's requests that more than one file takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StrictStr

Text = Annotated[StrictStr, Field(max_length=4000)]
ClientId = Annotated[StrictStr, Field(min_length=1, max_length=128)]
Name = Annotated[StrictStr, Field(min_length=1, max_length=80)]
Ref = Annotated[StrictStr, Field(min_length=1, max_length=100)]
Language = Literal["zh", "en"]
WrapUp = Literal["solved", "unbound", "advised", "escalated", "fraud", "no_answer", "other"]


class Once(BaseModel):
    """A press that counts once."""

    client_id: ClientId


class Begin(Once):
    """What is to be done, and to which object."""

    kind: Literal["card.unbind", "quick_pay.disable", "wallet.unbind", "wallet.bind", "agreement.terminate"]
    target: Ref


class Confirm(Once):
    """The customer's yes to the effects of this version."""

    effects_version: Ref


class Verify(Once):
    """A code that was read back: six digits, or the transcript line that holds it; and the effects that the agent sees."""

    code: Annotated[StrictStr, Field(pattern=r"^[0-9]{6}$")] | None = None
    line: Ref | None = None
    effects_version: Ref | None = None


class ReadBack(BaseModel):
    """A code that proves who is calling: six digits, or the transcript line that holds it."""

    code: Annotated[StrictStr, Field(pattern=r"^[0-9]{6}$")] | None = None
    line: Ref | None = None


class Note(BaseModel):
    """A note for colleagues."""

    text: Text


class Close(BaseModel):
    """How a talk or call ended."""

    wrap_up: WrapUp
    summary: Text | None = None


class Verdict(BaseModel):
    """What an agent thinks of a suggestion; `right`: what the line really meant."""

    message: Ref
    label: Name
    outcome: Literal["sent", "edited", "dismissed", "wrong", "right"]
    right: Name | None = None
