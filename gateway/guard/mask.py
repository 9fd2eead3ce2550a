"""Finds what must not be stored: card and ID numbers, phones, passwords, one-time codes; in any decimal digits there are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from gateway.guard import split
from gateway.guard.clean import clean
from gateway.guard.found import Find, luhn

__all__ = ["Find", "find", "luhn", "redact", "speaks_of_code"]
# One separator between digits: blanks (also no-break and ideographic), hyphens, dots of print.
_SEP = r"[ \u00a0\u2002-\u200a\u202f\u3000\t\-\u2010-\u2014\u2212\uff0d._·•*/]"
_RUN = re.compile(rf"(?<![0-9])[0-9](?:{_SEP}{{0,2}}[0-9]){{11,}}(?:{_SEP}?[Xx](?![A-Za-z0-9]))?")
_ID_18 = re.compile(r"[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]")
_ID_15 = re.compile(r"[1-9][0-9]{5}[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}")
_MOBILE = re.compile(
    r"(?<![0-9])(?:(?:\+|00)?86[ \-\u00a0\u3000]?)?1[3-9][0-9](?:[ \-\u00a0\u3000]?[0-9]{4}){2}(?![0-9])"
)
_MOBILE_34 = re.compile(
    r"(?<![0-9])(?:(?:\+|00)?86[ \-]?)?1[3-9][0-9][ \-]?[0-9]{2}(?:[ \-]?[0-9]{3}){2}(?![0-9])|(?<![0-9])1[3-9][0-9](?:[ \-][0-9]{2}){4}(?![0-9])"
)
_FOREIGN = re.compile(r"(?<![0-9A-Za-z])\+[1-9][0-9]{0,2}(?:[ \-()]{0,2}[0-9]){7,12}(?![0-9])")
_CARD_WORD = re.compile(r"卡号|银行卡|储蓄卡|信用卡|借记卡|账号|帐号|卡是|card|account|acct|pan\b|kahao", re.I)
# A number that hangs on a word is an order's or a parcel's, unless the word is one of these.
_GLUED_CARD = re.compile(
    r"(?:card|no|number|is|kahao|(?<![a-z])(?:cards|acct?|account|pan|debit|credit|visa|master(?:card)?|unionpay|amex|jcb|icbc|cmbc?|ccb|abc|bocom|boc|psbc|citic|ceb|cib|spdb|pab|gdb|hxb))$",
    re.I,
)
_ID_WORD = re.compile(r"身份证|证件|id\s*(?:card|number|no)|identity", re.I)
_ORDER_WORD = re.compile(r"(?:订单|单号|流水|参考号|编号|order|reference|ref|tracking|invoice)[^0-9]{0,12}$", re.I)
_HIDDEN = r"(?P<secret>[!-~]{%s,64})"
_PASSWORD = re.compile(
    r"(?:(?P<cn>密码|密碼|口令|安全码|安全碼|mima(?:\s+shi(?=\s))?)|(?P<en>pass\s?word|passwd|pwd|passphrase|(?<![a-z])pin(?![a-z])(?:\s*(?:code|number|码|碼))?|\bcvv2?\b|\bcvc2?\b|security\s*code))"
    r"(?P<link>(?:\s*(?:应该|應該|就|好像|一直|都|设的|設的|改成了?|填的|(?:should|used to)\s+be|(?:was\s+)?(?:set|changed)\s+to))?\s*(?:是|为|為|:|：|=|＝|「|“|\"|'s\b|\bis\b)?[\s「“\"']*)(?P<secret>[!-~]{3,64})",
    re.I,
)
_ONE_TIME = re.compile(r"(?:验证|驗證|动态|動態|短信|一次性|校验|one[- ]?time|otp|sms)\s*$", re.I)
# JWTs, and our own bearers and button tokens.
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){0,3}|(?:jbc|btn)_[\w-]{20,}")
_CODE_WORD = re.compile(
    r"验证码|驗證碼|校验码|校驗碼|动态码|動態碼|短信码|短信密码|动态密码|一次性密码|确认码|code\b|\botp\b|passcode|yanzheng|verification",
    re.I,
)
_LATIN_BEFORE = re.compile(
    r"(?:^|[^A-Za-z])(?:code|codes|otp|passcode|is|yzm|yanzhengma|sms|the|its|it|here|hi|ok|pls|please|g)[-:]?$", re.I
)
_LATIN_AFTER = re.compile(
    r"(?:ok|okay|thanks|thank|thx|pls|please|is|the|my|it|that|this|and|code|right|correct|here|sent|hi|got)(?![A-Za-z])",
    re.I,
)
_CODE = re.compile(
    r"(?<![0-9])(?:[0-9]{6}|[0-9]{3}[ \u00a0\u3000\-\u2010-\u2014\uff0d·][0-9]{3}|[0-9]{2}[ \u00a0\u3000][0-9]{2}[ \u00a0\u3000][0-9]{2}|[0-9](?:[ \u00a0\u3000,，、\-][0-9]){5})(?![0-9])"
)
_MONEY_AFTER = re.compile(r"\s*(?:元|块|塊|圆|円|万|萬|亿|人民币|rmb|cny|yuan|usd|dollars?|hkd|%|％)", re.I)
_MONEY_BEFORE = re.compile(r"(?:[¥￥$€£]|rmb|cny|usd|hkd|人民币)\s*$", re.I)
_CHINESE = re.compile(
    r"(?<![零〇一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖0-9])[零〇一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖](?:[ ,，、]?[零〇一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖]){5}(?![零〇一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖十百千万0-9])"
)
# The whole message: what is asked for as a code may be written oddly.
_ODD_CODE = re.compile(
    r"\s*([0-9]{3}[._/\n*+~][0-9]{3}|[0-9]{2}(?:[_\n,，、][0-9]{2}){2}|[0-9](?:[._/\n*+~][0-9]){5})[\s。.!！]*"
)
_TAIL = re.compile(r"(?:尾号|末四位|ending(?: in)?|tail)[^0-9]{0,4}[0-9]{4}[^0-9]$", re.I)
# Everybody's hotline is no secret; alone it is still taken for a code.
_PUBLIC = {"950618"}


def ascii_digits(text: str) -> str:
    """Returns `text` with every decimal digit of any script, and full-width Latin, as ASCII; the length stays."""
    if text.isascii():
        return text
    return "".join(_plain(char) for char in text)


def _plain(char: str) -> str:
    if char.isdigit():  # also circled, raised and lowered ones
        return str(unicodedata.digit(char))
    # Letters only: full-width punctuation ends a sentence, ASCII punctuation may be part of a number.
    return chr(ord(char) - 0xFEE0) if "\uff01" <= char <= "\uff5e" and char.isalpha() else char


def _spans(match: re.Match[str]) -> list[tuple[int, int]]:
    """Returns the stretches of a run of digit groups that may be one number: the whole, each long group, then neighbours."""
    groups = [
        (match.start() + one.start(), match.start() + one.end())
        for one in re.finditer(r"[0-9]+(?:[Xx](?=$))?", match[0])
    ]
    if match[0][-1] in "Xx" and not match[0][-2].isdigit():
        groups[-1] = (groups[-1][0], match.end())
    whole = [(match.start(), match.end())]
    long = [span for span in groups if span[1] - span[0] >= 13]
    near = [
        (groups[i][0], groups[j][1])
        for i in range(min(len(groups), 12))
        for j in range(min(len(groups), 12) - 1, i, -1)
    ]
    return long + whole if long else whole + near


def _long_numbers(text: str) -> list[Find]:
    found: list[Find] = []
    for match in _RUN.finditer(text):
        for start, end in _spans(match):
            if any(start < old.end and end > old.start for old in found):
                continue
            one = _long_number(text, start, end, whole=(start, end) == match.span())
            if one:
                found.append(one)
    return found


def _long_number(text: str, start: int, end: int, *, whole: bool) -> Find | None:
    digits = re.sub(r"[^0-9Xx]", "", text[start:end])
    before = text[max(0, start - 24) : start]
    if _ID_18.fullmatch(digits) or (len(digits) == 18 and (digits[-1] in "Xx" or (whole and _ID_WORD.search(before)))):
        return Find(start, end, "id_number", "[id number]")
    if digits[-1] in "Xx":
        digits, end = (
            digits[:-1],
            start + max(place for place, char in enumerate(text[start:end]) if char.isdigit()) + 1,
        )
    if whole and _ID_15.fullmatch(digits) and _ID_WORD.search(before):
        return Find(start, end, "id_number", "[id number]")
    glued = before[-1:].isascii() and before[-1:].isalpha() and not _GLUED_CARD.search(before)
    if not 13 <= len(digits) <= 19 or glued:
        return None
    shaped = [len(group) for group in re.findall(r"[0-9]+", text[start:end])]
    likely = whole or len(shaped) == 1 or luhn(digits) and shaped[:3] == [4, 4, 4]
    if likely and _is_card(digits, text, start, end, before):
        return Find(start, end, "card_number", f"[card ending {digits[-4:]}]")
    return None


def _is_card(digits: str, text: str, start: int, end: int, before: str) -> bool:
    if luhn(digits) and digits.count("0") != len(digits):
        return True
    said = _CARD_WORD.search(before) or re.match(
        r"[^0-9]{0,6}(?:这张|这个|的)?(?:银行)?(?:卡|card)", text[end : end + 12], re.I
    )
    ordered = _ORDER_WORD.search(before)
    alone = not re.sub(r"[\W_]", "", text[:start] + text[end:])
    return not ordered and bool(said or alone or (digits.startswith("62") and len(digits) >= 16))


def _each(pattern: re.Pattern[str], text: str, kind: str, stand_in: Callable[[re.Match[str]], str]) -> list[Find]:
    return [Find(match.start(), match.end(), kind, stand_in(match)) for match in pattern.finditer(text)]


def _phone(match: re.Match[str]) -> str:
    return f"[phone ending {re.sub(r'[^0-9]', '', match[0])[-2:]}]"


def _passwords(text: str) -> list[Find]:
    found = []
    for match in _PASSWORD.finditer(text):
        secret, link = match["secret"], match["link"].strip()
        # What is no number is no one-time code, whatever stands before ("收不到短信 密码是abc123").
        if re.match(r"[0-9-]+(?![A-Za-z])", secret) and _ONE_TIME.search(
            text[max(0, match.start() - 10) : match.start()]
        ):
            continue
        start, end = match.span("secret")
        trimmed = secret.rstrip(".,;)]}>\"'")
        end -= len(secret) - len(trimmed)
        has_digit = any(char.isdigit() for char in trimmed)
        short_code = re.match(r"cv|安全|security", match[0], re.I) is not None
        if short_code and not (trimmed.isdigit() and 3 <= len(trimmed) <= 4):
            continue
        explicit = bool(link)
        english_is = link.lower().endswith("is") or link.lower().endswith("'s")
        if trimmed.startswith("[") or len(trimmed) < (3 if short_code else 4):
            continue
        # Words after "password is" are mostly talk; after a Chinese 是 or a colon they are the password.
        talk = english_is and trimmed.isalpha() and (trimmed.islower() or trimmed.istitle())
        if not short_code and not has_digit and (not explicit or talk):
            continue
        digits_of_a_pin = match[0][:3].lower() == "pin" and re.fullmatch(r"[0-9]{4}|[0-9]{6}", trimmed)
        if not explicit and not short_code and not digits_of_a_pin and (len(trimmed) < 6 or not has_digit):
            continue
        found.append(Find(start, end, "password", "[password]"))
    return found


def _codes(text: str) -> list[Find]:
    if whole := _ODD_CODE.fullmatch(text):
        return [Find(*whole.span(1), "code", "[code]", re.sub(r"[^0-9]", "", whole[1]))]
    found = []
    said = _CODE_WORD.search(text) is not None
    for match in _CODE.finditer(text):
        start, end = match.span()
        digits = re.sub(r"[^0-9]", "", match[0])
        before, after = text[:start], text[end:]
        grouped = len(match[0]) > 6
        if digits in _PUBLIC and not said and (before.strip() or after.strip()) and re.search(r"\w", before + after):
            continue
        if _MONEY_AFTER.match(after) or _MONEY_BEFORE.search(before[-8:]):
            continue
        if re.search(r"[0-9][.,]$", before) or re.match(r"[.,][0-9]", after):
            continue  # a part of 123456.78 or 1,123456
        joined = re.search(rf"[0-9]{_SEP}$", before) and not _TAIL.search(before)
        if grouped and (joined or re.match(rf"{_SEP}[0-9]", after)):
            continue  # a part of a longer grouped number
        if re.search(r"[0-9A-Za-z]-$", before) and not said and not _LATIN_BEFORE.search(before):
            continue  # JB-123456
        if re.match(r"-[0-9A-Za-z]", after) and not said:
            continue
        if before[-1:].isascii() and (before[-1:].isalpha() or before[-1:] == "_") and not _LATIN_BEFORE.search(before):
            continue  # JB123456
        if after[:1].isascii() and (after[:1].isalpha() or after[:1] == "_") and not _LATIN_AFTER.match(after):
            continue
        found.append(Find(start, end, "code", "[code]", digits))
    for match in _CHINESE.finditer(text):
        if said or not re.sub(r"[\W_]", "", text[: match.start()] + text[match.end() :]):
            found.append(
                Find(match.start(), match.end(), "code", "[code]", "".join(split.NUMERALS.get(c, "") for c in match[0]))
            )
    return found


def speaks_of_code(text: str) -> bool:
    """Tells whether `text` names a one-time code."""
    return _CODE_WORD.search(text) is not None


def find(text: str) -> list[Find]:
    """Returns what must be masked or sealed in `text`, in order, without overlaps; the earlier rule wins."""
    plain = ascii_digits(text)
    layers = [
        _each(_TOKEN, plain, "password", lambda _: "[password]"),
        _passwords(plain),
        _each(_FOREIGN, plain, "phone", _phone) if "+" in plain else [],
        _each(_MOBILE, plain, "phone", _phone),
        _each(_MOBILE_34, plain, "phone", _phone),
        _long_numbers(plain),
        split.pieces(plain),
        split.spoken(text),
        _codes(plain),
    ]
    taken: list[Find] = []
    for layer in layers:
        taken += [new for new in layer if all(new.end <= old.start or new.start >= old.end for old in taken)]
    return sorted(taken, key=lambda one: one.start)


def redact(text: str) -> str:
    """Returns `text`, cleaned, with everything secret replaced by its stand-in; for logs, notes and comments."""
    text = clean(text)  # nothing hides between characters that nobody sees
    out, last = [], 0
    for one in find(text):
        out += [text[last : one.start], one.stand_in]
        last = one.end
    return "".join(out) + text[last:]
