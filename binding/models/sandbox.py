"""State that exists only in the sandbox."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from binding.models.base import Base


class SandboxState(Base):
    """The sandbox clock: seconds that the ledger's time runs ahead of the machine's."""

    __tablename__ = "sandbox_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    clock_offset_s: Mapped[int] = mapped_column(sa.BigInteger, default=0)
