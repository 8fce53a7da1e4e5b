"""References to Chinese law, found as spans: 法条, 案号, 文号, 令号.

Each begins where a reader would begin it: an article with the law that it names, a document number with the code of the
office that issued it. Chinese has no blanks, so that beginning is the hard part: it is found from the number leftwards,
by the names of laws (laws-zh.txt), by 《》, and by the words that stand before a document number but in none.

The rules come from reading some 1,100 statutes, 4,000 exam questions, consultations and passages of judgments;
benchmarks/bench_citations.py measures them on spans that were checked by hand. About 3 million characters a second.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, NamedTuple

from .. import lexicon
from .numbers import DIGITS

Kind = Literal["article", "heading", "case_number", "document_number", "order"]


class Citation(NamedTuple):
    """Characters `start` to `end` (exclusive) of a text, and what they refer to."""

    start: int
    end: int
    kind: Kind
    """`article` 《刑法》第二十条第三款; `heading` the 第二十条 that opens an article; `case_number` （2023）京01民终123号;
    `document_number` 国发〔2020〕5号; `order` 国务院令第95号."""
    law: str | None = None
    """The law of an `article` as written, without 《》, also where it is carried over from the article before
    (《刑法》第三条、第五条); null where only the context tells."""


def citations(text: str) -> list[Citation]:
    """Every reference to Chinese law in `text`, by position. None overlap, save a document number in a law's own name."""
    found = [*_articles(text), *_numbers(text), *_orders(text)]
    found.sort(key=lambda c: (c.start, -c.end))
    kept: list[Citation] = []
    for citation in found:
        last = kept[-1] if kept else None
        if last is None or citation.start >= last.end:
            kept.append(citation)
        elif last.kind == "article" and citation.kind != "article" and citation.end <= last.end:
            kept.append(citation)  # 《...解释》（法释〔2020〕22号）第三条: the number stands inside the law's name
    return kept


# --- articles ---------------------------------------------------------------------------------------------------------

_N = f"[{DIGITS}]"
_S = "[ \u00a0\u3000]?"
_JOIN = rf"{_S}(?:以及|或者|及其|[、及和与與或至到~～—–－-]){_S}"
_ARTICLE = re.compile(
    rf"第{_S}{_N}{{1,9}}(?:{_JOIN}(?:第{_S})?{_N}{{1,9}}|-\d)*{_S}[条條](?:{_S}之{_S}{_N}{{1,3}})?"
    rf"(?:{_S}[至到~～—–－-]{_S}第?{_S}{_N}{{1,9}}{_S}[条條](?:{_S}之{_S}{_N}{{1,3}})?)?(?:{_JOIN}{_N}{{1,9}}{_S}[条條])*"
)
_PART = re.compile(
    rf"(?P<join>{_JOIN})?{_S}(?P<ordinal>第{_S})?(?:(?P<round>[（(]{_S}{_N}{{1,4}}{_S}[）)])|{_N}{{1,4}}){_S}"
    rf"(?P<mark>[款項项目](?:但[书書]|[前后後中]段)?)?(?P<wrong>[条條章节節编編])?"
)
_JOINED = re.compile(rf"{_JOIN}$|[，,]?$")


def _parts_end(text: str, at: int) -> int:
    """Where the paragraphs and items behind an article end: 第二款第（三）项、第（五）项, 第一、二款, （二）."""
    end = at
    first = True
    while part := _PART.match(text, at):
        if part["wrong"] or (first and (part["join"] or not (part["ordinal"] or part["round"]))):
            break
        # A mark closes what is before it: in 第一款和第三条 the second number is another article's.
        if part["mark"] or (part["round"] and not part["join"] and not part["ordinal"] and end == at):
            end = part.end()
        elif not (part["ordinal"] or part["round"] or part["join"]):
            break
        at, first = part.end(), False
    return end


