"""A card is removed: asked, verified, done at the bank, told to the customer and the gateway."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from .conftest import Cluster, eventually

CARDS = [{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678", "type": "credit"}]


def test_a_card_is_unbound_and_the_customer_is_told(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS, wallets=["alipay"], agreements=[{"merchant": "爱奇艺", "card": "1234"}])
    op = customer.unbind("1234")
    assert op["status"] == "awaiting_verification"
    assert [e["code"] for e in op["effects"]] == ["quick_pay_stops", "renewal_stops", "other_ways_stay"]
    assert op["effects"][2]["count"] == 2
    assert op["verification"]["methods"] == ["sms", "payment_password"]

    challenge = customer.challenge(op)
    assert "****" in challenge["destination"]
    sms = customer.messages()[-1]
    assert "1234" in sms["text"] and sms["code"] in sms["text"]

    done = customer.answer(op, challenge, sms["code"], expect=200)
    assert done["status"] == "succeeded" and done["finished_at"]
    assert [c["tail"] for c in customer.truth()["cards"]] == ["5678"]
    assert customer.truth()["agreements"] == []
    assert customer.card("1234")["state"] == "unbound"
    assert cluster.bank_requests()[op["id"]]["done"] == 1
    told = eventually(lambda: [m for m in customer.messages() if "解除绑定" in m["text"]], what="the notice")
    assert {m["kind"] for m in told} <= {"sms", "push"}
    event = eventually(lambda: [e for e in cluster.sink.of(op["id"]) if e["data"]["answered"]], what="the event")[0]
    assert event["type"] == "operation.updated" and event["data"]["conversation"] == "conv_1"
    assert event["data"]["operation"]["status"] == "succeeded"


def test_an_english_customer_reads_english(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS, language="en")
    op = customer.unbind("1234")
    customer.verified(op)
    texts = [
        m["text"] for m in eventually(lambda: len(customer.messages()) > 2 and customer.messages(), what="notices")
    ]
    assert texts[0].startswith("You are removing China Merchants Bank card ending 1234.")
    assert any(t.startswith("Your China Merchants Bank card ending 1234 was removed at") for t in texts)


@pytest.mark.parametrize("mode", ["pending", "slow", "down", "lost_reply"])
def test_a_bank_that_does_not_say_leaves_it_open_until_it_does(cluster: Cluster, mode: str) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    cluster.bank(mode)
    shown = customer.verified(op)
    assert shown["status"] == "pending" and shown["eta"]
    assert customer.truth()["cards"][0]["state"] == "unbinding"
    cluster.settle()
    customer.until(op, "succeeded", within=10)
    assert [c["tail"] for c in customer.truth()["cards"]] == ["5678"]
    assert cluster.bank_requests()[op["id"]]["done"] == 1
    statuses = [
        e["data"]["operation"]["status"] for e in eventually(lambda: cluster.sink.of(op["id"]), what="an event")
    ]
    assert "pending" in statuses or "succeeded" in statuses
    eventually(lambda: [e for e in cluster.sink.of(op["id"]) if e["data"]["operation"]["status"] == "succeeded"])


def test_a_bank_that_was_down_gets_the_request_when_it_is_back(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    cluster.bank("down")
    assert customer.verified(op)["status"] == "pending"
    cluster.bank("ok")
    customer.until(op, "succeeded")
    assert cluster.bank_requests()[op["id"]]["done"] == 1


def test_a_bank_that_refuses_leaves_everything_as_it_was(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS, agreements=[{"merchant": "爱奇艺", "card": "1234"}])
    op = customer.unbind("1234")
    cluster.bank("reject")
    shown = customer.verified(op)
    assert (shown["status"], shown["reason_code"]) == ("failed", "bank_rejected")
    assert customer.card("1234")["state"] == "bound"
    assert len(customer.truth()["agreements"]) == 1
    cluster.bank("ok")
    cluster.advance(61)
    assert customer.verified(customer.unbind("1234"))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("spec", "codes"),
    [
        ({"frozen": True}, ["account_frozen"]),
        ({"obligations": [{"kind": "debt", "card": "1234", "amount": 4900, "currency": "CNY"}]}, ["outstanding_debt"]),
        ({"obligations": [{"kind": "debt", "amount": 4900, "currency": "CNY"}]}, ["outstanding_debt"]),
        (
            {"obligations": [{"kind": "open_order", "card": "1234", "amount": 1, "currency": "CNY"}]},
            ["unfinished_order"],
        ),
        ({"obligations": [{"kind": "refund", "card": "1234", "amount": 1, "currency": "CNY"}]}, ["refund_pending"]),
    ],
)
def test_what_stands_in_the_way_is_said_and_nothing_is_opened(cluster: Cluster, spec: dict, codes: list[str]) -> None:
    customer = cluster.customer(cards=CARDS, **spec)
    card = customer.card("1234")
    blocked = customer.ask("card.unbind", card["id"], expect=409)
    assert blocked["code"] == "blocked" and [b["code"] for b in blocked["blockers"]] == codes
    assert [b["code"] for b in customer.get(f"/cards/{card['id']}/blockers")["items"]] == codes
    assert customer.get("/operations")["items"] == []


def test_a_debt_on_another_card_does_not_block(cluster: Cluster) -> None:
    customer = cluster.customer(
        cards=CARDS, obligations=[{"kind": "debt", "card": "5678", "amount": 1, "currency": "CNY"}]
    )
    assert customer.unbind("1234")["status"] == "awaiting_verification"


def test_the_repayment_card_stays(cluster: Cluster) -> None:
    customer = cluster.customer(cards=[CARDS[0] | {"repayment": True}])
    blocked = customer.ask("card.unbind", customer.card("1234")["id"], expect=409)
    assert [b["code"] for b in blocked["blockers"]] == ["repayment_card"]


def test_quick_pay_is_turned_off_even_for_a_frozen_account(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS, frozen=True)
    op = customer.ask("quick_pay.disable", customer.card("1234")["id"])
    assert customer.verified(op)["status"] == "succeeded"
    assert [c["quick_pay"] for c in customer.truth()["cards"]] == [False, True]
    customer.ask("quick_pay.disable", customer.card("1234")["id"], expect=409)
    cluster.advance(61)
    op = customer.ask("quick_pay.disable", "all")
    assert op["target_summary"] == {"type": "all_cards", "count": 1}
    assert customer.verified(op)["status"] == "succeeded"
    assert [c["quick_pay"] for c in customer.truth()["cards"]] == [False, False]
    assert customer.ask("quick_pay.disable", "all", expect=409)["code"] == "already_done"


def test_wallets_are_unbound_and_bound(cluster: Cluster) -> None:
    customer = cluster.customer(wallets=["alipay", "wechat_pay"])
    wallet = customer.get("/wallets")["items"][0]
    assert customer.verified(customer.ask("wallet.unbind", wallet["id"]))["status"] == "succeeded"
    assert customer.truth()["wallets"] == ["wechat_pay"]
    cluster.advance(61)
    op = customer.ask("wallet.bind", "ecny")
    assert op["target_summary"] == {"type": "new_wallet", "kind": "ecny"} and op["verification"]["methods"] == ["sms"]
    assert customer.verified(op)["status"] == "succeeded"
    assert customer.truth()["wallets"] == ["wechat_pay", "ecny"]
    assert customer.ask("wallet.bind", "ecny", expect=409)["code"] == "already_done"
    assert customer.ask("wallet.bind", "paypal", expect=422)["code"] == "invalid_target"


def test_an_agreement_is_ended(cluster: Cluster) -> None:
    customer = cluster.customer(
        cards=CARDS, agreements=[{"merchant": "爱奇艺", "card": "1234"}, {"merchant": "网易云", "card": "1234"}]
    )
    agreement = customer.get(f"/agreements?card_id={customer.card('1234')['id']}")["items"][0]
    op = customer.ask("agreement.terminate", agreement["id"])
    assert op["target_summary"] == {
        "type": "agreement",
        "id": agreement["id"],
        "merchant": "爱奇艺",
        "bank": "cmb",
        "tail": "1234",
    }
    assert customer.verified(op)["status"] == "succeeded"
    assert [a["merchant"] for a in customer.truth()["agreements"]] == ["网易云"]


def test_effects_that_change_are_asked_again(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS, agreements=[{"merchant": "爱奇艺", "card": "1234"}])
    unbind = customer.unbind("1234")
    agreement = customer.get("/agreements")["items"][0]
    assert customer.verified(customer.ask("agreement.terminate", agreement["id"]))["status"] == "succeeded"
    cluster.advance(61)
    changed = customer.challenge(unbind, expect=409)
    assert changed["code"] == "effects_changed" and "renewal_stops" not in [e["code"] for e in changed["effects"]]
    assert customer.verified(unbind | {"effects_version": changed["effects_version"]})["status"] == "succeeded"


def test_a_second_operation_on_the_same_card_points_to_the_first(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    again = customer.ask("card.unbind", op["target"], expect=409)
    assert (again["code"], again["operation_id"]) == ("operation_in_progress", op["id"])
    cancelled = customer.call("POST", f"/operations/{op['id']}/cancel")
    assert cancelled.json()["status"] == "cancelled" and cancelled.json()["reason_code"] == "cancelled_by_customer"
    assert customer.call("POST", f"/operations/{op['id']}/cancel").json()["status"] == "cancelled"
    assert customer.unbind("1234")["id"] != op["id"]


def test_what_is_cancelled_elsewhere_is_told_to_the_chat_that_asked(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS, conversation="conv_chat")
    here, there = customer.unbind("1234"), customer.unbind("5678")
    assert customer.call("POST", f"/operations/{here['id']}/cancel").json()["status"] == "cancelled"
    call = customer.elsewhere("conv_call")
    for _ in range(2):
        assert call.call("POST", f"/operations/{there['id']}/cancel").json()["status"] == "cancelled"
    told = eventually(lambda: cluster.sink.of(there["id"]), what="the event")
    assert [(e["data"]["conversation"], e["data"]["operation"]["status"]) for e in told] == [("conv_chat", "cancelled")]
    query = sa.text("SELECT operation_id FROM outbox_events WHERE account_id = :a").bindparams(a=customer.account)
    with cluster.engine().connect() as connection:
        assert list(connection.scalars(query)) == [there["id"]]  # who cancelled here has read the answer


def test_an_operation_that_nobody_goes_on_with_expires(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    cluster.advance(29 * 60)
    customer.challenge(op)
    cluster.advance(29 * 60)
    assert customer.operation(op)["status"] == "awaiting_verification"
    cluster.advance(61)
    shown = customer.operation(op)
    assert (shown["status"], shown["reason_code"]) == ("expired", "verification_expired")
    assert customer.challenge(op, expect=409)["operation_status"] == "expired"


def test_a_newer_conversation_takes_over_and_the_older_one_is_told(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS, conversation="conv_old")
    op = customer.unbind("1234")
    cluster.bank("pending")
    customer.verified(op)
    assert customer.elsewhere("conv_new").operation(op)["conversation"] == "conv_new"
    told = eventually(
        lambda: [e for e in cluster.sink.of(op["id"]) if e["type"] == "operation.reassigned"], what="the event"
    )
    assert told[0]["data"]["conversation"] == "conv_old"
    cluster.settle()
    ended = eventually(
        lambda: [e for e in cluster.sink.of(op["id"]) if e["data"]["operation"]["status"] == "succeeded"]
    )
    assert ended[0]["data"]["conversation"] == "conv_new"


def test_events_wait_for_a_gateway_that_is_away(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    cluster.sink.refuse = True
    assert customer.verified(op)["status"] == "succeeded"
    assert cluster.sink.of(op["id"]) == []
    cluster.sink.refuse = False
    eventually(lambda: cluster.sink.of(op["id"]), what="the event")


def test_events_wait_for_a_gateway_that_is_not_running(cluster: Cluster) -> None:
    customer = cluster.customer(cards=CARDS)
    op = customer.unbind("1234")
    with cluster.sink.away():
        assert customer.verified(op)["status"] == "succeeded"
        log = cluster.home / "binding-0.log"
        eventually(lambda: "the gateway did not take an event" in log.read_text(), what="the log line")
    eventually(lambda: cluster.sink.of(op["id"]), what="the event")
