"""What makes a text legal: terms of the law and references to it."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from ...curate.documents import Documents, Floats
from ...curate.step import AtLeast, Filter, Threshold
from .. import lexicon
from .citations import Kind, citations
from .numbers import DIGITS
from .western_citations import SIGNS, references
from .western_citations import Kind as WesternKind

LEXICON = ("terms-en.txt", "terms-zh-Hans.txt", "terms-zh-Hant.txt")

_NUMBER = f"[{DIGITS}]"
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


class LegalSignals(Filter):
    """Measures how legal a text is: its terms, its references by kind. Drops nothing by default."""

    name: ClassVar[str] = "legal_signals"
    version: ClassVar[int] = 3

    terms: str | None = None
    """A file of your own legal terms, one a line, in place of the pack's."""
    judge_from: Annotated[int, Field(ge=0)] = 0
    """Characters below which `legal_terms` is not measured, so that `min_legal_terms` lets the text pass: in a definition of
    one line the one word that matters may be in no list."""
    min_legal_terms: Annotated[Threshold, AtLeast("legal_terms")] = None
    """Least share of the characters that lie in a legal term: the median is 0.05 for
    Chinese statutes, 0.06 for contracts, 0.11 for licence notices, and below 0.004 for news and speeches."""
    min_legal_citations: Annotated[Threshold, AtLeast("legal_citations")] = None
    """Least number of citations for every 1,000 characters."""
    min_legal_articles: Annotated[Threshold, AtLeast("legal_articles")] = None
    """Least number of references to articles of Chinese law, 《刑法》第二十条第三款; headings of articles not counted."""
    min_legal_case_numbers: Annotated[Threshold, AtLeast("legal_case_numbers")] = None
    """Least number of Chinese case numbers, （2023）京01民终123号."""
    min_legal_document_numbers: Annotated[Threshold, AtLeast("legal_document_numbers")] = None
    """Least number of Chinese document numbers and orders, 国发〔2020〕5号, 国务院令第95号."""

    min_legal_cases: Annotated[Threshold, AtLeast("legal_cases")] = None
    """Least number of reported cases, 347 U.S. 483, [2015] UKSC 11, C-131/12."""
    min_legal_statutes: Annotated[Threshold, AtLeast("legal_statutes")] = None
    """Least number of references to US law, 42 U.S.C. § 1983, 17 C.F.R. 240.10b-5, Section 13(d) of the Exchange Act."""
    min_legal_eu_acts: Annotated[Threshold, AtLeast("legal_eu_acts")] = None
    """Least number of acts of the European Union, Regulation (EU) 2016/679, Directive 95/46/EC, CELEX numbers."""

    def prepare(self) -> None:
        self._patterns()

    def _patterns(self) -> lexicon.Patterns:
        return lexicon.patterns(lexicon.own(self.terms) if self.terms else lexicon.shipped("legal", *LEXICON))

    def measure(self, docs: Documents) -> Documents:
        length = lexicon.texts(docs).select(pl.col("text").str.len_chars().alias("n"))["n"].to_numpy()
        return docs.with_signals(
            {
                "legal_terms": np.where(length < self.judge_from, np.nan, lexicon.coverage(docs, self._patterns())),
                "legal_citations": lexicon.per_thousand(docs, CITATIONS),
                **_counts(docs),
            }
        )


_COUNTED: dict[str, tuple[Kind, ...]] = {
    "legal_articles": ("article",),
    "legal_case_numbers": ("case_number",),
    "legal_document_numbers": ("document_number", "order"),
}
_WESTERN: dict[str, tuple[WesternKind, ...]] = {
    "legal_cases": ("case", "eu_case"),
    "legal_statutes": ("statute",),
    "legal_eu_acts": ("eu_act",),
}
_SIGNS = r"[条條][^\n]|[号號]"


def _counts(docs: Documents) -> dict[str, Floats]:
    """How many references of each kind each text holds."""
    found = {name: np.zeros(len(docs), dtype=np.float32) for name in (*_COUNTED, *_WESTERN)}
    # Most texts hold no mark of either kind; the searches for spans read only those that do.
    marked = lexicon.texts(docs).select(
        pl.col("text").str.contains(_SIGNS).alias("chinese"), pl.col("text").str.contains(SIGNS).alias("western")
    )
    for row in np.flatnonzero(marked["chinese"].to_numpy()):
        kinds = Counter(c.kind for c in citations(docs.texts[row]))
        for name, of in _COUNTED.items():
            found[name][row] = sum(kinds[kind] for kind in of)
    for row in np.flatnonzero(marked["western"].to_numpy()):
        western = Counter(r.kind for r in references(docs.texts[row]))
        for name, kinds_of in _WESTERN.items():
            found[name][row] = sum(western[kind] for kind in kinds_of)
    return found
