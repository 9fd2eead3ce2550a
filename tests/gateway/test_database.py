"""What the database says when something goes wrong stands in the log, so nothing of a customer may stand in it."""

from __future__ import annotations

import pathlib
import shutil

import pytest
from sqlalchemy.exc import DBAPIError

from gateway.database import Database
from gateway.models import Message
from tests.gateway.conftest import drop, postgres, tables


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_error_holds_nothing_of_the_row(tmp_path: pathlib.Path, kind: str) -> None:
    url = postgres() if kind == "postgresql" else f"sqlite:///{shutil.copy(tables(), tmp_path)}"
    database = Database(url)
    try:
        with pytest.raises(DBAPIError) as refused, database.session() as session:
            session.add(
                Message(id="msg_1", conversation_id="nobody's", seq=1, author="customer", text="my wages are late")
            )
        assert "wages" not in str(refused.value) and "messages" in str(refused.value)
    finally:
        database.close()
        if kind == "postgresql":
            drop(url)
