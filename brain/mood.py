"""What a sentence does with its words: asks how, asks why, asks for it to be done, denies it, supposes it, quotes it; and which clause comes last.

These are the morphemes on which operation or question turn. Each is a named feature; the classifier learns what they weigh, and the rejection
uses the same names to demand more certainty before an operation starts.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial

# A word of Latin letters ends where a Chinese character begins ("unbind我的card"), which \b only knows of ASCII.
_read = partial(re.compile, flags=re.ASCII)
_PATTERNS = {
    "how": r"怎么(?!还|回事|会|又|不|没|总|老|可能|这么|样了)|怎样|如何|步骤|流程|教程|方法|办法|入口|在哪|哪里|哪儿|咋|指南|操作一下给我看|教我|教教|告诉我|说说|\bhow\b(?! long| come| many| much| soon| often)|\bsteps?\b|\b(?:hw|hwo|hiw|ohw|hpw|how2) (?:to|do|can)\b|\b(?:stesp|stpes|setps)\b|\bwhere\b|\bway to\b|\bprocedure\b|\bguide\b|\binstructions?\b|\bwalk me\b|\bshow me (?:how|the way|the steps)|\bprocess\b|\btell me\b|\bexplain\b",
    "why": r"为什么|为何|怎么还|怎么回事|怎么会|怎么又|怎么不|怎么没|怎么总|怎么老|凭什么|原因|\bwhy\b|\bhow come\b|\breason\b|\bwhat'?s wrong\b",
    "long": r"多久|几天|多长|几个小时|几分钟|什么时候|何时|多少天|几号|要等|\bhow (?:long|soon|many days|much time)\b|\bwhen\b|\bdays?\b|\bhours?\b",
    "whether": r"[吗嘛么](?![\u3400-\u9fff\w])|[吗嘛](?=[\s,.?!]|$)|么[?]|能不能|可不可以|会不会|是不是|有没有|是否|要不要|行不行|\b(?:is|are|will|would|does|do|did|has|have|can|could|should) (?:it|there|the|my|i|you|this|that|they|we)\b",
    "what": r"什么|哪些|哪个|哪张|几张|多少|\bwhat\b|\bwhich\b|\bhow many\b|\bhow much\b",
    "request": r"帮我|帮忙|帮个忙|给我|替我|麻烦|请|劳驾|拜托|我要|我想要?(?!知道|问|了解|看看|咨询|请教)|想把|把.{1,14}(?:解|删|去|移|关|停|取消|绑|加|拿|撤|掉|下)|\bplease\b|\bpls\b|\bplz\b|\bcan you\b|\bcould you\b|\bi (?:want|need|wish)\b|\bi'?d like\b|\bi would like\b|\bgo ahead\b|\bkindly\b|\bget rid\b|\bfor me\b|\bhelp me\b|\blet'?s\b",
    "know": r"想知道|想问|问一下|问下|请问|了解|咨询|请教|好奇|看看怎么|\bwonder|\bcurious\b|\bwant to know\b|\bquestion\b|\bi'?d like to know\b|\bjust asking\b|\basking\b",
    "not": r"不要|别(?!的|人|家)|不想|先不|不用|无需|不必|不是要|没说要|没让|不需要|不打算|不准|莫要|甭|没有要|并不|还不|不能给我|不许|千万|\bdon'?t\b|\bdo not\b|\bdont\b|\bnot\b|\bnever\b|\bno need\b|\bwithout\b|\bisn'?t\b|\bwon'?t\b|\bshouldn'?t\b|\bdidn'?t\b|\bstop\b|\bhold off\b|\brather not\b|\bkeep\b|\bleave (?:it|my|the)\b|\binstead\b",
    "if": r"如果|假如|假设|要是|万一|的话|若是|若|倘若|哪天|以后(?:要|想)|将来|等我|等到|打算|考虑|犹豫|要不要|该不该|\bif\b|\bsuppose\b|\bsay i\b|\bassuming\b|\bin case\b|\bshould i\b|\bwere to\b|\bwhat happens\b|\bonce i\b|\bafter i\b|\bwhen i\b|\bmight\b|\bmaybe\b|\bthinking (?:of|about)\b|\bconsidering\b|\bhypothetical|\bone day\b|\bsomeday\b|\bwould\b",
    "quote": r"[\"'][^\"']{1,40}[\"']|(?:他|她|朋友|同事|老婆|老公|妈|爸|客服|银行|短信|网上|有人|人家|页面|弹窗|提示|广告|文章|新闻).{0,6}(?:说|问|讲|让|叫|告诉|显示|写|提示|发|教)|据说|听说|所谓|什么意思|\b(?:said|says|saying|say|told|tells|asked|asks|wrote|reads?|heard|mentions?|called|means?|word|phrase|suggests?|recommended|advises?)\b",
    "done": r"已经|刚才|刚刚|昨天|前天|上周|上个月|之前|早就|以前|曾经|解绑了(?!吧|把|它|他)|解了(?!吧)|解绑后|解绑之后|绑了|成功了|\balready\b|\byesterday\b|\bjust now\b|\blast (?:week|night|month)\b|\bago\b|\bafter (?:unbinding|removing|unlinking|i)\b|\bonce\b|\bi (?:unbound|removed|unlinked|asked|requested|submitted|applied)\b|\bhas been\b|\bhave been\b|\bwas\b",
    "fail": r"失败|不了|不上|不成功|没成功|报错|出错|错误|不行|不让|不给|没反应|点不动|拒绝|不能|无法|没法|解不掉|删不掉|绑不|解不|关不|不支持|卡住|\bfail|\bcan'?t\b|\bcannot\b|\bunable\b|\berrors?\b|\brejected\b|\bdeclin|\bwon'?t\b|\bdoesn'?t work\b|\bnot work|\bdenied\b|\bstuck\b|\bproblem\b|\binvalid\b|\brefus",
    "late": r"还没|还在|怎么还|迟迟|一直|半天|好几天|这么久|没动静|没处理|到现在|\bstill\b|\bnot yet\b|\byet\b|\btaking so long\b|\bslow\b|\bwaiting\b|\bdelay|\bpending\b",
    "other": r"我(?:的)?(?:老婆|老公|妈|爸|媳妇|儿子|女儿|孩子|朋友|同事|室友|男友|女友|男朋友|女朋友|对象|爷爷|奶奶|外婆|弟|妹|哥|姐|先生|太太|父母|家人|舅|姑|叔|婆婆)|他的|她的|别人|帮人|前夫|前妻|前任|替(?!我)|代(?:办|替|人)|\bmy (?:wife|husband|mom|mum|mother|dad|father|son|daughter|friend|brother|sister|boss|colleague|roommate|girlfriend|boyfriend|partner|parents?|grand\w+|ex|neighbou?r|uncle|aunt|kid|child|spouse|cousin|coworker)\b|\b(?:his|her|their|someone else'?s|somebody'?s)\b|\bon behalf\b",
    "unbind": r"解绑|解除|解掉|解约|移除|删除|删掉|删了|去掉|拿掉|撤掉|移掉|下掉|摘掉|取消.{0,4}绑定|脱钩|解卡|解开|取下|清掉|解下|解了|剔除|不绑|\bun-?(?:bind|bound|link|linked|binding|linking|tie|hook|bundl\w+)\b|\bremov\w+|\bdelet\w+|\bdetach\w*|\bdisconnect\w*|\btake\b.{1,24}\boff\b|\bget rid\b|\bdrop\b|\berase\b|\bdelink\w*|\bdissociat\w*",
    "bind": r"(?<!解)(?<!除)绑(?!定的|的)|(?<!取消)(?<!解除)绑定|添加|加一张|加张|新增|关联|开通|重新绑|录入|加卡|加进|加上|连上|接入|(?<!un)(?<!un-)\b(?:bind|link|add|adding|linking|binding|connect|attach|register|set up|hook up|tie)\b|\bre-?(?:bind|link|add|connect)\w*",
    "close": r"关闭|关掉|关了|停用|取消|停掉|停止|终止|退订|不续|关一下|关停|关上|\bturn\w* off\b|\bclos\w+|\bdisabl\w+|\bcancel\w*|\bstop\w*|\bdeactivat\w*|\bswitch\w* off\b|\bshut\b|\bend\b|\bunsubscrib\w*|\bopt out\b",
    "card": r"卡(?!住|顿|通)|银行|储蓄|信用|尾号|[工农中建交招]行|\bcards?\b|\bdebit\b|\bcredit\b|\bbank\b",
    "wallet": r"钱包|支付宝|微信|云闪付|apple ?pay|苹果支付|数字人民币|数币|华为|小米|\bwallets?\b|\balipay\b|\bwe ?chat\b|\bquickpass\b|\be-?cny\b|\bdigital yuan\b|\bhuawei\b|\bpaypal\b",
    "quick": r"快捷|免密|一键支付|小额|一键付|\bquick ?-?pay|\bone[- ]?(?:click|tap)|\bpassword-?(?: )?(?:free|less)|\bexpress pay|\bfast pay|\bwithout (?:a )?password|\bno[- ]password",
    "renewal": r"自动扣|自动续|续费|代扣|扣款|会员|订阅|连续包月|包月|自动付|\bauto\w*|\brenew\w*|\bsubscri\w+|\bmembership|\brecurring\b|\bdeduct\w*",
    "again": r"重新|再(?:次|绑|加|开)|恢复|又想|绑回|开回|\bagain\b|\bback\b|\bre-?\w{3,}|\brestore\b",
    "show": r"查|看(?:一下|下|看|一看)?|列|显示|有哪些|哪几|\bshow\b|\blist\b|\bsee\b|\bcheck\b|\bview\b|\blook up\b|\bdisplay\b",
    "now": r"现在|马上|立刻|立即|赶紧|赶快|快点|直接|干脆|\bnow\b|\bright away\b|\bimmediately\b|\basap\b|\btoday\b|\bactually\b|\bjust do\b|\bjust\b",
}  # fmt: skip
_HAN, _LATIN = re.compile("[\u3400-\u9fff]"), re.compile("[a-z]")


def _alternatives(pattern: str) -> list[str]:
    """Split a pattern at its outermost bars."""
    parts, depth, start, i = [], 0, 0, 0
    while i < len(pattern):
        if pattern[i] == "\\":
            i += 1
        elif pattern[i] in "([":
            depth += 1
        elif pattern[i] in ")]":
            depth -= 1
        elif pattern[i] == "|" and not depth:
            parts.append(pattern[start:i])
            start = i + 1
        i += 1
    return [*parts, pattern[start:]]


def _within(pattern: str, other: re.Pattern[str], own: re.Pattern[str]) -> re.Pattern[str] | None:
    """Compile the alternatives that a text without the letters of `other` can match: those in letters of `own`, and those in none."""
    parts = [part for part in _alternatives(pattern) if own.search(re.sub(r"\\.", "", part)) or not other.search(re.sub(r"\\.", "", part))]
    return _read("|".join(parts)) if parts else None


MOODS = {name: _read(pattern) for name, pattern in _PATTERNS.items()}
# Most messages are in one script, and half of the alternatives in the other.
_CHINESE = {name: found for name, pattern in _PATTERNS.items() if (found := _within(pattern, _LATIN, _HAN))}
_ENGLISH = {name: found for name, pattern in _PATTERNS.items() if (found := _within(pattern, _HAN, _LATIN))}
_CLAUSE = _read(r"[,.;?!~\n…:]+\s*|\s+-+\s+|(?:但是|不过|可是|还是|算了|然后|所以|而是)|\b(?:but|so|then|actually|instead|rather|just)\b")
_ASKS = ("how", "why", "long", "whether", "what", "know")
_ACTS = ("unbind", "bind", "close")
_THINGS = ("card", "wallet", "quick", "renewal")
_STATES = ("how", "why", "long", "whether", "request", "not", "if", "quote", "done", "fail", "late", "other", "again", "show", "know")


@lru_cache(maxsize=1024)
def moods(text: str) -> frozenset[str]:
    """Return the names of the moods in a normalised text."""
    patterns = _ENGLISH if not _HAN.search(text) else _CHINESE if not _LATIN.search(text) else MOODS
    return frozenset(name for name, pattern in patterns.items() if pattern.search(text))


def clauses(text: str) -> list[str]:
    """Split a normalised text into clauses, in order, none empty."""
    parts, last = [], 0
    for match in _CLAUSE.finditer(text):
        if match.group()[0].isalpha():  # a conjunction belongs to what follows
            parts.append(text[last : match.start()])
            last = match.start()
        else:
            parts.append(text[last : match.end()])
            last = match.end()
    parts.append(text[last:])
    return [part.strip() for part in parts if re.search(r"\w", part)]


def features(text: str) -> list[str]:
    """List the mood features of a normalised text: alone, in pairs that decide labels, and of the last clause."""
    found = moods(text)
    parts = clauses(text)
    last = moods(parts[-1]) if parts else frozenset()
    out = [f"m:{name}" for name in sorted(found)] + [f"l:{name}" for name in sorted(last)]
    for act in _ACTS:
        if act in found:
            out += [f"m:{act}+{thing}" for thing in _THINGS if thing in found]
            out += [f"m:{act}+{state}" for state in _STATES if state in found]
    for thing in _THINGS:
        if thing in found:
            out += [f"m:{thing}+{state}" for state in _STATES if state in found]
    out.append(f"n:{min(len(parts), 4)}")
    size = len(re.findall("[\u3400-\u9fff]|[a-z]+|\\d+", text))
    out.append("s:" + ("1" if size < 2 else "3" if size < 4 else "6" if size < 7 else "12" if size < 13 else "25" if size < 26 else "long"))
    if not found & set(_ASKS):
        out.append("m:asks nothing")
    if not last & set(_ASKS):
        out.append("l:asks nothing")
    return out


# What takes a verb back: a denial right before it (with nothing but these words between), a supposition before it in its clause.
_DENIED = _read(
    r"(?:不要|[切请]?勿|毋须?|休要?|别|不想|不用|不必|无需|先不|暂不|暂时不|还不|不许|不准|不能给我|不打算|不是(?:要|让|想)?|没(?:有)?(?:说|让|叫|要|想|打算)(?:过)?|从没|甭|莫(?!名)|千万不|谁(?:让|叫|要)你|没人(?:让|叫|要)|还是不|(?:能|可)?(?<![要能可是会])不|(?<!有)没|未) ?(?:[^,.;?! 了用是]{0,5})$"
    r"|\b(?:don'?t|do not|never|not|didn'?t|did not|won'?t|will not|haven'?t|have not|no need to|rather not|without|refuse to|wasn'?t|isn'?t|nobody|no one|none|who told|who asked|wouldn'?t|can'?t afford|instead of|rather than|no longer|decided against|against)"
    r"(?: (?:want|wants|need|wish|like|to|you|u|i|me|we|them|please|ever|actually|yet|just|really|mean|ask|asked|asking|tell|told|telling|say|said|saying|plan|planning|looking|intend|have|had|been|try|trying|let|going|about|for|anyone|him|her|dare|go|and|be|get|the|my|it|that))* ?$"
    r"|\b(?:nobody|no one|none of us|under no circumstances?|over my dead body|far be it from (?:me|us))\b[^.;?!]*$|\b(?:the last thing (?:i|we|you|anybody|anyone)|(?:i'd|i would|we'd) (?:hate|never))\b[^,.;?!]*$"
    # "你可别…地把我那卡给…"; "别磨蹭了,把卡…" asks for it
    r"|(?:可|千万|绝对|你|您)(?:别|甭|莫|不要|勿)[^,.;?!]{0,12}把[^,.;?!]{0,10}$|(?:打死|说什么|死|怎么)(?:我|俺)?(?:也|都)不[^,.;?!]{0,8}$|最(?:不想|不愿意?|怕|讨厌)[^,.;?!]{0,12}$"
    r"|不(?:大|太|怎么|是很|很)?(?:赞成|同意|建议|支持|主张|看好|希望)[^,.;?!]{0,12}$|\b(?:not|never|isn'?t|wasn'?t|aren'?t)(?: \w+){0,2} (?:keen|in favou?r|convinced|sold|fond|a fan)\b[^,.;?!]*$"
    # an unbinding that is itself to be cancelled
    r"|(?:取消|撤[销回掉]|终止|中止|作废|收回)(?:掉|了|一下)?(?:我|刚才|刚刚|昨天|今天){0,2}(?:[^,.;?!]{0,8}的)?(?:这[次个笔]|那[次个笔]|本次)?$"
    r"|\b(?:cancel|cancelling|halt|abort|undo|reverse|call off|withdraw|revoke)(?: (?:my|the|that|this|your|yesterday'?s|today'?s|last|pending|open|current|card|wallet|bank|request|requested|for|to))+ $"
)  # fmt: skip
_FORBIDDEN = _read(r"(?:不要|别|不用|不必|无需|不需要|甭|勿|不许|不准)[^,.;?! 了用是]{0,5}$|\b(?:don'?t|do not|never|no need to|needn'?t)(?: (?:you|u|please|ever|have to|need to|go|and|be|get))* ?$")
_SUPPOSED = _read(r"(?:本来(?:要|想|打算|是要|是想)|如果|假如|假设|要是|万一|倘若|若是|哪天|等(?!不及|下|会)|将来|以后要|的时候)[^.;?!]*$|\b(?:if|suppose|supposing|assuming|in case|were i|should i|say i|once i|when i|before i|what happens|imagine)\b[^.;?!]*$")
_TOLD = _read(
    r"(?:昨天|昨晚|前天|上午|早上|今早|中午|上周|上个月|去年|早就|已经|之前|刚刚|刚才)[^,.;?!的]{0,10}$"
    r"|\b(?:already|yesterday|last (?:week|month|year))\b[^,.;?!]{0,24}$"
    r"|(?<![别不])(?<!不用)(?:说|让我|叫我|劝我|建议我?|教我|告诉我|提示我?|写着|显示|听说|据说|所谓的?|问我)[^,.;?!]{0,10}$"
    r"|\b(?:said|says|saying|told|tells|asked|asks|suggests?|suggested|advises?|advised|recommends?|recommended|heard|claims?|mentions?|the word|called|labell?ed)\b[^,.;?!]{0,40}$"
    r"|\b(?:keeps?|kept|always) (?:telling|saying|nagging|insisting)\b[^,.;?!]{0,40}$"
    r"|\b(?:he|she|they|who|someone|somebody|(?:my|his|her|our|the) (?:husband|wife|friend|mom|mum|mother|dad|father|son|daughter|brother|sister|colleague|boss))(?: \w+){0,4} $"
    r"|\b(?:calls|times|hours|days|minutes|weeks) (?:just )?to (?:\w+ )?$"
    r"|\b(?:did|has|have|was|were|had|why|does|do (?:i|we|you|they)|is (?:it|my|the)|are (?:my|the))\b[^,.;?!]{0,40}$"
)
_PAST = _read(r"\b(?:i|we|you|it|card|wallet|pay|account)(?: \w+ly| just| already| have| had| was| got| 've|'ve)* (?=(?:removed|unbound|unlinked|deleted|dropped|detached|disconnected|erased|cancell?ed|closed|disabled|turned|stopped|deactivated|linked|added|bound|connected|took)\b)$"
    r"|^(?:so |and |well )?(?:just|finally|already) (?=(?:removed|unbound|unlinked|deleted|dropped|detached|disconnected|erased|cancell?ed|closed|disabled|stopped|deactivated|linked|added|bound|connected)\b)")
# how it stands: "免密关着呢"; what was done, in few words: "Spotify deduction cancelled"
_STANDS = _read(r"^着")
_PARTICIPLE = _read(r"(?:(?<!n)ed|bound|unlinked|linked)$")
_CLAUSE_END = _read(r"^ *(?:[,.;!]|$)")
_GET = _read(r"\b(?:get|got|have|had|need|needs|want|wants|wanted|like|be|see|make|asap|urgently|should|must|can|could|may)\b")
# words of somebody else after a colon; steps read out, songs; what somebody else did for the customer; things of the whole world
_SPOKEN = _read(
    r"(?:骗子|坏人|诈骗|对方|有人|人家|短信|电话|那头|那边|邮件|弹窗|广告|客服|他|她|它|老婆|老公|妈|爸|同事|朋友)[^.;?!我]{0,24}(?:说|是|喊|讲|道|写|发|句|问|嚷|吼|回)(?:的|了|着|我)?:[^.;?!]*$"
    r"|\b(?:he|she|they|scammers?|callers?|voice|guy|man|woman|lady|someone|somebody|text|sms|email|message|pop-?up|ad|post|sign|article|mum|mom|dad|wife|husband|boss|friend|colleague|brother|sister)\b(?:(?! i )[^.;?!]){0,48}:[^.;?!]*$"
)
_STEPS = _read(r"第[一1]步.*第[二2]步|\bstep (?:one|two|three|four|five|\d)\b|\b(?:la la|na na na|sing (?:it|along|with))\b")
_HELPED = _read(r"(?:是|多亏|亏得|幸亏|感谢|谢谢)(?!不是)[^,.;?!我]{1,12}(?:帮|给|替)(?:我|俺|咱)[^,.;?!]{0,12}$")
_WORLD = _read(r"(?:全国|全世界|全天下|全中国|全人类|所有人|人人|大家伙?)[^,.;?!]{0,6}的[^,.;?!]{0,4}(?:卡|钱包|支付|账)|\b(?:everyone|everybody|the whole (?:world|country|planet|nation)|all of (?:china|humanity|mankind))(?:'s| else'?s)? (?:\w+ )?(?:cards?|wallets?|quick|payments?|accounts?)\b")
# what a trouble it was
_BURDEN = _read(r"^[^,.;?!]{0,6}(?:让|叫|害|逼)得?(?:我|人|老子|俺|咱)[^,.;?!]{0,4}(?:跑|等|排|花了|折腾|浪费|烦|累|气|急|受罪|头疼|崩溃)")
_AFTER_WHEN = _read(r"^[^,.;?!]{0,8}的时候")
_AFTER_DONE = _read(r"^[^,.;?!]{0,24}?(?:了(?:吗|没|么|嘛|\?|啊\?|,|$)|过(?:吗|了|,|$)|\b(?:yesterday|ago|already|last (?:week|month|year))\b)")
_RETRACTED = _read(r"\b(?:no wait|wait no|hang on|hold on|scratch that)\b[^?]*\b(?:leave|keep|think|don'?t|not)\b[^?]*$|(?:(?<![掉绑开除])算了|先不(?:弄|办|解|关|绑)?了?|不弄了|不办了|不解了|不关了|不绑了|以后再说|改天再说|再想想|再考虑|当我没说|先(?:放|留|搁|摆)着(?:不?动|吧|再说)*了?|(?:跟你)?开(?:个|你)?玩笑(?:的|呢|啦|而已|罢了)*(?:,?别当真)?|(?:逗|骗|唬)(?:你|您)(?:的|玩|呢|啦)+|(?:说着|闹着|说说)玩(?:的|呢|儿)*|(?<=[,.;!])(?:还是|先|就|你)?别动[它他]?了?吧?|还是留着|先留着|留着吧|我自己来|不劳|(?:继续|接着|还是让它|就让它|让它|还是)(?:扣|续|用|绑|留|开)(?:着|下去)?(?:吧|好了)?|\bforget (?:that )?i (?:said|asked|mentioned)[\w ]{0,12}|\b(?:just|only|was|i'?m|im|am|totally|obviously|messing|and)? ?(?:kidding|joking|jk|jks|messing(?: with (?:you|u|ya))?|teasing)\b(?: (?:you|u|with|around|about|that|ha\w*|lol|lmao|bro|mate|man|bot|of|course|calm|down|relax|sorry|don'?t|worry|obviously|obvs))*|\b(?:it'?s|it was|that was|was)(?: just| only)? a joke\b(?: (?:ha\w*|lol|mate|bro|bot|sorry))*|\bnever ?mind\b|\bchanged my mind\b|\bon second thought\b|\bforget (?:it|about it)\b|\bnot (?:now|yet|today)\b|\bmaybe later\b|\bkeep (?:it|them)\b|\bleave it\b|\bdecided (?:not|to keep)\b|\? ?(?:no|nah|nope)\b[^?]{0,24})[^\w\u3400-\u9fff]*$")
# Put off: not now. Left alone: whatever has no verb of its own. Another platform: its bindings are not ours. Words to be translated are not meant at all.
_PUT_OFF = _read(
    r"(?:以后|将来|改天|改日|下次|下个?月|下周|明年|过完?年|过几天|过一?阵子?|过段时间|到时候?|回头|等[^,.;?!]{1,14})[^,.;?!]{0,10}再|(?:现在|暂时)不急|不着急"
    r"|\b(?:some other time|another (?:day|time)|next (?:week|month|year)|later on|after (?:payday|the holidays)|no rush|not in a hurry|(?:when|once) (?:it|that|the \w+)(?: \w+)? (?:comes|arrives|is here)|(?:i'll|i will|we'll|will) (?:come|be|get) back)\b"
)
_SOME_DAY = _read(r"(?:以后|哪天|将来)[^.;?!]{0,14},(?:到时候?)?再说[^,.;?!]{0,4}$")
_LATER = _read(r"等(?!不及|不了|了|下|一下|会)[^,.;?!]{1,14},[^,.;?!]{0,3}再(?!不|次|也|这么|那么|怎么|跟|和)[^,.;?!]{0,12}$|\b(?:after|once|when|come) [^,.;?!]{2,30},? i(?:'ll| will|'m going to| am going to) (?:come|be|get) back[^,.;?!]*$")
# what somebody was wont to say
_WONT = _read(
    r"\b(?:used to|would(?: always| often| constantly)?|always|forever|kept|keeps|keep)(?: \w+){0,3} (?:say|saying|shout|shouting|yell|yelling|scream|screaming|mutter|muttering|sing|singing|chant|chanting|repeat|repeating|tell|telling|nag|nagging|bark|barking)\b[^.;?!]*$"
    r"|\b(?:you|u|they)(?: \w+){0,3} (?:want|ask|tell|push|force|nag|pester)(?:ing|s)? (?:people|everyone|everybody|customers|others|folks|ppl)\b[^.;?!]*$"
    r"|(?:以前|从前|生前|天天|整天|老是?|总是?|成天|动不动就?)(?:都|就|在|会|爱|喜欢){0,3}(?:冲着?[^,.;?!]{1,6})?(?:念叨|嚷嚷?|喊|嘟囔|唠叨|叨叨|吵着|吵吵|挂在嘴边)[^.;?!]*$"
)
# done by oneself
_MYSELF = _read(r"(?:我|俺)?自己(?:已经|都|刚|就)?$")
_DONE = _read(r"^[上好完掉成了]{0,2}[了啦喇咯嘞]")
# threatened, or thanked for
_THREAT = _read(r"信不信我|[小当]心我|把(?:我|咱|老子)(?:们)?也$|别怪我|看我不|再[^,.;?!]{1,16}我就|(?:多谢|谢谢)(?:你|您|你们)?帮忙$|\b(?:one more|or (?:else )?i(?:'ll| will)|keep (?:this|that|it) up and i)\b|\bthank(?:s| you)(?: so much)? for $")
# "never mind adding it"
_DROPPED = _read(r"\b(?:nvm|never ?mind|forget|skip|scrap)(?: about| the| all)* $")
_LEFT = _read(
    r"keep住|不要动|别动|不许动|别碰|不要碰|先放着|先留着|纠结|犹豫|拿不定|没想好|没决定|没打定"
    r"|\b(?:leave (?:it|them|the|my) [\w ]{0,24}(?:alone|where (?:it|they)|as (?:it|they))|leave (?:it|them|(?:the |my )?[\w ]{0,24}(?:pay|payment|wallet|renewal|card)) on\b|whatever you do|(?:don'?t|do not) (?:touch|mess with)|hands off|torn|undecided|half of me|part of me|(?:don'?t|do not) do anything|can'?t (?:decide|make up)|haven'?t (?:decided|made up)|in two minds)\b"
)
_ELSEWHERE = _read(
    r"(?:美团|拼多多|抖音|淘宝|天猫|滴滴|携程|饿了么|快手|小红书|唯品会|闲鱼|得物|高德|哈啰|优步|亚马逊|虾皮|航旅纵横|12306)(?:上|里|里面|那边|平台|app)"
    r"|\b(?:in|on|from|off|to|with) (?:my |the |this )?(?:pinduoduo|taobao|tmall|meituan|douyin|tiktok|didi|ctrip|amazon|shein|temu|shopee|ebay|lazada|uber|lyft|gojek|airbnb"
    r"|steam|playstation|psn|xbox|nintendo|facebook|instagram|revolut|monzo|etsy|walmart|sim(?: card)?|aadhaar)\b(?! (?:pay|bank|card|wallet))"
)
# Cards of other kinds, where no other thing is named.
_OTHER_CARDS = _read(r"(?:门禁|饭|校园|公交|地铁|医保|社保|购物|美容|健身|图书|借书|礼品|储值|加油|油|房|电话|流量|充值|燃?气)卡|手机卡(?!住|顿|死|了|得|的)|(?<![a-z])(?:sim|esim|etc)卡?(?![a-z])")
# What is praised goes on; said without a verb of ours, nothing was asked for.
_PRAISED = _read(r"(?:真|挺|很|太|好|多|超|还是|特别|相当)(?:是)?(?:方便|好用|省事|省心|省时|香|爽|快|顺手)|省得(?:我)?(?:每次|再|老)|离不开|少不了|爱用|\b(?:handy|convenient|so easy|love (?:it|how|using|the|that)|glad (?:i|we) have)\b")
_URGENT = _read(r"直接|现在(?!不|先(?:放|留|别|不|这|搁))|今天(?!不|先)|马上|立刻|立即|赶紧|干脆|\bnow\b|(?<!not )(?<!anything )\btoday\b|\bright away\b|\bimmediately\b|\bjust do\b")
_TRANSLATE = _read(r"翻译|\btranslat\w+|\bin (?:japanese|korean|french|german|spanish)\b")
_WANTED = _read(
    r"帮我|帮忙|给我|替我|我要|我想(?!知道|问|了解|看)|麻烦(?=[^,.;?!了死得的事呀啊])|请(?!问|教)|拜托|现在(?!天天|每[天次]|整天|总|老|一直|都|还|又|才|却|后悔|抱怨)|马上|立刻|立即|赶紧|赶快|直接|干脆|吧$|呗$|掉$"
    r"|\b(?:please|pls|plz|hurry|can you|could you|would you|want|need|i'?d like|i'd be|i'd appreciate|for me|go ahead|just do|just \w+ it|just (?:un\w+|remove|delete|cancel|close|turn|take|kill|drop|end)|(?:has|have|needs?) to (?:be|go)\b|must (?:be|go)\b|actually|now|have (?:my|the)|then|grateful|lovely|appreciate|if you (?:could|would|wouldn'?t)|if it'?s (?:convenient|possible|no (?:bother|trouble)|ok|okay|not)|if it isn'?t)\b"
)
# fed up with what keeps being shown or has to be done again: often told, seldom asked for
_NAGGED = _read(r"弹窗|弹框|又弹|老弹|一直弹|老是弹|烦不烦|丢人|\bnag|\bpop(?:ping|s)?[ -]?ups?\b|\bshame on\b")
# an English verb in its plain form at the head of a clause, or right after these words, is an order
_ORDERED = _read(r"^\W*(?:(?:just|now|then|and|so|please|ok|okay|lah|right|alright|all|eh|hey|boss|brother|bro|sis|should|may|might|as|well|you|help|me)\W+)*$|\b(?:so|then|please|kindly) $")
_DEFINES = _read(r"什么意思|是什么|是啥|啥意思|指的是|区别|\bwhat (?:is|are|does)\b|\bwhat'?s\b|\bmean(?:s|ing)?\b|\bdifference\b|\bdefin")
_WHY_NOT = _read(r"\b(?:why don'?t you|why not|can'?t you|won'?t you|don'?t you|not only|not just)\b")
_QUOTED = _read(r"\"[^\"]{1,60}\"|(?<!\w)'[^']{1,60}'(?!\w)")
_VERB = {
    "unbind": _read(_PATTERNS["unbind"] + r"|解(?![释决除绑约锁开散])|断开|断掉|拆掉|踢"),
    "close": _read(_PATTERNS["close"] + r"|关|停(?![车电水])|(?<![a-z])cut(?![a-z])|\b(?:want|turn|switch|shut)\b[^,.;?!]{1,40}\boff\b"),
    "bind": _read(_PATTERNS["bind"] + r"|连(?:上|好|接(?!不)|一[遍次下]|回|起来|到)"),
}


def unmeant(text: str) -> set[str]:
    """Return the acts (`unbind`, `close`, `bind`) of which a normalised text speaks only to deny, suppose, quote, report or define them.

    A request in the last clause ("…, please do it") lets all but a denial pass.
    """
    if _not_ours(text):
        return set(_VERB)
    parts = clauses(text)
    wanted = bool(parts and _WANTED.search(parts[-1])) and not moods(parts[-1]) & {"not", "know", "how", "why"}
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    asked = bool(parts) and bool(moods(parts[-1]) & {"whether", "how", "why", "long", "what", "know"} and "if" in moods(_COURTEOUS.sub(" ", text)))
    if not wanted and (asked or _PRAISED.search(text) and "not" not in moods(text)) and not any(pattern.search(text) for pattern in _VERB.values()):
        return set(_VERB)
    result = set()
    for act, pattern in _VERB.items():
        mentions = [match.span() for match in pattern.finditer(text)]
        taken = all(_taken_back(text, start, end, quoted, wanted) for start, end in mentions) or _denied_at_last(text, parts[-1], mentions[-1][0]) if mentions else bool(_LEFT.search(text))
        if taken:
            result.add(act)
    if _RETRACTED.search(text) or _DEFINES.search(text) and not wanted:
        result |= {act for act, pattern in _VERB.items() if pattern.search(text)}
    return result


def _not_ours(text: str) -> bool:
    """Tell whether a text is about other things than this account's: other kinds of cards, another platform, everybody's; or words to be translated, steps read out."""
    others = _OTHER_CARDS.sub("", text)
    if others != text and not moods(others) & set(_THINGS) or _TRANSLATE.search(text) or _WORLD.search(text) or _STEPS.search(text):
        return True
    return bool(_ELSEWHERE.search(text)) and "renewal" not in moods(text) and not re.search(r"京东|\bjd\b", text)


def _denied_at_last(text: str, clause: str, start: int) -> bool:
    """Tell whether the last mention of an act, at `start`, is denied in the last clause, which names nothing: "…, so you needn't link it again"."""
    return start >= len(text) - len(clause) - 1 and not moods(clause) & set(_THINGS) and bool(_FORBIDDEN.search(text[:start])) and not _WHY_NOT.search(text[:start])


def _taken_back(text: str, start: int, end: int, quoted: list[tuple[int, int]], wanted: bool) -> bool:
    """Tell whether one mention of an act is not what the customer wants done."""
    before, after = text[:start], text[end:]
    if _DENIED.search(before) and not _WHY_NOT.search(before) or _DROPPED.search(before) and text[start:end].endswith("ing"):
        return True
    clause = re.split(r"[,.;?!]", before)[-1]
    if _STANDS.match(after) or _SPOKEN.search(before) or _HELPED.search(before) or _THREAT.search(before) or _BURDEN.match(after) or _WONT.search(before) or _LATER.search(before) and not _URGENT.search(text) or _SOME_DAY.search(before) or _MYSELF.search(before) and _DONE.match(after):
        return True
    if _PUT_OFF.search(clause + text[start:]) and not _URGENT.search(text):
        return True
    if wanted:
        return False
    if any(a <= start < b and text[a] == '"' and re.search(r"\w", text[:a] + text[b:]) for a, b in quoted):
        return True
    if _PARTICIPLE.search(text[start:end]) and _CLAUSE_END.match(after) and clause.strip() and not _GET.search(clause) and not _WANTED.search(clause):
        return True
    if _WANTED.search(clause + text[start:end] + re.split(r"[,.;?!]", after)[0]) or _WHY_NOT.search(clause):
        return False
    if _ORDERED.search(clause) and not text[start:end].endswith(("ed", "ing")) and not re.search("[\u3400-\u9fff]", text):
        return False
    if any(a <= start < b and re.search(r"\w", text[:a] + text[b:]) for a, b in quoted):
        return True
    done = _AFTER_DONE.match(after) and re.search(r"昨|前天|上午|早上|中午|今早|上周|上个月|去年|已经|早就|自己|你们|怎么|谁|吗|没|ago|yesterday|already|last", clause + after[:24])
    return bool(_SUPPOSED.search(before) or _AFTER_WHEN.match(after) or _TOLD.search(before) or any(found.end() == start for found in _PAST.finditer(text)) or done)


# "would you …" asks for it; "would" alone supposes
_COURTEOUS = _read(r"\bwould (?:you|u|ya)\b|\bwould it be (?:too|ok|okay|all right|alright|possible|any|a|asking)\b|\bwould (?:be (?:grateful|great|lovely|nice|good)|appreciate)\b")


# why it is to go: "I don't want it any more, close it"
_REASON = _read(r"\b(?:don'?t|do not|dont|doesn'?t|no longer|not) (?:really )?(?:want|need|use|like|trust|using|needing)\b[^,.;?!]{0,30}|不(?:想|再|怎么|太|打算)?(?:再)?(?:用|要|需要|喜欢|习惯)(?:这[个张]|它)?了")


def _without_reason(text: str) -> str:
    """Return the text without a reason that says "not", where an act follows it."""
    found = _REASON.search(text)
    follows = found is not None and any(pattern.search(text, found.end()) for pattern in _VERB.values())
    return text[: found.start()] + " " + text[found.end() :] if found and follows else text


def doubtful(text: str) -> set[str]:
    """Return why an operation word in a normalised text may not be meant: denied, supposed, quoted, another's, asked about last, or told as done."""
    found = moods(_COURTEOUS.sub(" ", _without_reason(text)))
    parts = clauses(text)
    last = moods(parts[-1]) if parts else frozenset()
    doubts = {name for name in ("not", "if", "quote", "other") if name in found} | {name for name in ("how", "why", "long", "know", "what") if name in last}
    doubts |= {"nagged"} if _NAGGED.search(text) else set()
    return doubts | ({"done"} if "done" in found and "request" not in last else set())
