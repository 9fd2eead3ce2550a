"""What the bank may answer: the shapes that the ledger understands. An answer of another shape says nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LONGEST_WAIT_S = 366 * 24 * 3600
Text = Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]  # not every database keeps a NUL


class _Said(BaseModel):
    """Types are taken as they come, none is turned into another; what else the bank says is left out, never kept or logged."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class Outcome(_Said):
    """What became of an operation. `eta_s`: seconds until it may have ended."""

    state: Literal["done", "rejected", "pending"]
    ref: Text | None = None
    reason: str | None = None
    eta_s: Annotated[float, Field(ge=0, le=LONGEST_WAIT_S, allow_inf_nan=False)] | None = None


class Checked(_Said):
    """A new card's details are right: the token that stands for them, and what may be shown of the card."""

    state: Literal["checked"]
    card_token: Annotated[Text, Field(min_length=1)]
    tail: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    card_type: Literal["debit", "credit"]
    bank: Text


class Refused(_Said):
    """A new card's details are not right."""

    state: Literal["rejected"]
    reason: str | None = None
