"""What each code point is: one table of class bits, built from unicodedata at first use, and UTF-8 decoding.

Importing this module imports numba: import it inside functions where start-up time matters.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .buffers import TextBuffers, readonly
from .kernel import kernel, part
from .wide import HIGHS, ONES, byte_at, equal, load8, lowest

ALPHA = 1
"""A letter, as str.isalpha says."""
DIGIT = 2
"""A numeral in any script (N*)."""
SPACE = 4
"""White space, as str.isspace says."""
PUNCT = 8
"""Unicode punctuation (P*)."""
SYMBOL = 16
"""Unicode symbols (S*) and control characters that are not white space."""
TERMINAL = 32
"""Ends a sentence."""
UPPER = 64
LOWER = 128
HAN = 256
KANA = 512
HANGUL = 1024
LATIN = 2048
UNSPACED = 4096
"""Scripts that neither part words by spaces nor are CJK: Thai, Lao, Khmer, Burmese."""
BREAK = 8192
"""Ends a line, as str.splitlines says."""
CLOSER = 16384
"""A closing quotation mark or bracket: may follow the end of a sentence."""
LINE_END = 32768
"""Ends a complete line although not always a sentence: the sentence ends, and … ；"""

SENTENCE_ENDS = ".!?。！？．｡﹒﹖﹗‼‽⁇⁈⁉⸮؟۔܀܁܂։।॥።፧፨။၊។៕᠃᠉᥄᥅᭚᭛᭞᭟᰻᰼᱾᱿꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫"
"""Marks of the Unicode property Sentence_Terminal that scripts in use today need (Unicode 15, PropList.txt)."""
CLOSERS = "\"'”’」』）)]】》〉〕｝}»›＂＇］〗"
BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"

HAN_RANGES = (
    (0x2E80, 0x2FD5),
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3038, 0x303B),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)
KANA_RANGES = ((0x3041, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))
HANGUL_RANGES = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF))
LATIN_RANGES = (
    (0x41, 0x5A),
    (0x61, 0x7A),
    (0xC0, 0x24F),
    (0x1E00, 0x1EFF),
    (0x2C60, 0x2C7F),
    (0xA720, 0xA7FF),
    (0xFF21, 0xFF3A),
    (0xFF41, 0xFF5A),
)
UNSPACED_RANGES = ((0x0E01, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))

_TABLE_END = 0x32400
"""Beyond lie only tags, variation selectors and private use: no class. Keeps the table at 411 KB."""


@cache
def char_table() -> NDArray[np.uint16]:
    """Class bits of every code point, uint16[0x110000]; 0.1 s to build."""
    table = np.zeros(0x110000, dtype=np.uint16)
    by_category = {"Lu": ALPHA | UPPER, "Ll": ALPHA | LOWER, "Lt": ALPHA, "Lm": ALPHA, "Lo": ALPHA}
    by_category |= dict.fromkeys(("Nd", "Nl", "No"), DIGIT)
    for cp in range(_TABLE_END):
        char = chr(cp)
        category = unicodedata.category(char)
        if char.isspace():
            bits = SPACE
        elif category[0] == "P":
            bits = PUNCT
        elif category[0] == "S" or category == "Cc":
            bits = SYMBOL
        else:  # 0: marks and format characters; they belong to the character before them
            bits = by_category.get(category, 0)
        table[cp] = bits
    for ranges, bit in (
        (HAN_RANGES, HAN),
        (KANA_RANGES, KANA),
        (HANGUL_RANGES, HANGUL),
        (LATIN_RANGES, LATIN),
        (UNSPACED_RANGES, UNSPACED),
    ):
        for first, last in ranges:
            part = table[first : last + 1]
            # Only what can be part of a word: Thai digits and marks (no class of their own) yes, × ÷ ฿ no.
            part[(part & (PUNCT | SYMBOL | SPACE)) == 0] |= bit
    for chars, bit in ((SENTENCE_ENDS, TERMINAL | LINE_END), ("…；⋯", LINE_END), (CLOSERS, CLOSER), (BREAKS, BREAK)):
        for char in chars:
            table[ord(char)] |= bit
    return readonly(table)


@part
def decode(data: Any, i: Any) -> Any:
    """The code point at byte `i` and its length in bytes; `data` must be valid UTF-8, as Arrow strings are."""
    b = np.int64(byte_at(data, i))
    if b < 0x80:
        return b, 1
    if b < 0xE0:
        return ((b & 0x1F) << 6) | (np.int64(byte_at(data, i + 1)) & 0x3F), 2
    if b < 0xF0:
        return ((b & 0x0F) << 12) | ((np.int64(byte_at(data, i + 1)) & 0x3F) << 6) | (
            np.int64(byte_at(data, i + 2)) & 0x3F
        ), 3
    return (
        ((b & 0x07) << 18)
        | ((np.int64(byte_at(data, i + 1)) & 0x3F) << 12)
        | ((np.int64(byte_at(data, i + 2)) & 0x3F) << 6)
        | (np.int64(byte_at(data, i + 3)) & 0x3F)
    ), 4


CLASS_COUNTS = (
    "chars",
    "space",
    "alpha",
    "digit",
    "punct",
    "symbol",
    "han",
    "kana",
    "hangul",
    "latin",
    "unspaced",
    "breaks",
    "newlines",
    "square_brackets",
    "hashes",
    "curly",
)
"""Columns of `count_classes`. `breaks` counts every line-ending character, `newlines` CRLF as one and only \\n and \\r;
`square_brackets` counts 【 and 】, `curly` counts { and } but those of -{...}-, Chinese Wikipedia's mark for what is not
to be converted between Simplified and Traditional."""


_RARE = DIGIT | SYMBOL | KANA | HANGUL | LATIN | UNSPACED | BREAK
_FIELDS = (SPACE, ALPHA, DIGIT, PUNCT, SYMBOL, BREAK)
_NEWLINE_FIELD, _LOOK_FIELD = 48, 56
_FULL = 31
"""Groups of eight bytes after which a count in a field of eight bits may be full."""


@cache
def _ascii_counts() -> NDArray[np.uint64]:
    """For each ASCII byte what it counts as, a field of eight bits for each of `_FIELDS`, one for line ends, one for
    the bytes whose neighbours or numbers matter: # { } and the carriage return."""
    table = char_table()
    counts = np.zeros(256, np.uint64)
    for byte in range(128):
        fields = sum(1 << 8 * k for k, bit in enumerate(_FIELDS) if int(table[byte]) & bit)
        fields += (byte in b"\n\r") << _NEWLINE_FIELD
        counts[byte] = fields + ((byte in b"#{}\r") << _LOOK_FIELD)
    return readonly(counts)


