"""What a run of Schemathesis needs to be a customer: fresh tokens, keys of its own, and now and then a target or a code that exists.

Loaded by `st run` (SCHEMATHESIS_HOOKS); CONTRACT_FILE names what the campaign knows: addresses, the signing key, the account.
"""

from __future__ import annotations

import functools
import json
import os
import random
import re
import time
import uuid
from pathlib import Path
from typing import Any

import requests
import schemathesis
from joserfc import jwt
from joserfc.jwk import OKPKey

DICE = random.Random(11)


@functools.cache
def given() -> dict[str, Any]:
    """Return what the campaign wrote down."""
    found: dict[str, Any] = json.loads(Path(os.environ["CONTRACT_FILE"]).read_text())
    return found


@functools.cache
def _key() -> OKPKey:
    return OKPKey.import_key(given()["key"])


def token() -> str:
    """Sign a customer token as the gateway does."""
    now = int(time.time())
    claims = {
        "iss": "jiebang-gateway", "aud": "jiebang-binding", "sub": given()["account"], "jti": uuid.uuid4().hex, "iat": now,
        "exp": now + 240, "conversation": "conv_contract",
    }  # fmt: skip
    return jwt.encode({"alg": "EdDSA", "kid": "test", "typ": "at+jwt"}, claims, _key(), algorithms=["EdDSA"])


def _is_target(value: Any) -> bool:
    """Tell whether the document allows a value as a target."""
    return isinstance(value, str) and 0 < len(value) <= 64 and "\0" not in value


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Name a target that the account has, half of the time; what is wrong on purpose stays wrong."""
    if (
        isinstance(body, dict)
        and {"kind", "target"} <= set(body)
        and _is_target(body["target"])
        and DICE.random() < 0.5
    ):
        targets = given()["targets"].get(str(body["kind"]))
        if targets:
            return body | {"target": DICE.choice(targets)}
    return body


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Be the customer, with a key of its own; answer with the code that the phone received, half of the time."""
    if case.headers is None:
        case.headers = {}
    case.headers["X-Customer-Token"] = token()
    if case.method.upper() == "POST" and DICE.random() < 0.8:
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
    code = case.body.get("code") if case.path.endswith("/verify") and isinstance(case.body, dict) else None
    if isinstance(code, str) and re.fullmatch("[0-9]{6}", code) and DICE.random() < 0.5:
        answer = requests.get(
            f"{given()['url']}/sandbox/phones/{given()['account']}",
            headers={"Authorization": f"Bearer {given()['service_token']}"}, timeout=10,
        )  # fmt: skip
        codes = [m["code"] for m in answer.json()["messages"] if "code" in m]
        if codes:
            case.body["code"] = codes[-1]
