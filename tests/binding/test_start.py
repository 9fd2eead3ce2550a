"""What keeps the service from starting, and what it says then."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import forks
from .conftest import ROOT

SIGNING = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()
GOOD = {
    "BINDING_SERVICE_TOKENS": "gateway:" + "x" * 32, "EVENTS_SECRET": SIGNING, "BANK_TOKEN": "b",
    "BANK_CALLBACK_SECRET": SIGNING, "SMS_TOKEN": "s", "BINDING_PEPPER": "p" * 24, "BANK_URL": "http://127.0.0.1:9",
    "SMS_URL": "http://127.0.0.1:9",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"BINDING_SERVICE_TOKENS": ""}, "BINDING_SERVICE_TOKENS is not set"),
        ({"EVENTS_SECRET": ""}, "EVENTS_SECRET is not set"),
        ({"JIEBANG_ENV": "production", "JIEBANG_SANDBOX": "1"}, "JIEBANG_SANDBOX must not be set"),
        ({"JIEBANG_ENV": "production", "BINDING_PEPPER": ""}, "BINDING_PEPPER must be set"),
        ({"JIEBANG_ENV": "production", "BINDING_PEPPER": "p"}, "BINDING_PEPPER is too short"),
        ({"EVENTS_SECRET": "whsec_no-base64!"}, "EVENTS_SECRET must hold base64"),
        ({"BANK_CALLBACK_SECRET": "whsec_"}, "BANK_CALLBACK_SECRET must hold base64"),
        ({"BANK_CALLBACK_OLD_SECRET": "whsec_?"}, "BANK_CALLBACK_OLD_SECRET must hold base64"),
        ({"JIEBANG_ENV": "production", "BANK_CALLBACK_SECRET": "whsec_eA=="}, "BANK_CALLBACK_SECRET is too short"),
        ({"JIEBANG_ENV": "production", "BINDING_SERVICE_TOKENS": "gateway:short"}, "too short"),
        ({"JIEBANG_ENV": "production", "BANK_URL": ""}, "BANK_URL must be set"),
    ],
)
def test_it_says_what_is_missing(tmp_path: Path, change: dict[str, str], said: str) -> None:
    env = {"PATH": os.environ["PATH"], "JIEBANG_HOME": str(tmp_path)} | GOOD | change
    done = forks.run("-m", "binding", env=env)
    assert done.returncode == 2 and said in done.stderr


def test_the_stand_in_starts_only_in_the_sandbox(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "JIEBANG_HOME": str(tmp_path)} | GOOD
    done = subprocess.run(
        [sys.executable, "-m", "binding.sandbox"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and "JIEBANG_SANDBOX=1" in done.stderr
