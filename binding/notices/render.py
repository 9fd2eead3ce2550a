"""The words of notices, filled from templates.yml."""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from binding.models import Operation

LOCAL = ZoneInfo("Asia/Shanghai")


@functools.cache
def templates() -> dict[str, Any]:
    """Read the templates."""
    return yaml.safe_load(Path(__file__).with_name("templates.yml").read_text(encoding="utf-8"))


def name_target(summary: dict[str, Any], language: str) -> str:
    """Name what an operation is about: `尾号1234的招商银行卡`."""
    words = templates()
    return words["targets"][summary["type"]][language].format(
        tail=summary.get("tail", ""),
        bank=words["banks"].get(summary.get("bank"), {}).get(language, ""),
        wallet=words["wallets"].get(summary.get("kind"), {}).get(language, ""),
        merchant=summary.get("merchant", ""),
    )


def code_text(operation: Operation, language: str, code: str, life_s: int) -> str:
    """Write the message that carries a one-time code and says what it is for."""
    template = templates()["code"][operation.kind][language]
    target = name_target(operation.target_summary, language)
    return template.format(target=target, code=code, minutes=life_s // 60)


def call_text(language: str, code: str, life_s: int) -> str:
    """Write the message that carries a caller's code; it names the purpose and the hotline."""
    return templates()["call"][language].format(code=code, minutes=life_s // 60)  # type: ignore[no-any-return]


def status_text(operation: Operation, language: str, moment: dt.datetime) -> str:
    """Write the message that tells what became of an operation."""
    words = templates()
    by_kind = words[operation.status]
    template = (by_kind.get(operation.kind) or by_kind["any"])[language]
    reason = words["reasons"].get(operation.reason_code) or words["reasons"]["bank_rejected"]
    return template.format(
        target=name_target(operation.target_summary, language),
        time=_local(moment, language),
        eta=_local(operation.eta, language) if operation.eta else "",
        reason=reason[language],
        reference=operation.reference,
    )


def _local(moment: dt.datetime, language: str) -> str:
    local = moment.astimezone(LOCAL)
    return (
        f"{local.month}月{local.day}日{local:%H:%M}" if language == "zh" else f"{local:%b} {local.day}, {local:%H:%M}"
    )