# What 条 counts in 第三条地铁线路, if it is no article.
_COUNTED = re.compile(
    r"(?:地铁|铁路|高铁|高速|公路|道路|街道|马路|跑道|生产线|航线|线路|线索|消息|短信|微博|新闻|评论|意见是|建议|理由|"
    r"原因|经验|信息|命令|腿|鱼|蛇|狗|船|河|裤|裙|毛巾|巷|街|路[^径]|龙|内裤|轨道|地下|[^，。]{0,6}(?:线路|航线|铁路|隧道))"
)
# After 第三条 that opens an article stands its text; after one that is referred to, the sentence that refers.
_REFERS = re.compile(
    r"[ \u3000]?(?:之?规定|之?規定|[的之第、和至及或所中，,。；;）)》”\"]|以及|或者|明确|明確|修改|改为|改為|增加|中[的规]|均|已|也|属于|"
    r"内容|的内容|规定|関|并未|与|與|就|是否)"
)
_OPENS_AFTER = re.compile(r"(?:\A\s*\Z|[\n\r。；;！？!?:：|>」』】][ \t\u3000#*>”\"'’\-—_`]*)$")


_LINE_START = re.compile(r"(?:\A|[\n\r])[ \t\u3000#*>]*\Z")


def _is_heading(text: str, start: int, end: int) -> bool:
    if text[end : end + 1] in " \u3000\u00a0\t" and _LINE_START.search(text, max(0, start - 12), start):
        return True
    if _REFERS.match(text, end):
        return False
    before = text[max(0, start - 12) : start]
    if start and not _OPENS_AFTER.search(before):
        return False
    return not (start and text[start - 1] in "：:") or text[end : end + 1] in " \u3000"


def _articles(text: str) -> list[Citation]:
    found: list[Citation] = []
    for match in _ARTICLE.finditer(text):
        start, end = match.span()
        # Only in running text: a line that begins with 第七条 is an article, whatever it is about.
        if len(match[0]) <= 4 and _COUNTED.match(text, end) and not _LINE_START.search(text, max(0, start - 12), start):
            continue
        if _is_heading(text, start, end):
            found.append(Citation(start, end, "heading"))
            continue
        begin, law = _law_before(text, start)
        end = _parts_end(text, end)
        last = found[-1] if found else None
        if law is None and last and last.kind == "article" and _JOINED.fullmatch(text, last.end, start):
            law = last.law
        found.append(Citation(begin, end, "article", law))
    return found


_GENERIC = (
    "法典|法|條例|条例|实施细则|細則|细则|办法|辦法|规定|規定|解释|解釋|规则|規則|章程|公约|公約|通则|通則|决定|決定|合同|协议|協議|"
    "准则|準則|条约|條約|规程|規程|守则|纲要|意见|修正案|议定书|公报|约定书|规范"
)
_SELF = re.compile(
    rf"(?:本|该|該|同|原|旧|新|前述|上述)?(?:实施|實施|补充|暂行|试行|仲裁|议事|司法|修正)?(?:{_GENERIC})$"
)
_RUN = re.compile(r"[一-鿿（）()〈〉·]{0,30}$")
_ENDS_AS_LAW = re.compile(rf"(?:{_GENERIC}|修正案[（(][一二三四五六七八九十]{{1,3}}[）)])$")
_STOPS = re.compile(
    r".*(?:依照|依据|依據|根据|根據|按照|遵照|参照|參照|依|违反|違反|符合|适用|適用|构成|構成|认定为|认定|规定的|触犯|援引|遵守|执行|"
    r"引用|修正前|修正后|修改|修订|同时|以及|或者|之前|属于|关于|对于|不属|包括|除了|除|结合|我国|现行|因为|由于|如果|按|与|和|及|或|是|为|在|于|对|"
    r"由|将|的|因|有|从|以|并|即|如|原|该|其|了|据|到|受|犯|若|当|而|也|把|被|述|称)"
)
_PREFIX = "中华人民共和国"
_DERIVED = re.compile(
    r"(?:实施条例|实施细则|实施办法|的?司法解释|解释|修正案)?(?:[（(][一二三四五六七八九十]{1,3}[）)])?$"
)


@cache
def _laws() -> frozenset[str]:
    return frozenset(lexicon.shipped("legal", "laws-zh.txt"))


