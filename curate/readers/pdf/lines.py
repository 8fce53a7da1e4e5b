"""The lines of a PDF's page as pdfium finds them, with where they stand: what paragraphs and running heads are told by."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from ctypes import byref, c_double
from dataclasses import dataclass
from math import hypot
from typing import Any

_BREAK = re.compile("[\r\n\x02\ufffe]+")
"""Line ends. U+0002 (U+FFFE in pdfium's whole text) is a hyphen at a line's end, and the line's end too."""

_WIDE_GAP = 2.0
"""A blank of more than this many heights of a line lies between columns of a table, not between justified words."""

_ANGLES = 16
"""Characters of a page whose direction is looked at."""

# Chinese set in fonts whose tables lead back to radicals (macOS, some versions of Word): U+2F00-2FD5 have a compatibility
# mapping, those of the supplement mostly have none.
_RADICALS = dict(
    zip(
        "⺟⺠⻁⻄⻅⻆⻉⻋⻑⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻬⻮⻰⻳⺎⺝⺸⺼",
        "母民虎西见角贝车長长门青韦页风飞食马骨鬼鱼鸟卤麦黄齐齿龙龟兀月羊肉",
        strict=True,
    )
)
_MAPPED = re.compile("[\u2e80-\u2fd5\ufb00-\ufb06\uf000-\uf0ff\u00ad\u200b\ufeff\u2028\u2029\xa0\t]")
_UNMAPPED = re.compile(
    "[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|\\(cid:\\d+\\)"
)
_SPACED = re.compile("[\u4e00-\u9fff](?: [\u4e00-\u9fff]){3,}")
_BULLETS = frozenset("\uf06c\uf06e\uf075\uf076\uf0a7\uf0a8\uf0b7\uf0d8\uf0e8\uf0fc\uf09f\uf071\uf077")
"""Where Wingdings and Symbol keep the marks of lists."""


@dataclass(slots=True)
class Line:
    """One line: places in points, right and down from the page's corner as it is read."""

    text: str
    left: float
    right: float
    down: float
    """Of its foot (the base line), from the page's top."""
    up: float
    """Of its foot, from the page's bottom."""
    height: float
    """Of its font: 1 em."""
    word: float
    """Width of its first word, or of its first character in Chinese: what did not fit on the line before."""
    hyphen: bool = False
    """It ended with a hyphen, which is no longer in the text."""
    row: bool = False
    """It has a gap as between columns."""
    turned: bool = False
    """It runs in another direction than the page: a stamp at the margin, a watermark."""


def page_lines(page: Any, text_page: Any) -> list[Line]:
    """The lines of a page in pdfium's order, which is that of the page's instructions. Call with the lock held."""
    import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

    raw = text_page.raw
    n = pdfium.FPDFText_CountChars(raw)
    if n <= 0:
        return []
    text: str = text_page.get_text_range()
    if len(text) != n:  # characters without text, or outside the BMP: one by one, five times as slow
        text = "".join(_char(pdfium.FPDFText_GetUnicode(raw, i)) for i in range(n))
    place = _Places(pdfium, raw, page.get_size(), page.get_rotation(), text)
    lines: list[Line] = []
    start = 0
    for end in _BREAK.finditer(text + "\n"):
        line = _line(place, text, start, end.start())
        if line is not None:
            line.hyphen = end[0][0] in "\x02\ufffe"
            lines.append(line)
        start = end.end()
    return lines


def _char(code: int) -> str:
    return "\ufffd" if code == 0 or 0xD800 <= code < 0xE000 or code > 0x10FFFF else chr(code)


class _Places:
    """Where characters are, in the direction in which most of the page's text runs."""

    def __init__(self, pdfium: Any, raw: Any, size: tuple[float, float], rotation: int, text: str) -> None:
        self._api, self._raw = pdfium, raw
        self._box = [c_double() for _ in range(4)]
        self._pointers = [byref(value) for value in self._box]
        self._matrix = pdfium.FS_MATRIX()
        n = len(text)
        seen = (i for i in range(0, n, max(n // (4 * _ANGLES), 1)) if not text[i].isspace())
        turns = Counter(turn for _, i in zip(range(_ANGLES), seen, strict=False) if (turn := self.turn(i)) is not None)
        self.upright = turns.most_common(1)[0][0] if turns else (1, 0)
        # The page's size is that of the page as it is shown; places are those of the page before it is turned.
        width, height = size if rotation in (0, 180) else size[::-1]
        corners = [self._turned(x, y) for x in (0.0, width) for y in (0.0, height)]
        self._x = min(x for x, _ in corners)
        self._top, self._bottom = max(y for _, y in corners), min(y for _, y in corners)

    def turn(self, i: int) -> tuple[int, int] | None:
        """The direction of a character's line: (1, 0) from left to right, (0, 1) upwards."""
        if not self._api.FPDFText_GetMatrix(self._raw, i, self._matrix):
            return None
        a, b = self._matrix.a, self._matrix.b
        long = hypot(a, b)
        return (round(a / long), round(b / long)) if long else None

    def _turned(self, x: float, y: float) -> tuple[float, float]:
        a, b = self.upright
        return (x, y) if b == 0 and a > 0 else (a * x + b * y, a * y - b * x)

    def sides(self, i: int) -> tuple[float, float]:
        """Left and right of a character."""
        left, right, bottom, top = self._box
        if not self._api.FPDFText_GetCharBox(self._raw, i, *self._pointers):
            return 0.0, 0.0
        one, _ = self._turned(left.value, bottom.value)
        other, _ = self._turned(right.value, top.value)
        return min(one, other) - self._x, max(one, other) - self._x

    def height(self, i: int) -> float:
        """Of a character's font, 1 em. Not of its loose box: without the font's own measures that is the letter's."""
        if not self._api.FPDFText_GetMatrix(self._raw, i, self._matrix):
            return 0.0
        return float(self._api.FPDFText_GetFontSize(self._raw, i) * hypot(self._matrix.c, self._matrix.d))

    def foot(self, i: int) -> tuple[float, float]:
        """Of a character's base line: below the page's top, above its bottom."""
        x, y = self._box[0], self._box[1]
        if not self._api.FPDFText_GetCharOrigin(self._raw, i, self._pointers[0], self._pointers[1]):
            return 0.0, 0.0
        _, at = self._turned(x.value, y.value)
        return self._top - at, at - self._bottom


def _line(place: _Places, text: str, start: int, end: int) -> Line | None:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start == end:
        return None
    middle = (start + end) // 2
    while text[middle].isspace():
        middle += 1
    height = sorted(place.height(i) for i in (start, middle, end - 1))[1]
    left, first_right = place.sides(start)
    right = place.sides(end - 1)[1]
    word = None if not is_wide(text[start]) else first_right - left
    row = False
    i = text.find(" ", start, end)
    while i >= 0:
        before = place.sides(i - 1)[1]
        if word is None:
            word = before - left
        j = i + 1
        while text[j].isspace():
            j += 1
        row = row or place.sides(j)[0] - before > _WIDE_GAP * height
        i = text.find(" ", j, end)
    down, up = sorted(place.foot(i) for i in (start, middle, end - 1))[1]
    turned = place.turn(start) not in (None, place.upright)
    shown = _readable(text[start:end])
    if not shown:
        return None
    return Line(shown, left, right, down, up, height, right - left if word is None else word, row=row, turned=turned)


def is_wide(char: str) -> bool:
    return char > "\u1100" and unicodedata.east_asian_width(char) in "WF"


def _readable(text: str) -> str:
    """Radicals and ligatures as the characters they stand for, marks of lists as a dot; letter-spaced Chinese set solid."""
    if _MAPPED.search(text):
        text = "".join(map(_plain, text)).strip()
    return _SPACED.sub(lambda found: found[0].replace(" ", ""), text) if " " in text else text


def _plain(char: str) -> str:
    if char < "\u2e80":
        return " " if char in "\xa0\t\u2028\u2029" else "" if char in "\xad\u200b" else char
    if "\u2e80" <= char < "\u2f00":
        return _RADICALS.get(char, char)
    if "\u2f00" <= char <= "\u2fd5" or "\ufb00" <= char <= "\ufb06":
        return unicodedata.normalize("NFKC", char)
    if char in _BULLETS:
        return "•"
    return "" if char == "\ufeff" else char


def unmapped(text: str) -> int:
    """Characters for which the file does not say what they are, or says nothing that can be."""
    return sum(1 for _ in _UNMAPPED.finditer(text))
