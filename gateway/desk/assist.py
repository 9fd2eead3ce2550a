"""What an agent is offered for a customer's line: what it means, ready answers with the customer's data, the next step, and what to mind."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.desk import brain, compliance, names, work
from gateway.desk.acting import Acting
from gateway.desk.guide import guide, identify
from gateway.desk.people import Person
from gateway.desk.place import Place
from gateway.problems import Problem
from gateway.services import Services

Pair = dict[str, str]
KIND_OF = {
    "unbind_card": "card.unbind",
    "close_quick_pay": "quick_pay.disable",
    "unbind_wallet": "wallet.unbind",
    "cancel_auto_deduction": "agreement.terminate",
}
# Help answers that lead to an operation: what the customer may want done after all.
LEADS_TO = {
    "faq/unbind_card_howto": "unbind_card",
    "faq/unbind_duration": "unbind_card",
    "faq/unbind_failed": "unbind_card",
    "faq/cancel_quick_pay_howto": "close_quick_pay",
    "faq/wallet_unbind_howto": "unbind_wallet",
    "faq/auto_deduction_effect": "cancel_auto_deduction",
    "report_fraud": "close_quick_pay",
}
SUGGESTED, NEARBY, BEGINNINGS = 3, 3, 6
# A runner-up below this is noise; "out of scope" is only said when it was understood.
LEAST_SURE = 0.05
STANDING = {
    "awaiting_verification": "utter_status_awaiting_verification",
    "processing": "utter_status_processing",
    "pending": "utter_status_pending",
    "manual_review": "utter_status_manual_review",
}


class Customer:
    """What is known of the customer while a line is answered; empty for somebody who is not signed in or not verified."""

    def __init__(
        self, *, known: bool, cards: Any = (), wallets: Any = (), agreements: Any = (), operation: Any = None
    ) -> None:
        self.known, self.operation = known, operation
        self.cards = [one for one in cards if one.get("state") == "bound"]
        self.wallets = [one for one in wallets if one.get("state") == "bound"]
        self.agreements = [one for one in agreements if one.get("state") == "active"]

    @classmethod
    async def of(cls, acting: Acting, place: Place) -> Customer:
        """Reads the customer's bindings, all at once; without binding the line is answered as for anybody."""
        if place.account is None:
            return cls(known=False)
        who = {"account": place.account, "place": place.id, "agent": place.agent}
        try:
            cards, wallets, agreements, operation = await asyncio.gather(
                acting.binding.items("cards", **who),
                acting.binding.items("wallets", **who),
                acting.binding.items("agreements", **who),
                acting.open_one(place),
            )
        except Problem:
            return cls(known=False)
        return cls(known=True, cards=cards, wallets=wallets, agreements=agreements, operation=operation)

    def all_of(self, label: str) -> list[dict[str, Any]]:
        """Returns everything that an operation of this label could be done to."""
        if label == "unbind_wallet":
            return self.wallets
        if label == "cancel_auto_deduction":
            return self.agreements
        return [one for one in self.cards if label != "close_quick_pay" or one.get("quick_pay")]

    def objects(self, label: str, entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Returns those that fit what the line named, all when it named none.

        What was named and is not there (unbound a moment ago, another's) stands for nothing else: a card that nobody spoke of is never offered in its place.
        """
        said, every = {one["entity"]: str(one["value"]) for one in entities}, self.all_of(label)
        if label == "unbind_wallet":
            return _narrowed(every, kind=said.get("wallet"))
        if label == "cancel_auto_deduction":
            merchant = said.get("merchant")
            wanted = {names.vocabulary("merchant", merchant, language) for language in names.LANGUAGES} | {merchant}
            return [one for one in every if not merchant or one["merchant"] in wanted]
        return _narrowed(every, bank=said.get("bank"), tail=said.get("card_tail"), type=said.get("card_type"))

    def name(self, label: str, item: dict[str, Any], language: str) -> str:
        """Returns what an object is called."""
        if label == "unbind_wallet":
            return names.vocabulary("wallet", item["kind"], language)
        if label == "cancel_auto_deduction":
            return names.merchant(item["merchant"], language)
        return names.card(item, language)


def _narrowed(items: list[dict[str, Any]], **wanted: str | None) -> list[dict[str, Any]]:
    return [one for one in items if all(value is None or one.get(name) == value for name, value in wanted.items())]


async def assist(
    services: Services, *, place: Place, line_id: str, text: str, parse: dict[str, Any] | None
) -> dict[str, Any]:
    """Returns the Assist of docs/desk.md for a customer's line. `parse`: what the assistant understood when it took the turn, if it did."""
    acting = Acting(services)
    # A line that only stands for a code has nothing to be understood.
    told, customer = await asyncio.gather(
        brain.suggest(services, text=text, language=place.language), Customer.of(acting, place)
    )
    fresh = told["parse"]
    # In the middle of a talk the assistant knew more than the bare line says; its ranking is the line's own.
    understood = {**fresh, **({name: parse[name] for name in ("intent", "confidence") if parse and parse.get(name)})}
    intent = understood.get("intent")
    language = told.get("language") or place.language
    ranking = [_ranked(one) for one in fresh.get("ranking") or []]
    entities = fresh.get("entities") or []
    answers = {one["label"]: one["responses"] for one in told["answers"]}
    always = told["always"]
    if place.kind == "call":
        # Nobody signs in by telephone: who is calling is proved by the code.
        always = always | {"utter_sign_in_required": names.word("say", "identify")}
    offers = suggestions(answers, [one["name"] for one in ranking], intent, customer, entities, always, language, fresh)
    mood = told.get("mood") or {"name": "neutral", "words": []}
    operation = customer.operation
    return {
        "message": line_id,
        "language": language,
        "understood": intent not in (None, "nlu_fallback", "out_of_scope"),
        "intent": _ranked({"name": intent or "nlu_fallback", "confidence": understood.get("confidence") or 0.0}),
        "ranking": ranking,
        "entities": [one | {"title": _entity(one)} for one in entities if _entity(one)],
        "suggestions": offers[:SUGGESTED],
        "related": _related(answers, ranking, offers[:1], language),
        "start": _start(customer, intent, [one["name"] for one in ranking], entities),
        "guide": guide(operation, place=place.kind) if operation else identify(place.account is not None) if place.kind == "call" else None,
        "translation": _translation(text, intent, entities, language),
        "mood": {"name": mood["name"], "title": names.word("moods", mood["name"]), "words": mood["words"]},
        "prompts": compliance.prompts(
            place=place.kind, verified=place.account is not None, signed_in=place.account is not None, intent=intent,
            mood=mood["name"], status=operation["status"] if operation else None,
        ),
    }  # fmt: skip


def note_shown(services: Services, *, person: Person, place: str, found: dict[str, Any]) -> None:
    """Has it counted that help was shown; nobody waits for that."""
    if offered := found["suggestions"][:1]:
        told = {"place": place, "message_id": found["message"], "label": offered[0]["label"]}
        services.background(services.database.write(work.note_shown, person=person, **told))


def parse_kept(found: dict[str, Any]) -> dict[str, Any]:
    """Returns of an assist what is kept with a transcript line, in the shape of a turn's parse."""
    ranking = [{"name": one["name"], "confidence": one["confidence"]} for one in found["ranking"]]
    return {
        "intent": found["intent"]["name"],
        "confidence": found["intent"]["confidence"],
        "language": found["language"],
        "ranking": ranking,
        "entities": [{"entity": one["entity"], "value": one["value"]} for one in found["entities"]],
    }


def _ranked(one: dict[str, Any]) -> dict[str, Any]:
    name = one["name"]
    return {"name": name, "title": names.title(name) or {"zh": name, "en": name}, "confidence": one["confidence"]}


def suggestions(
    answers: dict[str, dict[str, Pair]],
    ranked: list[str],
    intent: str | None,
    customer: Customer,
    entities: list[dict[str, Any]],
    always: dict[str, Pair],
    language: str,
    parse: dict[str, Any],
) -> list[dict[str, Any]]:
    """Returns ready answers, best first: the understood label's, then the next ranked ones that have an answer."""
    sure = {one["name"]: one["confidence"] for one in parse.get("ranking") or []}
    labels = [
        *([intent] if intent in answers else []),
        *(label for label in ranked if label != intent and label in answers),
    ]
    found, seen = [], set()
    for label in labels:
        if label != intent and (label == "out_of_scope" or sure.get(label, 0.0) < LEAST_SURE):
            continue
        texts = answer(label, answers[label], customer, entities, always)
        if texts is None or texts[language] in seen:
            continue
        seen.add(texts[language])
        confidence = parse.get("confidence") if label == intent and label not in sure else sure.get(label, 0.0)
        found.append(
            {
                "label": label,
                "title": names.title(label) or {"zh": label, "en": label},
                "text": texts[language],
                "texts": texts,
                "confidence": confidence,
            }
        )
    return found


def answer(
    label: str, said: dict[str, Pair], customer: Customer, entities: list[dict[str, Any]], always: dict[str, Pair]
) -> Pair | None:
    """Returns what the assistant would say to a label now, with the customer's data; None when it would have nothing to say."""
    personal = names.group_of(label) == "operation"
    if not personal:
        return _filled(said.get(f"utter_{label}") or next(iter(said.values()), None), {})
    if not customer.known:
        return _filled(always.get("utter_sign_in_required"), {})
    if label == "check_bindings":
        return _listing(said, "utter_bindings", "utter_nothing_bound", "bindings", _bound(customer))
    if label == "check_auto_deductions":
        return _listing(said, "utter_auto_deductions", "utter_no_auto_deductions", "deductions", _renewals(customer))
    if label == "check_request_status":
        return _status(said, customer)
    if label in ("bind_card", "bind_wallet"):
        return _filled(said.get(f"utter_ask_{label}_target"), {})
    fitting = customer.objects(label, entities)
    if not fitting and (done := _last_operation(label, customer)):
        return done
    if not fitting and (others := customer.all_of(label)):
        return _which(said.get(f"utter_ask_{label}_target"), label, others, customer)
    if not fitting:
        return _filled(said.get(f"utter_nothing_{label}"), {})
    if len(fitting) > 1:
        return _which(said.get(f"utter_ask_{label}_target"), label, fitting, customer)
    return _confirm(said, label, fitting[0], customer)


def _last_operation(label: str, customer: Customer) -> Pair | None:
    """Returns what is said of the operation that was done here last, or that the bank works on, when that is what a line asks for."""
    last = customer.operation or {}
    if last.get("status") not in ("processing", "pending", "succeeded") or last.get("kind") != KIND_OF.get(label):
        return None
    return guide(last, place="chat")["say"]


def _filled(pair: Pair | None, values: dict[str, Pair]) -> Pair | None:
    if pair is None:
        return None
    texts = {
        language: pair[language].format_map(names.Values({name: value[language] for name, value in values.items()}))
        for language in names.LANGUAGES
    }
    # A sentence with a gap would reach the customer as it is.
    return None if any("{" in text for text in texts.values()) else texts


def _both(make: Any) -> Pair:
    return {language: make(language) for language in names.LANGUAGES}


def _which(pair: Pair | None, label: str, fitting: list[dict[str, Any]], customer: Customer) -> Pair | None:
    filled = _filled(pair, {})
    if filled is None:
        return None
    shown = _both(lambda language: "\n".join("· " + customer.name(label, one, language) for one in fitting[:8]))
    return {language: f"{filled[language]}\n{shown[language]}" for language in names.LANGUAGES}


def _confirm(said: dict[str, Pair], label: str, item: dict[str, Any], customer: Customer) -> Pair | None:
    target = _both(lambda language: customer.name(label, item, language))
    stopping = [one["merchant"] for one in customer.agreements if one.get("card_id") == item["id"]]
    merchants = _both(lambda language: names.joined([names.merchant(one, language) for one in stopping], language))
    name = f"utter_confirm_{label}"
    if stopping and f"{name}_renewals" in said:
        name += "_renewals"
    return _filled(said.get(name), {"target": target, "merchants": merchants})


def _listing(said: dict[str, Pair], name: str, empty: str, value: str, lines: list[Pair]) -> Pair | None:
    if not lines:
        return _filled(said.get(empty), {})
    listed = _both(lambda language: "\n".join("· " + line[language] for line in lines))
    return _filled(said.get(name), {value: listed})


def _bound(customer: Customer) -> list[Pair]:
    cards = [_both(lambda language, one=one: names.card(one, language)) for one in customer.cards]
    return cards + [
        _both(lambda language, one=one: names.vocabulary("wallet", one["kind"], language)) for one in customer.wallets
    ]


def _renewals(customer: Customer) -> list[Pair]:
    return [
        _both(
            lambda language, one=one: (
                f"{names.merchant(one['merchant'], language)} {names.money(one.get('amount'), one.get('currency'))}".strip()
            )
        )
        for one in customer.agreements
    ]


def _status(said: dict[str, Pair], customer: Customer) -> Pair | None:
    operation = customer.operation
    if operation is None:
        return _filled(said.get("utter_no_requests"), {})
    return _filled(
        said.get(STANDING.get(operation["status"], "")),
        {
            "target": _both(lambda language: names.target(operation["target_summary"], language)),
            "reference": _both(lambda _: operation.get("reference") or ""),
            "eta": _both(lambda language: names.moment(operation.get("eta"), language)),
        },
    )


def _related(
    answers: dict[str, Any], ranking: list[dict[str, Any]], first: list[dict[str, Any]], language: str
) -> list[dict[str, Any]]:
    """Returns the help answers among the ranked labels, without the one that is suggested first."""
    taken = {one["label"] for one in first}
    found = []
    for one in ranking:
        texts = (
            _filled((answers.get(one["name"]) or {}).get(f"utter_{one['name']}"), {})
            if one["name"].startswith("faq/")
            else None
        )
        if texts and one["name"] not in taken:
            found.append({"label": one["name"], "title": one["title"], "text": texts[language], "texts": texts})
    return found[:NEARBY]


def _start(
    customer: Customer, intent: str | None, ranked: list[str], entities: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Returns the operations that can be begun from a line: for its own label, for what a help answer leads to, then for the runner-up."""
    wanted = [LEADS_TO.get(label, label) for label in [*([intent] if intent else []), *ranked[:2]]]
    found = []
    for label in dict.fromkeys(label for label in wanted if label in KIND_OF):
        kind = KIND_OF[label]
        fitting = customer.objects(label, entities) if customer.known else []
        if label == "close_quick_pay" and intent == "report_fraud" and len(fitting) > 1:
            found.append({"kind": kind, "target": "all", "title": _start_title(kind, _everything(len(fitting)))})
        for item in fitting:
            target = {language: customer.name(label, item, language) for language in names.LANGUAGES}
            found.append({"kind": kind, "target": item["id"], "title": _start_title(kind, target)})
    return found[:BEGINNINGS]


def _everything(count: int) -> Pair:
    return _both(lambda language: names.target({"type": "all_cards", "count": count}, language))


def _start_title(kind: str, target: Pair) -> Pair:
    return _both(lambda language: names.word("start", kind, target=target[language])[language])


def _entity(one: dict[str, Any]) -> Pair | None:
    name, value = str(one["entity"]), str(one["value"])
    if name in ("bank", "wallet", "merchant", "card_type"):
        return _both(lambda language: names.vocabulary(name, value, language))
    return {"zh": value, "en": value} if name in ("card_tail", "request_ref") else None


def _translation(text: str, intent: str | None, entities: list[dict[str, Any]], language: str) -> dict[str, Any] | None:
    """Returns the gist of a line in the other language: what it asks for and what it names; exact when it is itself a known title."""
    other = "en" if language == "zh" else "zh"
    title = names.title(intent)
    if title is None or intent == "inform" and not entities:
        return None
    plain = text.strip().rstrip("。.!！?？").casefold()
    if plain == title[language].casefold():
        return {"language": other, "text": title[other], "exact": True}
    named = [found[other] for one in entities if (found := _entity(one))]
    return {"language": other, "text": " · ".join([title[other], *dict.fromkeys(named)]), "exact": False}
