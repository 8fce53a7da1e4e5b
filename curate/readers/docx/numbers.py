"""The numbers that Word writes in front of paragraphs: no text in the file, and yet the article's name (第三条, (a), 1.1.2).

Numbering definitions, styles' and levels' links and restarts as ECMA-376-1 17.9 has them; formats as 17.18.59 has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..xml.words import local

_HAN = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_FORMAL = {
    "simplified": ("零壹贰叁肆伍陆柒捌玖", ("", "拾", "佰", "仟")),
    "traditional": ("零壹貳參肆伍陸柒捌玖", ("", "拾", "佰", "仟")),
}
_ROMAN = [(1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
          (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")]  # fmt: skip
_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth"}  # fmt: skip

MAX_DEPTH = 9
"""Levels of a list: Word has no more."""


# --- formats ----------------------------------------------------------------------------------------------------------


def chinese(n: int, digits: str = _HAN, places: tuple[str, ...] = _PLACES, myriad: str = "万") -> str:
    """十一, 一百零一, 一千零一十, 一万二千."""
    out = _groups(n, digits, places, myriad) if n else digits[0]
    # 十一 and not 一十一: in everyday digits, and only where it begins.
    return out[1:] if digits == _HAN and out.startswith("一十") else out


def _groups(n: int, digits: str, places: tuple[str, ...], myriad: str) -> str:
    if n >= 10000:
        high, low = divmod(n, 10000)
        rest = (digits[0] if low < 1000 else "") + _groups(low, digits, places, myriad) if low else ""
        return _groups(high, digits, places, myriad) + myriad + rest
    out, gap = "", False
    for place in (3, 2, 1, 0):
        digit = n // 10**place % 10
        if digit:
            out += (digits[0] if gap else "") + digits[digit] + places[place]
            gap = False
        elif out:
            gap = True
    return out


def _chinese_counting(n: int) -> str:
    """As words up to 99, digit by digit from 100 on: 一○○ (MS-DOCX 2.4)."""
    return chinese(n) if n < 100 else "".join("○一二三四五六七八九"[int(d)] for d in str(n))


def _letters(n: int) -> str:
    """a ... z, aa, bb: Word repeats the letter."""
    return chr(97 + (n - 1) % 26) * min((n - 1) // 26 + 1, 30) if n > 0 else ""


def roman(n: int) -> str:
    """iv."""
    if not 0 < n < 4000:
        return str(n)
    out = ""
    for value, letters in _ROMAN:
        out += letters * (n // value)
        n %= value
    return out


def _circled(n: int) -> str:
    if 1 <= n <= 20:
        return chr(0x245F + n)
    return chr(0x3250 + n - 20) if 21 <= n <= 35 else chr(0x32B0 + n - 35) if 36 <= n <= 50 else str(n)


def _words(n: int) -> str:
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10] + (f"-{_ONES[n % 10]}" if n % 10 else "")
    return str(n)


def _ordinal_words(n: int) -> str:
    if n >= 100:
        return _ordinal(n)
    head, dash, last = _words(n).rpartition("-")
    last = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return f"{head}{dash}{last}".capitalize()


def _ordinal(n: int) -> str:
    return f"{n}{'th' if 10 < n % 100 < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def _among(signs: str) -> Callable[[int], str]:
    return lambda n: signs[n - 1] if 0 < n <= len(signs) else str(n)


FORMATS: dict[str, Callable[[int], str]] = {
    "decimal": str,
    "none": lambda n: "",
    "bullet": lambda n: "",
    "decimalZero": lambda n: f"{n:02d}",
    "lowerLetter": _letters,
    "upperLetter": lambda n: _letters(n).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda n: roman(n).upper(),
    "chineseCounting": _chinese_counting,
    "taiwaneseCounting": _chinese_counting,
    "taiwaneseDigital": _chinese_counting,
    "chineseCountingThousand": chinese,
    "taiwaneseCountingThousand": lambda n: chinese(n, myriad="萬"),
    "japaneseCounting": chinese,
    "ideographDigital": lambda n: "".join("〇一二三四五六七八九"[int(d)] for d in str(n)),
    "japaneseDigitalTenThousand": lambda n: "".join("〇一二三四五六七八九"[int(d)] for d in str(n)),
    "chineseLegalSimplified": lambda n: chinese(n, *_FORMAL["simplified"]),
    "ideographLegalTraditional": lambda n: chinese(n, *_FORMAL["traditional"], "萬"),
    "ideographTraditional": _among(_STEMS),
    "ideographZodiac": _among(_BRANCHES),
    "ideographZodiacTraditional": lambda n: _STEMS[(n - 1) % 10] + _BRANCHES[(n - 1) % 12],
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "decimalEnclosedParen": lambda n: f"({n})",
    "decimalEnclosedFullstop": lambda n: f"{n}.",
    "ideographEnclosedCircle": lambda n: f"({chinese(n)})",
    "decimalFullWidth": lambda n: str(n).translate({48 + d: 0xFF10 + d for d in range(10)}),
    "decimalFullWidth2": lambda n: str(n).translate({48 + d: 0xFF10 + d for d in range(10)}),
    "ordinal": _ordinal,
    "cardinalText": lambda n: _words(n).capitalize(),
    "ordinalText": _ordinal_words,
    "numberInDash": lambda n: f"- {n} -",
}
"""Name of a format -> how it writes a number. Others (Thai, Hindi, Hebrew ...) are written in decimal."""


# --- definitions ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Level:
    """How one level of a list is numbered."""

    start: int = 1
    format: str = "decimal"
    text: str = ""
    suffix: str = "tab"
    restart: int | None = None
    """The level, counted from 1, a paragraph of which starts this one anew; 0: none does; None: any above."""
    legal: bool = False
    """All numbers in its text are decimal."""
    style: str = ""


@dataclass(slots=True)
class _List:
    """A `<w:num>`: a definition, with what it changes."""

    definition: str
    starts: dict[int, int] = field(default_factory=dict)
    levels: dict[int, Level] = field(default_factory=dict)


@dataclass(slots=True)
class Number:
    """What stands in front of a paragraph."""

    text: str
    """第三条, (a); empty for a bullet."""
    level: int
    bullet: bool
    solid: bool
    """Nothing stands between it and the paragraph's words."""


