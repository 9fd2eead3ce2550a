"""What every test may use: one real stack of processes, and services that are skipped or demanded."""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

import pytest
import yaml

from tests.services import missing
from tools.stack import ROOT, Stack, free_ports


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Starts every process of Jiebang on free ports with a home of its own, and ends them afterwards."""

    models = pathlib.Path(os.environ.get("JIEBANG_TEST_MODEL", ROOT / "models"))
    if not any(models.glob("*.tar.gz")):
        missing("a trained model (make train)")
    home = pathlib.Path(tempfile.mkdtemp(prefix="jiebang-test-"))
    # One bank is closed for maintenance all the time, for the transcripts that ask for it; and the bank is asked
    # sooner than in real life, so that no test waits for it.
    policy = yaml.safe_load((ROOT / "binding" / "policy.yml").read_text(encoding="utf-8"))
    policy["maintenance"] = [{"bank": "hxb", "from": "2020-01-01T00:00:00Z", "to": "2099-12-31T22:00:00Z"}]
    policy["bank"]["ask_after_s"] = [0.2, 0.3, 0.5, *policy["bank"]["ask_after_s"]]
    (home / "policy.yml").write_text(yaml.safe_dump(policy, allow_unicode=True), encoding="utf-8")
    extra = {"BINDING_POLICY_FILE": str(home / "policy.yml")}
    made = Stack(home=home, ports=free_ports(), extra=extra, model=str(models))
    try:
        made.start()
        made.wait()
        yield made
    finally:
        made.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture()
def url(stack: Stack) -> str:
    """Returns the gateway's public address."""
    return stack.url
