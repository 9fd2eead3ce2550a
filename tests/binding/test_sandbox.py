"""The sandbox: accounts to order, strictly checked; the demo accounts."""

from __future__ import annotations

from typing import Any

import pytest

from binding.ports.webhooks import signed

from .conftest import Cluster, Customer


@pytest.mark.parametrize("account", ["demo-zh", "demo-en"])
def test_the_demo_accounts_are_there(cluster: Cluster, account: str) -> None:
    truth = Customer(cluster, account).truth()
    assert (len(truth["cards"]), len(truth["wallets"]), len(truth["agreements"])) == (3, 2, 1)
    assert [o["kind"] for o in truth["obligations"]] == ["debt"]
    clean = truth["cards"][0]
    assert (clean["bank"], clean["tail"], clean["type"]) == ("cmb", "1234", "debit")
    assert truth["agreements"][0]["card"] == "1234"


def test_an_account_is_shown_as_it_was_made(cluster: Cluster) -> None:
    spec: dict[str, Any] = {
        "phone": "13712345678", "language": "en", "cards": [{"bank": "cmb", "tail": "1111", "type": "credit", "quick_pay": False}],
        "wallets": ["ecny"], "agreements": [{"merchant": "Netflix", "card": "1111"}],
        "obligations": [{"kind": "refund", "card": "1111", "amount": 5, "currency": "CNY"}],
        "operations": [{"kind": "wallet.unbind", "target": "ecny", "status": "failed"}],
    }  # fmt: skip
    truth = cluster.customer(**spec).truth()
    assert (truth["phone"], truth["language"], truth["frozen"]) == ("13712345678", "en", False)
    card = truth["cards"][0]
    assert (card["bank"], card["tail"], card["type"], card["quick_pay"]) == ("cmb", "1111", "credit", False)
    assert truth["wallets"] == ["ecny"] and truth["obligations"][0]["card"] == "1111"
    operation = truth["operations"][0]
    assert (operation["kind"], operation["target"], operation["status"]) == ("wallet.unbind", "ecny", "failed")


@pytest.mark.parametrize("status", ["pending", "processing", "manual_review"])
def test_an_operation_that_is_already_with_the_bank_can_be_settled(cluster: Cluster, status: str) -> None:
    customer = cluster.customer(
        cards=[{"bank": "cmb", "tail": "1234"}],
        operations=[{"kind": "card.unbind", "target": "1234", "status": status}],
    )
    op = customer.get("/operations?open=true")["items"][0]
    assert op["status"] == status
    cluster.settle()
    customer.until(op, "succeeded", within=10)
    assert customer.truth()["cards"] == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"phone": "123"}, "phone"),
        ({"language": "fr"}, "language"),
        ({"cards": [{"bank": "hsbc", "tail": "1234"}]}, "bank"),
        ({"cards": [{"bank": "cmb", "tail": "12345"}]}, "tail"),
        ({"cards": [{"bank": "cmb"}]}, "tail"),
        ({"cards": [{"bank": "cmb", "tail": "1234", "colour": "red"}]}, "colour"),
        ({"cards": [{"bank": "cmb", "tail": "1234"}] * 2}, "same bank and tail"),
        ({"wallets": ["paypal"]}, "wallets"),
        ({"wallets": ["alipay", "alipay"]}, "twice"),
        ({"agreements": [{"merchant": "x", "card": "1234"}]}, "no card of this account is 1234"),
        ({"cards": [{"bank": "cmb", "tail": "1234"}, {"bank": "ccb", "tail": "1234"}], "agreements": [{"merchant": "x", "card": "1234"}]},
         "more than one card"),
        ({"obligations": [{"kind": "debt", "amount": -1, "currency": "CNY"}]}, "amount"),
        ({"operations": [{"kind": "card.unbind", "target": "1234", "status": "pending"}]}, "not there"),
        ({"payment_password": "12ab56"}, "payment_password"),
        ({"nonsense": 1}, "nonsense"),
    ],
)  # fmt: skip
def test_a_wrong_account_is_refused_with_a_reason(cluster: Cluster, spec: dict, said: str) -> None:
    problem = cluster.sandbox("POST", "/accounts", spec, expect=422)
    assert problem["code"] == "invalid_request" and said in problem["detail"]


def test_unknown_accounts_and_modes_are_refused(cluster: Cluster) -> None:
    cluster.sandbox("GET", "/accounts/acc_none", expect=404)
    cluster.sandbox("GET", "/phones/acc_none", expect=404)
    cluster.sandbox("PUT", "/bank", {"mode": "asleep"}, expect=422)
    cluster.sandbox("POST", "/clock", {"advance_s": -5}, expect=422)


def test_a_callback_without_the_banks_signature_is_refused(cluster: Cluster) -> None:
    url, body = f"{cluster.base}/bank/callbacks", '{"request": "op_x"}'
    assert cluster.http.post(url, data=body).status_code == 401
    secrets = (("of nobody", 401), (cluster.env["BANK_CALLBACK_SECRET"], 202), (cluster.env["BANK_CALLBACK_OLD_SECRET"], 202))
    for secret, expected in secrets:
        assert cluster.http.post(url, data=body, headers=signed(secret, "m1", body)).status_code == expected


def test_health_figures_and_contract_are_published(cluster: Cluster) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert cluster.http.get(f"{cluster.base}{path}").status_code == 200
    assert "binding_open_operations" in cluster.http.get(f"{cluster.base}/metrics").text
