"""Numbers that are personal by their label alone: medical records, insurance, licences, accounts, devices; old ages; links.

HIPAA's list (45 CFR 164.514(b)(2)(i)) has them all, and none has a shape of its own: the label is the proof.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .labels import EN_DOCUMENT, EN_JOIN, EN_MEDICAL, ZH_ANY, ZH_DOCUMENT, ZH_JOIN, ZH_MEDICAL
from .scan import Windows, beginnings, first_of, matches, matches_at

_VALUE = r"(?P<value>[0-9]{3} [0-9]{3} [0-9]{4}|(?=[A-Za-z\-/]{0,16}[0-9])[A-Za-z0-9](?:[A-Za-z0-9]|[\-/](?=[A-Za-z0-9])){3,23})(?![A-Za-z0-9])"


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...]:
    zh, en = ("medical_record", ZH_MEDICAL, EN_MEDICAL), ("document_number", ZH_DOCUMENT, EN_DOCUMENT)
    return tuple(
        (kind, re.compile(rf"(?<![A-Za-z]){rule}{_VALUE}"), first_of(labels))
        for kind, chinese, english in (zh, en)
        for labels, rule in (
            (chinese, rf"(?:{chinese})(?:[（(][^（）()\n]{{1,8}}[)）])?{ZH_JOIN}"),
            (english, rf"(?i:(?:{english}){EN_JOIN})"),
        )
    )


@lru_cache(maxsize=1)
def _others() -> tuple[re.Pattern[str], ...]:
    """Numbers with words in them, and the certificates and cards that have no rule of their own."""
    return (
        re.compile(
            r"(?P<value>(?:[一-龥][（(](?:19|20)[0-9]{2}[)）])?[一-龥]{0,6}?(?:房权证|房地权证|房地产权证|房产证|不动产权|国用|集用)[一-龥]{0,6}第?[0-9]{4,12}号)"
        ),
        re.compile(
            r"(?:军官证|士兵证|文职干部证|警官证)(?:号码|编号|号)?(?:为|是|[:：])?\s?(?P<value>[一-龥]{1,2}字第?[0-9]{4,10}号)"
        ),
        re.compile(
            rf"(?:{ZH_ANY})(?:为|是|[:：])?\s{{0,2}}(?P<value>[A-Za-z]{{0,4}}[0-9]{{6,20}}[Xx]?)(?![0-9A-Za-z])"
        ),
        re.compile(
            r"(?i:licen[sc]e plate|number plate|registration plate|plate|registration)\s?(?i:number|no\.?)?(?:\s(?:is|was))?[:\s]{1,2}"
            r"(?P<value>(?=[A-Z \-]*[0-9])(?=[0-9 \-]*[A-Z])[A-Z0-9]{2,4}[ \-]?[A-Z0-9]{2,4})(?![0-9A-Za-z])"
        ),
    )


_PUBLIC_CERTIFICATE = re.compile(
    r"(?:许可|伐|矿|勘查|排污|取水|规划|准考|合格|注册|认|保|论|出版|检疫|产品|批准|生产|经营|登记|入场|订)\Z"
)


# Labels that are words of their own need a mark or 号, number, # between: 住院3天, patient 2021 and visit 12 are none.
_JOINED = re.compile(
    r"(?:号|號|ID|id|码|碼|№|#|[:：])[）)]?(?:为|是)?\s*\Z|(?i:\b(?:number|no|num|nbr|id|identifier|code)\.?\s?(?:is|was|of)?\s?[:#]?\s*#?\Z)|(?i:\b(?:mrn|vin|npi|imei|iban|hicn|ein|s/n|nhs|checking account|savings account)\s?\Z)"
)
_MEASURE = re.compile(
    r"\s?(?:天|日|次|年|月|岁|例|人|元|个|种|项|床|mg|ml|cm|mm|kg|%|days?|years?|weeks?|visits?|patients?)"
)


def labelled(text: str, kinds: frozenset[str], places: Windows) -> list[tuple[int, int, str]]:
    """Start, end and kind of the numbers that a label makes personal."""
    found = []
    for kind, pattern, starts in _patterns():
        if kind not in kinds:
            continue
        for match in matches_at(pattern, text, beginnings(starts, text, places)):
            start, end = match.span("value")
            value = text[start:end]
            digits = sum(c.isdigit() for c in value)
            few = digits < 4 and not (digits and len(value) >= 8 and value.isupper())
            if few or not _JOINED.search(text[match.start() : start]) or _MEASURE.match(text, end):
                continue
            if re.fullmatch(r"(?:19|20)\d{2}(?:-\d{1,2}(?:-\d{1,2})?|/\d{1,2}(?:/\d{1,2})?)?", value):
                continue
            found.append((start, end, kind))
    if "document_number" in kinds:
        for pattern in _others():
            for match in matches(pattern, text, places):
                if not _PUBLIC_CERTIFICATE.search(text[max(0, match.start() - 4) : match.start()]):
                    found.append((*match.span("value"), "document_number"))
    return found


@lru_cache(maxsize=1)
def _ages() -> tuple[re.Pattern[str], ...]:
    old = r"(?P<value>9[0-9]|1[01][0-9])"
    in_words = r"(?P<value>ninety(?:[ \-](?:one|two|three|four|five|six|seven|eight|nine))?|one hundred(?:(?: and)? (?:one|two|three|four|five|six|seven|eight|nine|ten))?)"
    return (
        re.compile(
            r"(?<![一二三四五六七八〇百千万零几数])(?P<value>九十[一二三四五六七八九]?|一百(?:零[一二三四五六七八九]|一十[一二三四五六七八九]?)?)余?(?=周?[岁歲](?!月))"
        ),
        re.compile(
            rf"(?<![A-Za-z\-]){in_words}(?=[ \-](?:years?|yrs?)[ \-](?:old|of age))|(?<![A-Za-z])(?:aged|age|age of) {in_words.replace('value', 'value2')}(?![A-Za-z])",
            re.I,
        ),
        re.compile(rf"(?<![0-9.\-]){old}(?=\s?(?:周岁|岁|歲))"),
        re.compile(
            rf"(?<![0-9.\-]){old}(?=[ \-]?(?:years?|yrs?)[ \-]?old|[ \-]?y\.?/?[ ]?o(?![A-Za-z])|[ ]years? of age)",
            re.I,
        ),
        re.compile(rf"(?:年龄|年齡)(?:为|是|[:：])?\s?{old}(?![0-9.])"),
        re.compile(rf"(?<![A-Za-z])(?i:aged|age)\s?:?\s?(?:of )?{old}(?![0-9%]|\.[0-9])"),
    )


def old_ages(text: str, places: Windows) -> list[tuple[int, int, str]]:
    """Ages over 89, which name a person by themselves (45 CFR 164.514(b)(2)(i)(C))."""
    return [
        (*match.span("value" if match["value"] else "value2"), "age")
        for pattern in _ages()
        for match in matches(pattern, text, places)
    ]


@lru_cache(maxsize=1)
def _link() -> re.Pattern[str]:
    return re.compile(
        r"(?i:https?|ftp)://[^\s\u3000-\u303f\uff00-\uffef\u4e00-\u9fff<>\"'“”]+|(?<![A-Za-z0-9.@])(?:www|WWW)\.[A-Za-z0-9\-]+\.[^\s\u3000-\u303f\uff00-\uffef\u4e00-\u9fff<>\"'“”]+"
    )


_LINK_STARTS = re.compile("[hfwHFW](?=(?i:ttps?://|tp://|ww[.]))")


def links(text: str, places: Windows) -> list[tuple[int, int, str]]:
    """Web addresses, without the full stop of the sentence."""
    found = []
    for match in matches_at(_link(), text, beginnings(_LINK_STARTS, text, places)):
        end = match.start() + len(match[0].rstrip(".,;:!?)"))
        found.append((match.start(), end, "url"))
    return found
