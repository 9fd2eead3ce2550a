"""Accounts that come from a company's own records: usable at once, taken again without harm, and never stronger than what was done here."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import sqlalchemy as sa

from binding.models import Account, AuditRow

from .conftest import Cluster
from .people import Customer

NOTHING = {"lines": 1, "made": 0, "changed": 0, "settled": 0, "refused": 0, "differences": 0}


def line(**changes: Any) -> dict[str, Any]:
    """An account with two cards, a wallet, a renewal and a debt, with numbers of its own."""
    own = uuid.uuid4().hex[:10]
    return {
        "account": f"user-{own}",
        "phone": "13712345678",
        "cards": [
            {"protocol_no": f"P{own}-1", "bank": "cmb", "tail": "1234", "reserved_phone": "137****5678"},
            {"protocol_no": f"P{own}-2", "bank": "icbc", "tail": "5678", "type": "credit", "repayment": True},
        ],
        "wallets": [{"protocol_no": f"W{own}", "kind": "alipay", "account_masked": "137****5678"}],
        "agreements": [
            {"protocol_no": f"A{own}", "merchant": "爱奇艺", "card": f"P{own}-1", "amount": 2500,
             "next_charge_at": "2027-01-05T00:00:00Z"},
        ],
        "obligations": [{"id": f"order-{own}", "kind": "open_order", "card": f"P{own}-1", "amount": 9900}],
        **changes,
    }  # fmt: skip


def taken(cluster: Cluster, *lines: Any, refused: bool = False) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Feed lines; returns what was said of them and the sums."""
    given = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines)
    done = cluster.run("-m", "binding.intake", given=given)
    assert done.returncode == (1 if refused else 0), done.stderr
    *said, sums = map(json.loads, done.stdout.splitlines())
    return said, sums


def test_a_card_that_came_with_the_records_is_unbound_with_a_code(cluster: Cluster) -> None:
    records = line()
    said, sums = taken(cluster, records)
    assert said == [] and sums == NOTHING | {"made": 6}
    customer = Customer(cluster, records["account"], "conv_1")
    card = customer.card("1234")
    assert card["reserved_phone_masked"] == "137****5678"
    assert [b["code"] for b in customer.ask("card.unbind", card["id"], expect=409)["blockers"]] == ["unfinished_order"]
    said, sums = taken(cluster, records | {"obligations": []})
    assert said == [] and sums == NOTHING | {"settled": 1}
    assert customer.verified(customer.unbind("1234"))["status"] == "succeeded"
    assert customer.truth()["agreements"] == [] and [c["tail"] for c in customer.truth()["cards"]] == ["5678"]
    # Yesterday's records still have the card: it stays unbound, and somebody is told.
    said, sums = taken(cluster, records | {"obligations": None})
    assert {(one["kind"], one["here"]) for one in said} == {
        ("cards", "it is unbound"),
        ("agreements", "it is terminated"),
    }
    assert sums["differences"] == 2 and sums["made"] == sums["changed"] == 0
    assert customer.card("1234")["state"] == "unbound"


def test_the_same_records_again_change_nothing_and_new_ones_what_they_say(cluster: Cluster) -> None:
    records = line()
    taken(cluster, records)
    assert taken(cluster, records) == ([], NOTHING)
    own, amount = records["agreements"][0], 3000
    later = records | {
        "phone": "+8613812345678",
        "language": "en",
        "frozen": True,
        "agreements": [own | {"amount": amount}],
    }
    later["cards"] = [*records["cards"], {"protocol_no": records["account"] + "-3", "bank": "boc", "tail": "9012"}]
    assert taken(cluster, later) == ([], NOTHING | {"made": 1, "changed": 2})
    truth = Customer(cluster, records["account"], "conv_1").truth()
    assert (truth["phone"], truth["language"], truth["frozen"]) == ("13812345678", "en", True)
    assert truth["agreements"][0]["amount"] == amount and len(truth["cards"]) == 3