@part
def _field(fields: Any, k: Any) -> Any:
    return np.int64((fields >> np.uint64(8 * k)) & np.uint64(0xFF))


@part
def _counts_as_curly(data: Any, i: Any, lo: Any, end: Any) -> bool:
    """Whether the curly bracket at byte `i` of the text [lo, end) is not one of -{...}-."""
    if byte_at(data, i) == 0x7B:
        return bool(i == lo or byte_at(data, i - 1) != 0x2D)
    return bool(i + 1 >= end or byte_at(data, i + 1) != 0x2D)


@kernel
def _count_classes(data: Any, offsets: Any, table: Any, ascii_counts: Any, out: Any) -> None:
    zero = np.uint64(0)
    for d in range(len(offsets) - 1):
        i = offsets[d]
        lo = i
        end = offsets[d + 1]
        chars = spaces = alpha = digit = punct = symbol = 0
        han = kana = hangul = latin = unspaced = breaks = newlines = square = hashes = curly = 0
        fields = zero
        groups = 0
        while i < end:
            size = 1
            if i + 8 <= end and load8(data, i) & HIGHS == zero:
                size = 8
            if byte_at(data, i) < 0x80:
                before = fields
                for k in range(i, i + size):
                    fields += ascii_counts[byte_at(data, k)]
                if (fields ^ before) >> np.uint64(_LOOK_FIELD):
                    for k in range(i, i + size):
                        byte = byte_at(data, k)
                        if byte == 0x23:
                            hashes += 1
                        elif byte == 13:
                            newlines -= k + 1 < end and byte_at(data, k + 1) == 10
                        elif byte == 0x7B or byte == 0x7D:
                            curly += _counts_as_curly(data, k, lo, end)
                chars += size
                i += size
                groups += 1
                if groups == _FULL:
                    spaces += _field(fields, 0)
                    alpha += _field(fields, 1)
                    latin += _field(fields, 1)
                    digit += _field(fields, 2)
                    punct += _field(fields, 3)
                    symbol += _field(fields, 4)
                    breaks += _field(fields, 5)
                    newlines += _field(fields, 6)
                    fields = zero
                    groups = 0
                continue
            while i < end and byte_at(data, i) >= 0x80:
                cp, size = decode(data, i)
                i += size
                f: Any = np.int64(table[cp])
                # What Chinese is made of, without branches: the bits of SPACE, PUNCT and HAN.
                chars += 1
                alpha += f & ALPHA
                spaces += f >> 2 & 1
                punct += f >> 3 & 1
                han += f >> 8 & 1
                square += (cp & ~1) == 0x3010
                if f & _RARE:
                    breaks += f & BREAK != 0
                    kana += f & KANA != 0
                    hangul += f & HANGUL != 0
                    latin += f & LATIN != 0
                    unspaced += f & UNSPACED != 0
                    if not f & HAN:
                        digit += f & DIGIT != 0
                        symbol += f & SYMBOL != 0
        spaces += _field(fields, 0)
        alpha += _field(fields, 1)
        latin += _field(fields, 1)
        digit += _field(fields, 2)
        punct += _field(fields, 3)
        symbol += _field(fields, 4)
        breaks += _field(fields, 5)
        newlines += _field(fields, 6)
        out[d, 0] = chars
        out[d, 1] = spaces
        out[d, 2] = alpha
        out[d, 3] = digit
        out[d, 4] = punct
        out[d, 5] = symbol
        out[d, 6] = han
        out[d, 7] = kana
        out[d, 8] = hangul
        out[d, 9] = latin
        out[d, 10] = unspaced
        out[d, 11] = breaks
        out[d, 12] = newlines
        out[d, 13] = square
        out[d, 14] = hashes
        out[d, 15] = curly


