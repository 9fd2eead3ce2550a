"""What a campaign has proved is kept: by piece, for the code that it ran on, and only when nothing broke."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bench.torture import kept
from bench.torture.__main__ import carry_out, conclude
from bench.torture.common import Campaign, Found, Row, row, total
from bench.torture.kept import Kept

FILE = "tests/binding/test_torture_kept.py"


class Counting:
    """A campaign of three pieces that notes which of them ran; the pieces of `broken` break the property."""

    def __init__(self, broken: tuple[int, ...] = ()) -> None:
        self.ran: list[int] = []
        self.broken = broken
        self.campaign = Campaign("counting", 3, self.run, self.conclude, (FILE,))

    def run(self, piece: int) -> Found:
        self.ran.append(piece)
        return {"done": 10, "wrong": int(piece in self.broken)}

    def conclude(self, found: list[Found]) -> Row:
        wrong = total(found, "wrong")
        return row("counting", "sqlite", f"{total(found, 'done')} done, {wrong} wrong", "30 done", not wrong)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "kept.json"


def test_a_finished_piece_is_not_run_again(file: Path) -> None:
    first, second = Counting(), Counting()
    line = carry_out(first.campaign, Kept(file), math.inf)
    assert (first.ran, line) == ([0, 1, 2], row("counting", "sqlite", "30 done, 0 wrong", "30 done", True))
    assert (carry_out(second.campaign, Kept(file), math.inf), second.ran) == (line, [])


def test_a_campaign_that_was_stopped_goes_on_and_says_how_far_it_is(file: Path) -> None:
    stopped, goes_on, held = Counting(), Counting(), Kept(file)
    held.add(stopped.campaign, 1, stopped.run(1))
    line = conclude(stopped.campaign, Kept(file))
    assert line == row("counting", "sqlite", "10 done, 0 wrong (1 of 3 pieces)", "30 done", False)
    assert carry_out(goes_on.campaign, Kept(file), -math.inf) == line, "no time: nothing is begun"
    line = carry_out(goes_on.campaign, Kept(file), math.inf)
    assert (goes_on.ran, line and line["ok"]) == ([0, 2], True)


def test_what_broke_the_property_is_told_and_not_kept(file: Path) -> None:
    broken, mended = Counting(broken=(1,)), Counting()
    assert carry_out(broken.campaign, Kept(file), math.inf) == row(
        "counting", "sqlite", "10 done, 1 wrong", "30 done", False
    )
    carry_out(mended.campaign, Kept(file), math.inf)
    assert (broken.ran, mended.ran) == ([0, 1], [1, 2])


def test_a_campaign_that_cannot_run_says_why(file: Path) -> None:
    def fail(_: int) -> Found:
        pytest.skip("PostgreSQL was not found")

    campaign = Campaign("failing", 1, fail, Counting().conclude, (FILE,))
    line = carry_out(campaign, Kept(file), math.inf)
    assert line is not None and not line["ok"] and "PostgreSQL was not found" in line["figure"]


def test_other_code_and_a_fresh_start_forget_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(Counting().campaign, Kept(file), math.inf)
    with monkeypatch.context() as changed:
        changed.setattr(kept, "_product", lambda: "another version of binding")
        assert conclude(Counting().campaign, Kept(file)) is None
    with monkeypatch.context() as fresh:
        fresh.setenv("FRESH", "1")
        assert conclude(Counting().campaign, Kept(file)) is None
    assert conclude(Counting().campaign, Kept(file)) is not None
