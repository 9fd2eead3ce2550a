"""WeChat's envelope: AES mode by known answers and against noise, and XML that is none of the platform's."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.wechat import Crypto, parse
from gateway.problems import Problem
from tests.gateway.apps import AES_KEY


def test_a_document_type_is_refused_in_whatever_encoding_it_hides() -> None:
    bomb = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><xml><Content>&a;&a;</Content></xml>'
    for raw in (bomb.encode("utf-16"), bomb.encode("utf-16-be"), bomb.replace("utf-16", "utf-8").encode("utf-8-sig")):
        with pytest.raises(Problem):
            parse(raw)
    assert parse("<xml><Content>验</Content></xml>".encode()) == {"Content": "验"}


def test_aes_mode_by_a_known_answer() -> None:
    crypto = Crypto(encoding_key=AES_KEY, app_id="wxapp")
    for message in (b"", b"x", "验证".encode() * 50, bytes(range(256))):
        assert crypto.decrypt(crypto.encrypt(message)) == message
    for broken in (
        "",
        "AAAA",
        "!",
        crypto.encrypt(b"x")[:-4],
        Crypto(encoding_key=AES_KEY, app_id="other").encrypt(b"x"),
        Crypto(encoding_key="Z" + AES_KEY[1:], app_id="wxapp").encrypt(b"x"),
    ):
        with pytest.raises(ValueError):
            crypto.decrypt(broken)


@given(plain=st.binary(min_size=0, max_size=96).map(lambda noise: noise[: len(noise) // 16 * 16]))
def test_aes_mode_calls_any_noise_broken(plain: bytes) -> None:
    crypto = Crypto(encoding_key=AES_KEY, app_id="wxapp")
    # What another's key leaves after decryption is noise, also noise that ends like padding.
    for noise in (plain, plain[:-1] + b"\x20" if plain else b"", bytes([32]) * 32, bytes(16) + b"\x10" * 16):
        encryptor = crypto._cipher().encryptor()
        with pytest.raises(ValueError):
            crypto.decrypt(base64.b64encode(encryptor.update(noise) + encryptor.finalize()).decode())
