"""Canned replies: ready sentences per language with variables. The ones of `canned.yml`, under what supervisors changed."""

from __future__ import annotations

import string
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway import ids
from gateway.desk import audit, compliance, names
from gateway.desk.people import Person, called
from gateway.desk.problems import DeskProblem
from gateway.desk.rows import time_of
from gateway.models import CannedReply, now
from gateway.problems import Problem
from gateway.settings import Settings

CODE_MINUTES = "5"
Pair = dict[str, str]


def variables() -> list[dict[str, Any]]:
    """Returns the variables that a text may hold."""
    return [{"name": name, "title": names.word("topics", name)} for name in names.words("topics")]


def used(texts: Pair) -> list[str]:
    """Returns the variables that texts hold; raises `unknown_variable`, also for braces that are none."""
    found: list[str] = []
    for text in texts.values():
        try:
            fields = [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
        except ValueError:
            raise DeskProblem("unknown_variable", "A brace stands alone.", variables=["{"]) from None
        found += [field for field in fields if field not in found]
    if unknown := [one for one in found if one not in names.words("topics")]:
        raise DeskProblem("unknown_variable", "Only the listed variables can be used.", variables=unknown)
    return found


def listed(session: Session) -> list[dict[str, Any]]:
    """Returns all of them, by topic and name."""
    rows = {row.id: row for row in session.scalars(select(CannedReply))}
    found = []
    for name, entry in names.read("canned.yml").items():
        if name not in rows:
            texts = {language: entry[language] for language in names.LANGUAGES}
            found.append(_shown(name, entry["topic"], entry["title"], texts, None, None))
    found += [
        _shown(row.id, row.topic, row.title, row.texts, row.updated_at, row.updated_by)
        for row in rows.values()
        if not row.removed
    ]
    return sorted(found, key=lambda one: (one["topic"], one["name"]))


def _shown(name: str, topic: str, title: Pair, texts: Pair, at: Any, by: str | None) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "topic": topic,
        "title": title,
        "texts": texts,
        "variables": used(texts),
        "updated_at": time_of(at),
        "updated_by": by,
    }


def save(
    session: Session,
    *,
    person: Person,
    canned_id: str | None,
    topic: str,
    title: Pair,
    texts: Pair,
    name: str | None = None,
) -> dict[str, Any]:
    """Writes a new one (found by `name` from then on) or replaces one; raises `unknown_variable`, `asks_for_secret`, `not_found`, `name_taken`."""
    used(texts)
    for text in texts.values():
        compliance.check(text)
    wanted = canned_id or name or ids.fresh("can")
    row = session.get(CannedReply, wanted)
    stands = not row.removed if row else wanted in names.read("canned.yml")
    if canned_id and not stands:
        raise Problem("not_found")
    if not canned_id and stands:
        raise DeskProblem("name_taken", "There is one of that name.")
    if row is None:
        row = CannedReply(id=wanted)
        session.add(row)
    row.removed = False
    row.topic, row.title, row.texts, row.updated_at, row.updated_by = topic, title, texts, now(), person.username
    session.flush()
    audit.write(session, agent=person.username, action="canned_saved", canned=row.id)
    return _shown(row.id, row.topic, row.title, row.texts, row.updated_at, row.updated_by)


def remove(session: Session, *, person: Person, canned_id: str) -> None:
    """Takes one away; one of `canned.yml` stays away."""
    row = session.get(CannedReply, canned_id)
    seed = names.read("canned.yml").get(canned_id)
    if (row is None and seed is None) or (row is not None and row.removed):
        raise Problem("not_found")
    if row is None:
        assert seed is not None
        texts = {language: seed[language] for language in names.LANGUAGES}
        row = CannedReply(id=canned_id, topic=seed["topic"], title=seed["title"], texts=texts)
        session.add(row)
    row.removed, row.updated_at, row.updated_by = True, now(), person.username
    audit.write(session, agent=person.username, action="canned_removed", canned=canned_id)


def rendered(items: list[dict[str, Any]], *, values: dict[str, Pair]) -> list[dict[str, Any]]:
    """Adds to each the texts with the values filled in, and which are missing; a gap stays as `{card}`."""
    found = []
    for one in items:
        texts = {
            language: str(one["texts"][language]).format_map(
                names.Values({name: value[language] for name, value in values.items()})
            )
            for language in names.LANGUAGES
        }
        found.append(one | {"rendered": texts, "missing": [name for name in one["variables"] if name not in values]})
    return found


def values_of(
    settings: Settings,
    *,
    person: Person,
    cards: list[dict[str, Any]],
    wallets: list[dict[str, Any]],
    operation: dict[str, Any] | None,
) -> dict[str, Pair]:
    """Returns what the variables stand for in a talk: the operation at hand decides which card is meant, else there must be only one."""

    def both(make: Any) -> Pair:
        return {language: make(language) for language in names.LANGUAGES}

    hours = settings.desk_hours.replace("-", "–")
    always = hours.startswith("00:00") and hours.endswith("24:00")
    found = {
        "agent": both(lambda language: called(person, language)),
        "hotline": both(lambda _: settings.hotline),
        "hours": both(lambda language: {"zh": "24 小时", "en": "around the clock"}[language] if always else hours),
        "code_minutes": both(lambda _: CODE_MINUTES),
    }
    target = (operation or {}).get("target_summary") or {}
    card = target if target.get("type") == "card" else cards[0] if len(cards) == 1 else None
    if card is not None:
        found["card"] = both(lambda language: names.card(card, language))
        found["bank"] = both(lambda language: names.vocabulary("bank", card["bank"], language))
    wallet = target.get("kind") if target.get("type") == "wallet" else wallets[0]["kind"] if len(wallets) == 1 else None
    if wallet is not None:
        found["wallet"] = both(lambda language: names.vocabulary("wallet", wallet, language))
    if operation and operation.get("reference"):
        found["reference"] = both(lambda _: operation["reference"])
    return found
