"""Names, amounts and times as each language writes them."""
from __future__ import annotations

from actions import display, offers


def test_a_card_and_its_button() -> None:
    card = {"bank": "cmb", "type": "credit", "tail": "9012"}
    assert display.card(card, "zh") == "招商银行信用卡（9012）"
    assert display.card(card, "en") == "China Merchants Bank credit card (9012)"
    assert display.card_button(card, "zh") == "招行 9012"


def test_every_button_of_a_card_fits_a_phone() -> None:
    for bank in display.vocabulary("bank"):
        assert len(display.card_button({"bank": bank, "tail": "1234"}, "zh")) <= 12
        assert len(display.card_button({"bank": bank, "tail": "1234"}, "en")) <= 28


def test_money_and_moments() -> None:
    assert display.money(4900, "CNY") == "¥49.00" and display.money(None, None) == ""
    assert display.moment("2026-11-22T06:30:00Z", "zh") == "11月22日 14:30"
    assert display.moment("2026-11-22T06:30:00Z", "en") == "14:30 on November 22 (Beijing time)"


def test_a_merchant_in_the_other_language_or_as_it_writes_itself() -> None:
    assert display.merchant("爱奇艺", "en") == "iQIYI" and display.merchant("小店一号", "en") == "小店一号"


def test_an_offer_reads_back_with_what_it_was_about() -> None:
    offer = offers.read(offers.start("bind_wallet", {"wallet": "apple_pay"}))
    assert (offer.sort, offer.label, offer.hints) == ("start", "bind_wallet", {"wallet": "apple_pay"})
    assert offers.read(None).sort == "" and offers.read(offers.RESUME).sort == "resume"
