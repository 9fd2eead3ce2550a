"""The bell of the queue, and the code that is never sent."""

from __future__ import annotations

import threading
import time

import pytest

from binding.bell import Bell
from binding.verification import codes


def test_a_ring_ends_the_wait_and_a_stop_ends_the_worker() -> None:
    bell, answers = Bell(), []
    waiting = threading.Thread(target=lambda: answers.append(bell.wait(600)))
    waiting.start()
    bell.ring()
    waiting.join(30)
    assert answers == [False]
    bell.set()
    assert bell.wait(600) and bell.is_set()


def test_a_ring_before_the_wait_is_not_lost() -> None:
    bell = Bell()
    bell.ring()
    assert bell.wait(600) is False


def test_only_a_ring_that_may_find_no_room_brings_more_looks() -> None:
    for crowded, looks in ((False, 1), (True, 3)):
        bell = Bell()
        bell.ring(crowded=crowded)
        began, waits = time.monotonic(), 0
        while time.monotonic() - began < 0.5 and bell.wait(0.6) is False:
            waits += 1
        assert (waits >= looks) if crowded else (waits <= looks + 1)


def test_the_hotlines_number_is_never_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([950618, 950618, 7])
    monkeypatch.setattr(codes.secrets, "randbelow", lambda _: next(numbers))
    assert codes.new_code() == "000007"
