"""Numbers that nobody writes in one piece: read from the card line by line, dictated with commas, spoken digit by digit, in Chinese numerals."""

from __future__ import annotations

import re

from gateway.guard.found import Find, luhn

# Wider than what stands inside a number: a pause of speech, the end of a line, some blanks.
_PAUSE = r"[\s,，、;；|~+:：()（）]{1,3}"
_FOURS = re.compile(rf"(?<![0-9])[0-9]{{4}}(?:{_PAUSE}[0-9]{{4}}){{3}}(?:{_PAUSE}[0-9]{{1,3}})?(?![0-9])")
_TWO_LINES = re.compile(r"(?<![0-9])(?:62|4|5[1-5]|35|37)[0-9]{5,12}[ \t]*\n[ \t]*[0-9]{4,12}(?![0-9])")
_PHONE = re.compile(r"(?<![0-9])1[3-9][0-9][.,，、·_/\n][0-9]{4}[.,，、·_/\n][0-9]{4}(?![0-9])")
_ONE_BY_ONE = re.compile(r"(?<![0-9])1[ ,，、\-][3-9](?:[ ,，、\-][0-9]){9}(?![ ,，、\-]?[0-9])")
_EACH = re.compile(r"(?<![0-9])[0-9](?:[\W_]{1,3}[0-9]){12,18}(?![\W_]{0,3}[0-9])")
NUMERALS = {
    char: str(value)
    for value, chars in enumerate(("零〇", "一幺壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for char in chars
}
_SPOKEN = "".join(NUMERALS)
_NUMERALS = re.compile(
    rf"(?<![{_SPOKEN}十百千万])[{_SPOKEN}](?:[ ,，、\-]?[{_SPOKEN}]){{10,18}}(?![{_SPOKEN}十百千万])"
)


def _digits(text: str) -> str:
    return "".join(NUMERALS.get(char, char if char.isdigit() else "") for char in text)


def pieces(plain: str) -> list[Find]:
    """Returns the card and phone numbers of a text (digits as ASCII) that are written in pieces."""
    found = []
    for pattern in (_FOURS, _TWO_LINES, _EACH):
        for match in pattern.finditer(plain):
            digits = _digits(match[0])
            years = re.fullmatch(r"(?:(?:19|20)[0-9]{2}){4}", digits)
            if 13 <= len(digits) <= 19 and luhn(digits) and not years:
                found.append(Find(match.start(), match.end(), "card_number", f"[card ending {digits[-4:]}]"))
    for pattern in (_PHONE, _ONE_BY_ONE):
        for match in pattern.finditer(plain):
            found.append(Find(match.start(), match.end(), "phone", f"[phone ending {_digits(match[0])[-2:]}]"))
    return found


def spoken(text: str) -> list[Find]:
    """Returns the card, ID and phone numbers of a text that are written in Chinese numerals."""
    found = []
    for match in _NUMERALS.finditer(text):
        digits, span = _digits(match[0]), match.span()
        if re.fullmatch(r"1[3-9][0-9]{9}", digits):
            found.append(Find(*span, "phone", f"[phone ending {digits[-2:]}]"))
        elif re.fullmatch(r"[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9]", digits):
            found.append(Find(*span, "id_number", "[id number]"))
        elif 13 <= len(digits) <= 19:
            found.append(Find(*span, "card_number", f"[card ending {digits[-4:]}]"))
    return found
