"""How legal documents are built, and what is missing when one of them was cut: statutes, judgments, contracts.

A statute numbers its articles without a gap (1,213 of 1,224 real ones do; a repealed article keeps its number and an
inserted one is called 之一), ends with the day it takes force, and a judgment has its parts in one order. So a gap, a
missing end or a missing part tells that text was lost, without knowing the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from .citations import Citation, citations
from .numbers import DIGITS, number

Level = Literal["part", "subpart", "chapter", "section", "article", "item"]


class Heading(NamedTuple):
    """Where a numbered unit of a statute begins: 第二章 总则, 第二百三十四条之一, （三）."""

    start: int
    end: int
    """End of the mark; for parts, chapters and sections, of their title's line."""
    level: Level
    number: int
    inserted: int = 0
    """The n of 之n: an article put between two others by a later law."""
    title: str = ""


_N = f"[{DIGITS}]"
_UNITS: dict[str, Level] = {
    "编": "part",
    "編": "part",
    "分编": "subpart",
    "分編": "subpart",
    "章": "chapter",
    "节": "section",
    "節": "section",
}
_TITLED = re.compile(
    rf"^[ \t\u3000#*>]*第[ \u3000]?(?P<number>{_N}{{1,5}})[ \u3000]?(?P<unit>分?[编編]|[章节節])(?![之中的第])(?P<title>[^\n。；]{{0,40}})$",
    re.M,
)
_ARTICLE = re.compile(
    rf"第[ \u3000\u00a0]?(?P<number>{_N}{{1,9}})[ \u3000\u00a0]?[条條](?:[ ]?之[ ]?(?P<inserted>{_N}{{1,3}}))?"
)
_ITEM = re.compile(r"^[ \t\u3000]*[（(](?P<number>[一二三四五六七八九十]{1,4})[）)]", re.M)


def outline(text: str, found: Sequence[Citation] | None = None) -> list[Heading]:
    """The numbered units of a Chinese statute or contract, in order; `found` saves finding its `citations` again.

    Paragraphs (款) have no mark: they are the paragraphs between an article's heading and the next one.
    """
    units: list[Heading] = []
    for match in _TITLED.finditer(text):
        title = match["title"].strip(" \t\u3000*#")
        units.append(Heading(match.start(), match.end(), _UNITS[match["unit"]], number(match["number"]), title=title))
    for citation in citations(text) if found is None else found:
        if citation.kind == "heading" and (head := _ARTICLE.match(text, citation.start)):
            inserted = number(head["inserted"]) if head["inserted"] else 0
            units.append(Heading(citation.start, citation.end, "article", number(head["number"]), inserted))
    units += (Heading(m.start(), m.end(), "item", number(m["number"])) for m in _ITEM.finditer(text))
    return sorted(units)


MIN_ARTICLES = 3
"""Fewest headings of articles that make a text a statute, of which articles may be missing."""


def missing_articles(numbers: Iterable[int]) -> int | None:
    """How many articles are absent, given the numbers of those present in their order; None if this is no statute.

    A return to 1 (an annex, a second statute) starts anew. What begins at 2 lost its first article; what begins higher
    is an excerpt or an amendment that goes on counting, of which only the gaps inside are counted, and only if most
    of its articles follow one another: a text that quotes a few articles is no statute.
    """
    runs: list[list[int]] = []
    for n in numbers:
        if not runs or (n == 1 and runs[-1] != [1]):
            runs.append([])
        runs[-1].append(n)
    missing = counted = 0
    for run in runs:
        present, first = set(run), run[0]
        if len(run) < MIN_ARTICLES:
            continue
        following = sum(b - a in (0, 1) for a, b in pairwise(run))
        steady = following >= (0.5 if first <= 2 else 0.8) * (len(run) - 1)
        dense = first <= 2 and run == sorted(run) and max(run) <= 2 * len(run)
        if not (steady or dense):
            continue
        counted += 1
        low = 1 if first <= 2 else first
        missing += max(run) - low + 1 - sum(n >= low for n in present)
    return missing if counted else None


# --- what ends a statute ----------------------------------------------------------------------------------------------

_IN_FORCE = re.compile(r"施行|生效|废止|廢止|起实施|起實施|起执行|起執行|实施日期|之日起实行|公布之日")
_ENACTED = re.compile(r"(?:条例|條例|法|办法|辦法|规定|規定|规则|规程|细则)\s*(?:[（(].{0,20}[）)])?\s*$")


def lacks_end(text: str, units: Sequence[Heading]) -> bool | None:
    """Whether a statute stops before the article that says from when it holds. None for what need not have one: texts
    with few articles, and interpretations of the courts, whose day stands in their head.

    Of 1,100 real statutes some 40 stop so; most of these were cut where they were downloaded.
    """
    articles = [u for u in units if u.level == "article"]
    if len(articles) < 5:
        return None
    head = text[: articles[0].start]
    title = next((line.strip(" #*") for line in head.splitlines() if line.strip(" #*")), "")
    if "施行" in head or "法院" in title or "检察院" in title or not _ENACTED.search(title):
        return None
    return not _IN_FORCE.search(text, articles[-1].end)


# --- judgments --------------------------------------------------------------------------------------------------------

