"""The desk's audit: a changed or missing line is found, and looking costs the same however long the chain is."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, event, update

from gateway.database import Database
from gateway.desk import audit
from gateway.models import AuditLine

LINES = 1700


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A database file with a chain of many lines."""
    path = tmp_path_factory.mktemp("chain") / "g.sqlite"
    made = Database(f"sqlite:///{path}")
    made.migrate()
    with made.session() as session:
        for number in range(LINES):
            audit.write(session, agent="li", action="view", conversation_id=f"conv_{number}")
    made.close()
    return path


@pytest.fixture
def database(chain: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Database]:
    """A copy of that database."""
    made = Database(f"sqlite:///{shutil.copy(chain, tmp_path)}")
    yield made
    made.close()


def looks(database: Database, count: int) -> list[int | None]:
    """Returns what so many looks in a row found."""
    found = []
    for _ in range(count):
        with database.session() as session:
            found.append(audit.broken(session))
    return found


def test_a_look_reads_at_most_a_thousand_lines_and_many_looks_read_all(database: Database) -> None:
    read: list[int] = []
    listener = lambda line, _: read.append(line.number)  # noqa: E731
    event.listen(AuditLine, "load", listener)
    try:
        assert looks(database, 4) == [None] * 4
    finally:
        event.remove(AuditLine, "load", listener)
    assert len(read) <= 4 * 1000 and set(read) == set(range(1, LINES + 1))


@pytest.mark.parametrize("number", [1, 700, LINES - 3])
def test_a_changed_line_is_found_and_stays_found(database: Database, number: int) -> None:
    assert looks(database, 5) == [None] * 5
    with database.session() as session:
        session.execute(update(AuditLine).where(AuditLine.number == number).values(agent="wang"))
        assert audit.whole(session) == number
    found = looks(database, 9)
    assert set(found[4:]) == {number}


def test_a_line_that_was_taken_out_is_found_also_at_the_end(database: Database) -> None:
    assert looks(database, 1) == [None]
    with database.session() as session:
        session.execute(delete(AuditLine).where(AuditLine.number == LINES))
    assert looks(database, 1) == [LINES]
    with database.session() as session:
        session.execute(delete(AuditLine).where(AuditLine.number == 900))
        assert audit.whole(session) == 900
    assert looks(database, 4)[-1] == 900
