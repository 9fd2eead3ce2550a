"""Takes out of a text what no person sees: control and formatting characters, lone surrogates."""

from __future__ import annotations

import unicodedata

ZWJ = "\u200d"
KEYCAP = "\u20e3"
VARIATION = {chr(code) for code in range(0xFE00, 0xFE10)} | {chr(code) for code in range(0xE0100, 0xE01F0)}


def _is_picture(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk", "Me") or char in VARIATION


def clean(text: str) -> str:
    """Returns `text` without control, bidirectional, zero-width and surrogate characters; emoji sequences stay whole.

    A lone surrogate becomes U+FFFD; CR LF becomes LF; a joiner stays only between pictures.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept: list[str] = []
    for position, char in enumerate(text):
        category = unicodedata.category(char)
        if category == "Cs":
            kept.append("\ufffd")
        elif category == "Cc":
            if char in "\n\t":
                kept.append(char)
            elif char == "\x85":
                kept.append("\n")
        elif category == "Cf":
            following = text[position + 1] if position + 1 < len(text) else ""
            if char == ZWJ and kept and _is_picture(kept[-1]) and following and _is_picture(following):
                kept.append(char)
        elif char == KEYCAP and kept and kept[-1].isdecimal():
            continue  # 4️⃣ is a four: a code may not hide in key caps
        elif char in VARIATION:
            # Kept after pictures (and the keycap digits' own U+FE0F goes: a code may not hide behind it).
            if kept and not kept[-1].isdecimal() and kept[-1] not in VARIATION:
                kept.append(char)
        elif category == "Cn" and (ord(char) & 0xFFFE) == 0xFFFE:
            continue
        else:
            kept.append(char)
    return "".join(kept)
