# ruff: noqa: ARG001 - the functions of a table share one signature
"""Alembic's environment: the ledger's own tables only; the durable engine migrates its own."""

from __future__ import annotations

from alembic import context

from binding.models import Base


def _ours(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    return not (kind == "table" and reflected and name not in Base.metadata.tables)


connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Base.metadata, include_object=_ours, render_as_batch=True, compare_type=False
)
with context.begin_transaction():
    context.run_migrations()