def value(element: Any, name: str = "val") -> str | None:
    """An attribute by its local name: strict and transitional files differ in namespaces only."""
    for key, found in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(found)
    return None


def child(element: Any, name: str) -> Any:
    """The first child of a name, or None."""
    for found in element:
        if local(found) == name:
            return found
    return None


def whole(text: str | None, default: int) -> int:
    """A number of the file, within reason."""
    return int(text) if text and re.fullmatch(r"-?\d{1,6}", text) else default


class Numbering:
    """The lists of a document, and how far each has counted."""

    def __init__(self, root: Any = None, lists_of_styles: dict[str, str] | None = None) -> None:
        """`root`: of numbering.xml. `lists_of_styles`: a list style's id -> the number of its list."""
        self._definitions: dict[str, dict[int, Level]] = {}
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._started: set[tuple[str, int]] = set()
        links: dict[str, str] = {}
        for element in root if root is not None else ():
            name = local(element)
            if name == "abstractNum":
                key = value(element, "abstractNumId") or ""
                self._definitions[key] = {whole(value(e, "ilvl"), 0): _level(e) for e in element if local(e) == "lvl"}
                if (link := child(element, "numStyleLink")) is not None:
                    links[key] = value(link) or ""
            elif name == "num" and (definition := child(element, "abstractNumId")) is not None:
                found = _List(value(definition) or "")
                for change in (e for e in element if local(e) == "lvlOverride"):
                    level = whole(value(change, "ilvl"), 0)
                    if (start := child(change, "startOverride")) is not None:
                        found.starts[level] = whole(value(start), 1)
                    if (other := child(change, "lvl")) is not None:
                        found.levels[level] = _level(other)
                self._lists[value(element, "numId") or ""] = found
        for key, style in links.items():
            if (target := self._lists.get((lists_of_styles or {}).get(style, ""))) is not None:
                self._definitions[key] = self._definitions.get(target.definition, {})

    def level_of_style(self, number: str, style: str) -> int:
        """The level of a list that is tied to a paragraph style."""
        found = self._lists.get(number)
        if found is not None:
            for level, how in {**self._definitions.get(found.definition, {}), **found.levels}.items():
                if how.style == style:
                    return level
        return 0

    def next(self, number: str, level: int) -> Number | None:
        """Counts a paragraph of a list's level. None: the list is none."""
        found = self._lists.get(number)
        if found is None or not 0 <= level < MAX_DEPTH:
            return None
        levels = {**self._definitions.get(found.definition, {}), **found.levels}
        how = levels.get(level)
        if how is None:
            return None
        counts = self._counts.setdefault(found.definition, {})
        for at, start in found.starts.items():
            # A list that starts anew does so once, at its first paragraph.
            if (number, at) not in self._started and at <= level:
                self._started.add((number, at))
                counts[at] = start - 1 if at == level else start
        counts[level] = counts.get(level, how.start - 1) + 1
        for deeper in [at for at in counts if at > level]:
            restart = levels[deeper].restart if deeper in levels else None
            if restart is None or (restart and level < restart):
                del counts[deeper]
        for above in range(level):
            counts.setdefault(above, levels[above].start if above in levels else 1)
        if how.format == "bullet":
            return Number("", level, True, False)

        def written(found: re.Match[str]) -> str:
            at = int(found[1]) - 1
            if at > level:
                return ""
            name = levels[at].format if at in levels else "decimal"
            if how.legal and name not in ("decimal", "none", "bullet"):
                name = "decimal"
            return FORMATS.get(name, str)(max(counts[at], 0))

        text = re.sub("%([1-9])", written, how.text).strip(" \t\u3000\xa0")
        return Number(text, level, False, how.suffix == "nothing") if text else None


def _level(element: Any) -> Level:
    level = Level()
    for part in element:
        name, given = local(part), value(part)
        if name == "start":
            level.start = whole(given, 1)
        elif name == "numFmt":
            level.format = given or "decimal"
        elif name == "AlternateContent":  # formats of later versions: the plain one stands in the fallback
            for inner in part.iter():
                if local(inner) == "numFmt":
                    level.format = _custom(inner) or level.format
        elif name == "lvlText":
            level.text = given or ""
        elif name == "suff":
            level.suffix = given or "tab"
        elif name == "lvlRestart":
            level.restart = whole(given, 0)
        elif name == "isLgl":
            level.legal = given not in ("0", "false", "off")
        elif name == "pStyle":
            level.style = given or ""
    return level


def _custom(element: Any) -> str:
    """`<w:numFmt w:val="custom" w:format="001, 002, ...">` is decimal with zeros; the last one that is known counts."""
    name = value(element) or ""
    if name != "custom":
        return name
    first = (value(element, "format") or "").split(",")[0].strip()
    if re.fullmatch(r"0{1,8}1", first):
        width = len(first)
        FORMATS.setdefault(f"zeros{width}", lambda n: f"{n:0{width}d}")
        return f"zeros{width}"
    return ""
