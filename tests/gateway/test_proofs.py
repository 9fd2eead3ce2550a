"""The benchmark's proofs in their smallest form: storm, crowd, fuzz and slashes hold what they promise."""

from __future__ import annotations

from bench.gateway import SCALES, measure


def test_the_proofs_hold() -> None:
    found = measure(SCALES["tiny"])
    assert len(found) >= 14 and [one for one in found if not one["ok"]] == []
