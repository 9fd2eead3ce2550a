"""Accounts: the customer as the ledger knows them."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Mapped, mapped_column

from binding.models.base import Base, one_of


class Account(Base):
    """One customer. The phone is the registered one (E.164 without +86); codes go nowhere else."""

    __tablename__ = "accounts"
    __table_args__ = (one_of("language", ("zh", "en"), "language"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(index=True)
    language: Mapped[str] = mapped_column(default="zh")
    payment_password_hash: Mapped[str | None]
    frozen: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime]
