"""How long a start and a turn take, and what memory the whole needs: real processes, one customer at a time, over the gateway's REST door."""

from __future__ import annotations

import pathlib
import shutil
import statistics
import tempfile
import time
from typing import Any

from tests.e2e.customer import Customer, open_account
from tools.stack import Stack, free_ports

QUESTIONS = {
    "zh": ["解绑要多久才能好？", "怎么取消快捷支付？", "解绑以后自动续费会停吗？", "收不到验证码怎么办？"],
    "en": ["how long does unbinding take?", "how do I turn quick payment off?", "what happens to my renewals?", "I get no code"],
}
ROUNDS = 12


def _ms(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {"p50_ms": round(statistics.median(ordered) * 1000, 1), "p95_ms": round(p95 * 1000, 1), "n": len(ordered)}


def _timed(samples: list[float], call: Any, *arguments: Any) -> None:
    began = time.perf_counter()
    call(*arguments)
    samples.append(time.perf_counter() - began)


def _memory(stack: Stack) -> dict[str, int]:
    """Returns the resident memory of each process, in MB."""
    found = {}
    for name, process in stack.processes.items():
        assert process.child
        pages = int(pathlib.Path(f"/proc/{process.child.pid}/statm").read_text().split()[1])
        found[name] = pages * 4096 // 1_000_000
    return {**found, "all": sum(found.values())}


def measure() -> dict[str, Any]:
    """Returns the figures: start, memory, question turns, and the four turns of an operation."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="jiebang-bench-"))
    stack = Stack(home=home, ports=free_ports())
    began = time.perf_counter()
    try:
        stack.start()
        stack.wait()
        ready = time.perf_counter() - began
        questions: list[float] = []
        turns: dict[str, list[float]] = {"ask": [], "confirm (sends the code)": [], "code (bank and reply)": []}
        for language in ("zh", "en"):
            for _ in range(ROUNDS):
                asking = Customer(stack.url, language=language)
                for question in QUESTIONS[language]:
                    _timed(questions, asking.says, question)
                account = open_account(stack.url, language=language, cards=[{"bank": "cmb", "tail": "1234"}, {"bank": "icbc", "tail": "5678"}])
                customer = Customer(stack.url, account=account, language=language)
                first = "帮我解绑尾号1234的招行卡" if language == "zh" else "please unbind my CMB card ending 1234"
                _timed(turns["ask"], customer.says, first)
                _timed(turns["confirm (sends the code)"], customer.says, "确认" if language == "zh" else "yes")
                _timed(turns["code (bank and reply)"], customer.says, customer.code())
        return {
            "start until ready, s": round(ready, 1),
            "resident memory, MB": _memory(stack),
            "question turn": _ms(questions),
            **{f"operation turn: {name}": _ms(samples) for name, samples in turns.items()},
        }
    finally:
        stack.stop()
        shutil.rmtree(home, ignore_errors=True)
