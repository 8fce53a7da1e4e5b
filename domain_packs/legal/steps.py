"""What makes a text legal: citations, terms of the law, and articles that are numbered without a gap."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, ClassVar

import numpy as np
import polars as pl

from ...curate.documents import Documents, Floats
from ...curate.step import AtLeast, AtMost, Filter, Threshold
from .. import lexicon

LEXICON = ("terms-en.txt", "terms-zh-Hans.txt", "terms-zh-Hant.txt")

_NUMBER = "[〇零○一二三四五六七八九十百千两0-9０-９]"
CITATIONS = (
    # Article, with paragraph and item: 第二百三十四条之一第二款第（三）项, 第12條
    rf"第{_NUMBER}{{1,9}}[条條](?:之{_NUMBER}{{1,3}})?(?:第{_NUMBER}{{1,4}}款)?(?:第?[（(]?{_NUMBER}{{1,4}}[）)]?[项項])?",
    # Case number: （2016）最高法民再98号, (2007)朝民初字第18230号
    r"[（(〔\[]\s*(?:19|20)\d{2}\s*[）)〕\]]\s*\p{Han}{1,6}\d{0,4}\p{Han}{1,8}\d{1,6}(?:-\d+)?[号號]",
    # Document number: 法释〔2020〕26号, 国发[1998]3号
    r"\p{Han}[〔\[（](?:19|20)\d{2}[〕\]）](?:第)?\d{1,5}[号號]",
    # Named statute: 《中华人民共和国刑法》, 《上海市道路交通管理条例》
    r"《[^《》\n]{2,40}(?:法|条例|條例|规定|規定|办法|辦法|解释|解釋|细则|細則|决定|決定)》",
    # Codes and rules: 42 U.S.C. § 1983, 17 C.F.R. 240.10b-5, § 230, §§ 3-5
    r"(?:\d{1,3}\s+(?:U\.?\s?S\.?\s?C\.?(?:\s?A\.?)?|C\.?\s?F\.?\s?R\.?)\s*(?:§{1,2}\s*)?|§{1,2}\s*)\d+[\w.\-]*",
    # Reporters: 347 U.S. 483, 550 F.3d 1023, [1932] AC 562, 12 S. Ct. 5
    r"\d{1,4}\s+(?:U\.\s?S\.|S\.\s?Ct\.|L\.\s?Ed\.(?:\s?2d)?|F\.(?:\s?(?:2d|3d|4th))?|F\.\s?Supp\.(?:\s?[23]d)?)\s+\d{1,4}",
    r"\[(?:18|19|20)\d{2}\]\s+(?:\d\s+)?(?:AC|QB|KB|WLR|All ER|UKSC|UKHL|EWCA|EWHC|HKCFA)\s+(?:Civ\s+|Crim\s+)?\d+",
    # Parties: Brown v. Board, Donoghue v Stevenson
    r"\p{Lu}[\w.&'’\-]+\s+v\.?\s+\p{Lu}[\w.&'’\-]+",
    # Numbered parts of an instrument: Section 4.2(a), Article IV, Clause 7
    r"(?:Section|Sections|Article|Articles|Clause|Paragraph|SECTION|ARTICLE)\s+(?:\d+|[IVXLC]+\b)(?:[.\-]\d+)*(?:\([a-z0-9]{1,4}\))*",
)
"""Regular expressions (Rust syntax) for references to law. Forms found by reading 3,500 Chinese statutes, US bills and
contracts; no rule ends in `\\b` after a Chinese character, where there is no boundary."""

_ARTICLE_HEAD = rf"(?m)^[\s#*]*第({_NUMBER}{{1,9}})[条條][\s　:：]"
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}


class LegalSignals(Filter):
    """Measures how legal a text is, and whether a Chinese statute has all its articles. Drops nothing by default."""

    name: ClassVar[str] = "legal_signals"

    terms: str | None = None
    """A file of your own legal terms, one a line, in place of the pack's."""
    min_legal_terms: Annotated[Threshold, AtLeast("legal_terms")] = None
    """Least share of the characters that lie in a legal term: the median is 0.05 for
    Chinese statutes, 0.06 for contracts, 0.11 for licence notices, and below 0.004 for news and speeches."""
    min_legal_citations: Annotated[Threshold, AtLeast("legal_citations")] = None
    """Least number of citations for every 1,000 characters."""
    max_legal_missing_articles: Annotated[Threshold, AtMost("legal_missing_articles")] = None
    """Most articles missing between the first and the last of a Chinese statute; 1,031 of 1,040 statutes miss none, so
    a gap means text lost in conversion. Not measured, so never a reason, where fewer than five articles are headed."""

    def prepare(self) -> None:
        self._patterns()

    def _patterns(self) -> lexicon.Patterns:
        return lexicon.patterns(lexicon.own(self.terms) if self.terms else lexicon.shipped("legal", *LEXICON))

    def measure(self, docs: Documents) -> Documents:
        return docs.with_signals(
            {
                "legal_terms": lexicon.coverage(docs, self._patterns()),
                "legal_citations": lexicon.per_thousand(docs, CITATIONS),
                "legal_missing_articles": _missing_articles(docs),
            }
        )


def _missing_articles(docs: Documents) -> Floats:
    heads = pl.col("text").str.extract_all(_ARTICLE_HEAD)
    counted = lexicon.texts(docs).select(pl.when(heads.list.len() >= 5).then(heads).alias("heads"))["heads"]
    missing = np.full(len(docs), np.nan, dtype=np.float32)
    # Only statutes get here, and of them only the heads of their articles.
    for row in np.flatnonzero(counted.is_not_null().to_numpy()):
        missing[row] = _gaps([_number(re.sub(r"[\s#*第条條:：]", "", head)) for head in counted[int(row)]])
    return missing


def _gaps(numbers: list[int]) -> int:
    """Articles that are absent below the highest; each return to 1 (an annex, a second statute) starts anew."""
    missing, present = 0, set[int]()
    for number in numbers:
        if number == 1 and present:
            missing += max(present) - len(present)
            present = set()
        present.add(number)
    return missing + max(present) - len(present)


@cache
def _number(text: str) -> int:
    """The value of 二百三十四, 一〇八, 12 or １２."""
    text = text.translate({0xFF10 + i: str(i) for i in range(10)})
    if not any(c in _UNITS for c in text):
        return int("".join(str(_DIGITS.get(c, c)) for c in text))
    total, digit = 0, 0
    for c in text:
        if c in _UNITS:
            total += (digit or 1) * _UNITS[c]
            digit = 0
        else:
            digit = _DIGITS[c] if c in _DIGITS else int(c)
    return total + digit
