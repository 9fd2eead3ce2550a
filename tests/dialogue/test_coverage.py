"""Every fact of the help pages has a label, a reply in both languages and a test, and the table says so."""
from __future__ import annotations

import yaml

from tests.dialogue.transcript import scripts
from tools import coverage


def test_every_fact_is_covered_and_the_table_is_fresh() -> None:
    """The same check as `python -m tools.coverage --check`."""
    found, missing = coverage.rows()
    assert not missing
    assert coverage.table(found) in coverage.PAGE.read_text(encoding="utf-8")


def test_every_label_of_the_questions_carries_a_fact_or_is_named_beyond_the_pages() -> None:
    """Topics that customers ask about although the pages are silent."""
    beyond = {"sms_code_not_received", "phone_number_changed", "payment_password_forgotten", "card_bind_howto", "card_bind_failed", "replace_card", "lost_card_or_phone"}
    carried = {fact["label"].removeprefix("faq/") for page in yaml.safe_load(coverage.FACTS.read_text(encoding="utf-8")) for fact in page["facts"]}
    topics = {path.name for path in (coverage.ROOT / "data" / "faq").iterdir() if path.is_dir()}
    assert topics - carried == beyond


def test_every_phenomenon_has_transcripts_in_both_languages() -> None:
    """One folder each; the names are those of docs/dialogue.md and the issue."""
    phenomena = {path.parent.name for path in scripts()}
    assert phenomena >= {"happy", "which_card", "correction", "digression", "switching", "stop", "deny", "codes", "blocked", "bank", "twice", "language", "handoff", "repeat", "complaint", "small_talk", "restart",
                         "anonymous", "safety", "stories"}
    for folder in {path.parent for path in scripts()}:
        names = {path.stem for path in folder.glob("*.yml")}
        assert {name.removesuffix(".zh") for name in names if name.endswith(".zh")} == {name.removesuffix(".en") for name in names if name.endswith(".en")}, folder
