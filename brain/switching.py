"""Which language a customer asks for: a small lexicon, because the request may be written in any language."""
from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Text

CHINESE = re.compile(r"中文|汉语|漢語|普通话|普通話|国语|國語|华语|華語|简体|繁體|繁体|chinese|mandarin|zhongwen|putonghua|hanyu", re.I)
ENGLISH = re.compile(r"英文|英语|英語|鹰文|english|yingwen|yingyu|\beng\b", re.I)


def asked_language(text: Text, entities: List[Dict[Text, Any]]) -> Optional[Text]:
    """Returns `zh` or `en`, or None when the text names neither. The language named last wins ("not English, Chinese please")."""
    pressed = next((e["value"] for e in entities if e["entity"] == "language" and e["value"] in ("zh", "en")), None)
    if pressed:
        return pressed
    chinese = max((m.end() for m in CHINESE.finditer(text)), default=-1)
    english = max((m.end() for m in ENGLISH.finditer(text)), default=-1)
    if chinese == english:
        return None
    return "zh" if chinese > english else "en"