def count_classes(texts: TextBuffers) -> dict[str, NDArray[np.int64]]:
    """How many characters of each class every document has: `CLASS_COUNTS`, int64, one a document."""
    out = np.zeros((len(texts), len(CLASS_COUNTS)), dtype=np.int64)
    _count_classes(texts.data, texts.offsets, char_table(), _ascii_counts(), out)
    return {name: out[:, k] for k, name in enumerate(CLASS_COUNTS)}


@kernel
def _count_curly(data: Any, offsets: Any, out: Any) -> None:
    opening = np.uint64(0x7B) * ONES
    closing = np.uint64(0x7D) * ONES
    for d in range(len(offsets) - 1):
        i = offsets[d]
        lo = i
        end = offsets[d + 1]
        while i < end:
            if i + 8 <= end:
                eight = load8(data, i)
                found = equal(eight, opening) | equal(eight, closing)
                if found == np.uint64(0):
                    i += 8
                    continue
                i += lowest(found)
            if byte_at(data, i) == 0x7B or byte_at(data, i) == 0x7D:
                out[d] += _counts_as_curly(data, i, lo, end)
            i += 1


def count_curly(texts: TextBuffers) -> NDArray[np.int64]:
    """The column `curly` of `count_classes` alone, at ten times its speed."""
    out = np.zeros(len(texts), dtype=np.int64)
    _count_curly(texts.data, texts.offsets, out)
    return out


@kernel
def _diversity(data: Any, offsets: Any, rows: Any, table: Any, window: Any, counts: Any, out: Any) -> None:
    touched = np.empty(0x110000, dtype=np.int32)
    for r in range(len(rows)):
        d = rows[r]
        i = offsets[d]
        end = offsets[d + 1]
        n = 0
        kinds = 0
        windowed = 0
        windowed_kinds = 0
        while i < end:
            cp, size = decode(data, i)
            i += size
            if table[cp] & SPACE:
                continue
            if counts[cp] == 0:
                touched[kinds] = cp
                kinds += 1
            counts[cp] += 1
            n += 1
            if n <= window:
                windowed = n
                windowed_kinds = kinds
        entropy = 0.0
        for k in range(kinds):
            p = counts[touched[k]] / n
            entropy -= p * np.log(p)
            counts[touched[k]] = 0
        out[r, 0] = windowed_kinds / windowed if windowed else 0.0
        out[r, 1] = entropy


def char_diversity(
    texts: TextBuffers, rows: NDArray[np.int64], window: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For the documents `rows`: the share of different characters among the first `window` characters that are not
    white space, and the entropy in nats of all such characters. 0 for a document without any."""
    out = np.zeros((len(rows), 2), dtype=np.float64)
    counts = np.zeros(0x110000, dtype=np.int64)
    _diversity(texts.data, texts.offsets, readonly(rows), char_table(), window, counts, out)
    return out[:, 0], out[:, 1]
