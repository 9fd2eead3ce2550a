"""Makes the development secrets and keys that are missing, once, into JIEBANG_HOME. Production brings its own by environment."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import secrets
import sys

from joserfc.jwk import KeySet, OKPKey


def home() -> pathlib.Path:
    """Returns the data folder."""
    return pathlib.Path(os.environ.get("JIEBANG_HOME", "var")).resolve()


def read(*, path: pathlib.Path) -> dict[str, str]:
    """Reads `NAME=value` lines."""
    if not path.exists():
        return {}
    lines = (line.partition("=") for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name: value for name, _, value in lines}


def _word() -> str:
    return secrets.token_urlsafe(32)


def _fresh() -> dict[str, str]:
    actions_gateway, binding_gateway = _word(), _word()
    actions_binding, gateway_binding = _word(), _word()
    return {
        "RASA_CHANNEL_TOKEN": _word(),
        "GATEWAY_INTERNAL_TOKENS": f"actions:{actions_gateway},binding:{binding_gateway}",
        "ACTIONS_GATEWAY_INTERNAL_TOKEN": actions_gateway,
        "BINDING_GATEWAY_INTERNAL_TOKEN": binding_gateway,
        "BINDING_SERVICE_TOKENS": f"actions:{actions_binding},gateway:{gateway_binding}",
        "ACTIONS_BINDING_SERVICE_TOKEN": actions_binding,
        "GATEWAY_BINDING_SERVICE_TOKEN": gateway_binding,
        "EVENTS_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "CODE_SEAL_KEY": secrets.token_urlsafe(32),
        "HOST_JWT_KEY": secrets.token_urlsafe(48),
        "BANK_TOKEN": _word(),
        "BANK_CALLBACK_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "SMS_TOKEN": _word(),
        "BINDING_PEPPER": _word(),
    }


def _signing_key(*, folder: pathlib.Path) -> None:
    private, public = folder / "customer-token.json", folder / "customer-token.jwks.json"
    if private.exists() and public.exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, auto_kid=True)
    private.touch(mode=0o600)
    private.write_text(json.dumps(key.as_dict(private=True)))
    public.write_text(json.dumps(KeySet([key]).as_dict(private=False)))


def ensure(*, folder: pathlib.Path) -> dict[str, str]:
    """Returns every secret, after making and keeping (mode 0600) those that did not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "secrets.env"
    known = read(path=path)
    if not known:
        # Paired values are made together, so a partly written file is never topped up with halves that do not match.
        known = _fresh()
        path.touch(mode=0o600)
        path.write_text(
            "# made for this machine; not for production\n" + "".join(f"{k}={v}\n" for k, v in known.items())
        )
    _signing_key(folder=folder / "keys")
    return known


if __name__ == "__main__":
    ensure(folder=home())
    sys.stdout.write(f"secrets are in {home() / 'secrets.env'}\n")
