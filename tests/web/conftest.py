"""A browser (Debian's Chromium) in front of a real gateway and backend; every page is watched for errors, CSP faults and foreign requests."""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.services import missing
from tests.web.customer import Customer
from tests.web.sandbox import Sandbox
from tests.web.world import World

ROOT = pathlib.Path(__file__).parents[2]
DIST = pathlib.Path(os.environ.get("GATEWAY_WEB_DIST") or ROOT / "web" / "dist")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def world(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One running Jiebang with a stand-in Rasa."""
    world = World(tmp_path_factory.mktemp("web"))
    try:
        yield world.start()
    finally:
        world.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium, where there are pages to look at."""
    if not (DIST / "widget.js").exists():
        missing("the web build (make setup)")
    if CHROMIUM is None:
        missing("Chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        playwright.expect.set_options(timeout=20_000)  # a busy machine is no fault of the page
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def usual(request: pytest.FixtureRequest) -> Iterator[None]:
    """Puts the stand-ins back to usual after each test that has them."""
    yield
    if "world" in request.fixturenames:
        world = request.getfixturevalue("world")
        world.brain()
        world.bank("ok")


@contextmanager
def customers(sandbox: Sandbox, browser: Any) -> Iterator[Callable[..., Customer]]:
    """Makes customers with a browser of their own; at the end none of their pages may have complained."""
    made: list[Customer] = []

    def make(language: str = "zh", **options: Any) -> Customer:
        made.append(Customer(sandbox, browser, language, **options))
        return made[-1]

    yield make
    faults = [fault for one in made for fault in one.faults]
    for one in made:
        one.close()
    assert faults == []


@pytest.fixture
def customer(world: World, browser: Any) -> Iterator[Any]:
    """Makes customers of the stand-in's world."""
    with customers(world, browser) as make:
        yield make
