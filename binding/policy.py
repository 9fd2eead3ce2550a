"""The policy table, read from policy.yml and checked when the process starts."""

from __future__ import annotations

import functools
from typing import Annotated, Literal, Self

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from binding.models.operation import CLOSED, KINDS, OPEN
from binding.notices.render import templates
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
# What each kind can be verified by, and which effects are made for its sort of target: the rest has no page, or no words.
METHODS: dict[str, set[str]] = dict.fromkeys(KINDS, {"sms", "payment_password"}) | {"card.bind": {"card_details"}}
EFFECTS: dict[str, set[str]] = {
    "card.unbind": {"quick_pay_stops", "renewal_stops", "other_ways_stay", "last_card"},
    "card.bind": {"quick_pay_starts"},
    "quick_pay.disable": {"quick_pay_stops", "renewal_stops", "card_stays"},
    "wallet.unbind": {"wallet_stops", "other_ways_stay"},
    "wallet.bind": {"wallet_starts"},
    "agreement.terminate": {"renewal_stops"},
}
AtLeastOne = Annotated[int, Field(ge=1)]
Delays = Annotated[list[Annotated[float, Field(gt=0, le=30 * 86_400)]], Field(min_length=1)]
Names = Annotated[list[str], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Why(_Strict):
    zh: str
    en: str


class Rule(_Strict):
    """What one kind of operation needs."""

    methods: Annotated[list[Method], Field(min_length=1)]
    blockers: list[BlockerCode]
    effects: list[EffectCode]
    why: Why


class Window(_Strict):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    bank: str
    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"the maintenance of {self.bank} ends before it starts")
        return self


class Limits(_Strict):
    """Numbers that bound what may be tried; seconds unless the name says otherwise."""

    code_life_s: Annotated[int, Field(ge=1, le=600)]
    ticket_life_s: AtLeastOne
    send_interval_s: Annotated[int, Field(ge=0)]
    send_interval_after_caller_s: Annotated[int, Field(ge=0)]
    sends_per_day: AtLeastOne
    tries_per_operation: Annotated[int, Field(ge=1, le=3)]  # more would break a CHECK of the table, and with it the count
    failures_per_day: AtLeastOne
    password_failures_per_day: AtLeastOne
    operation_life_s: AtLeastOne
    operations_per_hour: AtLeastOne
    caller_window_s: AtLeastOne
    operations_of_caller: AtLeastOne
    agent_window_s: AtLeastOne
    operations_of_agent: AtLeastOne
    calls_of_agent: AtLeastOne
    idempotency_days: AtLeastOne
    workflow_days: AtLeastOne


class BankRules(_Strict):
    ask_after_s: Delays
    eta_s: AtLeastOne


class EventRules(_Strict):
    retry_after_s: Delays
    give_up_after_s: AtLeastOne


class NoticeRoute(_Strict):
    channel: Literal["sms", "push"]
    fallback: Literal["sms", "push"] | None = None


class NoticeRules(_Strict):
    retry_after_s: Delays
    fallback_after: AtLeastOne
    give_up_after: AtLeastOne
    on: dict[str, list[NoticeRoute]]

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        told = set(templates()) & {*OPEN, *CLOSED}
        if unknown := set(self.on) - told:
            raise ValueError(f"no notice is written for {sorted(unknown)}; there is one for {sorted(told)}")
        for status, routes in self.on.items():
            if len({route.channel for route in routes}) < len(routes):
                raise ValueError(f"{status} is told twice by the same channel")
        return self


class Policy(_Strict):
    """The whole table."""

    operations: dict[str, Rule]
    debt_blocks: Literal["card", "any"]
    maintenance: list[Window]
    limits: Limits
    bank: BankRules
    events: EventRules
    notices: NoticeRules
    banks: Names
    wallets: Names

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for kind, rule in self.operations.items():
            if odd := set(rule.methods) - METHODS.get(kind, set()) or set(rule.effects) - EFFECTS.get(kind, set()):
                raise ValueError(f"{kind} cannot have {sorted(odd)}")
        if unknown := {window.bank for window in self.maintenance} - set(self.banks):
            raise ValueError(f"maintenance of banks that are not listed: {sorted(unknown)}")
        return self


@functools.cache
def policy() -> Policy:
    """Return the policy; raises ValueError when the file says what cannot be, or lacks a kind."""
    raw = yaml.safe_load(settings().policy_file.read_text(encoding="utf-8"))
    raw["maintenance"] = [{"bank": w["bank"], "start": w["from"], "end": w["to"]} for w in raw.get("maintenance") or []]
    loaded = Policy.model_validate(raw)
    missing = set(KINDS) ^ set(loaded.operations)
    if missing:
        raise ValueError(f"policy.yml and the kinds of operations differ: {sorted(missing)}")
    return loaded