def _law_before(text: str, at: int) -> tuple[int, str | None]:
    """Where the name of the law before the article at `at` begins, and that name; (at, None) if there is none."""
    end = at
    while end and text[end - 1] in " \u00a0\u3000":
        end -= 1
    if end > 1 and text[end - 1] == "的" and text[end - 2] in "》）)法典例":
        end -= 1
    if end and text[end - 1] in "》>〉":
        opened = _opening(text, end - 1)
        return (at, None) if opened is None else (opened, text[opened + 1 : end - 1])
    if end and text[end - 1] in "）)":
        opened = _opening(text, end - 1)
        if opened is None:
            return at, None
        if text[:opened].endswith(("》", ">")) and at - opened <= 70:
            title = _opening(text, opened - 1)
            if title is not None:
                return title, text[title + 1 : opened - 1]
        if not text[:opened].endswith(("修正案", "解释", "规定", "法", "典", "条例", "办法")):
            return at, None
    run = _RUN.search(text, max(0, end - 30), end)
    left = run[0] if run else ""
    ending = _ENDS_AS_LAW.search(left) or _ENDS_AS_LAW.search(left.partition("（")[0])
    if not left or not ending:
        return at, None
    known = _known_law(left)
    if known is None:
        same = _SELF.search(left)
        if same and same[0].startswith(("本", "该", "該", "同")):
            known = same[0]
        else:
            stop = _STOPS.match(left)
            known = left[stop.end() :] if stop else left
            if len(known) < 4 or len(known) > 22 or "（" in known[:1] or known.startswith(("）", ")")):
                return at, None
    return end - len(known), known


def _known_law(left: str) -> str | None:
    """The longest end of `left` that is the name of a law, with what may follow (实施细则, 修正案（七）) or precede it."""
    laws = _laws()
    tail = _DERIVED.search(left)
    for cut in {len(left), tail.start() if tail else len(left)}:
        for begin in range(max(0, cut - 22), cut - 1):
            if left[begin:cut] in laws:
                if left[:begin].endswith(_PREFIX):
                    begin -= len(_PREFIX)
                return left[begin:]
    return None


_PAIRS = {"》": "《", ">": "<", "）": "（", ")": "(", "〉": "〈"}
_CLOSERS = {"（": "）", "(": ")"}


def _opening(text: str, close: int) -> int | None:
    """The bracket that the one at `close` closes, at most 90 characters before it on the same line."""
    depth, mark = 0, text[close]
    opened = {_PAIRS[mark], *("（(" if mark in "）)" else "")}
    closed = {mark, *("）)" if mark in "）)" else "")}
    for at in range(close, max(-1, close - 90), -1):
        if text[at] in closed:
            depth += 1
        elif text[at] in opened:
            depth -= 1
            if not depth:
                return at
        elif text[at] == "\n":
            return None
    return None


# --- case and document numbers ----------------------------------------------------------------------------------------

