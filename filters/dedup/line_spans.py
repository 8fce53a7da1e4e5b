"""Lines and paragraphs of texts: where they lie, a hash of what they say, how much they say, whether they are structure.

A line ends where str.splitlines says; a paragraph is a run of lines between blank ones. Two of them are the same when
they differ in case, white space and invisible characters alone, or, if so wished, in digits.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.buffers import TextBuffers, readonly
from ..text.chars import ALPHA, BREAK, DIGIT, HAN, KANA, SPACE, UNSPACED, char_table, decode
from ..text.kernel import kernel, part
from ..text.wide import byte_at

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]

_OTHER, _BLANK, _INVISIBLE, _LETTER, _NUMERAL, _CHARACTER, _BREAK = 0, 1, 2, 3, 4, 5, 6
_SHIFT = 24
_CODE = np.uint32((1 << _SHIFT) - 1)
_BASIS, _STEP, _MIX = np.uint64(0xCBF29CE484222325), np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)

MOST_NUMBER = 6
"""Characters in the number of a clause: 第一百二十三条, (viii), 1234."""

NUMERALS = "0123456789０１２３４５６７８９〇零一二三四五六七八九十百千两"
CLAUSES = "编章节条款项目篇回部卷編節條項"
NAMES = ("article", "section", "chapter", "clause", "part", "schedule", "rule", "appendix", "exhibit", "title", "sec.", "art.", "artikel", "abschnitt")  # fmt: skip
"""Words that name a part of a statute or a contract, with a number behind them."""


def line_spans(
    texts: TextBuffers, *, paragraphs: bool, words: int, characters: int, fold_digits: bool
) -> tuple[Ints, Ints, Ints, Hashes]:
    """(document, first byte in it, byte after the last, hash) of every line or paragraph that says enough.

    That is at least so many words (of two letters or more) of spaced scripts or characters of others (Chinese ...), or
    a mixture that adds up; numbers count for nothing. Left out are the parts of a document's structure: Markdown
    headings, table rows, list items, numbered clauses, lines that begin with a Chinese date.

    A span holds the line end, and the blank lines behind it where blank lines stand before it too.
    """
    found = _spans(texts.data, texts.offsets, _folds(), _marks(), _names(), paragraphs, words, characters, fold_digits)
    rows, starts, ends, hashes = found
    return rows, starts, ends, hashes


@cache
def _folds() -> NDArray[np.uint32]:
    """By code point below 0x32400: its kind, and what it is compared as (0.3 s to build)."""
    classes = char_table()
    table = np.zeros(0x32400, np.uint32)
    for cp in range(len(table)):
        bits, char = int(classes[cp]), chr(cp)
        lower = char.lower()
        folded = ord(lower) if len(lower) == 1 else cp
        if bits & BREAK:
            kind, folded = _BREAK, 32
        elif bits & SPACE:
            kind, folded = _BLANK, 32
        elif bits & (HAN | KANA | UNSPACED):
            kind = _CHARACTER
        elif bits & ALPHA:
            kind = _LETTER
        elif bits & DIGIT:
            kind = _NUMERAL
        else:
            kind = _INVISIBLE if unicodedata.category(char) == "Cf" else _OTHER
        table[cp] = kind << _SHIFT | folded
    return readonly(table)


_NUMBER, _CLAUSE = 1, 2


@cache
def _marks() -> NDArray[np.uint8]:
    """By code point below 65536: numerals, and the characters that name a part of a statute."""
    table = np.zeros(0x10000, np.uint8)
    for chars, bit in ((NUMERALS, _NUMBER), (CLAUSES, _CLAUSE)):
        for char in chars:
            table[ord(char)] |= bit
    return readonly(table)


@cache
def _names() -> NDArray[np.uint8]:
    """`NAMES`, each ended by a zero byte."""
    return readonly(np.frombuffer("".join(f"{n}\0" for n in NAMES).encode(), np.uint8))


@part
def _char(data: Any, i: Any, end: Any) -> Any:
    if i >= end:
        return 0, 1
    return decode(data, i)


@part
def _numbered(data: Any, i: Any, end: Any, marks: Any) -> Any:
    """Where the number at byte `i` ends: numerals, or a few letters such as iv and B; `i` if there is none."""
    start = i
    n = 0
    while n < 8:
        cp, size = _char(data, i, end)
        if cp >= 0x10000 or not marks[cp] & _NUMBER:
            break
        i += size
        n += 1
    if n:
        return i
    while n < 5 and i < end:
        lower = byte_at(data, i) | 0x20
        if not 0x61 <= lower <= 0x7A:
            break
        i += 1
        n += 1
    # One letter, or a Roman number.
    for k in range(start, i):
        lower = byte_at(data, k) | 0x20
        if n > 1 and not (
            lower == 0x69 or lower == 0x76 or lower == 0x78 or lower == 0x6C or lower == 0x63 or lower == 0x64
        ):
            return start
    return i


@part
def _is_structure(data: Any, i: Any, end: Any, marks: Any, names: Any) -> bool:
    """Whether the line [i, end), white space before it left out, begins like a heading, a list item or a clause."""
    cp, size = _char(data, i, end)
    if cp == 0x23 or cp == 0x7C or cp == 0xA7:  # # | §
        return True
    following, _ = _char(data, i + size, end)
    if (cp == 0x2A or cp == 0x2D or cp == 0x2B) and (following == 0x20 or following == 9):  # * - +
        return True
    # Bullets, and enclosed numbers: ① ㈠.
    if cp == 0x2022 or cp == 0xB7 or cp == 0x25CF or 0x2460 <= cp <= 0x249B or 0x3220 <= cp <= 0x3229:
        return True
    if cp == 0x7B2C:  # 第
        stop = _numbered(data, i + size, end, marks)
        cp, _ = _char(data, stop, end)
        return bool(stop > i + size and cp < 0x10000 and marks[cp] & _CLAUSE)
    opened = cp == 0x28 or cp == 0xFF08
    first = i + size if opened else i
    stop = _numbered(data, first, end, marks)
    if stop > first:
        cp, size = _char(data, stop, end)
        if cp == 0x29 or cp == 0xFF09:
            return True
        if not opened and (cp == 0x3001 or cp == 0xFF0E or cp == 0x5E74):  # 、．年
            return True
        if not opened and cp == 0x2E:
            following, _ = _char(data, stop + size, end)
            return bool(following == 0x20 or following == 9 or following >= 0x3000 or 0x30 <= following <= 0x39)
    k = 0
    while k < len(names):
        j = i
        while names[k] != 0 and j < end and byte_at(data, j) | 0x20 == names[k] | 0x20:
            j += 1
            k += 1
        if names[k] == 0 and j < end and byte_at(data, j) == 0x20 and _numbered(data, j + 1, end, marks) > j + 1:
            return True
        while names[k] != 0:
            k += 1
        k += 1
    return False


@part
def _after_break(data: Any, i: Any, cp: Any, size: Any, end: Any) -> Any:
    i += size
    if cp == 13 and i < end and byte_at(data, i) == 10:
        i += 1
    return i


@kernel
def _spans(
    data: Any,
    offsets: Any,
    folds: Any,
    marks: Any,
    names: Any,
    paragraphs: bool,
    words: int,
    characters: int,
    fold_digits: bool,
) -> Any:
    room = 1024
    rows = np.empty(room, np.int64)
    starts = np.empty(room, np.int64)
    ends = np.empty(room, np.int64)
    hashes = np.empty(room, np.uint64)
    found = 0
    for d in range(len(offsets) - 1):
        lo = offsets[d]
        end = offsets[d + 1]
        i = lo
        blank_before = True
        while i < end:
            # A line, or a paragraph.
            start = i
            mark = np.int64(-1)  # where the first character stands that is seen
            h = _BASIS
            pending = False
            letters = 0  # of the word that is being read
            weight = np.int64(0)
            cells = np.int64(0)  # of a table: tabs and bars between what is seen
            tabs = np.int64(0)
            while True:
                blank = True
                stop = end
                following = end
                while i < end:
                    b = byte_at(data, i)
                    size = 1
                    cp = np.int64(b)
                    if b >= 0x80:
                        cp, size = decode(data, i)
                    f = folds[cp] if cp < len(folds) else np.uint32(cp)
                    kind = f >> np.uint32(_SHIFT)
                    if kind == _BREAK:
                        stop = i
                        following = _after_break(data, i, cp, size, end)
                        break
                    i += size
                    if kind == _BLANK:
                        pending = True
                        letters = 0
                        tabs += cp == 9
                        continue
                    if kind == _INVISIBLE:
                        continue
                    blank = False
                    if mark < 0:
                        mark = i - size
                        pending = False
                        tabs = np.int64(0)
                    if pending:
                        h = (h ^ np.uint64(32)) * _STEP
                        h ^= h >> np.uint64(29)
                        pending = False
                        cells += tabs
                        tabs = np.int64(0)
                    if kind == _LETTER:
                        letters += 1
                        if letters == 2:
                            weight += characters
                    else:
                        if kind == _CHARACTER:
                            weight += words
                            letters = 0
                        elif kind == _OTHER:
                            cells += cp == 0x7C
                            # An apostrophe does not part a word.
                            if cp != 0x27 and cp != 0x2019:
                                letters = 0
                        elif fold_digits:
                            f = np.uint32(0x30)
                    h = (h ^ np.uint64(f & _CODE)) * _STEP
                    h ^= h >> np.uint64(29)
                i = following
                pending = True
                letters = 0
                if not paragraphs or blank or i >= end:
                    break
            if mark < 0:
                blank_before = True
                continue
            # Blank lines behind it: of a paragraph they are part, of a line only where some stand before it as well.
            after = i
            blank_after = paragraphs and blank
            k = i
            while k < end:
                cp, size = decode(data, k)
                f = folds[cp] if cp < len(folds) else np.uint32(0)
                kind = f >> np.uint32(_SHIFT)
                if kind == _BREAK:
                    k = _after_break(data, k, cp, size, end)
                    after = k
                    blank_after = True
                elif _BLANK <= kind <= _INVISIBLE:
                    k += size
                else:
                    break
            if k >= end:
                after = end
            last = after if paragraphs or blank_before else i
            if weight >= words * characters and cells < 2 and not _is_structure(data, mark, stop, marks, names):
                if found == room:
                    room *= 2
                    rows = np.concatenate((rows, np.empty(found, np.int64)))
                    starts = np.concatenate((starts, np.empty(found, np.int64)))
                    ends = np.concatenate((ends, np.empty(found, np.int64)))
                    hashes = np.concatenate((hashes, np.empty(found, np.uint64)))
                rows[found] = d
                starts[found] = start - lo
                ends[found] = last - lo
                h = (h ^ (h >> np.uint64(30))) * _MIX
                hashes[found] = h ^ (h >> np.uint64(31))
                found += 1
            blank_before = blank_after
            i = after
    return rows[:found], starts[:found], ends[:found], hashes[:found]
