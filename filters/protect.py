"""Spans that no step may rewrite: numbers and units, negations, legal and medical references, links, quoted terms.

Typo fixing and augmentation share this. The spans err on the wide side: a span too many costs a missed edit, a span
too few can turn a finding, a dose or a statute into another one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from ..curate.errors import InputError

Kind = Literal["link", "reference", "number", "negation", "modality", "quoted", "term"]
KINDS: tuple[Kind, ...] = get_args(Kind)

HAN_NUMERALS = "零〇一二三四五六七八九十百千万亿两兆壹贰叁肆伍陆柒捌玖拾佰仟半"
HAN_NEGATIONS = "不未无無没沒否非勿莫毋别別弗禁免拒"
"""Characters that negate or forbid. Single characters, not words: a word list always misses one more compound."""


class Span(NamedTuple):
    """Characters `start` to `end` (exclusive) of a text and why they are protected."""

    start: int
    end: int
    kind: Kind


_UNIT = (
    r"(?:\s?(?:%|‰|℃|°[CF]?|℉|µ[gLlm]|μ[gLlm]|mg|kg|mcg|ml|mL|dl|dL|mmHg|mmol|kPa|cm|mm|km|kcal|kJ|IU|"
    r"[gGLlmtUV](?![A-Za-z])|毫克|微克|公斤|千克|克|毫升|升|厘米|毫米|公里|千米|平方米|立方米|米|吨|斤|"
    r"美元|欧元|英镑|日元|港元|元|角|分|人民币|年|月|日|号|时|点|秒|周|天|岁|小时|分钟|个月|次|片|粒|支|瓶|剂|滴|袋|盒|"
    r"(?:[\s\-]?(?:hours?|days?|weeks?|months?|years?|minutes?|seconds?|grams?|milligrams?|litres?|liters?|units?|dollars?|cents?|"
    r"miles?|feet|foot|inch(?:es)?|pounds?|ounces?|degrees?|percent|times|tablets?|doses?|hrs?|mins?|yrs?)(?![A-Za-z]))|"
    r"条|款|项|章|节|编|页|名|人|件|份|户|亩|倍|成|度|万|亿|千|百|余)"
    r"(?:/(?:kg|d|h|min|日|天|次|ml|mL|L|dl|dL|m²|m2|公斤|千克|升|小时))*)*"
)
_LATIN_NUMBER_WORDS = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    "seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|"
    "million|billion|half|quarter|dozen|once|twice|thrice|double|triple|first|second|third|fourth|fifth|sixth|"
    "seventh|eighth|ninth|tenth|single|both|neither|either|all|every|each|any|some|most|few|many|several|per|"
    "percent|daily|weekly|monthly|yearly|hourly|bid|tid|qid|prn"
)
_LATIN_NEGATIONS = (
    "no|not|never|none|nobody|nothing|nowhere|nor|neither|cannot|without|unless|except|excluding|absent|"
    "absence|lack|lacks|lacking|denies|denied|deny|denying|negative|fail|fails|failed|refuse|refuses|refused|"
    "prohibit|prohibits|prohibited|forbid|forbids|forbidden|void|invalid|unlawful|illegal|against|unable|"
    "hardly|barely|rarely|seldom|only|rule|ruled|free"
)
_LATIN_MODALS = "shall|must|may|might|should|would|could|can|will|ought|need|needs|required|permitted"


def _words(alternatives: str) -> str:
    return rf"(?<![A-Za-z])(?:{alternatives})(?![A-Za-z])"


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    n = HAN_NUMERALS
    month = (
        "(?:January|February|March|April|May|June|July|August|September|October|November|December|"
        r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?)"
    )
    return (
        ("link", re.compile(r"(?:https?|ftp)://[^\s，。；、）》”<>]+|www\.[^\s，。；、）》”<>]+")),
        ("link", re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+")),
        # Articles, with all that hangs on them: 第二百三十四条之一第二款第（三）项.
        ("reference", re.compile(rf"第[（(]?[0-9０-９{n}]+[)）]?[编編章节節条條款项項目号號页頁次届](?:之[{n}0-9]+)?")),
        ("reference", re.compile(rf"[（(][{n}0-9]+[)）]")),
        # （2007）朝民初字第18230号, 法释〔2020〕26号. The leading characters are found from the bracket, leftwards.
        ("reference", re.compile(r"[（(〔\[【](?:19|20)\d{2}[)）〕\]】][^\s，。；,;]{0,16}?\d+(?:[-－]\d+)?号")),
        ("reference", re.compile(r"§+\s?[0-9][0-9A-Za-z.()\-]*")),
        (
            "reference",
            re.compile(
                r"(?<![A-Za-z])(?:[Aa]rticle|[Ss]ection|[Cc]lause|[Pp]aragraph|[Cc]hapter|[Tt]itle|[Rr]ule|[Pp]art|"
                r"[Ss]chedule|[Aa]ppendix|[Ee]xhibit|[Aa]rt|[Ss]ec|[Nn]o|[Ff]ig|[Tt]able)s?\.?\s"
                r"(?:[0-9]+[0-9A-Za-z.()\-]*|[IVXLC]+(?![A-Za-z]))"
            ),
        ),
        # 410 U.S. 113; 42 U.S.C. § 1983; 123 F.3d 456; Roe v. Wade; (Smith et al., 2020); [12, 13].
        ("reference", re.compile(r"\d+\s(?:[A-Z][A-Za-z]*\.\s?|[0-9]?[A-Za-z]{1,2}\.?\s){1,5}§*\s?\d+")),
        ("reference", re.compile(r"[A-Z][A-Za-z.&']*(?:\s[A-Z][A-Za-z.&']*){0,4}\sv\.?\s[A-Z][A-Za-z.&']*")),
        ("reference", re.compile(r"\([A-Z][^()\n]{0,60}\d{4}[a-z]?\)|\[\d+(?:[,\-–]\s?\d+)*\]")),
        ("number", re.compile(rf"{month}\s\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s\d{{4}})?|\d{{1,2}}\s{month}(?:\s\d{{4}})?")),
        # Any ASCII token with a digit in it (COVID-19, H1N1, 0.5%), and what it counts.
        (
            "number",
            re.compile(
                r"[A-Za-z\-]{0,20}[0-9０-９①-⑳ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ]"
                rf"[0-9０-９A-Za-z.,:/×xX*~～\-–—＋+]*{_UNIT}"
            ),
        ),
        ("number", re.compile(rf"[{n}]+(?:[点點分][{n}]+)*{_UNIT}")),
        ("number", re.compile(_words(_LATIN_NUMBER_WORDS), re.I)),
        (
            "negation",
            re.compile(rf"[{HAN_NEGATIONS}]+|除[^，。；\n]{{1,30}}[外非]|排除|缺乏|缺少|失去|停止|反对|防止|避免"),
        ),
        ("negation", re.compile(_words(_LATIN_NEGATIONS) + r"|(?<=[a-z])n['’]t(?![A-Za-z])", re.I)),
        (
            "modality",
            re.compile(
                r"应当|應當|应该|應該|可以|可能|必须|必須|能够|能夠|也许|或者|或|且|及|与|并|仅|只|[应應须須得]"
            ),
        ),
        ("modality", re.compile(_words(_LATIN_MODALS) + r"|(?<![A-Za-z])(?:and|or|if)(?![A-Za-z])", re.I)),
        (
            "quoted",
            re.compile(
                r"“[^”\n]{1,80}”|‘[^’\n]{1,80}’|《[^》\n]{1,80}》|「[^」\n]{1,80}」|『[^』\n]{1,80}』|"
                r'【[^】\n]{1,80}】|"[^"\n]{1,80}"|`[^`\n]{1,80}`'
            ),
        ),
    )


_HAN_LEFT = re.compile(r"[一-鿿]{0,8}\Z")


def protected_spans(text: str, terms: re.Pattern[str] | None = None) -> list[Span]:
    """Every protected span of `text`, by start; spans of different kinds may overlap.

    `terms` is a pattern of `load_terms`: words of the domain (drug names, charges) that must stay as they are.
    """
    found: list[Span] = []
    for kind, pattern in _patterns():
        for match in pattern.finditer(text):
            start, end = match.span()
            if kind == "reference" and text[start] in "〔[【":
                left = _HAN_LEFT.search(text, max(0, start - 8), start)
                start = left.start() if left else start
            found.append(Span(start, end, kind))
    if terms is not None:
        found.extend(Span(*match.span(), "term") for match in terms.finditer(text))
    return sorted(found)


def protected_mask(text: str, terms: re.Pattern[str] | None = None, spans: Sequence[Span] | None = None) -> bytearray:
    """One byte a character of `text`: 1 where it is protected. `spans` saves finding them again."""
    mask = bytearray(len(text))
    for start, end, _ in protected_spans(text, terms) if spans is None else spans:
        mask[start:end] = b"\x01" * (end - start)
    return mask


def protected_runs(text: str, terms: re.Pattern[str] | None = None, spans: Sequence[Span] | None = None) -> list[str]:
    """The protected text, overlapping spans merged, in order: equal before and after means that nothing was lost."""
    runs: list[tuple[int, int]] = []
    for start, end, _ in protected_spans(text, terms) if spans is None else spans:
        if runs and start < runs[-1][1]:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        elif start < end:
            runs.append((start, end))
    return [text[start:end] for start, end in runs]


@lru_cache(maxsize=8)
def load_terms(path: str) -> re.Pattern[str] | None:
    """A pattern for the terms in a UTF-8 file, one a line (`#` starts a comment); None if it holds none."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the list of protected terms {path} cannot be read ({error}); give a UTF-8 file") from error
    return term_pattern([line.strip() for line in lines if line.strip() and not line.startswith("#")])


