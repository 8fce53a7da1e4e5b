"""Dates that belong to a person: found in every common form, moved by a number of weeks, or cut to their year.

All dates of a document move by the same number of weeks, so intervals and weekdays survive. The number comes from a
keyed hash of the document's id: without the key it cannot be undone.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, timedelta
from functools import lru_cache

from .scan import Windows, beginnings, matches_at

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_HAN_DIGITS = "〇一二三四五六七八九"


@lru_cache(maxsize=1)
def _starts() -> dict[str, re.Pattern[str]]:
    """Where a date of each form can begin."""
    month = "J(?=an|un|ul|AN|UN|UL)|F(?=eb|EB)|M(?=ar|ay|AR|AY)|A(?=pr|ug|PR|UG)|S(?=ep|EP)|O(?=ct|CT)|N(?=ov|OV)|D(?=ec|EC)"
    slashed = re.compile(r"[0-9](?=[0-9]?[/.\-])")
    return {
        "zh": re.compile(r"[12](?=[0-9]{3}\s?年)"),
        "han": re.compile("[〇○零ＯO一二三四五六七八九](?=[〇○零ＯO一二三四五六七八九]{3}年)"),
        "iso": re.compile(r"[12](?=[0-9]{3}[\-/.])"),
        "compact": re.compile(r"[12](?<![0-9][12])(?=[0-9]{7}(?![0-9]))"),
        "zhshort": re.compile(r"[0-9](?<![0-9][0-9])(?=[0-9]年[0-9])"),
        **dict.fromkeys(("us", "us2", "eu", "short", "mdshort"), slashed),
        **dict.fromkeys(("mdy", "my", "md"), re.compile(month)),
        **dict.fromkeys(
            ("dmy", "dmyy", "dm"), re.compile(r"[0-9](?=[0-9]?(?:st|nd|rd|th)?[\s\-/]?(?:of\s)?[JFMASOND])")
        ),
        "slash": re.compile(r"[0-9](?<![0-9./\-][0-9])(?=[0-9]?/[0-9])"),
        "zhmd": re.compile("[0-9](?=[0-9]?月)"),
    }


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    year, han = r"(?P<y>(?:18|19|20)[0-9]{2})", "[〇○零ＯO一二三四五六七八九]"
    names = "|".join(f"{m.title()}|{m[:3].title()}\\.?|{m.upper()}" for m in MONTHS) + r"|Sept\.?"
    short = "(?P<y>[0-9]{2})"
    month, day = r"(?P<m>1[0-2]|0?[1-9])", r"(?P<d>3[01]|[12][0-9]|0?[1-9])"
    return (
        ("zh", re.compile(rf"(?<![0-9]){year}\s?年\s?{month}\s?月(?:\s?{day}\s?[日号號])?")),
        ("han", re.compile(rf"(?P<y>{han}{{4}})年(?P<m>十[一二]|[一二三四五六七八九十])月(?P<d>三十一?|二十[一二三四五六七八九]?|十[一二三四五六七八九]?|[一二三四五六七八九])[日号]")),
        ("iso", re.compile(rf"(?<![0-9A-Za-z./\-]){year}(?P<s>[\-/.]){month}(?P=s){day}(?![0-9A-SU-Za-z]|T(?![0-9])|[./\-][0-9])")),
        ("compact", re.compile(rf"(?<![0-9A-Za-z./\-]){year}(?P<m>1[0-2]|0[1-9])(?P<d>3[01]|[12][0-9]|0[1-9])(?![0-9A-SU-Za-z]|T(?![0-9])|[./\-][0-9])")),
        ("us", re.compile(rf"(?<![0-9A-Za-z./\-]){month}(?P<s>[/\-]){day}(?P=s){year}(?![0-9A-Za-z]|[./\-][0-9])")),
        ("us2", re.compile(rf"(?<![0-9A-Za-z./\-]){month}(?P<s>/){day}(?P=s)(?P<y>[0-9]{{2}})(?![0-9A-Za-z/]|[.\-][0-9])")),
        ("eu", re.compile(rf"(?<![0-9A-Za-z./\-])(?P<d>3[01]|[12][0-9]|0?[1-9])(?P<s>[/.\-])(?P<m>1[0-2]|0?[1-9])(?P=s){year}(?![0-9A-Za-z]|[./\-][0-9])")),
        ("mdy", re.compile(rf"(?<![A-Za-z])(?P<m>{names})[\s\-]{day}(?P<o>st|nd|rd|th)?,?[\s\-]{year}(?![0-9])")),
        ("dmy", re.compile(rf"(?<![0-9A-Za-z.,])(?P<d>3[01]|[12][0-9]|0?[1-9])(?P<o>st|nd|rd|th)?[\s\-]?(?:of\s)?(?P<m>{names}),?[\s\-]?{year}(?![0-9])")),
        ("dmyy", re.compile(rf"(?<![0-9A-Za-z.,])(?P<d>3[01]|[12][0-9]|0?[1-9])(?P<s>[\-/])(?P<m>{names})(?P=s){short}(?![0-9A-Za-z])")),
        ("mdshort", re.compile(rf"(?<![0-9A-Za-z./\-]){month}(?P<s>[.\-]){day}(?P=s){short}(?![0-9A-Za-z%]|[./\-][0-9])")),
        ("short", re.compile(rf"(?<![0-9A-Za-z./\-]){short}(?P<s>[/.\-]){month}(?P=s){day}(?![0-9A-Za-z%]|[./\-][0-9])")),
        ("zhshort", re.compile(rf"(?<![0-9]){short}年{month}月{day}[日号號]")),
        ("my", re.compile(rf"(?<![A-Za-z0-9])(?P<m>{names})\s{year}(?![0-9])")),
        ("md", re.compile(rf"(?<![A-Za-z])(?P<m>{names})\s{day}(?P<o>st|nd|rd|th)?(?![0-9A-Za-z]|\.[0-9])")),
        ("dm", re.compile(rf"(?<![0-9A-Za-z.,/\-])(?P<d>3[01]|[12][0-9]|0?[1-9])(?P<o>st|nd|rd|th)?\s(?:of\s)?(?P<m>{names})(?![A-Za-z]|\s?[0-9])")),
        ("slash", re.compile(rf"(?<![0-9A-Za-z./\-]){month}/{day}(?![0-9A-Za-z/%]|[.\-][0-9])")),
        ("zhmd", re.compile(rf"(?<![0-9年/]){month}月{day}[日号](?![召线])")),
    )  # fmt: skip


# What makes a date that of a rule or a publication, before it and behind it.
_PUBLIC_BEFORE = re.compile(
    r"(?:(?:施行|实施|颁布|公布|发布|印发|修订|修正|通过|生效|公告|法释|以下简称)[^0-9\n。.;；，,]{0,6}|(?:自|令|版|至)[（(]?)\Z|"
    r"(?:\b(?:published|effective|enacted|amended|adopted|promulgated|revised|approved|ratified|copyright|accessed|retrieved|in force|since|until)|"
    r"\b(?:act|law|code|treaty|constitution|order|regulation|directive|resolution|statute|amendment|bill|proclamation|convention|edition|version)s?)"
    r"(?:,? (?:of|on|in|as of|since|from|the|dated))*\s?\Z|(?:版本?号?|升级到|version|firmware|release|build|(?<![A-Za-z])v)[\s:：为是]*\Z",
    re.I,
)
_PUBLIC_BEHIND = re.compile(
    r"[^\n。；]{0,4}(?:起)?(?:施行|实施|废止|失效|颁布|公布|发布|印发|修订|修正|批准|生效|[^\n。；，]{0,30}(?:会议通过|大会|委员会|国务院|最高人民法院|法释|令第))|"
    r",? (?:Act|amendments?|edition|enacted|took effect|came into force|statute)\b",
)
_BIRTH = re.compile(
    r"(?:出生日期|出生年月日?|出生时间|生日|出生于|生于|诞生于|生辰|出生|DOB|D\.?O\.?B\.?|date of birth|birth ?date|birthday|born(?: on| in)?|b\.)"
    r"(?:为|是|于|[:：]|\sis)?(?:\sthe)?\s*\Z",
    re.I,
)
_BIRTH_BEHIND = re.compile(r"\s?(?:出生|生(?![产效病活命成]))")
_STATUTE = re.compile(r"[《〈][^》〉\n]{0,60}\Z|法释|〔")
# Before a date of care, so that even a document full of statutes gives it up.
_CARE = re.compile(
    r"(?:入院|出院|就诊|住院|手术|检查|报告|送检|采样|采集|死亡|转院|随访|复查|门诊|记录|病历|发病|确诊|末次月经|预产期|接种|取药|admi\w+|discharge\w*|seen|visit\w*|"
    r"surgery|procedure|date of service|dos|exam\w*|deceased|died|death|follow-?up|appointment|collected|reported|service|encounter|onset|lmp|edd)"
    r"(?:日期|时间)?(?:\s?(?:date|on|was|is|of|为|于|是))*\s?[:：]?\s*\Z",
    re.I,
)
_CARE_BEHIND = re.compile(
    r"\s?[，,]?(?:[在于到至]?[^，。；\n]{0,8}?)(?:入院|出院|就诊|住院|手术|检查|复查|死亡|转院|随访|门诊|发病|确诊|接种)"
)


_UNSURE = frozenset(["compact", "short", "mdshort", "slash"])
"""Forms that are dates only beside a word of birth or of care, or behind a label."""
_BEFORE_DAY = re.compile(r"(?<![A-Za-z])(?:on|since|by|until|from|of)(?: the)? \Z", re.I)
_LABEL = re.compile(r"(?:日期|时间|(?<![A-Za-z])dates?(?: of [a-z]+)?)\s?(?:为|是|is|was)?[:：]?\s{0,2}\Z", re.I)


def dates(text: str, every: bool, births: bool, places: Windows) -> list[tuple[int, int, str]]:
    """Start, end and kind (`birth_date`, `date`) of the dates: those of birth, and with `every` all others that are
    not those of a statute or a publication."""
    found: list[tuple[int, int, str]] = []
    taken: list[tuple[int, int]] = []
    begins: dict[re.Pattern[str], Windows] = {}
    for name, pattern in _patterns():
        starts = _starts()[name]
        if starts not in begins:
            begins[starts] = beginnings(starts, text, places)
        for match in matches_at(pattern, text, begins[starts]):
            start, end = match.span()
            unsure = name in _UNSURE or (name == "zh" and not match["d"])
            if any(start < e and s < end for s, e in taken) or (unsure and not _near(text, start, end)):
                continue
            before = text[max(0, start - 24) : start]
            birth = bool(_BIRTH.search(before) or _BIRTH_BEHIND.match(text, end))
            if (
                name in ("md", "dm")
                and not birth
                and not _CARE.search(before)
                and not _BEFORE_DAY.search(before)
                and match["m"].lower() in ("may", "march")
            ):
                continue
            taken.append((start, end))
            if birth:
                if births:
                    found.append((start, end, "birth_date"))
            elif every and (
                _CARE.search(before)
                or _CARE_BEHIND.match(text, end)
                or not _public(text, start, end, before, match.groupdict().get("y"))
            ):
                found.append((start, end, "date"))
    return sorted(found)


def _near(text: str, start: int, end: int) -> bool:
    """A month without a day and the like: only as a date of birth or of care."""
    before = text[max(0, start - 24) : start]
    return bool(
        _LABEL.search(before)
        or _BIRTH.search(before)
        or _BIRTH_BEHIND.match(text, end)
        or _CARE.search(before)
        or _CARE_BEHIND.match(text, end)
    )


def _public(text: str, start: int, end: int, before: str, year: str | None) -> bool:
    return bool(
        (year and _PUBLIC_BEFORE.search(before))  # 自2月3日至, since May 4: no statute without a year
        or _PUBLIC_BEHIND.match(text, end)
        or _STATUTE.search(text[max(0, start - 40) : start].rpartition("》")[2])
    )


def weeks(document: str, salt: str) -> int:
    """By how many weeks the dates of a document move back: 1 to 104."""
    key = hashlib.blake2b(salt.encode(), digest_size=32).digest()
    return 1 + int.from_bytes(hashlib.blake2b(f"date\x00{document}".encode(), key=key, digest_size=8).digest()) % 104


def year_of(value: str) -> str:
    """What may stay of a date (45 CFR 164.514(b)(2)(i)(C)): its year; nothing of one without a year."""
    match = re.search(r"(?:18|19|20)[0-9]{2}|[〇○零一二三四五六七八九]{4}(?=年)", value)
    return "" if match is None else match[0] + ("年" if "年" in value else "")


def shifted(value: str, by: int, year: int | None) -> str | None:
    """The date moved back by so many weeks, in its own form; None where it is no date. `year`: that of a date without one."""
    for name, pattern in _patterns():
        match = pattern.fullmatch(value)
        if match is None:
            continue
        compact = name == "compact"
        parts = match.groupdict()
        written = parts.get("y")
        short = written is not None and len(written) == 2
        y = _number(written) if written else (year or 2001)
        y = y + (2000 if y < 50 else 1900) if short else y
        m, d = _number(parts["m"]), _number(parts.get("d") or "15")
        try:
            moved = date(y, m, d) - timedelta(weeks=by)
        except ValueError:
            return None
        fields = {"y": moved.year, "m": moved.month, "d": moved.day}
        out, at = "", 0
        for field in sorted((f for f in "ymdo" if parts.get(f)), key=match.start):
            old = match[field]
            new = _ordinal(moved.day) if field == "o" else _like(fields[field], old, field)
            new = new.zfill(2) if compact else new
            out += value[at : match.start(field)] + new
            at = match.end(field)
        return out + value[at:]
    return None


def _number(value: str) -> int:
    if value.isdigit() and value.isascii():
        return int(value)
    low = value.lower().rstrip(".")
    for i, name in enumerate(MONTHS, 1):
        if low and name.startswith(low[:3]) and low[0].isascii() and low[0].isalpha():
            return i
    digits = re.sub("[○零ＯO]", "〇", value)
    if "十" in digits:
        tens, _, ones = digits.partition("十")
        return (_HAN_DIGITS.index(tens) if tens else 1) * 10 + (_HAN_DIGITS.index(ones) if ones else 0)
    return int("".join(str(_HAN_DIGITS.index(c)) for c in digits))


def _like(number: int, old: str, field: str) -> str:
    """The number in the manner of the old one: padded, by name, in Chinese numerals."""
    if old.isascii() and old.isdigit():
        return (
            str(number % 100).zfill(2)
            if field == "y" and len(old) == 2
            else str(number).zfill(len(old) if old[0] == "0" or field == "y" else 1)
        )
    if old[0].isascii():
        name = MONTHS[number - 1].title()
        if old.isupper():
            return name.upper()
        return name if len(old.rstrip(".")) > 4 or old == name else name[:3] + ("." if old.endswith(".") else "")
    if field == "y":
        return "".join(_HAN_DIGITS[int(c)] for c in str(number))
    tens, ones = divmod(number, 10)
    return ("" if tens < 2 else _HAN_DIGITS[tens]) + ("十" if tens else "") + (_HAN_DIGITS[ones] if ones else "")


def _ordinal(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
