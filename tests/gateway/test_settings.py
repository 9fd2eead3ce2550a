"""What the gateway refuses to start with."""

from __future__ import annotations

import base64
import os
import pathlib
import subprocess
import sys

import pytest
from sqlalchemy import inspect

from gateway import migrations, settings, words
from gateway.breaker import Breaker
from gateway.database import Database
from gateway.models import Base
from gateway.problems import STATUS
from tests.gateway.conftest import ROOT, drop, postgres
from tools import secrets


def production(home: pathlib.Path) -> dict[str, str]:
    """Returns an environment that is fit for production."""
    word = "Zx9" * 12
    return {
        "JIEBANG_ENV": "production",
        "JIEBANG_HOME": str(home),
        "RASA_CHANNEL_TOKEN": word,
        "GATEWAY_INTERNAL_TOKENS": f"actions:{word},binding:{word}",
        "BINDING_SERVICE_TOKEN": word,
        "EVENTS_SECRET": "whsec_" + base64.b64encode(b"e" * 32).decode(),
        "CODE_SEAL_KEY": base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("="),
        "HOST_JWKS_URL": "https://shop.example/jwks",
        "CUSTOMER_TOKEN_KEY_FILE": "/etc/keys/customer-token.json",
    }


def test_production_starts_only_with_its_own_secrets(tmp_path: pathlib.Path) -> None:
    good = production(tmp_path)
    found = settings.load(good)
    assert found.production and found.host == "0.0.0.0" and not found.sandbox
    turning = settings.load(good | {"GATEWAY_INTERNAL_TOKENS": "actions:old-" + "x" * 24 + ", actions:new-" + "y" * 24})
    assert [name for name, _ in turning.internal_tokens] == ["actions", "actions"]
    made = secrets.ensure(folder=tmp_path)
    for name, value, said in (
        ("JIEBANG_SANDBOX", "1", "JIEBANG_SANDBOX"),
        ("RASA_CHANNEL_TOKEN", "changeme", "RASA_CHANNEL_TOKEN"),
        ("RASA_CHANNEL_TOKEN", "short", "RASA_CHANNEL_TOKEN"),
        ("HOST_JWKS_URL", "", "HOST_JWKS"),
        ("GATEWAY_INTERNAL_TOKENS", "actions:abc,binding:def", "too short"),
        ("EVENTS_SECRET", made["EVENTS_SECRET"], "development secret"),
        ("CODE_SEAL_KEY", made["CODE_SEAL_KEY"], "development secret"),
        ("CODE_SEAL_KEY", "A" * 30, "32 bytes"),
        ("BINDING_SERVICE_TOKEN", "", "BINDING_SERVICE_TOKEN"),
        ("CUSTOMER_TOKEN_KEY_FILE", str(tmp_path / "keys" / "customer-token.json"), "your own key"),
    ):
        with pytest.raises(settings.SettingsError, match=said):
            settings.load(good | {name: value})


def test_the_process_says_in_one_sentence_what_is_missing(tmp_path: pathlib.Path) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "JIEBANG_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "gateway"], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1 and "RASA_CHANNEL_TOKEN is not set" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_migrations_make_exactly_the_models(tmp_path: pathlib.Path, kind: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(migrations.config()).get_current_head() == migrations.HEAD
    url = f"sqlite:///{tmp_path / 'g.sqlite'}" if kind == "sqlite" else postgres(empty=True)
    database = Database(url)
    try:
        for _ in range(2):
            database.migrate()
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
            assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    finally:
        database.close()
        if kind == "postgresql":
            drop(url)


def test_every_sentence_exists_in_both_languages() -> None:
    assert words.names()
    for name in words.names():
        assert set(words.both(name) or {}) == {"zh", "en"}, name
    assert {"assistant_unavailable", "sign_in_again", "too_many_requests", "button_expired"} <= set(
        words.names()
    ) & set(STATUS)


def test_the_breaker_opens_rests_and_closes() -> None:
    at = [0.0]
    breaker = Breaker(limit=2, rest=5, clock=lambda: at[0])
    breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows() and breaker.open
    at[0] = 6
    assert breaker.allows() and not breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    at[0] = 12
    assert breaker.allows()
    breaker.ok()
    assert breaker.allows() and breaker.allows() and not breaker.open
