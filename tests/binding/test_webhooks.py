"""Signed messages: what is not signed, not JSON or not an object is nobody's word."""

from __future__ import annotations

import pytest

from binding.ports.webhooks import checked, signed

SECRET = "a secret of the bank's"


def test_a_signed_object_is_read_and_only_with_its_own_signature() -> None:
    body = '{"request": "op_1", "state": "done"}'
    headers = signed(SECRET, "m1", body)
    assert checked(SECRET, headers, body.encode()) == {"request": "op_1", "state": "done"}
    assert checked("another secret", headers, body.encode()) is None
    assert checked(SECRET, headers, body.replace("op_1", "op_2").encode()) is None
    assert checked(SECRET, headers | {"webhook-id": "m2"}, body.encode()) is None
    assert checked(SECRET, {}, body.encode()) is None


def test_while_a_secret_is_turned_the_older_one_counts_too() -> None:
    body, older = '{"request": "op_1"}', "the secret of last year"
    assert checked(SECRET, signed(older, "m1", body), body.encode()) is None
    for used in (SECRET, older):
        assert checked(SECRET, signed(used, "m1", body), body.encode(), older=older) == {"request": "op_1"}
    assert checked(SECRET, signed("another", "m1", body), body.encode(), older=older) is None


@pytest.mark.parametrize("body", ["", "[]", "7", '"text"', "null", "{", "[" * 100_000, '{"a":' * 100_000])
def test_odd_bodies_are_refused_though_they_are_signed(body: str) -> None:
    assert checked(SECRET, signed(SECRET, "m1", body), body.encode()) is None


def test_bytes_that_are_no_text_are_refused() -> None:
    assert checked(SECRET, signed(SECRET, "m1", "{}"), b"\xff\xfe{}") is None
