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
from gateway.desk.hashing import hasher
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
        ("HOST_JWKS_URL", "http://shop.example/jwks", "HOST_JWKS_URL must be an https address"),
        ("HOST_SIGN_IN_URL", "http://shop.example/connect", "HOST_SIGN_IN_URL must be an https address"),
        ("GATEWAY_WEBHOOK_CLIENTS", f"ivr|{made['EVENTS_SECRET']}|https://ivr.example/in", "GATEWAY_PUBLIC_URL"),
    ):
        with pytest.raises(settings.SettingsError, match=said):
            settings.load(good | {name: value})


def test_what_would_lose_every_message_later_is_refused_at_the_start(tmp_path: pathlib.Path) -> None:
    good = production(tmp_path) | {"GATEWAY_PUBLIC_URL": "https://chat.shop.example"}
    whole = good | {
        "TELEGRAM_BOT_TOKEN": "1:a", "TELEGRAM_WEBHOOK_SECRET": "t" * 24, "WECHAT_TOKEN": "t", "WECHAT_APP_ID": "wx1",
        "WECHAT_APP_SECRET": "s", "WECHAT_AES_KEY": "a" * 43, "DESK_HOURS": "22:00-06:00", "DESK_TIMEZONE": "UTC",
        "GATEWAY_WEBHOOK_CLIENTS": f"ivr|{good['EVENTS_SECRET']}|https://ivr.example/in", "GATEWAY_RETENTION_DAYS": "0",
    }  # fmt: skip
    assert settings.load(whole).webhook_clients["ivr"][1] == "https://ivr.example/in"
    for name, value, said in (
        ("TELEGRAM_WEBHOOK_SECRET", "", "must be set together with TELEGRAM_BOT_TOKEN"),
        ("TELEGRAM_WEBHOOK_SECRET", "short", "too short"),
        ("WECHAT_APP_SECRET", "", "WECHAT_APP_SECRET must be set together with WECHAT_TOKEN"),
        ("WECHAT_AES_KEY", "a" * 42, "43 letters and digits"),
        ("GATEWAY_WEBHOOK_CLIENTS", "ivr|whsec_short|https://ivr.example/in", "whsec_"),
        ("GATEWAY_WEBHOOK_CLIENTS", f"ivr|{good['EVENTS_SECRET']}|http://ivr.example/in", "https addresses"),
        ("EVENTS_SECRET", "no base64, and long enough to pass", "EVENTS_SECRET must hold"),
        ("DESK_HOURS", "9-21", "DESK_HOURS"),
        ("DESK_HOURS", "09:00-25:00", "DESK_HOURS"),
        ("DESK_TIMEZONE", "Asia/Peking", "DESK_TIMEZONE"),
        ("GATEWAY_TURN_TIMEOUT", "0", "GATEWAY_TURN_TIMEOUT must be 1 at least"),
        ("GATEWAY_RETENTION_DAYS", "-1", "GATEWAY_RETENTION_DAYS must be 0 at least"),
        ("GATEWAY_HOUSEKEEPING_EVERY", "often", "whole number"),
    ):
        with pytest.raises(settings.SettingsError, match=said):
            settings.load(whole | {name: value})


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


def test_who_tried_the_breaker_and_vanished_shuts_it_for_nobody() -> None:
    at = [0.0]
    breaker = Breaker(limit=1, rest=3, clock=lambda: at[0])
    breaker.failed()
    at[0] = 4
    assert breaker.allows()  # its task is cancelled, and nothing is reported
    at[0] = 8
    assert not breaker.allows()
    at[0] = 60
    assert breaker.allows()
    breaker.left()
    assert breaker.allows()


def test_passwords_are_cheap_to_check_in_the_sandbox_only() -> None:
    real, cheap = hasher({"DESK_PASSWORD_KIB": "64"}), hasher({"DESK_PASSWORD_KIB": "64", "JIEBANG_SANDBOX": "1"})
    assert (real.memory_cost, real.time_cost, real.parallelism) == (65536, 3, 4) and real.type.name == "ID"
    assert (
        cheap.memory_cost == 64 and real.verify(cheap.hash("word"), "word") and cheap.verify(real.hash("word"), "word")
    )


def test_a_companys_own_hotline_is_what_customers_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE", "400 123 4567")
    words._words.cache_clear()
    try:
        for name in ("assistant_unavailable", "queue_timeout"):
            said = words.both(name) or {}
            assert all("400 123 4567" in said[language] and "950618" not in said[language] for language in ("zh", "en"))
    finally:
        monkeypatch.undo()
        words._words.cache_clear()
