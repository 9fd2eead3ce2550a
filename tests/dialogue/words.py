"""Every reply of the assistant as it stands in the data: read once, filled with sample values."""
from __future__ import annotations

import pathlib
import re
from functools import lru_cache
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LANGUAGES = ("zh", "en")
GAP = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
# What the actions fill in, as long as it gets.
SAMPLES = {
    "zh": {"target": "中国邮政储蓄银行储蓄卡（1234）", "merchants": "爱奇艺、网易云音乐", "destination": "138****1234", "seconds": "59", "minutes": "30", "attempts_left": "2", "reference": "JB7K2M9Q4X",
           "eta": "11月22日 14:30", "value": "中国建设银行 4321", "amount": "¥1,249.00", "bindings": "· 招商银行储蓄卡（1234）", "deductions": "· 爱奇艺 ¥25.00 招行 1234", "position": "3", "hours": "09:00–21:00",
           "title": "关闭快捷支付", "url": "/secure/ticket", "until": "11月22日 14:30"},
    "en": {"target": "Postal Savings Bank of China debit card (1234)", "merchants": "iQIYI, NetEase Cloud Music", "destination": "138****1234", "seconds": "59", "minutes": "30", "attempts_left": "2", "reference": "JB7K2M9Q4X",
           "eta": "14:30 on November 22 (Beijing time)", "value": "China Construction Bank 4321", "amount": "¥1,249.00", "bindings": "· CMB debit card (1234)", "deductions": "· iQIYI ¥25.00 CMB 1234", "position": "3",
           "hours": "09:00–21:00", "title": "Turn quick payment off", "url": "/secure/ticket", "until": "14:30 on November 22 (Beijing time)"},
}


@lru_cache
def responses() -> dict[str, list[dict[str, Any]]]:
    """Returns every response with its variations; a name that stands in two files fails."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((ROOT / "data").rglob("responses.yml")):
        for name, variations in yaml.safe_load(path.read_text(encoding="utf-8"))["responses"].items():
            assert name not in found, f"{name} stands in two files; Rasa would drop one"
            found[name] = variations
    return found


def languages_of(variation: dict[str, Any]) -> list[str]:
    """Returns the languages that a variation is meant for."""
    return [c["value"] for c in variation.get("condition", []) if c.get("name") == "language"]


@lru_cache
def facts(language: str) -> dict[str, str]:
    """Returns the company's facts in one language."""
    values = yaml.safe_load((ROOT / "data" / "facts.yml").read_text(encoding="utf-8"))
    return {name: str(value[language] if isinstance(value, dict) else value) for name, value in values.items()}


def filled(text: str, language: str) -> str:
    """Fills the gaps; raises KeyError for one that nobody fills."""
    values = {**SAMPLES[language], **facts(language)}
    return GAP.sub(lambda gap: values[gap[1]], text)


@lru_cache
def domain() -> dict[str, Any]:
    """Returns the domain."""
    return yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