@lru_cache(maxsize=8)
def domain_terms(extra: str | None = None) -> re.Pattern[str] | None:
    """A pattern for the terms of the packs that ship (law, medicine, finance, education), and of a file of the user's."""
    words: list[str] = []
    for pack in ("legal", "medical", "finance", "education"):
        folder = files(__package__.rpartition(".")[0]) / "domain_packs" / pack
        for name in ("terms-zh-Hans.txt", "terms-zh-Hant.txt", "terms-en.txt"):
            file = folder / name
            lines = file.read_text("utf-8").splitlines() if file.is_file() else []
            words += [term.strip() for line in lines if not line.startswith("#") for term in line.split("\t")[:1]]
    if extra is not None:
        mine = load_terms(extra)  # raises where the file cannot be read
        if mine is not None:
            words += [line.strip() for line in Path(extra).read_text("utf-8").splitlines() if not line.startswith("#")]
    # A Latin term also where it begins a sentence, or stands in a heading.
    return term_pattern([form for word in words if word for form in {word, word[0].upper() + word[1:], word.upper()}])


def term_pattern(terms: Sequence[str]) -> re.Pattern[str] | None:
    """A pattern that finds these terms, the longest of several; Latin ones as whole words.

    The terms are folded into a trie: a plain alternation of two thousand is tried at every character.
    """
    edges: dict[tuple[bool, bool], set[str]] = {}
    for term in terms:
        if term:
            edges.setdefault((_is_letter(term[0]), _is_letter(term[-1])), set()).add(term)
    if not edges:
        return None
    parts = []
    for (left, right), words in sorted(edges.items(), reverse=True):
        first = "".join(sorted({re.escape(word[0]) for word in words}))
        trie = _trie(sorted(words))
        parts.append(("(?<![A-Za-z])" if left else "") + f"(?=[{first}])(?:{trie})" + ("(?![A-Za-z])" if right else ""))
    return re.compile("|".join(parts))


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


def _trie(words: Sequence[str]) -> str:
    """An expression for these sorted words that prefers the longest."""
    heads: dict[str, list[str]] = {}
    for word in words:
        if word:
            heads.setdefault(word[0], []).append(word[1:])
    branches = []
    for head, rests in heads.items():
        tail = _trie(rests)
        ends = "" in rests
        branches.append(re.escape(head) + (f"(?:{tail})?" if tail and ends else f"(?:{tail})" if tail else ""))
    return "|".join(branches)