_OPEN, _CLOSE = "（(〔[【﹝［〈「", "）)〕]】﹞］〉」"
_YEAR = r"(?:(?:1[89]|20)[0-9０-９]{2}|20[xX×*＊Ｘ]{2}|２０[０-９]{2}|１９[０-９]{2}|[一二][〇○零九][〇○零一二三四五六七八九]{2})"
_ESC_OPEN, _ESC_CLOSE = re.escape(_OPEN), re.escape(_CLOSE)
_DIGIT = "[0-9０-９xX×＊*ＸＸ]"
_SERIAL = rf"第?{_S}(?:易?[A-Za-z]{{0,4}}-?{_DIGIT}{{1,26}}|[（(]\d{{1,8}}[）)]|某{{1,3}}|[一二三四五六七八九十百零〇]{{1,5}})"
_MORE = rf"(?:{_S}[-－—~～、，,及和至]{_S}第?{_S}{_DIGIT}{{1,12}})*"
_TAIL = rf"{_S}[号號](?:[、和及至]第?{_DIGIT}{{1,12}}[号號])*(?:之[一二三四五六七八九十0-9]{{1,2}}|-\d{{1,2}})?"
_BRACKETED = re.compile(
    rf"[{_ESC_OPEN}]{_S}(?P<year>{_YEAR}|\d{{2}})年?度?{_S}[{_ESC_CLOSE}]"
    rf"(?P<body>(?:{_S}[一-鿿0-9０-９A-Za-zxX×＊*〇（(）)-]){{0,26}}?){_S}(?P<serial>{_SERIAL}{_MORE}){_TAIL}"
)
_CASE_TYPE = re.compile(
    r"[民刑行执執赔賠破商知经經海清督催辖抗督][初终終再申监監辖抗特催督撤破更核一二三四上复他恢异保赔审审字提重简賠]|"
    r"[民刑行执執赔賠破商知经經]|[初终終再申]字|[诉訴]前|财保|司[惩救]|认[复港台]|仲审|强清|[^证鉴]保字"
)
_NO_CASE = re.compile(
    r"[证證鉴鑑检檢][^一-鿿]?|鉴定|公证|公交|交认|审[计鉴]|评[估报]|仲裁?字|仲案|[发函复罚决告令批办]字"
)
_JUDGMENT = re.compile(r"(?:民事|刑事|行政|执行)?(?:附带民事)?(?:判决|裁定|调解书|判決)")
_PROVINCE = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川蜀黔贵云滇藏陕秦甘陇青宁新兵港澳"
_PLACE_NUMBER = re.compile(r"[楼线院房机馆门店铺厅井桥路车库仓厂地]|选手|球员|病房|码头")
_CODE_RUN = re.compile(
    r"(?:[一-鿿〇]|(?<=[一-鿿）)])(?<![年月第])\d(?=[一-鿿（(])(?!某)|[（(](?:[一-鿿]{1,3}|\d{6})[）)]|[［\[][一-鿿]{1,2}[］\]]|(?<![A-Z])[A-Z](?=[一-鿿]|$)){0,30}[ \u3000]?$"
)
_CODE_STOPS = re.compile(
    r".*(?:作出的?|做出的?|出具的?|根据|根據|依据|依據|依照|按照|参照|发布的?|發布的?|印发的?|下发的?|发出的?|颁布的?|制定的?|签发的?|下达的?|"
    r"送达的?|核发的?|颁发的?|编制的?|提交的?|收到的?|制作的?|送交的?|取得的?|持有的?|领取的?|办理的?|不服|撤销|撤銷|维持|确认|违反|执行|"
    r"简称|称为|号为|文号|编号|通知书?|告知书|决定书|认定书|裁决书|判决书|裁定书|意见书|鉴定书|报告书?|公告书|请示|文件|复函|裁定|判决|"
    r"附件|载明|显示|以下称|原告|被告|第三人|上诉人|申请人|有关|以及|或者|涉案|被诉|本案|诉称|之后|其中|依法|关于|对于|上述|前述|所述|该份|位于|坐落于|竞得|完成|承担|另?提供的?|申领|接手|准备|取得|持有|拥有|领有|办得|补办|换发|转发|公布的?|通过|报送|报请|申报|提出的?|签订的?|签署的?|订立的?|登记|记载|注明|写明|列明|包括|例如|分别|先后|重新|另行|已经|曾经|随后|同时|此后|至今|直至|属于|适用|援引|引用|贯彻|落实|遵照|比照|认为|说明|表明|证实|主张|称|系|起诉书|证明|证号|[的了《》])"
)
_CODE_STOP_CHARS = re.compile(r".*(?<![（(])[以按见将对是即及和与由在经](?![政经贸发信县墨法公开][^一-鿿]?)(?=..)")
_OFFICE = re.compile(
    r"(?:人民政府|政府|委员会|常委会|办公厅|办公室|街道办事处|公司|大队|支队|中队|派出所|法院|检察院|鉴定所|事务所|管理处|公证处|技术室|鉴定室|中心|"
    r"[^一]局|[^人信环]部|厅|署|院|委|所|站)"
)
_CITIES = "榕穗杭甬温嘉湖绍衢舟丽锡苏常镇扬泰宁淮宿厦泉漳莆济青烟潍洛郑武汉深莞佛珠惠汕长株潭成绵昆筑哈沈大国國中全"
_ONE_CHARACTER = "法署税财环建函农"


