"""RefinedWeb's rules for lines as one kernel: which lines, or ends of lines, go and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .buffers import TextBuffers, readonly
from .chars import ALPHA, BREAK, DIGIT, HAN, HANGUL, KANA, SPACE, UNSPACED, UPPER, char_table, decode
from .kernel import kernel
from .phrases import Phrases, find_phrase
from .words import ONLY_SYMBOLS, Segmentation

UPPERCASE, NUMERIC, COUNTER, ONE_WORD, PHRASE = 1, 2, 3, 4, 5
"""Why a piece was cut. All but `PHRASE` take the whole line."""

SHORT_LINE_WORDS = 10
"""Words: a phrase such as "Read more..." is looked for in lines of this length or less."""


@dataclass(frozen=True, slots=True)
class FlaggedLines:
    """The texts that stay, the words in the lines that were touched, and for each piece cut its document, reason, span."""

    texts: pa.LargeStringArray
    flagged_words: NDArray[np.int64]
    rows: NDArray[np.int64]
    reasons: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


@kernel
def _is_scale(byte: Any) -> bool:
    c = byte | 0x20
    return bool(c == 107 or c == 109 or c == 98)  # k m b


@kernel
def _number_end(data: Any, i: Any, b: Any, table: Any) -> Any:
    """Where a number that starts at byte `i` ends (3  3,000  5.1M  1.2万), or `i` if there is none."""
    j = i
    while j < b and (48 <= data[j] <= 57 or (j > i and (data[j] == 0x2C or data[j] == 0x2E))):
        j += 1
    if j == i:
        return i
    if j < b and _is_scale(data[j]) and (j + 1 == b or not table[data[j + 1]] & ALPHA):
        return j + 1
    if j + 3 <= b and data[j] >= 0xE4:
        cp, size = decode(data, j)
        if cp == 0x4E07 or cp == 0x842C or cp == 0x5343 or cp == 0x4EBF or cp == 0x5104:  # 万 萬 千 亿 億
            return j + size
    if j < b and data[j] == 0x2B:
        return j + 1
    return j


@kernel
def _skip_marks(data: Any, i: Any, b: Any, table: Any) -> Any:
    """Past white space, marks and the counting words 个 條 条 次 人 from byte `i`."""
    while i < b:
        cp, size = decode(data, i)
        f = table[cp]
        if f & (ALPHA | DIGIT) and not (
            cp == 0x4E2A or cp == 0x500B or cp == 0x6761 or cp == 0x689D or cp == 0x6B21 or cp == 0x4EBA or cp == 0x7BC7
        ):
            break
        i += size
    return i


@kernel
def _is_counter(data: Any, a: Any, b: Any, table: Any, words: Any, offsets: Any, heads: Any) -> bool:
    """Whether the line is numbers and names of what they count, in turn: "3 likes", "阅读 120 评论 3"."""
    i = _skip_marks(data, a, b, table)
    numbers = 0
    names = 0
    while i < b:
        j = _number_end(data, i, b, table)
        if j > i:
            numbers += 1
        else:
            n = find_phrase(data, i, a, b, table, words, offsets, heads, True)
            if n == 0:
                return False
            names += 1
            j = i + n
        i = _skip_marks(data, j, b, table)
    return numbers > 0 and names > 0


@kernel
def _ends_in_han(data: Any, end: Any, table: Any) -> bool:
    """Whether a Han character ends before byte `end`: what a Chinese phrase leaves of its line is no words."""
    return bool(data[end - 1] >= 0x80 and table[decode(data, end - 3)[0]] & HAN)


@kernel
def _flag_lines(
    data: Any,
    offsets: Any,
    table: Any,
    word_starts: Any,
    word_flags: Any,
    word_rows: Any,
    max_upper: float,
    numeric: bool,
    one_word: bool,
    counters: Any,
    counter_offsets: Any,
    counter_heads: Any,
    first: Any,
    first_offsets: Any,
    first_heads: Any,
    last: Any,
    last_offsets: Any,
    last_heads: Any,
    inside: Any,
    inside_offsets: Any,
    inside_heads: Any,
    out: Any,
    out_offsets: Any,
    flagged: Any,
    cut_rows: Any,
    cut_reasons: Any,
    cut_starts: Any,
    cut_ends: Any,
) -> Any:
    cuts = 0
    o = 0
    for d in range(len(offsets) - 1):
        i = offsets[d]
        end = offsets[d + 1]
        copied = i  # the bytes before it are in `out`, or cut
        w = word_rows[d]
        while i < end:
            line = i
            a = np.int64(-1)
            b = i
            chars = upper = letters = digits = 0
            while i < end:
                cp, size = decode(data, i)
                f = table[cp]
                i += size
                if f & BREAK:
                    if cp == 13 and i < end and data[i] == 10:
                        i += 1
                    break
                if f & SPACE:
                    if a >= 0:
                        chars += 1
                    continue
                if a < 0:
                    a = i - size
                b = i
                chars += 1
                upper += f & UPPER != 0
                letters += f & (ALPHA | HAN | KANA | HANGUL | UNSPACED) != 0
                digits += f & DIGIT != 0
            if a < 0:
                continue
            words = np.int64(0)
            while w < word_rows[d + 1] and word_starts[w] < b:
                if not word_flags[w] & ONLY_SYMBOLS:
                    words += 1
                w += 1
            reason = 0
            lo, hi = a, b
            if max_upper >= 0 and upper > max_upper * chars:
                reason = UPPERCASE
            elif numeric and digits and not letters:
                reason = NUMERIC
            elif (
                len(counter_offsets) > 1
                and digits
                and _is_counter(data, a, b, table, counters, counter_offsets, counter_heads)
            ):
                reason = COUNTER
            elif one_word and words <= 1:
                reason = ONE_WORD
            elif words <= SHORT_LINE_WORDS:
                n = find_phrase(data, a, a, b, table, first, first_offsets, first_heads, True)
                if n:
                    reason = PHRASE
                    hi = b if _ends_in_han(data, a + n, table) else a + n
                j = a
                while j < b and reason == 0:
                    n = find_phrase(data, j, a, b, table, inside, inside_offsets, inside_heads, True)
                    if n and _ends_in_han(data, j + n, table):
                        reason = PHRASE
                        break
                    if n == 0:
                        n = find_phrase(data, j, a, b, table, last, last_offsets, last_heads, True)
                        k = j + n
                        while n and k < b:  # only dots and arrows may follow
                            cp, size = decode(data, k)
                            if table[cp] & (ALPHA | DIGIT | HAN):
                                n = 0
                            k += size
                        if n:
                            n = b - j
                    if n:
                        reason = PHRASE
                        lo = j
                        hi = j + n
                    j += 1
            if reason == 0:
                continue
            flagged[d] += words
            cut_rows[cuts] = d
            cut_reasons[cuts] = reason
            cut_starts[cuts] = lo
            cut_ends[cuts] = hi
            cuts += 1
            whole = lo == a and hi == b
            stop = line if whole else lo
            out[o : o + stop - copied] = data[copied:stop]
            o += stop - copied
            copied = i if whole else hi
            if not whole and lo == a:  # white space that stood after the phrase
                while copied < b and table[decode(data, copied)[0]] & SPACE:
                    copied += decode(data, copied)[1]
        out[o : o + end - copied] = data[copied:end]
        o += end - copied
        out_offsets[d + 1] = o
    return cuts


def flag_lines(
    texts: TextBuffers,
    words: Segmentation,
    max_upper: float | None,
    numeric: bool,
    one_word: bool,
    counters: Phrases,
    first: Phrases,
    last: Phrases,
    inside: Phrases,
) -> FlaggedLines:
    """Takes out the lines that break a rule, and from short ones the phrases at their start, end, or anywhere."""
    size = int(texts.offsets[-1] - texts.offsets[0])
    out = np.empty(size + 1, np.uint8)
    out_offsets = np.zeros(len(texts) + 1, np.int64)
    flagged = np.zeros(len(texts), np.int64)
    room = size + 1
    found = tuple(np.empty(room, np.int64) for _ in range(4))
    cuts = _flag_lines(
        texts.data,
        texts.offsets,
        char_table(),
        words.starts,
        words.flags,
        words.rows,
        -1.0 if max_upper is None else float(max_upper),
        numeric,
        one_word,
        *(array for p in (counters, first, last, inside) for array in (p.data, p.offsets, p.heads)),
        out,
        out_offsets,
        flagged,
        *found,
    )
    kept = pa.LargeStringArray.from_buffers(
        len(texts), pa.py_buffer(out_offsets), pa.py_buffer(out[: int(out_offsets[-1])].copy())
    )
    return FlaggedLines(kept, flagged, *(readonly(a[:cuts].copy()) for a in found))
