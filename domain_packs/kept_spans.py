"""What no Transform may change: doses, units, ranges, negations, codes, articles, case numbers, citations, counted in a text.

Extracted before and after, with what was cut out whole, the counts must be equal. Forms that mean the same are folded first:
widths (１００ｍｇ), kinds of blanks, quotes and dashes, marks of HTML and its entities. What a link holds is no span.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html import unescape

from ..curate.documents import Documents
from ..curate.step import Transform
from .legal.citations import citations
from .legal.western_citations import references

Counts = dict[str, Counter[str]]

_A = "[A-Za-z0-9_]"
KINDS: dict[str, re.Pattern[str]] = {
    "dose": re.compile(
        r"\d+(?:[.,]\d+)?(?:\s?[-–~～/×x]\s?\d+(?:\.\d+)?)?\s?(?:mg|[µμ]g|mcg|ug|kg|g|mL|ml|dL|L|IU|U|mEq|mmol|[µμ]mol|mmHg|cm|mm|Gy|bpm|%|℃|"
        r"毫克|微克|公斤|千克|克|毫升|升|单位|單位|毫米|片|粒|丸|支|袋|次|钱|錢|两|兩|分|斤|枚)(?![A-Za-z])"
    ),
    "negation": re.compile(
        rf"[不未无無没沒否非勿莫毋]|(?<!{_A})(?:no|not|never|none|without|denies|denied|negative|cannot|nor|absent|unless|except)(?!{_A})|n't(?!{_A})",
        re.I,
    ),
    # <5 mg, ≥0.9, 3-5 days; not the numbers of a street, and not the mark of a quotation at a line's start
    "range": re.compile(
        r"(?<![A-Za-z_\-\n>])[<>≤≥±]\s?\d+(?:\.\d+)?|(?<![\d.\-/])\d{1,3}(?:\.\d+)?\s?[-~]\s?\d{1,3}(?:\.\d+)?\s?"
        r"(?:%|[a-z]{1,4}/|(?:mg|kg|cm|mm|mL|ml|years?|days?|weeks?|months?|hours?|minutes?|times)(?![a-z])|[年月日天周次岁倍人元]|小时|分钟|个月)"
    ),
    "code": re.compile(rf"(?<!{_A})(?:[A-TV-Z]\d[0-9AB]\.\d{{1,4}}|HP:\d{{7}})(?!{_A})"),
}
_FOLD = {
    **{c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)},
    **dict.fromkeys((0x3000, 0xA0, 0x2002, 0x2003, 0x2009, 0x202F), " "),
    **dict.fromkeys((0x2018, 0x2019, 0x02BC), "'"),
    **dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013), "-"),
    **dict.fromkeys((0xAD, 0x200B, 0xFEFF, 0x2060), None),
    0xB5: "μ",
}
_LINK = re.compile(r"(?:https?|mailto):[^\s<>)]{1,500}")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>|<!--.{0,300}?-->")


def folded(text: str) -> str:
    """The text with forms that mean the same made one."""
    if "&" in text:
        text = unescape(unescape(text))
    return _LINK.sub("", _TAG.sub("", text)).translate(_FOLD)


def kept_spans(text: str) -> Counts:
    """What must stay in `text`, by kind, blanks taken out of each."""
    text = folded(text)
    found = {kind: Counter(re.sub(r"\s", "", m).lower() for m in p.findall(text)) for kind, p in KINDS.items()}
    for c in citations(text):
        kind = (
            "article" if c.kind == "heading" else c.kind
        )  # whether one opens an article is told by what stands around it
        span = re.sub(r"\s", "", text[c.start : c.end])
        # The article itself, too: which law it is of may be named by words that a reader changed on purpose.
        found.setdefault(kind, Counter())[span[span.rfind("第") :] if kind == "article" else span] += 1
    for r in references(text):
        found.setdefault(r.kind, Counter())[re.sub(r"\s", "", text[r.start : r.end])] += 1
    return found


def lost(before: Sequence[str], after: Documents) -> list[Counts]:
    """For each text what it held that is neither in its new form nor in what was cut out of it whole."""
    cut: list[list[str]] = [[] for _ in before]
    for piece in after.removed:
        cut[piece.row].append(piece.text)
    result = []
    for old, new, pieces in zip(before, after.texts, cut, strict=True):
        if old == new:
            result.append(Counts())
            continue
        now = kept_spans("\n\n".join([new, *pieces]))
        result.append({k: gone for k, found in kept_spans(old).items() if (gone := found - now.get(k, Counter()))})
    return result


def lost_in(steps: Sequence[Transform], texts: Sequence[str], language: str) -> list[list[Counts]]:
    """`lost` for each step of a recipe in turn, so that a loss is blamed on the step that made it."""
    docs = Documents.from_texts(texts, language=[language] * len(texts))
    result = []
    for step in steps:
        before = docs.texts
        docs = step.transform(Documents(docs.table, docs.signals))
        result.append(lost(before, docs))
    return result
