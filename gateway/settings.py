"""What the gateway reads from its environment; it refuses to start with less than it needs."""

from __future__ import annotations

import base64
import os
import pathlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

KNOWN_DEFAULTS = {"changeme", "secret", "password", "default", "jiebang", "test", "dev"}
CHANNELS = ("TELEGRAM_BOT_TOKEN", "WECHAT_TOKEN", "GATEWAY_WEBHOOK_CLIENTS")
SECRETS = ("RASA_CHANNEL_TOKEN", "GATEWAY_INTERNAL_TOKENS", "BINDING_SERVICE_TOKEN", "EVENTS_SECRET", "CODE_SEAL_KEY")


class SettingsError(SystemExit):
    """Says which variable is wrong; the process ends with this sentence and no traceback."""


@dataclass(frozen=True)
class Settings:
    """The configuration of one gateway process. Durations in seconds, sizes in bytes or code points."""

    production: bool
    sandbox: bool
    home: pathlib.Path
    host: str
    port: int
    internal_host: str
    internal_port: int
    public_url: str
    rasa_urls: tuple[str, ...]
    binding_url: str
    database_url: str
    redis_url: str | None
    rasa_tracker_url: str | None
    rasa_token: str
    internal_tokens: tuple[tuple[str, str], ...]
    binding_token: str
    events_secret: str
    seal_key: bytes
    customer_key_file: pathlib.Path
    host_jwks_file: pathlib.Path | None
    host_jwks_url: str | None
    host_jwt_key: str | None
    host_jwt_issuer: str
    host_jwt_audience: str
    web_dist: pathlib.Path
    trusted_proxies: str
    cors_origins: tuple[str, ...]
    widget_ancestors: str
    messages_per_minute: int
    account_messages_per_minute: int
    address_messages_per_minute: int
    conversations_per_minute: int
    looks_per_minute: int
    signin_per_minute: int
    turn_timeout: float
    signed_in_for: int
    retention_days: int
    log_level: str
    telegram_token: str | None
    telegram_secret: str | None
    telegram_api: str
    wechat_token: str | None
    wechat_app_id: str | None
    wechat_app_secret: str | None
    wechat_aes_key: str | None
    wechat_api: str
    wechat_open: str | None
    webhook_clients: dict[str, tuple[str, str]]
    housekeeping_every: int
    queue_patience: int
    desk_hours: str
    desk_timezone: str
    hotline: str
    host_sign_in_url: str | None

    @property
    def sqlite(self) -> bool:
        """Tells whether the database is a file on this machine."""
        return self.database_url.startswith("sqlite")


def _need(env: Mapping[str, str], name: str) -> str:
    if value := env.get(name, "").strip():
        return value
    raise SettingsError(
        f"{name} is not set. In development `python -m tools.secrets` makes it; production brings its own."
    )


def _pairs(text: str, name: str) -> tuple[tuple[str, str], ...]:
    """Reads `name:secret` entries; a name may stand twice while its secret is being turned."""
    cut = (part.strip().partition(":") for part in text.split(",") if ":" in part)
    pairs = tuple((key, value) for key, _, value in cut)
    if not pairs or not all(key and value for key, value in pairs):
        raise SettingsError(f"{name} must look like `name:secret,name:secret`.")
    return pairs


