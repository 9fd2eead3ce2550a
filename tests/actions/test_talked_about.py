"""What was named in a question just before is what "unbind it" means; what was ruled out, or is long ago, is not."""
from __future__ import annotations

from typing import Any

import pytest

from actions.operations import BY_INTENT
from actions.talked_about import talked_about


def said(intent: str, **entities: str) -> dict[str, Any]:
    return {"event": "user", "parse_data": {"intent": {"name": intent}, "entities": [{"entity": name, "value": value} for name, value in entities.items()]}}


FORM: dict[str, Any] = {"event": "active_loop", "name": "unbind_card_form"}
ASKED = said("faq", bank="cmb", language="zh")
NOW = said("unbind_card", language="zh")


@pytest.mark.parametrize(
    ("intent", "events", "meant"),
    [
        ("unbind_card", [ASKED, NOW], {"bank": "cmb"}),
        ("close_quick_pay", [ASKED, said("close_quick_pay")], {"bank": "cmb"}),
        ("unbind_card", [ASKED, {"event": "bot"}, said("thank"), NOW], {"bank": "cmb"}),
        ("unbind_card", [said("faq", bank="cmb"), said("faq", bank="icbc"), NOW], {"bank": "icbc"}),
        ("unbind_card", [ASKED, NOW, FORM, {"event": "slot"}], {"bank": "cmb"}),  # the form that this very message begins
        ("unbind_card", [said("faq", bank="cmb", ordinal="all"), NOW], {"bank": "cmb"}),
        ("cancel_auto_deduction", [said("faq", merchant="iqiyi"), said("cancel_auto_deduction")], {"merchant": "iqiyi"}),
        ("unbind_wallet", [said("faq", wallet="alipay"), said("unbind_wallet")], {"wallet": "alipay"}),
        ("unbind_card", [said("faq", wallet="alipay"), NOW], {}),
        ("unbind_card", [ASKED, said("unbind_card", wallet="alipay")], {}),  # names something itself
        ("unbind_card", [ASKED, said("unbind_card", bank="icbc")], {}),
        ("unbind_card", [said("deny", bank="cmb"), NOW], {}),
        ("unbind_card", [said("report_fraud", bank="cmb"), NOW], {}),
        ("unbind_card", [ASKED, said("stop"), NOW], {}),
        ("unbind_card", [ASKED, FORM, said("affirm"), NOW], {}),
        ("unbind_card", [ASKED, said("EXTERNAL_signed_in"), NOW], {"bank": "cmb"}),
        ("unbind_card", [ASKED, said("thank"), said("thank"), NOW], {}),
        ("bind_card", [ASKED, said("bind_card")], {}),  # a bank in passing is no wish to add its card
        ("unbind_card", [NOW], {}),
        ("unbind_card", [], {}),
    ],
)  # fmt: skip
def test_what_was_talked_about(intent: str, events: list[dict[str, Any]], meant: dict[str, str]) -> None:
    assert talked_about(kind=BY_INTENT[intent], events=events) == meant
