"""The names marked in the training sentences are exactly those that the serving extractor finds there."""

from __future__ import annotations

import subprocess

from tests.data.corpus import training
from tests.services import missing
from tools.annotate import ROOT, marked, marks_of, plain

RASA = ROOT / ".venvs" / "rasa" / "bin" / "python"


def test_marks_are_what_the_extractor_finds():
    if not RASA.exists():
        missing("the environment of Rasa (make setup)")
    run = subprocess.run([RASA, "-m", "tools.annotate", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, f"run .venvs/rasa/bin/python -m tools.annotate\n{run.stdout[-3000:]}{run.stderr[-2000:]}"


def test_marks_can_be_taken_off_and_put_on_again():
    for sentence in training():
        found = [{"entity": m.entity, "start": m.start, "end": m.end, "value": m.value} for m in marks_of(sentence.annotated)]
        assert plain(sentence.annotated).strip() == sentence.text
        assert marked(sentence.text, found) == sentence.annotated.strip(), sentence


def test_placeholders_are_not_marks():
    assert plain("[card ending 7890] 解绑") == "[card ending 7890] 解绑"
    assert marked("[card ending 7890] 解绑", [{"entity": "card_tail", "start": 13, "end": 17, "value": "7890"}]) == "[card ending 7890] 解绑"
    assert plain("解绑[招行卡](bank:cmb)") == "解绑招行卡"