def test_quick_payment_that_was_closed_here_stays_closed(cluster: Cluster) -> None:
    records = line(obligations=[])
    taken(cluster, records)
    customer = Customer(cluster, records["account"], "conv_1")
    assert customer.verified(customer.ask("quick_pay.disable", customer.card("1234")["id"]))["status"] == "succeeded"
    said, _ = taken(cluster, records)
    assert [(one["protocol_no"], one["here"]) for one in said if one["kind"] == "cards"] == [
        (records["cards"][0]["protocol_no"], "quick payment is off")
    ]
    assert customer.card("1234")["quick_pay"] is False


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"phone": "110"}, "phone: "),
        ({"cards": [{"protocol_no": "P1", "bank": "cmb", "tail": "6225888812341234"}]}, "cards.0.tail: "),
        ({"cards": [{"protocol_no": "P1", "bank": "no bank", "tail": "1234"}]}, "cards.0.bank: "),
        ({"payment_password": "246810"}, "payment_password: Extra inputs are not permitted"),
        ({"agreements": [{"protocol_no": "A1", "merchant": "Netflix", "card": "P0"}]}, "card: not among the cards of this line"),
        ({"obligations": [{"id": "o", "kind": "debt", "amount": -1}]}, "obligations.0.amount: "),
        ({"wallets": [{"protocol_no": "W1", "kind": "alipay", "account_masked": "13712345678"}]}, "wallets.0.account_masked: "),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_is_refused_by_its_field_and_the_others_are_taken(
    cluster: Cluster, change: dict, words: str
) -> None:
    wrong, right = line(**change), line()
    said, sums = taken(cluster, wrong, "", "{not json", right, refused=True)
    assert [one["line"] for one in said] == [1, 3] and words in said[0]["refused"]
    assert sums["refused"] == 2 and sums["made"] == 6
    shown = json.dumps(said)
    assert not any(secret in shown for secret in ("246810", "6225888812341234", "13712345678", "no bank"))
    with cluster.engine().connect() as connection:
        assert connection.scalar(sa.select(Account.id).where(Account.id == wrong["account"])) is None


def test_a_line_is_taken_whole_or_not_at_all(cluster: Cluster) -> None:
    mine, theirs = line(), line()
    taken(cluster, mine)
    theirs["wallets"][0]["protocol_no"] = mine["wallets"][0]["protocol_no"]
    said, _ = taken(cluster, theirs, refused=True)
    assert said[0]["refused"] == f"wallets: {mine['wallets'][0]['protocol_no']} is another account's"
    second = mine | {"wallets": [mine["wallets"][0] | {"protocol_no": "W" + uuid.uuid4().hex}], "phone": "13899999999"}
    said, _ = taken(cluster, second, refused=True)
    assert said[0]["refused"] == "a rule of the tables forbids it: a wallet of this kind is linked already"
    other = mine | {"cards": [mine["cards"][0] | {"tail": "4321"}, mine["cards"][1]], "phone": "13899999999"}
    said, _ = taken(cluster, other, refused=True)
    assert said[0]["refused"] == f"cards: {mine['cards'][0]['protocol_no']} has another tail here"
    with cluster.engine().connect() as connection:
        assert connection.scalar(sa.select(Account.id).where(Account.id == theirs["account"])) is None
        assert connection.scalar(sa.select(Account.phone).where(Account.id == mine["account"])) == "13712345678"


def test_what_was_taken_stands_in_the_audit_trail(cluster: Cluster) -> None:
    records = line()
    taken(cluster, records)
    taken(cluster, records)
    taken(cluster, records | {"frozen": True})
    with cluster.engine().connect() as connection:
        query = sa.select(AuditRow.event, AuditRow.actor, AuditRow.data).where(
            AuditRow.account_id == records["account"]
        )
        rows = connection.execute(query.order_by(AuditRow.seq)).all()
    assert [tuple(row) for row in rows] == [
        ("account.intake", "intake", {"made": 6}),
        ("account.intake", "intake", {"changed": 1}),
    ]
    assert cluster.run("-m", "binding.audit", "verify").returncode == 0
