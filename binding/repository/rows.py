"""Rows read and written without the unit of work: one statement each, built once, guarded where it matters."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from binding.models import Base

Table = type[Base]


def among(column: Any, values: Sequence[str]) -> sa.ColumnElement[bool]:
    """Build the condition that a column holds one of some fixed values; unlike IN it is not built anew for each execution."""
    return sa.or_(*(column == value for value in values))


def read(session: Session, statement: sa.Executable, **bound: Any) -> Any:
    """Run a query for columns and return its result: no objects are made. It sees what the session has changed."""
    session.flush()
    return session.connection().execute(statement, bound)


def add(session: Session, table: Table, **values: Any) -> None:
    """Insert one row."""
    session.connection().execute(_insert(table), values)


def change(session: Session, table: Table, where: dict[str, Any], **values: Any) -> int:
    """Change the rows whose columns equal `where`; returns how many. Objects that the session has loaded do not see it."""
    statement = _update(table, tuple(where), tuple(values))
    bound = {f"if_{name}": value for name, value in where.items()} | {f"to_{name}": v for name, v in values.items()}
    return session.connection().execute(statement, bound).rowcount


@functools.cache
def _insert(table: Table) -> sa.Insert:
    return sa.insert(table.__table__)  # type: ignore[arg-type]


@functools.cache
def _update(table: Table, where: tuple[str, ...], values: tuple[str, ...]) -> sa.Update:
    columns = table.__table__.c
    return (
        sa.update(table.__table__)  # type: ignore[arg-type]
        .where(*(columns[name] == sa.bindparam(f"if_{name}", type_=columns[name].type) for name in where))
        .values({columns[name]: sa.bindparam(f"to_{name}", type_=columns[name].type) for name in values})
    )
