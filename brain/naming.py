"""Finds what a message names: banks, wallets, merchants … by vocabulary, card tails and request references by pattern. Free of Rasa."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from brain.vocabulary import COMMON, Match, Vocabulary
from brain.writing import PLACEHOLDER, Normal, normalise

DECOYS = Path(__file__).parent / "lexicon" / "not_names.yml"
_DIGITS = {"零": "0", "〇": "0", "一": "1", "幺": "1", "二": "2", "两": "2", "三": "3", "四": "4", "五": "5", "六": "6", "七": "7", "八": "8", "九": "9"}
_WORDS = {"zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9"}
_FOUR = r"(\d{4}|\d \d \d \d|[零〇一幺二两三四五六七八九]{4}|(?:(?:" + "|".join(_WORDS) + r")[ -]?){4})"
_EDGE, _STOP = r"(?<![\d.,a-z_-])", r"(?!\d|[.,]\d)"
# said outright: 尾号 1234, ending in 1234, last four digits 1234, ****1234
TAIL_SAID = re.compile(
    r"(?:尾号|尾数|末尾|卡尾|(?:后|末|最后|后面|最后面)(?:四|4)(?:位|个)?(?:数字|数|号码|号)?|结尾|尾巴)(?:数字)?(?:\s*(?:是|为|叫|的是|:|=))?\s*" + _FOUR + _STOP
    + r"|(?:ending|ends|ended|end)(?: (?:in|with|on|is))?(?: the)?(?: digits)?[ :#-]*" + _FOUR + _STOP
    + r"|last (?:four|4)(?: digits?| numbers?)?(?: (?:of|on|for) (?:it|the card|my card|this card))?(?: (?:is|are|being|=))?[ :,-]*" + _FOUR + _STOP
    + r"|(?:tail|tail number|card tail|weihao|wei hao)(?: (?:is|number|no\.?))*[ :#-]*" + _FOUR + _STOP
    + r"|[*x·•.]{2,}[ -]?(\d{4})" + _STOP
)  # fmt: skip
# a bare group of four digits is a tail unless something beside it says otherwise
TAIL_BARE = re.compile(_EDGE + r"(\d{4})" + _STOP)
_NOT_BEFORE = re.compile(r"(?:[¥$€£#]|rmb|cny|usd|(?:in|since|by|year|until|from|before|after|around|total|amount|worth|of about|paid|pay|owe|costs?|version|room|order|expire[sd]?)|金额|余额|欠款?|还了?|花了|扣了|转了?|付了|大约|差不多|大概|自从|公元|订单号?|单号|工号|版本|房间|有效期|密码是?|密码:|验证码是?|验证码:|pin)\s*$")
_NOT_AFTER = re.compile(
    r"\s*(?:年|月|日|元|块|多?块钱|钱|分钱|万|千|百|%|度|岁|人民币|毛|刀|美元|美金|港币|分钟|小时|秒|天|次|个(?!卡)|人|米|公里|步|点|期|位数|rmb|cny|yuan|usd|dollars?|bucks|kuai|euros?|pounds?|years?|days?|minutes?|hours?|times|points?|k\b|w\b|[-/:年]\d)"
)
REFERENCE = re.compile(r"(?<![a-z0-9])(?:jb[-_ ]?(?=[a-z]*\d)[a-z0-9]{4,32}|op_[a-z0-9]{4,40})(?![a-z0-9])")


# "first" names a row only where the noun is missing or is a row: "the first, please", not "the first time"
_BARE_ORDINAL = re.compile(r"(?:the )?(?:first|second|third|fourth|fifth|1st|2nd|3rd|4th|5th)")
_AFTER_ORDINAL = re.compile(r" ?(?:$|[^a-z0-9 ]|(?:and|or|then|please|pls|plz|is|was|not|in|on|of|from|for|instead|thanks|thank|too|card|cards|wallet|option|one|bank)\b)")
# "debit" and "credit" name a kind of card beside a bank, beside each other, before a (misspelt) "card", or in a short answer
_BARE_TYPE = ("debit", "credit")
_AFTER_TYPE = re.compile(r" (?:c[a-z]{2,5}|one)\b")
# names that the customer rules out (除了工行 …, all but CMB), names to be kept (只留微信 …: but a kept card may lose its quick payment),
# and names that are only set against another one (不是招行，是工行)
_THE = r"(?: ?(?:the|my|我的|我|那张|这张|嗰張) ?| ?)$"
_EXCEPT_BEFORE = re.compile(r"(?:(?<![解移删消])除(?:了|开|去)?|\bexcept(?: for)?|\bapart from|\bother than|\ball but)" + _THE)
_EXCEPT_AFTER = re.compile(r"(?:的|那张|这张|那个|卡|[嗰那這]張)*(?:以外|之外)")
_KEPT_BEFORE = re.compile(r"(?:只留|保留|留着|留下|(?:^|[,.;!] ?|\bplease |\bjust |\bonly )(?:keep|leave))" + _THE)
_KEPT_AFTER = re.compile(r"(?:的|那张|这张|那个|卡)*(?:先)?(?:保留|留着|留下|别动|不动|不要动|不用动)")
_QUICK_PAY = re.compile(r"快捷|免密|一键|小额|免输|quick|express|one-?click|password-?free|kuaijie|mianmi")
_CONTRAST_BEFORE = re.compile(r"(?:不是|不是说|并非|而非|唔係|\bnot|\bisn't|\bwasn't|\brather than|\binstead of)" + _THE)


@lru_cache(maxsize=1)
def _decoys() -> re.Pattern[str]:
    rows = yaml.safe_load(DECOYS.read_text(encoding="utf-8"))
    words = sorted((str(w) for row in rows for w in row), key=len, reverse=True)
    edge = {True: r"(?<![a-z0-9])%s(?![a-z0-9])", False: "%s"}
    return re.compile("|".join(edge[word.isascii()] % re.escape(word) for word in words))


def _a_name(text: str, match: Match, found: list[Match]) -> bool:
    """Tell whether a word that is a name elsewhere is one here."""
    word, after = text[match.start : match.end], text[match.end :]
    if _BARE_ORDINAL.fullmatch(word):
        return bool(_AFTER_ORDINAL.match(after))
    if word in _BARE_TYPE:
        other = _BARE_TYPE[word == "debit"]
        beside = any(m.entity == "bank" and 0 <= match.start - m.end <= 1 for m in found)
        return beside or bool(_AFTER_TYPE.match(after)) or bool(re.search(rf"\b{other}\b", text)) or len(text.split()) <= 4
    return True


def meant(text: str, found: list[Match]) -> list[Match]:
    """Leave out words that are no names here, names that the customer rules out, and names set against another one."""
    found = [m for m in found if _a_name(text, m, found)]
    excepted = [m for m in found if _EXCEPT_BEFORE.search(text[: m.start]) or _EXCEPT_AFTER.match(text, m.end)]
    # "all but CMB" is not all
    found = [m for m in found if m not in excepted and not (excepted and m.value == "all")]
    if not _QUICK_PAY.search(text):
        found = [m for m in found if not (_KEPT_BEFORE.search(text[: m.start]) or _KEPT_AFTER.match(text, m.end))]
    against = [m for m in found if _CONTRAST_BEFORE.search(text[: m.start])]
    rest = [m for m in found if m not in against]
    return rest if any(m.entity != COMMON for m in rest) else found


def digits_of(said: str) -> str:
    """Write a spoken or spaced group of digits as digits."""
    said = re.sub(r"[ -]+", " ", said.strip())
    if re.search("[a-z]", said):
        return "".join(_WORDS[w] for w in re.findall("|".join(_WORDS), said))
    return "".join(_DIGITS.get(c, c) for c in said if c != " ")


def tails(text: str) -> list[Match]:
    """Find card tails (four digits) in a normalised text."""
    found: list[Match] = []
    taken: set[int] = set()
    for match in TAIL_SAID.finditer(text):
        group = next(i for i, value in enumerate(match.groups(), 1) if value)
        end = match.start(group) + len(match.group(group).rstrip(" -"))
        found.append(Match("card_tail", digits_of(match.group(group)), match.start(group), end))
        taken.update(range(match.start(group), end))
    for match in TAIL_BARE.finditer(text):
        if match.start() in taken or _NOT_BEFORE.search(text[: match.start()]) or _NOT_AFTER.match(text, match.end()):
            continue
        if match.end() < len(text) and re.match("[a-z]", text[match.end()]):
            continue
        found.append(Match("card_tail", match.group(1), *match.span(1)))
    return sorted(found, key=lambda m: m.start)


def references(normal: Normal, raw: str) -> list[Match]:
    """Find request references; JB references are written in capitals, operation ids as they stand."""
    found = []
    for match in REFERENCE.finditer(normal.text):
        start, end = normal.raw(*match.span())
        value = raw[start:end]
        if match.group().startswith("jb"):
            value = "JB" + re.sub(r"[-_ ]", "", match.group()[2:]).upper()
        found.append(Match("request_ref", value, *match.span()))
    return found


def extract(text: str, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """Return the entities of a raw message as Rasa writes them; positions are those of the raw text."""
    normal = normalise(text)
    found = references(normal, text)
    decoys = [m.span() for m in _decoys().finditer(normal.text)]
    masked = [m.span() for m in PLACEHOLDER.finditer(text)]
    free = []
    for match in [*vocabulary.find(normal.text), *tails(normal.text)]:
        start, end = normal.raw(match.start, match.end)
        whole = any(a <= start and end <= b for a, b in masked) and match.entity != "card_tail"
        swallowed = any(a <= match.start and match.end <= b for a, b in decoys)
        if not whole and not swallowed and not any(m.start < match.end and match.start < m.end for m in found):
            free.append(match)
    entities, last = [], -1
    for match in sorted([*found, *meant(normal.text, free)], key=lambda m: (m.start, -m.end)):
        if match.start < last:
            continue
        last = match.end
        start, end = normal.raw(match.start, match.end)
        entities.append({"entity": match.entity, "start": start, "end": end, "value": match.value, "confidence_entity": 1.0})
    return entities
