"""References to US, UK and EU law: golden spans, and what only looks like one."""

from __future__ import annotations

import polars as pl
import pytest

from corpusmill.curate.documents import Documents
from corpusmill.domain_packs import LegalSignals
from corpusmill.domain_packs.legal.western_citations import SIGNS, references

CASES = """Brown v. Board of Education, [347 U.S. 483], 495 (1954)
see [550 F.3d 1023] (9th Cir. 2008); [123 F. Supp. 2d 456], 460 n.3 (S.D.N.Y. 2000)
[93 S. Ct. 705], [35 L. Ed. 2d 147]; [410 U. S. 113]
People v. X, [12 Cal. 4th 345] (1996), and [3 Cal. 120] (1852)
[2015 WL 1234567]; [12 N.E.2d 34]; [100 N.W.2d 3]; [1 Cranch 137] (1803)
Donoghue v Stevenson [[1932] AC 562], [[1998] 2 All ER 355], [[2015] UKSC 11], [[2010] EWCA Civ 29], [[2004] EWHC 15 (Ch)]
[2012 SCC 47] and [(2019) HCA 5]
依照[347 U.S. 483]一案"""

STATUTES = """under [42 U.S.C. § 1983]; [15 USC 78j(b)], [26 U.S.C.A. §§ 501-505], [42 USCA § 2000e] et seq.
([21 U.S.C. 959]) and [10 U.S.C. 8720 note]; [2 U.S.C. 1301] et seq.
[17 C.F.R. § 240.10b-5], [45 CFR parts 160 and 164], [21 CFR Part 11], [17CFR 230.425]
[78 Fed. Reg. 67800]; [78 Fed. Reg. 67,800]; [124 Stat. 119]; [Pub. L. No. 111-148], [Public Law 113–5], [P.L. 115-254]
[section 1001 of title 18, United States Code]; [Title 17, United States Code, Section 512]; [chapter 7 of title 5, United States Code]
[Section 13(d) of the Securities Exchange Act of 1934] and [Section 409A of the Code]; [Code Section 280G(b)(2)]
[Treas. Reg. § 1.409A-1(h)(3)], [Treas. Reg. §§1.409A-6(a)(1) and (4)]; [IRC § 501(c)(3)]
[Cal. Penal Code § 187], [N.Y. Gen. Bus. Law § 349], [California Civil Code Section 1542], [Mass. Gen. Laws ch. 149, § 52D]
[U.S. Const. art. I, § 8, cl. 3]"""

UNION = """[Regulation (EU) 2016/679], [Council Regulation (EC) No 44/2001], [Directive 95/46/EC] and [Commission Decision 2010/87/EU]
[Commission Implementing Decision (EU) 2021/914]; Directive ([97/7/EC]); [Directives 2014/24/EU and 2014/25/EU]
CELEX:[32016R0679], [12016E101]; [OJ L 119, 4.5.2016, p. 1]
[Article 6(1)(f) GDPR], [Articles 13, 14 and 26 of the GDPR], [Article 101 TFEU]
根据[Regulation (EU) 2016/679]第6条"""

UNION_CASES = """[Case C-131/12] Google Spain; [Joined Cases C-293/12 and C-594/12]; [T-201/04]; [Case 26/62] van Gend
[ECLI:EU:C:2014:317]; [61962CJ0026]"""

NONE = [
    "In 2015 the U.S. had 50 states and 3 A. B. Smith stores; call 5 Cal 120 or 30 Day 20.",
    "Suite 601 N. 34th Street; 118 S. 1000 was passed; version 4.2 of the act, page 12/13.",
    "Section 4.2(a) of this Agreement; Article IV; Clause 7; paragraph 3 of the Schedule.",
    "The ratio was 3/4 on 12/05/2012; take 1/2 tablet; GDPR applies; Statistics. 50 Stat officers.",
    "Nach § 7 Abs. 4 und § 12 Abs. 1 Satz 5 des Gesetzes",
    "第二百三十四条 （2020）京01民终123号 国发〔2020〕5号",
]


def spans_of(marked: str) -> tuple[str, list[str]]:
    """The text without its marks, and the spans between them; a mark around [1932] is doubled."""
    text, spans, at = "", list[str](), 0
    while at < len(marked):
        if marked[at] == "[":
            double = marked.startswith("[[", at)
            end = marked.index("]", at + 2)
            if double:
                end = marked.index("]", end + 1)
            spans.append(marked[at + 1 : end])
            text += spans[-1]
            at = end + 1
        else:
            text += marked[at]
            at += 1
    return text, spans


@pytest.mark.parametrize(
    ("marked", "kind"),
    [(CASES, "case"), (STATUTES, "statute"), (UNION, "eu_act"), (UNION_CASES, "eu_case")],
    ids=["cases", "statutes", "union", "union's cases"],
)
def test_golden_spans(marked: str, kind: str) -> None:
    for line in marked.split("\n"):
        text, expected = spans_of(line)
        assert [(text[r.start : r.end], r.kind) for r in references(text)] == [(span, kind) for span in expected]


@pytest.mark.parametrize("text", NONE)
def test_what_is_none(text: str) -> None:
    assert references(text) == []


def test_the_quick_look_misses_nothing() -> None:
    for marked in (CASES, STATUTES, UNION, UNION_CASES):
        for line in marked.split("\n"):
            for span in spans_of(line)[1]:
                assert pl.Series([f"x {span} y"]).str.contains(SIGNS).item(), span


def test_signals_count_them() -> None:
    texts = [spans_of(marked)[0] for marked in (CASES, STATUTES, UNION, UNION_CASES)] + ["No law here."]
    signals = LegalSignals().measure(Documents.from_texts(texts)).signals
    n = [len(spans_of(marked)[1]) for marked in (CASES, STATUTES, UNION, UNION_CASES)]
    assert signals["legal_cases"].tolist() == [n[0], 0, 0, n[3], 0]
    assert signals["legal_statutes"].tolist() == [0, n[1], 0, 0, 0]
    assert signals["legal_eu_acts"].tolist() == [0, 0, n[2], 0, 0]
