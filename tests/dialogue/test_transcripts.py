"""Every transcript under tests/dialogue/<phenomenon>/, played through the real processes."""
from __future__ import annotations

import pathlib

import pytest

from tests.dialogue.transcript import Player, load, scripts
from tools.stack import Stack


@pytest.mark.parametrize("path", scripts(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_transcript(stack: Stack, path: pathlib.Path) -> None:
    """Plays the transcript."""
    Player(stack, load(path)).play()


def test_every_phenomenon_has_both_languages() -> None:
    """A phenomenon that is only tested in one language is half tested."""
    for folder in {path.parent for path in scripts()}:
        stems = {path.stem for path in folder.glob("*.yml")}
        assert {stem.rsplit(".", 1)[0] for stem in stems if stem.endswith(".zh")} == {stem.rsplit(".", 1)[0] for stem in stems if stem.endswith(".en")}, folder
