"""Where an operation stands, as steps for the person who leads a customer through it; and what to say at the next one."""

from __future__ import annotations

from typing import Any

from gateway.desk import names

CHAT = ("choose", "confirm", "code", "process", "done")
CALL = ("identify", *CHAT)
# What an operation's status means for the steps: the one that is current, or failed.
CURRENT = {"processing": "process", "pending": "process", "manual_review": "process", "succeeded": "done"}
ENDED_BADLY = ("failed", "cancelled", "expired")
Pair = dict[str, str]


def effects_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns an operation's effects with their words."""
    found = []
    for effect in operation.get("effects") or []:
        title = {}
        for language in names.LANGUAGES:
            title[language] = names.word(
                "effects",
                effect.get("code"),
                merchant=names.merchant(str(effect.get("merchant", "")), language),
                wallet=names.vocabulary("wallet", effect.get("wallet"), language),
                bank=names.vocabulary("bank", effect.get("bank"), language),
            )[language]
        found.append(effect | {"title": title})
    return found


def target_of(operation: dict[str, Any]) -> Pair:
    """Returns what an operation is done to, in both languages."""
    return {language: names.target(operation.get("target_summary") or {}, language) for language in names.LANGUAGES}


def _current(operation: dict[str, Any]) -> str:
    status = str(operation["status"])
    if status == "awaiting_verification":
        return "code" if operation.get("challenge") else "confirm"
    return CURRENT.get(status, "code" if status == "expired" or operation.get("reason_code") in ("too_many_attempts",) else "process")  # fmt: skip


def guide(operation: dict[str, Any], *, place: str) -> dict[str, Any]:
    """Returns the Guide of docs/desk.md; `place` is `chat` or `call`."""
    names_of_steps = CALL if place == "call" else CHAT
    current, status = _current(operation), str(operation["status"])
    at = names_of_steps.index(current)
    steps = []
    for number, name in enumerate(names_of_steps):
        state = "done" if number < at else "current" if number == at else "todo"
        if number == at and status == "succeeded":
            state = "done"
        if number == at and status in ENDED_BADLY:
            state = "failed"
        steps.append({"name": name, "title": names.word("steps", name), "state": state})
    step = status if status in (*ENDED_BADLY, "manual_review") else current
    return {
        "operation_id": operation["id"],
        "kind": operation["kind"],
        "title": names.word("kinds", operation["kind"]),
        "target": target_of(operation),
        "status": status,
        "steps": steps,
        "next": names.word("next", _in_channel(operation, step, place)),
        "say": _say(operation, step, place),
        "effects": effects_of(operation),
    }


def identify(verified: bool) -> dict[str, Any]:
    """Returns the guide of a call in which no operation was begun."""
    current = "choose" if verified else "identify"
    at = CALL.index(current)
    steps = [
        {"name": name, "title": names.word("steps", name), "state": "done" if i < at else "current" if i == at else "todo"}
        for i, name in enumerate(CALL)
    ]  # fmt: skip
    return {
        "operation_id": None,
        "kind": None,
        "title": names.word("steps", current),
        "target": None,
        "status": None,
        "steps": steps,
        "next": names.word("next", current),
        "say": None if verified else names.word("say", "identify"),
        "effects": [],
    }


def _in_channel(operation: dict[str, Any], step: str, place: str) -> str:
    """Returns the name of a step's words: a code is read back on the phone, typed in a chat, and a password belongs on the secure page."""
    if step != "code" or place != "chat":
        return step
    return "code_chat" if (operation.get("challenge") or {}).get("method", "sms") == "sms" else "code_page"


def _say(operation: dict[str, Any], step: str, place: str) -> Pair | None:
    name = _in_channel(operation, step, place)
    if name in ("cancelled", "expired"):
        name = "failed"
    if name not in names.words("say"):
        return None
    challenge, found = operation.get("challenge") or {}, {}
    target, effects = target_of(operation), effects_of(operation)
    for language in names.LANGUAGES:
        stop = "。" if language == "zh" else ". "
        found[language] = names.word(
            "say",
            name,
            action=names.word("actions", operation["kind"])[language],
            target=target[language],
            effects="".join(effect["title"][language] + stop for effect in effects),
            destination=challenge.get("destination") or "",
            reference=operation.get("reference") or "",
            reason=names.word("reasons", operation.get("reason_code") or operation["status"])[language],
        )[language]
    return found
