"""What people of the desk must not ask for, found in their words before these are sent; and the prompts that belong to a situation.

A net for slips, not a judge: what it catches can still be sent on purpose, and that is an audit line.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.desk import names
from gateway.desk.problems import DeskProblem

_SECRETS = {
    "password": r"(?:支付|交易|登录|登陆|银行卡|取款)?密码|口令|\b(?:payment |login |account )?(?:password|passcode|pin)\b",
    "card_number": r"(?:完整的?|全部的?|整个)?(?:银行)?卡号|\b(?:full |whole |complete |entire )?card number\b|\bcvv2?\b|安全码",
    "id_number": r"身份证(?:号码?|件号)?|证件号码?|\bid (?:card )?number\b|\bidentity number\b",
}
_ASK_ZH = r"(?:告诉|发给|发送?给?|提供|报(?:一下|给|上)?|说(?:一下|给)?|念(?:一下|给)?|读(?:一下|给)?|给我|把)"
_ASK_EN = r"(?:tell|give|send|share|provide|read|say|confirm|type|text|what(?:'s| is))"
# A code is typed into the chat by the customer, where nobody sees it, and asking for that is right; asking that it be told to a person is not.
_HAND_OVER = re.compile(
    r"(?:告诉|发给|发|念给|读给|报给|说给|提供给|给)(?:我|我们|客服).{0,10}(?:验证码|动态码)"
    r"|(?:验证码|动态码).{0,12}(?:告诉|发给|发送给|念给|读给|报给|说给|给|发)(?:一下)?(?:我|我们|客服)"
    r"|\b(?:tell|give|send|read|share)\s+(?:me|us|the agent)\b.{0,30}\b(?:code|otp)\b"
    r"|\b(?:tell|give|send|read|share)\b.{0,30}\b(?:code|otp)\b.{0,20}\b(?:to|with) (?:me|us|the agent)\b",
    re.I,
)
_NOT = re.compile(
    r"不要|别|无需|不需要|不会|不用|请勿|切勿|勿|从不|绝不|不能|谁问都|\bnever\b|\bnot\b|\bdon'?t\b|\bwon'?t\b|\bno need\b|\bnobody\b|\bno one\b",
    re.I,
)
_CLAUSE = re.compile(r"[。！？!?；;\n]|\.(?=\s|$)")
_TAIL = re.compile(r"后四位|末四位|尾号|后4位|\blast (?:four|4)\b|\bending\b", re.I)


def found_in(text: str) -> list[str]:
    """Returns what an agent's words seem to ask the customer for: `password`, `card_number`, `id_number`, `code`."""
    found: list[str] = []
    for clause in _CLAUSE.split(text):
        if _NOT.search(clause):
            continue
        for name, secret in _SECRETS.items():
            if name in found or (name != "password" and _TAIL.search(clause)):
                continue
            if _asks(clause, secret):
                found.append(name)
        if "code" not in found and _HAND_OVER.search(clause):
            found.append("code")
    return found


def _asks(clause: str, secret: str) -> bool:
    near = rf"(?:{_ASK_ZH}|\b{_ASK_EN}\b).{{0,24}}(?:{secret})"
    after = rf"(?:{secret}).{{0,10}}(?:是多少|是什么|发我|告诉我|给我|报一下|念一下|读一下|发过来|说一下|\bplease\b)"
    return re.search(near, clause, re.I) is not None or re.search(after, clause, re.I) is not None


def check(text: str) -> None:
    """Raises `asks_for_secret` with a sentence for the agent."""
    if not (found := found_in(text)):
        return
    what = {
        language: names.joined([names.word("secrets", one)[language] for one in found], language)
        for language in names.LANGUAGES
    }
    sentence = names.read("words.yml")["asks_for_secret"]
    message = {language: sentence[language].format(what=what[language]) for language in names.LANGUAGES}
    raise DeskProblem("asks_for_secret", found=found, message=message)


def prompts(
    *,
    place: str,
    verified: bool,
    intent: str | None = None,
    mood: str | None = None,
    status: str | None = None,
    signed_in: bool = True,
) -> list[dict[str, Any]]:
    """Returns what the agent must keep in mind now: the standing rule, then those of the call, the wish, the mood and the operation."""
    wanted = ["never_password"]
    if place == "call" and not verified:
        wanted.append("verify_first")
    if place == "chat" and not signed_in and intent and names.group_of(intent) == "operation":
        wanted.append("not_signed_in")
    if intent == "report_fraud":
        wanted.append("fraud")
    if intent == "third_party_request":
        wanted.append("third_party")
    if status == "awaiting_verification":
        wanted += ["read_effects", "code_purpose"]
    if status in ("processing", "pending"):
        wanted.append("no_promise")
    if mood == "angry" or intent == "complain":
        wanted.append("angry")
    found = names.words("prompts")
    return [
        {"name": name, "level": found[name]["level"], "text": {one: found[name][one] for one in names.LANGUAGES}}
        for name in wanted
    ]
