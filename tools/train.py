"""Trains Rasa's model when what it is made of has changed: configuration, domain, data, or the code that runs inside Rasa."""

from __future__ import annotations

import hashlib
import os
import sys
import time

from tools import quiet
from tools.stack import QUIET, ROOT, python

SOURCES = ("config.yml", "domain.yml", "data", "brain", "requirements/rasa.txt")
# Read when they are needed, not when the model is made.
NOT_IN_THE_MODEL = {
    "facts.yml",
    "phrases.yml",
    "titles.yml",
    "answers.py",
    "channel.py",
    "turn.py",
    "outbox.py",
    "strict_endpoint.py",
    "suggest.py",
    "suggest.yml",
}
KEEP = 3


def digest() -> str:
    """Returns a hash over everything that a model is made of."""
    sha = hashlib.sha256(os.environ.get("FAST", "").encode())
    for source in SOURCES:
        path = ROOT / source
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.name in NOT_IN_THE_MODEL:
                continue
            if file.is_file() and file.suffix in {".py", ".yml", ".yaml", ".json", ".txt"}:
                sha.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()


def main() -> None:
    """Trains when needed and prints what it does and how long it took."""
    models = ROOT / "models"
    stamp, wanted = models / ".stamp", digest()
    if stamp.exists() and stamp.read_text() == wanted and list(models.glob("*.tar.gz")) and "--force" not in sys.argv:
        print("· the model is up to date", flush=True)
        return
    began = time.monotonic()
    tuning = os.environ.get("WRITE_CHECKPOINT") == "1"
    print(f"· training the model ({'20 to 40 minutes' if tuning else '2 to 5 minutes; more when many sentences are new'})", flush=True)
    # Two threads while training (the tests and the server use one): nothing else runs then.
    two = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    env = {**os.environ, **QUIET, **two, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    argv = [python("rasa"), "-m", "rasa", "train", "--skip-validation"]
    if "--force" in sys.argv:
        argv.append("--force")
    if quiet.run(argv, env=env):
        sys.exit("The training failed; the lines above say why.")
    stamp.write_text(wanted)
    for old in sorted(models.glob("*.tar.gz"), key=lambda p: p.stat().st_mtime)[:-KEEP]:
        old.unlink()
    print(f"· trained in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
