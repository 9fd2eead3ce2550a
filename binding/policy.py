"""The policy table, read from policy.yml and checked when the process starts."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from binding.models.operation import KINDS
from binding.settings import settings

Method = Literal["sms", "payment_password", "card_details"]
BlockerCode = Literal[
    "unfinished_order", "refund_pending", "outstanding_debt", "repayment_card", "account_frozen", "bank_maintenance",
    "card_suspended",
]  # fmt: skip
EffectCode = Literal[
    "quick_pay_stops", "quick_pay_starts", "renewal_stops", "other_ways_stay", "last_card", "card_stays", "wallet_stops",
    "wallet_starts",
]  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Why(_Strict):
    zh: str
    en: str


class Rule(_Strict):
    """What one kind of operation needs."""

    methods: list[Method]
    blockers: list[BlockerCode]
    effects: list[EffectCode]
    why: Why


class Window(_Strict):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    bank: str
    start: dt.datetime
    end: dt.datetime


class Limits(_Strict):
    """Numbers that bound what may be tried; seconds unless the name says otherwise."""

    code_life_s: int
    ticket_life_s: int
    send_interval_s: int
    send_interval_after_caller_s: int
    sends_per_day: int
    tries_per_operation: Annotated[int, Field(ge=1, le=3)]  # more would break a CHECK of the table, and with it the count
    failures_per_day: int
    password_failures_per_day: int
    operation_life_s: int
    operations_per_hour: int
    caller_window_s: int
    operations_of_caller: int
    agent_window_s: int
    operations_of_agent: int
    calls_of_agent: int
    idempotency_days: int
    workflow_days: int


class BankRules(_Strict):
    ask_after_s: list[float]
    eta_s: int


class EventRules(_Strict):
    retry_after_s: list[float]
    give_up_after_s: int


class NoticeRoute(_Strict):
    channel: Literal["sms", "push"]
    fallback: Literal["sms", "push"] | None = None


class NoticeRules(_Strict):
    retry_after_s: list[float]
    fallback_after: int
    give_up_after: int
    on: dict[str, list[NoticeRoute]]


class Policy(_Strict):
    """The whole table."""

    operations: dict[str, Rule]
    debt_blocks: Literal["card", "any"]
    maintenance: list[Window]
    limits: Limits
    bank: BankRules
    events: EventRules
    notices: NoticeRules
    banks: list[str]
    wallets: list[str]


@functools.cache
def policy() -> Policy:
    """Return the policy; raises when the file names an unknown method, blocker or effect, or lacks a kind."""
    raw = yaml.safe_load(settings().policy_file.read_text(encoding="utf-8"))
    raw["maintenance"] = [{"bank": w["bank"], "start": w["from"], "end": w["to"]} for w in raw.get("maintenance") or []]
    loaded = Policy.model_validate(raw)
    missing = set(KINDS) ^ set(loaded.operations)
    if missing:
        raise ValueError(f"policy.yml and the kinds of operations differ: {sorted(missing)}")
    return loaded
