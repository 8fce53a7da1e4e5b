"""References to US, UK and EU law, found as spans: reported cases, codes, acts of the Union.

eyecite finds US cases well and reads half a megabyte a second; it passes over `42 U.S.C. 959` without a § and all of the
Union's law. These are regular expressions that begin at the number of the volume, the title or the act, and a set of the
names of some 3,000 reports (reporters-us.txt). benchmarks/bench_citations.py measures them, and eyecite where it is there.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, NamedTuple

from .. import lexicon

Kind = Literal["case", "statute", "eu_act", "eu_case"]


class Reference(NamedTuple):
    """Characters `start` to `end` (exclusive) of a text, and what they refer to."""

    start: int
    end: int
    kind: Kind
    """`case` 347 U.S. 483, [1932] AC 562, [2015] UKSC 11; `statute` 42 U.S.C. § 1983, 17 C.F.R. 240.10b-5, Pub. L. 111-148,
    Cal. Penal Code § 187; `eu_act` Regulation (EU) 2016/679, Directive 95/46/EC, 32016R0679, OJ L 119, 4.5.2016, p. 1;
    `eu_case` C-131/12, Joined Cases T-125/03 and T-253/03, ECLI:EU:C:2014:317."""


def references(text: str) -> list[Reference]:
    """Every reference to US, UK or EU law in `text`, by position. None overlap."""
    found = [
        *_cases(text),
        *(
            Reference(*match.span(), kind)
            for kind, needles, pattern in _PATTERNS
            if any(needle in text for needle in needles)
            for match in pattern.finditer(text)
        ),
    ]
    found.sort(key=lambda r: (r.start, -r.end))
    kept: list[Reference] = []
    for reference in found:
        if not kept or reference.start >= kept[-1].end:
            kept.append(reference)
    return kept


# --- cases ------------------------------------------------------------------------------------------------------------

_VOLUME = re.compile(
    r"(?<![A-Za-z0-9_.,:/$£€§–-])(?P<volume>\d{1,4}(?:-\d{1,3})?)\s+(?=[A-Z][\w.'’&() \u00a0-]{0,45}?\s\d)"
)
_PAGE = re.compile(r"\s+(?:at\s+)?(?P<page>\d{1,6}|_{2,4}|-{2,4})(?![A-Za-z0-9_%]|[.,]\d)")
_YEAR = re.compile(r"[,\s\d–-]*(?:n\.\s?\d+)?\s*\((?:[^()\n]{0,40}\s)?(?:1[6-9]|20)\d{2}\)")
_MOST = 46


@cache
def _reports() -> frozenset[str]:
    return frozenset(lexicon.shipped("legal", "reporters-us.txt"))


def _cases(text: str) -> list[Reference]:
    """Volume, report, page: the report must be one of the list; a name that is a plain word needs a year behind the page."""
    found = []
    for head in _VOLUME.finditer(text):
        at, limit = head.end(), min(len(text), head.end() + _MOST)
        for page in _PAGE.finditer(text, at, limit + 8):
            name = re.sub(r"\s+", "", text[at : page.start()])
            if name in _reports() and (_is_abbreviation(name) or _YEAR.match(text, page.end())):
                found.append(Reference(head.start(), page.end(), "case"))
                break
            if len(name) > _MOST:
                break
    return found


def _is_abbreviation(name: str) -> bool:
    """F.3d, U.S., N.E.2d, S.Ct., and not Cal., Day or Abs."""
    return bool(re.search(r"\d[a-z]{1,2}\b", name)) or ("." in name and sum(c.isupper() for c in name) > 1)


# --- everything else --------------------------------------------------------------------------------------------------

_S = r"[ \u00a0\u2009]?"
_SUB = r"(?:\s?\((?:[a-z]{1,2}|[A-Z]{1,2}|\d{1,4}|[ivxl]{1,6}|[IVXL]{1,6})\))*"
_SIGN = r"(?:§{1,2}|[Ss]ections?|[Ss]ecs?\.|SECTIONS?|(?<![A-Za-z])ss?\.?(?=\s*\d))"
_NUMBER = rf"\d+[A-Za-z]{{0,3}}(?:[-–—.]\d+[A-Za-z]{{0,2}}(?![A-Za-z]))*(?:[-–—]\d+)?{_SUB}"
_MORE = rf"(?:(?:,\s+|,?\s+and\s+|,?\s+or\s+|\s?[-–—]\s?|\s+to\s+|\s+through\s+|,?\s+&\s+)(?:§{{1,2}}\s?)?(?![12]\d{{3}}[),])(?!\d+\s+[A-Z])\d+(?:[a-z]{{0,3}}|[A-Z]{{1,2}})(?![A-Za-z])(?:[-–—.]\d+[A-Za-z]{{0,2}})*{_SUB}(?![A-Za-z0-9_%]|\s(?:days|percent|years|months)\b)|(?<=\)),?\s(?:and|or)\s(?:\([a-z\d]{{1,4}}\))+(?=[\s,;.)]))*"
_STATES = (
    r"Ala|Alaska|Ariz|Ark|Cal|Colo|Conn|D\.C|Del|Fla|Ga|Haw|Idaho|Ill|Ind|Iowa|Kan|Ky|La|Mass|Md|Me|Mich|Minn|Miss|Mo|Mont|N\.C|N\.D|"
    r"N\.H|N\.J|N\.M|N\.Y|Neb|Nev|Ohio|Okla|Or|Pa|R\.I|S\.C|S\.D|Tenn|Tex|Utah|Va|Vt|W\. ?Va|Wash|Wis|Wyo|"
    r"California|Texas|Delaware|Florida|Illinois|Nevada|New York|Massachusetts|Washington|Virginia|Georgia|Ohio|Michigan"
)
_NEUTRAL = r"UKSC|UKHL|UKPC|EWCA\s+(?:Civ|Crim)|EWHC|UKUT|UKFTT|UKEAT|EAT|CSIH|CSOH|NICA|NIQB|IESC|IECA|IEHC|HKCFA|HKCA|HKCFI|HCA|FCA|FCAFC|NSWCA|NSWSC|VSCA|NZSC|NZCA|NZHC|SGCA|SGHC|ZACC|ZASCA"
_REPORTS = (
    r"A\.?C\.?|Q\.?B\.?(?:D\.?)?|K\.?B\.?|Ch\.?(?:D\.?)?|W\.?L\.?R\.?|All\s+E\.?R\.?(?:\s+\((?:D|Comm|EC)\))?|Lloyd['’]s\s+Rep\.?|Fam\.?|I\.?C\.?R\.?|"
    r"I\.?R\.?L\.?R\.?|B\.?C\.?L\.?C\.?|F\.?S\.?R\.?|R\.?P\.?C\.?|C\.?M\.?L\.?R\.?|E\.?C\.?R\.?(?:\s+I{1,2}[-–])?|S\.?C\.?R\.?|H\.?K\.?L\.?R\.?D?|C\.?L\.?R\.?"
)
_INSTITUTION = r"(?:(?:Council|Commission|European Parliament and Council|Commission Implementing|Commission Delegated|Council Implementing|Implementing|Delegated|Framework)\s+)?"
_TREATY = r"(?:EU|EC|EEC|EURATOM|Euratom|ECSC|CFSP|JHA)"

_PATTERNS: tuple[tuple[Kind, tuple[str, ...], re.Pattern[str]], ...] = (
    ("case", ("UK", "EW", "EAT", "CS", "NI", "IE", "HK", "HC", "FCA", "NS", "VS", "NZ", "SG", "ZA"), re.compile(rf"[\[(](?:1[89]|20)\d{{2}}[\])]\s+(?:{_NEUTRAL})\s+\d{{1,5}}(?:\s+\((?:Ch|QB|KB|Admin|Comm|Fam|TCC|Pat|IPEC|Ch D|AAC|TC|LC)\))?")),
    ("case", ("]", ), re.compile(rf"\[(?:1[89]|20)\d{{2}}\]\s+(?:\d\s+)?(?:{_REPORTS})\s*\d{{1,5}}(?![A-Za-z0-9_])")),
    ("case", ("SCC", "CA ", "SC ", "ABQB"), re.compile(r"(?:1[89]|20)\d{2}\s+(?:SCC|ONCA|BCCA|ABCA|QCCA|FCA|ONSC|BCSC|ABQB)\s+\d{1,5}(?![A-Za-z0-9_])")),
    ("case", ("WL", "LEXIS"), re.compile(r"(?:1[89]|20)\d{2}\s+(?:WL|U\.S\.\s?(?:App\.|Dist\.)\s?LEXIS|U\.S\.\s?LEXIS)\s+\d{3,8}")),
    # 42 U.S.C. § 1983(a), 15 USC 78j(b), 26 U.S.C.A. §§ 501-505, 5 U.S.C. App. 3; 2 USC 900 note
    ("statute", ("S.C", "S. C", "USC", "U.S. Code", "US Code"), re.compile(rf"(?<![A-Za-z0-9_.])\d{{1,2}}\s+(?:U\.\s?S\.\s?C\.(?:\s?[AS](?![A-Za-z])\.?)?|U\.?S\.?C(?:ode|[AS])?(?![A-Za-z])\.?)(?:\s?App\.)?\s*(?:{_SIGN}\s*)?{_NUMBER}(?:\snote)?(?:{_MORE})")),
    ("statute", ("S.C", "S. C"), re.compile(r"(?<![A-Za-z0-9_.])\d{1,2}\s+U\.\s?S\.\s?C\.(?:\s?App\.)?\s*[Cc]h(?:apter|\.)\s?\d+[A-Z]?")),
    # 17 C.F.R. § 240.10b-5, 45 CFR parts 160 and 164, 21 CFR Part 11
    ("statute", ("C.F.R", "C. F. R", "CFR", "Code of Federal"), re.compile(rf"(?<![A-Za-z0-9_.])\d{{1,2}}\s*(?:C\.\s?F\.\s?R\.|CFR(?![A-Za-z])|Code of Federal Regulations,?)\s*(?:(?:{_SIGN}|[Pp]arts?|[Pp]ts?\.|PARTS?|[Ss]ubparts?|[Cc]hapter)\s*)?(?:\d+(?:\.\d+)?[A-Za-z]{{0,2}}(?:[-–]\d+[A-Za-z]{{0,2}})*{_SUB}|[IVXLC]+\b)(?:{_MORE})")),
    ("statute", ("Fed. Reg", "Fed.Reg", "FR"), re.compile(r"(?<![A-Za-z0-9_.])\d{1,3}\s+(?:Fed\.\s?Reg\.|FR(?=\s\d{2}))\s+\d{1,3}(?:,\d{3})+|(?<![A-Za-z0-9_.])\d{1,3}\s+(?:Fed\.\s?Reg\.|FR)\s+\d{3,6}(?![A-Za-z0-9_])")),
    ("statute", ("Stat.", ), re.compile(r"(?<![A-Za-z0-9_.])\d{1,3}\s+Stat\.\s+\d{1,4}(?:[-–]\d+)?(?:,\s\d{1,4}(?:[-–]\d+)?)*(?![A-Za-z0-9_])")),
    ("statute", ("Pub", "P.L", "P. L", "PUBLIC"), re.compile(r"(?:P\.\s?L\.|Pub\.\s?L\.|Public\s+Laws?|PUBLIC\s+LAW)(?:\s+(?:No|Number|Nos)s?\.?)?\s*\d{2,3}\s?[-–—]\s?\d{1,4}")),
    # Internal Revenue Code Section 409A, IRC § 280G(b)(2), Treas. Reg. § 1.409A-1(h)(3)
    ("statute", ("Code", "IRC", "I.R.C", "Reg"), re.compile(rf"(?:(?:Internal\s+Revenue\s+|(?:CA|California|Cal\.)\s+(?:Civil|Civ\.|Penal|Labor|Bus\.)\s+)?Code|\bI\.?R\.?C\.?|(?:Treas(?:ury|\.)\s+)?Reg(?:ulations?|s?\.))\s*{_SIGN}\s*{_NUMBER}(?:{_MORE})|Treas(?:ury|\.)\s+Reg(?:ulations?|s?\.)\s+{_NUMBER}")),
    # Section 13(d) of the Securities Exchange Act of 1934, Section 409A of the Code
    ("statute", ("Act", "Code", "Constitution"), re.compile(rf"{_SIGN}\s*{_NUMBER}(?:{_MORE})\s+of\s+the\s+(?:(?:[A-Z][\w.’'\-]*|and|of|for|in|to),?\s+){{0,9}}?(?:Act|Code|Constitution)(?:\s+of\s+\d{{4}})?(?![A-Za-z0-9_])")),
    # Mass. Gen. Laws ch. 149, § 52D
    ("statute", (" ch.", " chapter"), re.compile(rf"(?<![A-Za-z0-9_.])(?:{_STATES})\.\s+(?:Gen\.|Rev\.|Ann\.|Pub\.)\s+(?:Laws?|Stat\.)\s+ch(?:\.|apter)\s*\d+[A-Z]?,\s+(?:{_SIGN}\s*{_NUMBER}(?:{_MORE}))")),
    # section 1001 of title 18, United States Code
    ("statute", ("United", "U.S. Code", "Federal Regulations"), re.compile(rf"(?:(?:{_SIGN}|[Cc]hapters?|[Ss]ubchapters?|[Ss]ub[Pp]arts?|[Pp]arts?)\s+{_NUMBER}(?:{_MORE})\s+of\s+)?[Tt]itle\s+\d{{1,2}},?\s+(?:{_SIGN}\s+{_NUMBER}\s+)?(?:of\s+the\s+)?(?:United\s+States\s+Code|U\.\s?S\.\s?Code|Code\s+of\s+Federal\s+Regulations)(?:,\s+{_SIGN}\s+{_NUMBER})?")),
    # Cal. Penal Code § 187, N.Y. Gen. Bus. Law § 349, Delaware Code title 8
    ("statute", ("§", "ection", "ec.", "rt. ", "rticle"), re.compile(rf"(?<![A-Za-z0-9_.])(?:{_STATES})\.?\s+(?:(?:[A-Z][\w&'’]*\.?|&|and|of)\s+){{0,6}}?(?:Code|Stat|Stats|Statutes|Law|Laws|Ann|Act|Code\s+Ann|Rev\.\s+Stat)\.?,?\s*(?:Ann\.?\s*)?(?:[Tt]it(?:le|\.)\s?\d+,?\s*)?(?:{_SIGN}|[Aa]rt(?:icle|\.))\s*{_NUMBER}(?:{_MORE})")),
    # the Constitution: U.S. Const. art. I, § 8, cl. 3; amend. XIV
    ("statute", ("Const.", ), re.compile(r"(?:U\.\s?S\.|[A-Z][a-z]+\.)\s+Const\.\s+(?:art|amend|pmbl)\.?\s*[IVXLC\d]*(?:,\s+§+\s*\d+)?(?:,\s+cl\.\s*\d+)?")),
    # Regulation (EU) 2016/679, Council Regulation (EC) No 44/2001, Directive 95/46/EC, Decision 2010/87/EU
    ("eu_act", ("/", ), re.compile(rf"(?<![A-Za-z0-9_]){_INSTITUTION}(?:Regulations?|Directives?|Decisions?|Recommendations?|Opinions?)\s+(?:\({_TREATY}(?:,\s?{_TREATY})*\)\s*)?(?:[Nn](?:o|r|º|°)\.?\s*)?\d{{1,4}}/\d{{1,4}}(?:/{_TREATY})?(?:\s+and\s+(?:\({_TREATY}\)\s*)?(?:[Nn]o\.?\s*)?\d{{1,4}}/\d{{1,4}}(?:/{_TREATY})?)*")),
    ("eu_act", ("/EU", "/EC", "/EE", "/Eu", "/CFSP", "/JHA", "(E"), re.compile(rf"(?<![A-Za-z0-9_/])(?:19|20)?\d{{2}}/\d{{1,4}}/{_TREATY}(?![A-Za-z0-9_])|(?<![A-Za-z0-9_])\({_TREATY}\)\s*(?:[Nn]o\.?\s*)?\d{{1,4}}/\d{{2,4}}(?![A-Za-z0-9_])")),
    # CELEX: 32016R0679, 61962CJ0026, 12016E101
    ("eu_act", ("3", "12", "52", "51", "0"), re.compile(r"(?<![A-Za-z0-9_.])(?:3(?:19|20)\d{2}[RLDHFX]\d{4}(?:\(\d{2}\))?|12\d{3}[EMPW]/?(?:TXT|\d{3})|5(?:19|20)\d{2}[PD]C\d{4}|0(?:19|20)\d{2}[RLD]\d{4}-\d{8})(?![A-Za-z0-9_])")),
    ("eu_case", ("61", "62"), re.compile(r"(?<![A-Za-z0-9_.])6(?:19|20)\d{2}[CTF][JCOAB]\d{4}(?![A-Za-z0-9_])")),
    ("eu_act", ("OJ", "O.J"), re.compile(r"(?<![A-Za-z0-9_])O\.?J\.?\s+(?:\d{4}\s+)?[LC]\s?\d{1,3}(?:\s?[A-Z])?(?:[,/]\s?\d{1,2}[.]\s?\d{1,2}[.]\s?\d{2,4})?(?:,?\s+pp?\.?\s?\d+(?:[-–]\d+)?)?")),
    ("eu_case", ("ECLI", ), re.compile(r"ECLI\s?:\s?[A-Z]{2}\s?:\s?[A-Z0-9.]{1,7}\s?:\s?\d{4}\s?:\s?[A-Z0-9.]{1,25}(?<!\.)")),
    ("eu_case", ("C-", "T-", "F-", "C‑", "T‑", "C–"), re.compile(r"(?:(?:Joined\s+)?[Cc]ases?\s+)?(?<![A-Za-z0-9_-])[CTF][-‑–]\d{1,4}/\d{2}(?:\s?(?:P|R|PPU|RENV|OP|DEP)(?:\(R\))?(?![A-Za-z0-9_]))?(?:(?:,|,?\s+(?:and|to|&)|\s?[-–])\s+[CTF][-‑–]\d{1,4}/\d{2}(?:\s?(?:P|R|PPU)(?![A-Za-z0-9_]))?)*")),
    ("eu_case", ("ase", ), re.compile(r"(?:Joined\s+)?[Cc]ases?\s+\d{1,3}/\d{2}(?:(?:,|,?\s+(?:and|to|&))\s+\d{1,3}/\d{2})*(?![\d/])")),
    ("eu_act", ("TFEU", "TEU", "GDPR", "reaty", "ECHR", "CFR", "Charter"), re.compile(rf"(?:(?:Articles?|Arts?\.)\s+\d+[a-z]?{_SUB}(?:(?:,|,?\sand|,?\sor|\s?[-–]|\sto)\s?(?:\d+[a-z]?{_SUB}|(?:\([a-z\d]{{1,3}}\))+))*\s+(?:of\s+(?:the\s+)?)?)(?:TFEU|TEU|GDPR|EC\s+Treaty|EEC\s+Treaty|ECHR|CFR|Charter)(?![A-Za-z0-9_])")),
)  # fmt: skip
"""What it finds, strings of which one is in each match (looked for first: few texts hold many), and the expression."""

SIGNS = (
    r"\d\s+\p{Lu}[\p{L}\d.'’&() \u00a0-]{0,45}\s\d|\d\s*(?:U\.?\s?S\.?\s?C|C\.?\s?F\.?\s?R)|Stat\.|P(?:ub)?\.\s?L\.|(?i:public law)|United States Code|Const\.|§|Code\s|C\.\s|IRC|"
    r"[\[(](?:1[89]|20)\d{2}[\])]\s+[A-Z\d]|(?:1[89]|20)\d{2}\s+[A-Z]{2}|\d/\d{1,4}|ECLI|(?:^|\W)[01356][12][09]\d{2}[A-Z]|OJ|O\.J\.|TFEU|TEU|GDPR|ECHR|Sect?(?:ion|\.)"
)
"""A text without any of these, in Rust's regular expressions, has no reference and is not searched."""