def _seal_key(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        key = b""
    if len(key) != 32:
        raise SettingsError("CODE_SEAL_KEY must be 32 bytes in base64url.")
    return key


def _webhook_clients(env: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Reads `name|secret|delivery-url` entries separated by blanks; the delivery address comes from configuration only."""
    clients = {}
    for entry in env.get("GATEWAY_WEBHOOK_CLIENTS", "").split():
        parts = entry.split("|")
        if len(parts) != 3:
            raise SettingsError("GATEWAY_WEBHOOK_CLIENTS entries must look like `name|whsec_…|https://…`.")
        clients[parts[0]] = (_signing_secret(parts[1], "GATEWAY_WEBHOOK_CLIENTS"), parts[2])
    return clients


def _signing_secret(text: str, name: str) -> str:
    """Returns a Standard Webhooks secret; one that is none would refuse every delivery without a word."""
    try:
        if len(base64.b64decode(text.removeprefix("whsec_"), validate=True)) >= 16:
            return text
    except ValueError:
        pass
    raise SettingsError(f"{name} must hold `whsec_` and base64 (24 characters at least).")


def _tracker_of(home: pathlib.Path) -> str | None:
    """Returns where Rasa keeps its talks on this machine, unless told otherwise."""
    path = home / "rasa.sqlite"
    return f"sqlite:///{path}" if path.exists() else None


def _hours(text: str) -> str:
    sides = re.fullmatch(r"([0-2]?[0-9]):([0-5][0-9])-([0-2]?[0-9]):([0-5][0-9])", text)
    if sides and all(int(sides[one]) * 60 + int(sides[one + 1]) <= 24 * 60 for one in (1, 3)):
        return text
    raise SettingsError("DESK_HOURS must look like 09:00-21:00.")


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise SettingsError("DESK_TIMEZONE must be a name of the time zone database, like Asia/Shanghai.") from None


# What a channel needs beside the variable that turns it on.
TOGETHER = {
    "TELEGRAM_BOT_TOKEN": ("TELEGRAM_WEBHOOK_SECRET",),
    "WECHAT_TOKEN": ("WECHAT_APP_ID", "WECHAT_APP_SECRET"),
    "WECHAT_AES_KEY": ("WECHAT_TOKEN",),
}


def _channels(env: Mapping[str, str]) -> None:
    """Refuses a channel of which something is missing: it would start, and then lose every message."""
    for name, others in TOGETHER.items():
        if env.get(name) and (missing := [other for other in others if not env.get(other)]):
            raise SettingsError(f"{' and '.join(missing)} must be set together with {name}.")
    if (key := env.get("WECHAT_AES_KEY")) and not re.fullmatch(r"[A-Za-z0-9]{43}", key):
        raise SettingsError("WECHAT_AES_KEY must be the 43 letters and digits of EncodingAESKey.")


def _production_faults(env: Mapping[str, str], home: pathlib.Path) -> list[str]:
    generated: dict[str, str] = {}
    if (path := home / "secrets.env").exists():
        lines = (
            line.partition("=") for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")
        )
        generated = {value: name for name, _, value in lines}
    faults = []
    if env.get("JIEBANG_SANDBOX") == "1":
        faults.append("JIEBANG_SANDBOX must not be 1")
    for name in (*SECRETS, "HOST_JWT_KEY"):
        value = env.get(name, "")
        parts = [part.partition(":")[2] for part in value.split(",")] if name.endswith("TOKENS") else [value]
        if value and (value in generated or value.removeprefix("whsec_").lower() in KNOWN_DEFAULTS):
            faults.append(f"{name} is a development secret")
        elif value and any(len(part) < 24 for part in parts):
            faults.append(f"{name} is too short (24 characters at least)")
    if not (env.get("HOST_JWKS_FILE") or env.get("HOST_JWKS_URL") or env.get("HOST_JWT_KEY")):
        faults.append("HOST_JWKS_FILE, HOST_JWKS_URL or HOST_JWT_KEY is needed")
    for name in ("HOST_JWKS_URL", "HOST_SIGN_IN_URL"):
        if env.get(name) and not env[name].startswith("https://"):
            faults.append(f"{name} must be an https address")
    if any(env.get(name) for name in CHANNELS) and not env.get("GATEWAY_PUBLIC_URL", "").startswith("https://"):
        faults.append("GATEWAY_PUBLIC_URL must be your https address: links in messaging apps begin with it")
    if (secret := env.get("TELEGRAM_WEBHOOK_SECRET")) and (len(secret) < 24 or secret.lower() in KNOWN_DEFAULTS):
        faults.append("TELEGRAM_WEBHOOK_SECRET is too short (24 characters at least)")
    for entry in env.get("GATEWAY_WEBHOOK_CLIENTS", "").split():
        if not entry.rpartition("|")[2].startswith("https://"):
            faults.append("GATEWAY_WEBHOOK_CLIENTS must name https addresses")
    key_file = env.get("CUSTOMER_TOKEN_KEY_FILE")
    if not key_file or pathlib.Path(key_file).resolve().is_relative_to(home / "keys"):
        faults.append("CUSTOMER_TOKEN_KEY_FILE must name your own key, outside JIEBANG_HOME/keys")
    return faults


def load(env: Mapping[str, str] = os.environ) -> Settings:
    """Returns the settings of `env`; raises SettingsError with one readable sentence."""
    production = env.get("JIEBANG_ENV", "development") == "production"
    sandbox = env.get("JIEBANG_SANDBOX") == "1"
    home = pathlib.Path(env.get("JIEBANG_HOME", "var")).resolve()
    if production and (faults := _production_faults(env, home)):
        raise SettingsError("This cannot run in production: " + "; ".join(faults) + ".")

    _channels(env)

    def number(name: str, default: int, *, least: int = 1) -> int:
        try:
            found = int(env.get(name, "") or default)
        except ValueError:
            raise SettingsError(f"{name} must be a whole number.") from None
        if found < least:
            raise SettingsError(f"{name} must be {least} at least.")
        return found

    def optional_path(name: str) -> pathlib.Path | None:
        return pathlib.Path(env[name]) if env.get(name) else None

    port, internal_port = number("GATEWAY_PORT", 8080), number("GATEWAY_INTERNAL_PORT", 8081)
    rasa = env.get("RASA_URL") or f"http://127.0.0.1:{number('RASA_PORT', 5005)}"
    return Settings(
        production=production,
        sandbox=sandbox,
        home=home,
        host=env.get("GATEWAY_HOST") or ("127.0.0.1" if sandbox else "0.0.0.0"),
        port=port,
        internal_host=env.get("GATEWAY_INTERNAL_HOST") or "127.0.0.1",
        internal_port=internal_port,
        public_url=(env.get("GATEWAY_PUBLIC_URL") or env.get("GATEWAY_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
        rasa_urls=tuple(url.strip().rstrip("/") for url in rasa.split(",") if url.strip()),
        binding_url=(env.get("BINDING_URL") or f"http://127.0.0.1:{number('BINDING_PORT', 8090)}").rstrip("/"),
        database_url=env.get("GATEWAY_DATABASE_URL") or f"sqlite:///{home / 'gateway.sqlite'}",
        redis_url=env.get("REDIS_URL") or None,
        rasa_tracker_url=env.get("RASA_TRACKER_URL") or _tracker_of(home),
        rasa_token=_need(env, "RASA_CHANNEL_TOKEN"),
        internal_tokens=_pairs(_need(env, "GATEWAY_INTERNAL_TOKENS"), "GATEWAY_INTERNAL_TOKENS"),
        binding_token=_need(env, "BINDING_SERVICE_TOKEN"),
        events_secret=_signing_secret(_need(env, "EVENTS_SECRET"), "EVENTS_SECRET"),
        seal_key=_seal_key(_need(env, "CODE_SEAL_KEY")),
        customer_key_file=pathlib.Path(env.get("CUSTOMER_TOKEN_KEY_FILE") or home / "keys" / "customer-token.json"),
        host_jwks_file=optional_path("HOST_JWKS_FILE"),
        host_jwks_url=env.get("HOST_JWKS_URL") or None,
        host_jwt_key=env.get("HOST_JWT_KEY") or None,
        host_jwt_issuer=env.get("HOST_JWT_ISSUER") or "jiebang-host",
        host_jwt_audience=env.get("HOST_JWT_AUDIENCE") or "jiebang",
        web_dist=pathlib.Path(
            env.get("GATEWAY_WEB_DIST") or pathlib.Path(__file__).resolve().parent.parent / "web" / "dist"
        ),
        trusted_proxies=env.get("GATEWAY_TRUSTED_PROXIES", ""),
        cors_origins=tuple(env.get("GATEWAY_CORS_ORIGINS", "").split()),
        widget_ancestors=env.get("GATEWAY_WIDGET_ANCESTORS")
        or ("'self' http://127.0.0.1:* http://localhost:*" if sandbox else "'self'"),
        messages_per_minute=number("GATEWAY_MESSAGES_PER_MINUTE", 120),
        account_messages_per_minute=number("GATEWAY_ACCOUNT_MESSAGES_PER_MINUTE", 600),
        address_messages_per_minute=number("GATEWAY_ADDRESS_MESSAGES_PER_MINUTE", 60_000 if sandbox else 1_200),
        conversations_per_minute=number("GATEWAY_CONVERSATIONS_PER_MINUTE", 60_000 if sandbox else 600),
        looks_per_minute=number("GATEWAY_LOOKS_PER_MINUTE", 600_000 if sandbox else 6_000),
        signin_per_minute=number("GATEWAY_SIGNIN_PER_MINUTE", 30),
        turn_timeout=float(number("GATEWAY_TURN_TIMEOUT", 15)),
        signed_in_for=number("GATEWAY_SIGNED_IN_FOR", 1800),
        retention_days=number("GATEWAY_RETENTION_DAYS", 180, least=0),
        log_level=env.get("GATEWAY_LOG_LEVEL") or "info",
        telegram_token=env.get("TELEGRAM_BOT_TOKEN") or None,
        telegram_secret=env.get("TELEGRAM_WEBHOOK_SECRET") or None,
        telegram_api=(env.get("TELEGRAM_API_URL") or "https://api.telegram.org").rstrip("/"),
        wechat_token=env.get("WECHAT_TOKEN") or None,
        wechat_app_id=env.get("WECHAT_APP_ID") or None,
        wechat_app_secret=env.get("WECHAT_APP_SECRET") or None,
        wechat_aes_key=env.get("WECHAT_AES_KEY") or None,
        wechat_open=(env.get("WECHAT_OPEN_URL") or ("" if sandbox else "https://open.weixin.qq.com")).rstrip("/")
        or None,
        wechat_api=(env.get("WECHAT_API_URL") or "https://api.weixin.qq.com").rstrip("/"),
        webhook_clients=_webhook_clients(env),
        housekeeping_every=number("GATEWAY_HOUSEKEEPING_EVERY", 15),
        queue_patience=number("GATEWAY_QUEUE_PATIENCE", 900),
        desk_hours=_hours(env.get("DESK_HOURS") or ("00:00-24:00" if sandbox else "09:00-21:00")),
        desk_timezone=_zone(env.get("DESK_TIMEZONE") or "Asia/Shanghai"),
        hotline=env.get("HOTLINE") or "950618",
        host_sign_in_url=env.get("HOST_SIGN_IN_URL") or None,
    )
