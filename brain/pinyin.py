"""Typed pinyin → characters, and homophone slips → the usual characters, both by n-grams of the training sentences."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from functools import lru_cache
from typing import Any, Iterable

HAN_RUN = re.compile("[\u3400-\u9fff]+")
LATIN_RUN = re.compile(r"[a-z']+(?: +[a-z']+)*")
_INITIALS = "b p m f d t n l g k h j q x zh ch sh r z c s y w".split()
_FINALS = {
    "b": "a o ai ei ao an en ang eng i ie iao ian in ing u", "p": "a o ai ei ao ou an en ang eng i ie iao ian in ing u",
    "m": "a o e ai ei ao ou an en ang eng i ie iao iu ian in ing u", "f": "a o ei ou an en ang eng u",
    "d": "a e ai ei ao ou an ang eng ong i ie iao iu ian ing u uo ui uan un", "t": "a e ai ao ou an ang eng ong i ie iao ian ing u uo ui uan un",
    "n": "a e ai ei ao ou an en ang eng ong i ie iao iu ian in iang ing u uo uan v ve", "l": "a e ai ei ao ou an ang eng ong i ia ie iao iu ian in iang ing u uo uan un v ve",
    "g": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang", "k": "a e ai ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "h": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang", "j": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "q": "i ia ie iao iu ian in iang ing iong u ue uan un", "x": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "zh": "a e ai ei ao ou an en ang eng ong i u ua uo uai ui uan un uang", "ch": "a e ai ao ou an en ang eng ong i u ua uo uai ui uan un uang",
    "sh": "a e ai ei ao ou an en ang eng i u ua uo uai ui uan un uang", "r": "e ao ou an en ang eng ong i u uo ui uan un",
    "z": "a e ai ei ao ou an en ang eng ong i u uo ui uan un", "c": "a e ai ao ou an en ang eng ong i u uo ui uan un",
    "s": "a e ai ao ou an en ang eng ong i u uo ui uan un", "y": "a e ao ou an ang i in ing ong u ue uan un", "w": "a o ai ei an en ang eng u",
}  # fmt: skip
SYLLABLES = frozenset({i + f for i in _INITIALS for f in _FINALS[i].split()} | set("a o e ai ei ao ou an en ang er".split()))
# English words that can also be read as syllables; in a message they count as English
ENGLISH = frozenset(
    """a an e o ah oh hi he she me we be the ten pen men hen den pan ban can man fan van ran tan wan bin pin sin win ping ding sing ring king long song gang hang bang sang
    gong tong dong pong change china name same game came make take like hide made date late gate mate mine line nine nice dice mice one gone done none here there gene
    see die lie tie pie sun run gun fun bun nun dun mean dean jean lean bean women delete rename shame tune june cute mute rude guide binding ban bad lose use due sue cue
    yes you your bind hua mi she tell pai tai mai nan anna kate mike nike bike lake cake wake fake sake rate mama papa baba dada haha hehe lala lulu ok bye hey pay day may say way
    menu bilibili genie lite site size line cancel hello please to too so no na ne ma pa ba da la ha ya re de le li lu fu su wo mo mu ye an in on at it is if i am as are or of and
    age along aren aye balance buying care case cashier cheque chinese courier danger data database decide deleting ease easier eating ending entire erase face fence fone future handing
    hate house human keeping landing language licence longer machine manage mandate mango maze meaning min minute misuse mobile mode more nite nuke open page patience paying pending rang
    reading rebinding refuse regenerate relate release reopen rice running sale saying secure seen sending sense sequence share side sure taken taxi time waiting wanna wanting woke anger
    pile media timing tide resume mesage remaining delaying awaiting medicine huge hung sung rung hence amaze amazing ago agent again engage enable enlarge linger finger singer longing
    bringing changing mending lending tending bending defending mailing sailing hanging banging gaining paining raining training ceiling dealing healing leading heading needing names
    bane cane pane sane lane wide tile mile fine pine wine vine pipe ripe type life wife safe bare dare fare rare ware tape cape shape base chase phase lease ai""".split()
)
# words that end in what sounds like the beginning of 解绑 or 绑定, and are not misspelt
_WORDS = re.compile("直接|间接|连接|链接|对接|衔接|[春过佳季情细环]节|[我你他她大小表堂姐][的]?姐")
# what English sentences call by its pinyin though it has no other name there
_AT_HOME = frozenset("jintiao baitiao huabei jiebei jingdong taobao tianmao meituan pinduoduo douyin zhihu baidu".split())
_FUZZY = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in"), ("l", "n"), ("h", "f"))


@lru_cache(maxsize=4096)
def sounds(character: str) -> tuple[str, ...]:
    """Return the toneless readings of one character, the usual one first."""
    from pypinyin import Style, pinyin

    return tuple(s.replace("ü", "v") for s in pinyin(character, style=Style.NORMAL, heteronym=True)[0]) if HAN_RUN.fullmatch(character) else ()


@lru_cache(maxsize=32768)
def _spoken(run: str) -> tuple[str, ...]:
    """Return one toneless reading per character of a Chinese run (context decides heteronyms)."""
    from pypinyin import Style, pinyin

    return tuple(p[0] for p in pinyin(run, style=Style.NORMAL))


def reading(text: str) -> tuple[str, ...]:
    """Return one toneless reading per character; others than Chinese characters stand for themselves."""
    out: list[str] = []
    end = 0
    for run in HAN_RUN.finditer(text):
        out += text[end : run.start()]
        out += _spoken(run.group())
        end = run.end()
    return (*out, *text[end:])


@lru_cache(maxsize=4096)
def split(word: str) -> tuple[str, ...] | None:
    """Split a Latin word into pinyin syllables, few and long ones first; None when it cannot be."""
    word = word.replace("ü", "v")
    best: list[tuple[str, ...] | None] = [None] * (len(word) + 1)
    best[0] = ()
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 6), end):
            head = best[start]
            if head is not None and word[start:end] in SYLLABLES and (best[end] is None or len(head) + 1 < len(best[end])):  # type: ignore[arg-type]
                best[end] = (*head, word[start:end])
    return best[-1]


def looks_typed(text: str) -> bool:
    """Tell whether a text without Chinese characters is pinyin rather than English."""
    words = re.findall(r"[a-z]+", text.lower())
    good = sum(len(split(w) or ()) for w in words if w not in ENGLISH)
    letters = sum(len(w) for w in words if split(w))
    other = sum(len(w) for w in words if not split(w) and len(w) > 3)
    total = sum(len(split(w) or ()) for w in words)
    return (good >= 2 or good == 1 and total >= 2 and not other) and letters > 2 * other


class Speller:
    """Decodes typed pinyin and repairs homophone slips with character n-grams of the training sentences."""

    BEAM, FUZZY_COST, SHARE, LEAST, GAIN = 24, 4.0, 25, 8, 7.0

    def __init__(self, counts: dict[str, int], names: Iterable[str] = ()) -> None:
        """`counts`: n-grams of the training sentences; `names`: words that English writes like pinyin (Huawei, Minsheng) and that stay there."""
        self._counts, self._names = counts, frozenset(names)
        self._total = sum(n for gram, n in counts.items() if len(gram) == 1) or 1
        self._by_sound: dict[str, list[str]] = defaultdict(list)
        for gram in counts:
            if len(gram) == 1 and gram not in "^$":
                for sound in sounds(gram):
                    self._by_sound[sound].append(gram)
        self._usual = self._rivals()

    @classmethod
    def learn(cls, sentences: Iterable[str], names: Iterable[str] = ()) -> "Speller":
        """Count the n-grams (1–4 characters) of the Chinese parts of sentences; `names` as for `Speller`."""
        counts: Counter[str] = Counter()
        for sentence in sentences:
            for run in HAN_RUN.findall(sentence):
                marked = f"^{run}$"
                for n in (1, 2, 3, 4):
                    counts.update(marked[i : i + n] for i in range(len(marked) - n + 1))
        return cls({gram: n for gram, n in sorted(counts.items()) if n > 1 or len(gram) < 4}, names)

    def state(self) -> dict[str, Any]:
        """Return what `Speller(**state)` needs."""
        return {"counts": self._counts, "names": sorted(self._names)}

    def _rivals(self) -> dict[tuple[str, ...], str]:
        """Map the reading of each frequent word to the word, where it outweighs all others that sound the same."""
        groups: dict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
        for gram, n in self._counts.items():
            # a rarer one can neither be the usual word nor outweigh it, and readings are what starting up would otherwise wait for
            if n > self.LEAST // 4 and 2 <= len(gram) <= 4 and "^" not in gram and "$" not in gram:
                groups[reading(gram)].append((n, gram))
        usual = {}
        for key, grams in groups.items():
            grams.sort(reverse=True)
            if grams[0][0] >= self.LEAST and (len(grams) == 1 or grams[0][0] >= 4 * grams[1][0]):
                usual[key] = grams[0][1]
        return usual

    def repair(self, text: str) -> str:
        """Replace homophone slips (节绑 → 解绑): a stretch that sounds like a frequent word, is itself next to unknown, and reads far worse where it stands
        (直接调用 holds 接调, which sounds like 解掉, but 直 wants 接)."""
        return self._repair(text, self.GAIN)

    def _repair(self, text: str, gain: float) -> str:
        out = list(text)
        read = reading(text)
        if len(read) != len(text):
            return text
        ends = {match.end() - 1 for match in _WORDS.finditer(text)}
        runs = [match.span() for match in HAN_RUN.finditer(text)]
        for n in (4, 3, 2):
            for i in (i for start, end in runs for i in range(start, end - n + 1) if i not in ends):
                gram = "".join(out[i : i + n])
                usual = self._usual.get(read[i : i + n])
                if usual and usual != gram and self._counts[usual] >= self.SHARE * max(1, self._counts.get(gram, 0)):
                    better = [*out[:i], *usual, *out[i + n :]]
                    if self._fluency(better, i, i + n) - self._fluency(out, i, i + n) > gain:
                        out = better
        return "".join(out)

    def _fluency(self, characters: list[str], start: int, end: int) -> float:
        """Return the log-probability of characters [start, end) and of the two that follow."""
        text = "".join(characters)
        return sum(self._score(text[max(0, k - 2) : k] or "^", text[k]) for k in range(start, min(end + 2, len(text))))

    def _score(self, before: str, character: str) -> float:
        """Return the log-probability of a character after these (the last two count)."""
        return self._likely(before, ((character, 0.0),))[0][1]

    def _likely(self, before: str, options: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
        """Return characters with their log-probability after these (the last two count), less what choosing them costs."""
        count, log, total = self._counts.get, math.log, self._total
        one, two = before[-1:], before[-2:] if len(before) > 1 else ""
        ones, twos = count(one, 0), count(two, 0)
        out = []
        for character, cost in options:
            p = 0.1 * (count(character, 0) + 0.1) / total
            if ones:
                p += 0.3 * count(one + character, 0) / (ones + 2)
            if twos:
                p += 0.6 * count(two + character, 0) / (twos + 1)
            out.append((character, log(p) - cost))
        return out

    @lru_cache(maxsize=1024)  # noqa: B019 - one speller lives as long as the process
    def _options(self, syllable: str) -> list[tuple[str, float]]:
        options = {c: 0.0 for c in self._by_sound.get(syllable, ())}
        for long, short in _FUZZY:
            for a, b in ((long, short), (short, long)):
                for other in {syllable[: -len(a)] + b if syllable.endswith(a) else "", b + syllable[len(a) :] if syllable.startswith(a) else ""}:
                    for c in self._by_sound.get(other, ()) if other in SYLLABLES else ():
                        options.setdefault(c, self.FUZZY_COST)
        return sorted(options.items(), key=lambda item: -self._counts[item[0]])[:40]

    def _decode(self, letters: str, left: str) -> tuple[str, float]:
        """Return the best characters for a run of letters and its mean log-probability per character."""
        beams: list[dict[str, tuple[float, str]]] = [{} for _ in range(len(letters) + 1)]
        beams[0] = {left[-2:]: (0.0, "")}
        for i in range(len(letters)):
            if not beams[i]:
                continue
            top = sorted(beams[i].items(), key=lambda item: -item[1][0])[: self.BEAM]
            for j in range(i + 1, min(len(letters), i + 6) + 1):
                syllable = letters[i:j]
                if " " in syllable:
                    break
                if syllable not in SYLLABLES:
                    continue
                following = j + 1 if j < len(letters) and letters[j] in " '" else j
                options = self._options(syllable)
                for before, (score, so_far) in top:
                    score -= 1.0
                    for character, value in self._likely(before, options):
                        key = (before + character)[-2:]
                        best = beams[following].get(key)
                        if best is None or best[0] < score + value:
                            beams[following][key] = (score + value, so_far + character)
        if not beams[-1]:
            return "", -math.inf
        score, characters = max(beams[-1].values())
        return characters, score / len(characters)

    def decode(self, text: str) -> str:
        """Replace the pinyin in a lower-case text by characters, where it reads as Chinese; English stays."""
        chinese = bool(HAN_RUN.search(text))
        if not chinese and not looks_typed(text):
            return LATIN_RUN.sub(self._borrowed, text)

        def replace(match: re.Match[str]) -> str:
            before = text[max(0, match.start() - 2) : match.start()] if chinese else "^"
            return self._typed(match.group(), before, chinese)

        return LATIN_RUN.sub(replace, text)

    def _typed(self, run: str, before: str, chinese: bool) -> str:
        """Decode a run of Latin words, each stretch that can be read as pinyin for itself; names and English between them stay."""
        words = run.strip("'").split()
        parts: list[tuple[bool, list[str]]] = []
        for word in words:
            readable = bool(split(word.replace("'", "")))
            if parts and parts[-1][0] == readable:
                parts[-1][1].append(word)
            else:
                parts.append((readable, [word]))
        out = []
        for readable, part in parts:
            whole = len(parts) == 1
            syllables = sum(len(split(word.replace("'", "")) or ()) for word in part)
            english = [word for word in part if word in ENGLISH]
            # beside Chinese or English words a stretch of short words is as likely English ("on it")
            if not readable or chinese and len(english) == len(part) or not whole and (syllables < 2 or english and len(english) * 2 >= len(part)):
                out.append(" ".join(part))
                continue
            found, score = self._decode(" ".join(part), before if whole else "^")
            # its writer chose no characters, so the usual word is right unless it reads far worse
            out.append(self._repair(found, -self.GAIN) if found and score > -9.0 else " ".join(part))
        return " ".join(out) if len(parts) > 1 or out != [" ".join(words)] else run

    def _borrowed(self, run: re.Match[str]) -> str:
        """Replace the pinyin words in English ("close kuaijie zhifu") by the frequent Chinese words that are read so; names that English uses stay."""
        words, out, i = run.group().split(), [], 0
        while i < len(words):
            for n in (3, 2, 1):
                part = words[i : i + n]
                syllables = [split(word) for word in part]
                if len(part) == n and len("".join(part)) >= 5 and all(syllables) and not any(w in ENGLISH or w in _AT_HOME or w in self._names for w in part):
                    usual = self._usual.get(tuple(s for word in syllables for s in word or ()))
                    if usual:
                        out.append(usual)
                        i += n
                        break
            else:
                out.append(words[i])
                i += 1
        return " ".join(out) if out != words else run.group()
