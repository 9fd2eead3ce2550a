"""What the stand-in Rasa understands of a line and would answer: enough of the door `suggest` for the desk."""

from __future__ import annotations

import re
from typing import Any

Pair = dict[str, str]
ANSWERS: dict[str, dict[str, Pair]] = {
    "unbind_card": {
        "utter_confirm_unbind_card": {"zh": "要解绑{target}。确认解绑吗？", "en": "I'm about to unbind {target}. Shall I go ahead?"},
        "utter_confirm_unbind_card_renewals": {
            "zh": "要解绑{target}。用这张卡的{merchants}会停止扣款，其他付款方式不受影响。确认解绑吗？",
            "en": "I'm about to unbind {target}. {merchants} will stop being charged to it; your other ways to pay stay. Shall I go ahead?",
        },
        "utter_ask_unbind_card_target": {"zh": "您要解绑哪一张？", "en": "Which card would you like to unbind?"},
    },
    "faq/unbind_card_howto": {"utter_faq/unbind_card_howto": {"zh": "在“支付设置 → 银行卡”里选这张卡，点“解除绑定”，按提示验证即可。", "en": "Open Payment settings, then Bank cards, pick the card and press Unbind."}},
    "faq/unbind_duration": {
        "utter_faq/unbind_duration": {
            "zh": "解绑一般**马上生效**；个别银行要1到3个工作日，办好后会发短信给您。\n- 期间不用重复提交\n- 超过3个工作日请拨打 950618",
            "en": "Unbinding usually takes effect **right away**; a few banks need 1 to 3 working days. A text message confirms it.\n- there is no need to ask again\n- after 3 working days, please call 950618",
        }
    },
    "faq/auto_deduction_effect": {"utter_faq/auto_deduction_effect": {"zh": "会停。用这张卡续费的会员在解绑后不再扣款，已付的当期还能用。", "en": "Yes. Memberships that renew on this card stop being charged; what you've paid for stays."}},
    "human_handoff": {"utter_human_handoff": {"zh": "您好，我是人工客服，请说说您遇到的情况。", "en": "You're talking to a person now. Please tell me what happened."}},
}  # fmt: skip
RULES = (
    (r"人工|a person|an agent", "human_handoff"),
    (r"多久|几天|how long|yet|还没", "faq/unbind_duration"),
    (r"续费|自动扣|renew|subscription", "faq/auto_deduction_effect"),
    (r"怎么解|how do i unbind|how to unbind", "faq/unbind_card_howto"),
    (r"解绑|unbind", "unbind_card"),
)
ALWAYS = {"utter_sign_in_required": {"zh": "办理前请先登录，确认是您本人。", "en": "Please sign in first, so that we know it's you."}}
ANGRY = ("气死", "投诉", "骗子", "ridiculous", "complaint", "unacceptable")
BANKS = {"招行": "cmb", "招商": "cmb", "cmb": "cmb", "建行": "ccb", "ccb": "ccb"}


def parse_of(text: str) -> dict[str, Any]:
    """Returns a parse: the first rule that fits, then the others, less and less sure."""
    lowered = text.lower()
    best = next((label for pattern, label in RULES if re.search(pattern, lowered)), None)
    language = "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"
    entities = [{"entity": "bank", "value": value} for name, value in BANKS.items() if name in lowered][:1]
    entities += [{"entity": "card_tail", "value": tail} for tail in re.findall(r"(?<!\d)\d{4}(?!\d)", text)[:1]]
    labels = [*([best] if best else []), *(label for label in ("unbind_card", "faq/unbind_duration", "faq/auto_deduction_effect") if label != best)]
    sure = (0.93, 0.04, 0.02, 0.01) if best else (0.31, 0.24, 0.2)
    ranking = [{"name": label, "confidence": confidence} for label, confidence in zip(labels, sure, strict=False)]
    return {"intent": best or "nlu_fallback", "confidence": sure[0], "ranking": ranking, "entities": entities, "language": language}


def suggest(text: str, language: str) -> dict[str, Any]:
    """Returns the answer of the door `suggest`."""
    parse = parse_of(text)
    angry = [word for word in ANGRY if word in text.lower()]
    found = parse["language"] if re.search(r"[a-z\u4e00-\u9fff]", text, re.I) else language
    answers = [{"label": one["name"], "responses": ANSWERS.get(one["name"], {})} for one in parse["ranking"]]
    return {"language": found, "parse": parse, "answers": answers, "always": ALWAYS, "mood": {"name": "angry" if angry else "neutral", "words": angry}}