def _numbers(text: str) -> list[Citation]:
    found: list[Citation] = []
    for match in _BRACKETED.finditer(text):
        start, end = match.span()
        body = match["body"].replace(" ", "")
        if len(match["year"]) == 2 and "字" not in body:
            continue
        if body.count("（") + body.count("(") != body.count("）") + body.count(")"):
            continue
        if body and ((_CASE_TYPE.search(body) and not _NO_CASE.search(body)) or _JUDGMENT.match(text, end)):
            found.append(Citation(start, end, "case_number"))
            continue
        begin = start if body[:1] and body[0] in _PROVINCE else _code_start(text, start, bool(body.strip("第")))
        if (
            body
            and begin == start
            and not re.search(r"[字函发复决公令办证鉴认第]|^[A-Z]", match["body"] + match["serial"])
        ):
            continue
        if begin == start and not body and _PLACE_NUMBER.match(text, end):
            continue
        found.append(Citation(begin, end, "document_number"))
    found += (Citation(*m.span(), "case_number") for m in _UNBRACKETED.finditer(text))
    found += (Citation(*m.span(), "case_number") for m in _TAIWAN_CASE.finditer(text))
    found += (Citation(*m.span(), "document_number") for m in _TAIWAN_DOCUMENT.finditer(text))
    return found


_UNBRACKETED = re.compile(rf"20[0-2]\d年?[{_PROVINCE}]\d{{0,4}}[民刑行执破赔][一-鿿]{{1,3}}第?\d{{1,6}}号")
_TAIWAN_CASE = re.compile(r"(?:民[國国]{1})?\d{2,3}\s?年度?\s?[一-鿿]{1,8}字第\s?\d{1,6}\s?[号號]")
_TAIWAN_DOCUMENT = re.compile(
    r"(?:(?:司法院)?大法官)?[釋释]字第\s?\d{1,3}\s?[号號]|[一-鿿]{2,7}字第\s?\d{7,12}\s?[号號]"
)


def _code_start(text: str, bracket: int, has_body: bool) -> int:
    """Where the code of the office before the year begins: 国办发 in 国务院办公厅国办发〔2020〕5号."""
    run = _CODE_RUN.search(text, max(0, bracket - 32), bracket)
    code = run[0] if run else ""
    if code[:1] and code[0] in "日月年时号元件份第" and text[bracket - len(code) - 1 : bracket - len(code)].isdigit():
        code = code[1:]
    for stops in (_CODE_STOPS, _CODE_STOP_CHARS):
        if stop := stops.match(code):
            code = code[stop.end() :]
    if len(code) == 2 and code[0] in "和与及以按" and code[1] in _ONE_CHARACTER:
        code = code[1:]
    for office in _OFFICE.finditer(code):
        name, rest = code[: office.end()], code[office.end() :].strip()
        # A code is made of characters of its office's name, or begins with its place: 国土资源部 国土资函, 福州市… 榕价认.
        first = rest.lstrip("（([［")[:1]
        local = first in _PROVINCE + _CITIES
        if len(name) > 2 and (
            (len(rest) > 2 and first in (run[0] if run else "")[: -len(rest)]) or (len(rest) > 1 and local)
        ):
            code = code[office.end() :]
            break
    bare = code.strip()
    if len(bare) < 2 and (not bare or bare not in (_PROVINCE if has_body else _ONE_CHARACTER)):
        return bracket
    # An office's name alone is no code, but a laboratory or a committee may sign with its own: 川委〔2013〕255号.
    if len(bare) > 14 or (bare.endswith(("公司", "政府", "法院", "检察院", "国务院"))):
        return bracket
    if len(bare) > 8 and (ends := [*_OFFICE.finditer(bare)]) and ends[-1].end() == len(bare):
        return bracket
    return bracket - len(code)


# --- orders -----------------------------------------------------------------------------------------------------------

_ORDER = re.compile(
    rf"(?:[一-鿿]{{2,40}})?(?:令|公告)(?:{_S}\d{{4}}{_S}年)?{_S}第?{_S}(?:[0-9]{{1,4}}|[一二三四五六七八九十百零〇]{{1,6}}){_S}[号號]"
)
_ORDER_STOPS = re.compile(r".*(?:根据|依据|按照|依照|发布的?|公布的?|颁布的?|[以的与及按由见]|(?<!共)和|修订|修改)")


def _orders(text: str) -> list[Citation]:
    found = []
    for match in _ORDER.finditer(text):
        name = re.match(r"[一-鿿]*?(?:令|公告)", match[0])
        assert name is not None
        stop = _ORDER_STOPS.match(name[0][:-2])
        begin = match.start() + (stop.end() if stop else 0)
        found.append(Citation(begin, match.end(), "order"))
    return found