Part = Literal["header", "parties", "claims", "facts", "reasoning", "ruling", "panel"]
PARTS: dict[Part, re.Pattern[str]] = {
    # 北京市第一中级人民法院 民事判决书: the court and the kind stand alone, one below the other; prose names them apart.
    "header": re.compile(
        r"人\s?民\s?法\s?院\s{0,8}(?:民\s?事|刑\s?事|行\s?政|执\s?行|国?家?赔\s?偿)?(?:附带民事)?\s{0,3}"
        r"(?:判\s{0,3}决|裁\s{0,3}定|调\s{0,3}解|决\s{0,3}定)\s{0,3}[书書]\s"
    ),
    "parties": re.compile(
        r"(?:^|[\n。；])\s*(?:原审|一审|二审|再审)?(?:原告|上诉人|申请人|申请执行人|公诉机关|抗诉机关|起诉人|自诉人|赔偿请求人|被告|被执行人|罪犯)"
    ),
    "claims": re.compile(
        r"诉讼请求|上诉请求|请求判令|诉称|訴稱|起诉书指控|指控被告人|指控[:：]|提起上诉|提出再审|提起公诉|申请称|申请再审称|辩称|一案"
    ),
    "facts": re.compile(r"查明|认定事实|认定如下|认定的事实|事实如下|事实和理由|审理终结|证据予以证实|证据证实"),
    "reasoning": re.compile(r"本院(?:经审查|经审理|经研究|再审|审查|审理|一审|二审|综合)?认为|法院认为|本院認為|综上"),
    "ruling": re.compile(r"(?:判决|裁定|决定|判決|协议)(?:结果)?如下|判决[:：]|裁定[:：]"),
    "panel": re.compile(r"审\s?判\s?长|审\s?判\s?员|代理审判员|陪审员|书\s?记\s?员|執行員|执行员|審判長|法\s?官"),
}
"""What each part of a Chinese judgment begins with, in the order of 人民法院民事裁判文书制作规范: 首部, 当事人, 诉辩, 查明,
认为, 主文, 落款."""
_ORDER: tuple[Part, ...] = tuple(PARTS)


def judgment_parts(text: str) -> dict[Part, int] | None:
    """Where each part of a judgment begins; None if the text is no judgment. A part that is not there is left out."""
    header = PARTS["header"].search(text, 0, 400)
    ruling = _last(PARTS["ruling"], text)
    reasoning = _last(PARTS["reasoning"], text if ruling is None else text[:ruling])
    # A judgment is told by its head, or by its reasoning, its ruling and the judges below.
    signed = ruling is not None and PARTS["panel"].search(text, ruling)
    if not header and not (reasoning is not None and signed):
        return None
    found: dict[Part, int] = {}
    if header:
        found["header"] = header.start()
    for part in ("parties", "claims", "facts"):
        if match := PARTS[part].search(text, header.end() if header else 0):
            found[part] = match.start()
    if reasoning is not None:
        found["reasoning"] = reasoning
    if ruling is not None:
        found["ruling"] = ruling
    if (panel := PARTS["panel"].search(text, ruling if ruling is not None else max(0, len(text) - 400))) is not None:
        found["panel"] = panel.start()
    return found


def missing_parts(text: str) -> int | None:
    """How many parts of a judgment are absent or out of their order; None if the text is no judgment."""
    parts = judgment_parts(text)
    if parts is None:
        return None
    expected = [p for p in _ORDER if p != "claims"]
    absent = sum(p not in parts for p in expected)
    at = [parts[p] for p in ("header", "parties", "facts", "reasoning", "ruling", "panel") if p in parts]
    return absent + sum(b < a for a, b in pairwise(at))


def _last(pattern: re.Pattern[str], text: str) -> int | None:
    found = None
    for match in pattern.finditer(text):
        found = match.start()
    return found


# --- contracts --------------------------------------------------------------------------------------------------------

_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_SECTIONS = (
    re.compile(r"^[ \t]*(?:ARTICLE|Article)[ \t]+(?P<number>[IVXLC]{1,7}|\d{1,3})\b", re.M),
    re.compile(r"^[ \t]*(?:SECTION|Section)[ \t]+(?P<number>\d{1,3})(?:\.(?!\d)|[ \t:—-]|$)", re.M),
    re.compile(r"^[ \t]*(?P<number>\d{1,3})\.(?!\d)[ \t\u00a0]*[\"“A-Z_]", re.M),
    re.compile(r"^[ \t\u3000]*(?P<number>[一二三四五六七八九十]{1,3})[、．.]", re.M),
)


def contract_sections(text: str) -> list[tuple[int, int]]:
    """The first-level sections of a contract as (start, number), by the one way of numbering that it uses most:
    ARTICLE IV, Section 3., 3. Term, 三、."""
    best: list[tuple[int, int]] = []
    for pattern in _SECTIONS:
        found = [(m.start(), _value(m["number"])) for m in pattern.finditer(text)]
        if len(found) > len(best):
            best = found
    return best


def _value(text: str) -> int:
    if text[0] in _ROMAN:
        values = [_ROMAN[c] for c in text]
        return sum(-v if any(v < w for w in values[i + 1 : i + 2]) else v for i, v in enumerate(values))
    return number(text)


# --- ends of any text -------------------------------------------------------------------------------------------------

_CUT_MARK = re.compile(
    r"(?:\.{3}|…|\[truncated\]|\(continued\)|（未完）|（略）|阅读全文|查看全文|展开全文|[Rr]ead more)\s*$"
)
_OPEN_END = re.compile(r"[一-鿿A-Za-z ]{6}[一-鿿a-z、，,：:（(《“]\s*$")
_SIGNATURE = re.compile(r"(?:年|月|日|号|章|字|院|员|长|人|方|表|录|附|页|page|Date|Title|Name|By)\W*$", re.I)


def cut_off(text: str) -> bool:
    """Whether the text stops in mid-sentence, or at a mark that says that there is more."""
    tail = text[-60:].rstrip()
    if _CUT_MARK.search(tail):
        return True
    line = tail.rpartition("\n")[2]
    return len(line) > 20 and bool(_OPEN_END.search(line)) and not _SIGNATURE.search(line)
