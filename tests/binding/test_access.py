"""Who may do what: tokens, and the owner of every object."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from binding.api.app import create_app
from binding.ports.webhooks import signed

from .conftest import SECRET, Cluster, Customer

CARDS = [{"bank": "cmb", "tail": "1234"}]


def encode(cluster: Cluster, header: dict, claims: dict, key: object = None) -> str:
    now = int(time.time())
    payload = {
        "iss": "jiebang-gateway", "aud": "jiebang-binding", "sub": "demo-zh", "jti": uuid.uuid4().hex, "iat": now,
        "exp": now + 60,
    } | claims  # fmt: skip
    head = {"alg": "EdDSA", "kid": "test", "typ": "at+jwt"} | header
    payload = {k: v for k, v in payload.items() if v is not None}
    head = {k: v for k, v in head.items() if v is not None}
    return jwt.encode(head, payload, key or cluster.signer, algorithms=[head["alg"]], default_type=None)


def unsigned(claims: dict) -> str:
    def part(value: dict) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'at+jwt'})}.{part(claims)}."


def bad_tokens(cluster: Cluster) -> dict[str, str | None]:
    now = int(time.time())
    good = cluster.token("demo-zh")
    claims = {
        "iss": "jiebang-gateway",
        "aud": "jiebang-binding",
        "sub": "demo-zh",
        "jti": "j",
        "iat": now,
        "exp": now + 60,
    }
    public = json.dumps(cluster.signer.as_dict(private=False)).encode()
    return {
        "missing": None,
        "garbage": "abc",
        "alg none": unsigned(claims),
        "signature cut": good.rsplit(".", 1)[0] + ".",
        "signature changed": good[:-4] + ("AAAA" if not good.endswith("AAAA") else "BBBB"),
        "another key": encode(cluster, {}, {}, OKPKey.generate_key("Ed25519", {"kid": "test"})),
        "HS256 with the public key": encode(cluster, {"alg": "HS256"}, {}, OctKey.import_key(public)),
        "unknown kid": encode(cluster, {"kid": "../../etc/passwd"}, {}),
        "another type": encode(cluster, {"typ": "JWT"}, {}),
        "no type": encode(cluster, {"typ": None}, {}),
        "another audience": encode(cluster, {}, {"aud": "jiebang-gateway"}),
        "another issuer": encode(cluster, {}, {"iss": "evil"}),
        "expired": encode(cluster, {}, {"iat": now - 400, "exp": now - 100}),
        "no expiry": encode(cluster, {}, {"exp": None}),
        "lives too long": encode(cluster, {}, {"exp": now + 3600}),
        "from the future": encode(cluster, {}, {"iat": now + 100, "exp": now + 200}),
        "not yet": encode(cluster, {}, {"nbf": now + 100}),
        "no subject": encode(cluster, {}, {"sub": None}),
        "empty subject": encode(cluster, {}, {"sub": ""}),
        "subject not a string": encode(cluster, {}, {"sub": ["demo-zh"]}),
        "no id": encode(cluster, {}, {"jti": None}),
        "expiry not a number": encode(cluster, {}, {"exp": "soon"}),
    }


BODIES = {
    "/v1/operations": {"kind": "wallet.bind", "target": "ecny"},
    "/v1/operations/{operation_id}/challenges": {"method": "sms", "effects_version": "0" * 16},
    "/v1/operations/{operation_id}/cancel": {},
    "/v1/challenges/{challenge_id}/verify": {"code": "123456", "effects_version": "0" * 16},
}


def customer_routes() -> list[tuple[str, str]]:
    """List every route that acts for a customer, from the contract itself."""
    paths = create_app().openapi()["paths"]
    found = [(m.upper(), p) for p, methods in paths.items() for m in methods if p.startswith("/v1/")]
    return [(m, p) for m, p in found if not p.startswith("/v1/callers")]


def test_a_bad_customer_token_is_always_refused(cluster: Cluster, record_property: Callable[[str, Any], None]) -> None:
    tokens, routes = bad_tokens(cluster), customer_routes()
    assert {p for m, p in routes if m == "POST"} == set(BODIES)
    for name, token in tokens.items():
        headers = {"Authorization": f"Bearer {cluster.service_token}", "Idempotency-Key": uuid.uuid4().hex}
        if token is not None:
            headers["X-Customer-Token"] = token
        for method, path in routes:
            url = cluster.base + re.sub(r"\{(\w+)_id\}", "op_" + "0" * 26, path)
            answer = cluster.http.request(method, url, json=BODIES.get(path), headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (name, method, path)
    record_property("requests with forged tokens", len(tokens) * len(routes))


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x", "Basic abc", "Bearer test-", "bearer  "])
def test_a_service_token_is_needed_too(cluster: Cluster, authorization: str | None) -> None:
    headers = {"X-Customer-Token": cluster.token("demo-zh")}
    if authorization is not None:
        headers["Authorization"] = authorization
    for path in ("/v1/cards", "/v1/operations", "/sandbox/accounts/demo-zh"):
        assert cluster.http.get(f"{cluster.base}{path}", headers=headers).status_code == 401


def test_another_customers_objects_do_not_exist(cluster: Cluster, record_property: Callable[[str, Any], None]) -> None:
    owner = cluster.customer(cards=CARDS, wallets=["alipay"], agreements=[{"merchant": "爱奇艺", "card": "1234"}])
    stranger = cluster.customer(cards=[{"bank": "icbc", "tail": "9999"}])
    card, wallet = owner.card("1234"), owner.get("/wallets")["items"][0]
    agreement = owner.get("/agreements")["items"][0]
    op = owner.unbind("1234")
    challenge = owner.challenge(op)
    before = owner.truth(), owner.operation(op)
    version = {"effects_version": op["effects_version"]}
    tries: list[tuple[str, str, dict | None]] = [
        ("GET", f"/cards/{card['id']}", None),
        ("GET", f"/cards/{card['id']}/blockers", None),
        ("GET", f"/agreements?card_id={card['id']}", None),
        ("GET", f"/operations/{op['id']}", None),
        ("POST", "/operations", {"kind": "card.unbind", "target": card["id"]}),
        ("POST", "/operations", {"kind": "quick_pay.disable", "target": card["id"]}),
        ("POST", "/operations", {"kind": "wallet.unbind", "target": wallet["id"]}),
        ("POST", "/operations", {"kind": "agreement.terminate", "target": agreement["id"]}),
        ("POST", f"/operations/{op['id']}/challenges", {"method": "sms"} | version),
        ("POST", f"/operations/{op['id']}/challenges", {"method": "payment_password"} | version),
        ("POST", f"/operations/{op['id']}/cancel", None),
        ("POST", f"/challenges/{challenge['id']}/verify", {"code": owner.code()} | version),
    ]
    reached = {(m, re.sub(r"/(card|op|chl)_[0-9a-z]{26}", "/*", p.split("?")[0])) for m, p, _ in tries}
    by_id = {(m, re.sub(r"/\{\w+\}", "/*", p.removeprefix("/v1"))) for m, p in customer_routes() if "{" in p}
    assert by_id <= reached, "every route that takes an id is tried"
    record_property("tries at another's objects", 2 * len(tries))
    for method, path, body in tries:
        answer = stranger.call(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)
        unknown = stranger.call(
            method, _with_unknown_ids(path), {k: _with_unknown_ids(v) for k, v in body.items()} if body else None
        )
        assert _shape(answer.json()) == _shape(unknown.json()), "another's object answers as one that is not there"
    for path in ("/cards?state=all", "/wallets", "/agreements", "/obligations", "/operations"):
        text = stranger.call("GET", path).text
        assert not any(thing["id"] in text for thing in (card, wallet, agreement, op))
    assert (owner.truth(), owner.operation(op)) == before
    assert stranger.messages() == []


def _with_unknown_ids(text: str) -> str:
    return re.sub(r"_[0-9a-z]{26}", "_" + "0" * 26, text)


def _shape(problem: dict) -> dict:
    return {k: v for k, v in problem.items() if k != "request_id"}


def test_an_unknown_account_has_nothing(cluster: Cluster) -> None:
    nobody = Customer(cluster, "acc_nobody")
    assert nobody.get("/cards") == {"items": [], "next_cursor": None}
    assert nobody.ask("wallet.bind", "ecny", expect=404)["code"] == "not_found"


def test_an_agent_acts_with_both_names_and_does_not_take_over(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    headers = {
        "Authorization": f"Bearer {cluster.service_token}",
        "X-Customer-Token": cluster.token(customer.account, "conv_desk", act={"sub": "agent"}),
    }
    shown = cluster.http.get(f"{cluster.base}/v1/operations/{op['id']}", headers=headers).json()
    assert shown["conversation"] == "conv_1"
    cancelled = cluster.http.post(
        f"{cluster.base}/v1/operations/{op['id']}/cancel", headers=headers | {"Idempotency-Key": "agent-1"}
    )
    assert cancelled.json()["status"] == "cancelled"
    with cluster.engine().connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT actor, event FROM audit_log WHERE operation_id = '{op['id']}'").all()
    assert ("agent:agent", "operation.cancelled") in [tuple(r) for r in rows]


@pytest.mark.parametrize(("kind", "target"), [("card.unbind", None), ("card.bind", "cmb")])
@pytest.mark.parametrize("method", ["payment_password", "card_details"])
def test_an_agent_opens_no_page_for_a_customer(cluster: Cluster, kind: str, target: str | None, method: str) -> None:
    customer = cluster.customer(cards=[{"bank": "icbc", "tail": "1234"}])
    op = customer.ask(kind, target or customer.card("1234")["id"])
    headers = {
        "Authorization": f"Bearer gw-{cluster.service_token}", "Idempotency-Key": uuid.uuid4().hex,
        "X-Customer-Token": cluster.token(customer.account, "conv_desk", act={"sub": "agent"}),
    }  # fmt: skip
    body = {"method": method, "effects_version": op["effects_version"]}
    url = f"{cluster.base}/v1/operations/{op['id']}/challenges"
    answer = cluster.http.post(url, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "method_not_allowed"), answer.text
    assert answer.json()["methods"] == (["sms"] if kind == "card.unbind" else [])
    if kind == "card.unbind":  # the code to the registered phone is always there
        sent = cluster.http.post(url, json=body | {"method": "sms"}, headers=headers | {"Idempotency-Key": "by code"})
        assert sent.status_code == 201, sent.text


def test_pages_go_on_where_they_ended(cluster: Cluster) -> None:
    customer = cluster.customer(cards=[{"bank": "cmb", "tail": f"{n:04d}"} for n in range(7)])
    seen, cursor = [], ""
    while cursor is not None:
        page = customer.get(f"/cards?limit=3{cursor and '&cursor=' + cursor}")
        seen += [c["tail"] for c in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [f"{n:04d}" for n in range(7)]
    for bad in ("x", "!!!", "AAAA"):
        assert customer.call("GET", f"/cards?cursor={bad}").status_code == 422
    assert customer.call("GET", "/cards?limit=101").status_code == 422


def test_what_no_database_can_look_for_is_not_there(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    for path in ("/cards/card_%00", "/cards/card_%00/blockers", "/operations/op_%00"):
        answer = customer.call("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    for path in ("/operations/op_%00/cancel", "/operations/op_%00/challenges", "/challenges/chl_%00/verify"):
        body = {"effects_version": "v"} | ({"method": "sms"} if path.endswith("challenges") else {"code": "123456"})
        answer = customer.call("POST", path, None if path.endswith("cancel") else body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    assert customer.call("GET", "/agreements?card_id=card_%00").status_code == 422
    assert customer.call("GET", "/cards?cursor=%00").status_code == 422
    for target in ("card_\0", "\0", "card_\ud800"):
        assert customer.ask("card.unbind", target, expect=422)["code"] == "invalid_request"
    cluster.sandbox("GET", "/accounts/%00", expect=404)
    for said in ("op_\0", "op_\ud800", "x" * 10_000):
        body = json.dumps({"request": said})
        headers = signed(SECRET, uuid.uuid4().hex, body)
        assert cluster.http.post(f"{cluster.base}/bank/callbacks", data=body, headers=headers).status_code == 202


def test_a_card_number_given_as_a_bank_is_not_repeated_and_not_kept(cluster: Cluster) -> None:
    customer, number = cluster.customer(), "6225880137706868"
    for kind in ("card.bind", "wallet.bind"):
        said = customer.ask(kind, number, expect=422)
        assert said["code"] == "invalid_target" and number not in json.dumps(said)
    with cluster.engine().connect() as connection:
        kept = connection.exec_driver_sql("SELECT * FROM idempotency_keys").all()
    assert kept and number not in str(kept)


def test_bad_input_gets_a_clear_answer(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    for body in (
        {},
        {"kind": "card.unbind"},
        {"kind": "card.eat", "target": "x"},
        {"kind": "card.unbind", "target": 5},
        [],
    ):
        answer = customer.call("POST", "/operations", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    for kind, target in (
        ("card.unbind", "all"),
        ("card.bind", "my bank"),
        ("wallet.unbind", "alipay"),
        ("agreement.terminate", "x"),
    ):
        assert customer.ask(kind, target, expect=422)["code"] == "invalid_target"
    headers = {
        "Authorization": f"Bearer {cluster.service_token}", "X-Customer-Token": cluster.token(customer.account),
        "Idempotency-Key": "x", "Content-Type": "application/json",
    }  # fmt: skip
    broken = cluster.http.post(f"{cluster.base}/v1/operations", data="{", headers=headers)
    assert (broken.status_code, broken.json()["code"]) == (400, "invalid_request")
    op = customer.unbind("1234")
    challenge = customer.challenge(op)
    for code in ("12345", "1234567", "abcdef", "１２３４５６", ""):
        assert customer.answer(op, challenge, code, expect=422)["code"] == "invalid_request"
    assert customer.operation(op)["attempts_left"] == 3
