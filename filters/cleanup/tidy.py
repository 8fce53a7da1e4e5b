"""Control characters, spaces, full-width letters and repeated punctuation, repaired in one compiled pass over UTF-8.

Every rule looks at what has been written and not at what was read (a blank run that a removed character leaves is one
run), so that the text that comes out needs the same pass no more. tests/filters/cleanup_reference.py says the same in
regular expressions, slowly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..text.buffers import TextBuffers
from ..text.kernel import kernel, part
from .scan import CONTROL, PUNCTUATION, SPACE, WIDTH

KINDS = (CONTROL, SPACE, WIDTH, PUNCTUATION)
"""The columns of `tidy`'s counts."""


def tidy(
    texts: pa.LargeStringArray, signs: int, max_blank_lines: int, max_punctuation: int
) -> tuple[pa.LargeStringArray, NDArray[np.int64]]:
    """The texts with the repairs in `signs` done, and the characters that each kind of repair changed in each."""
    buffers = TextBuffers.of(texts)
    start = int(buffers.offsets[0])
    data = np.empty(int(buffers.offsets[-1]) - start, dtype=np.uint8)
    offsets = np.zeros(len(buffers) + 1, dtype=np.int64)
    counts = np.zeros((len(buffers), len(KINDS)), dtype=np.int64)
    _tidy(buffers.data, buffers.offsets, signs, max_blank_lines, max_punctuation, data, offsets, counts)
    made: Any = pa.LargeStringArray.from_buffers(len(buffers), pa.py_buffer(offsets), pa.py_buffer(data))
    return made, counts


@part
def _point(data, i):  # type: ignore[no-untyped-def]
    """The code point at `i`."""
    byte = np.int64(data[i])
    if byte < 0x80:
        return byte
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | np.int64(data[i + 1] & 0x3F)
    if byte < 0xF0:
        return (byte & 0x0F) << 12 | np.int64(data[i + 1] & 0x3F) << 6 | np.int64(data[i + 2] & 0x3F)
    return (
        (byte & 0x07) << 18
        | np.int64(data[i + 1] & 0x3F) << 12
        | np.int64(data[i + 2] & 0x3F) << 6
        | np.int64(data[i + 3] & 0x3F)
    )


@part
def _size(byte):  # type: ignore[no-untyped-def]
    return 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4


@part
def _plain(c):  # type: ignore[no-untyped-def]
    """Latin, Han, kana, CJK punctuation and the like: next to these a joiner joins nothing."""
    return (
        c < 0x300
        or 0x2000 <= c <= 0x200B
        or 0x2010 <= c <= 0x206F
        or 0x3000 <= c <= 0x30FF
        or 0x3400 <= c <= 0x9FFF
        or 0xFF00 <= c <= 0xFFEF
    )


@part
def _is_removed(c):  # type: ignore[no-untyped-def]
    """Controls, soft hyphen, zero-width space, word joiner, byte order marks."""
    return (
        c <= 0x08
        or 0x0E <= c <= 0x1F
        or 0x7F <= c <= 0x84
        or 0x86 <= c <= 0x9F
        or c == 0xAD
        or c == 0x200B
        or c == 0x2060
        or c == 0xFEFF
        or c == 0xFFFE
        or c == 0xFFFF
    )


@part
def _is_bidi(c):  # type: ignore[no-untyped-def]
    return c == 0x200E or c == 0x200F or 0x202A <= c <= 0x202E or 0x2066 <= c <= 0x2069


@part
def _is_repeatable(c):  # type: ignore[no-untyped-def]
    return (
        c == 0x21 or c == 0x3F or c == 0x3001 or c == 0x3002
        or c == 0xFF01 or c == 0xFF0C or c == 0xFF1B or c == 0xFF1F or c == 0xFF5E
    )  # fmt: skip


@part
def _has_right_to_left(data, start, end):  # type: ignore[no-untyped-def]
    i = start
    while i < end:
        if data[i] >= 0xD6:
            c = _point(data, i)
            if 0x590 <= c <= 0x8FF or 0xFB1D <= c <= 0xFDFF or 0xFE70 <= c <= 0xFEFC:
                return True
        i += _size(data[i])
    return False


@part
def _escape_end(data, i, end):  # type: ignore[no-untyped-def]
    """Where a terminal's escape sequence that begins at `i` ends; `i` if none does."""
    if i + 2 >= end or data[i + 1] != 0x5B:
        return i
    at = i + 2
    while at < end and (0x30 <= data[at] <= 0x39 or data[at] == 0x3B or data[at] == 0x3F):
        at += 1
    return at + 1 if at < end and 0x41 <= (data[at] & 0xDF) <= 0x5A else i


@part
def _joins_nothing(data, i, end, before):  # type: ignore[no-untyped-def]
    """Whether the joiner at `i` stands at an end of a line or beside a script that has no use for it."""
    if before < 0 or before == 0x0A or _plain(before):
        return True
    i += 3
    while i < end:
        c = _point(data, i)
        if c != 0x200C and c != 0x200D and not _is_removed(c):
            return _plain(c) or c == 0x2028 or c == 0x2029
        i += _size(data[i])
    return True


@part
def _without_blanks(out, line, o):  # type: ignore[no-untyped-def]
    """The end of a line without the blanks and tabs at its end."""
    while o > line:
        if out[o - 1] == 0x20 or out[o - 1] == 0x09:
            o -= 1
        elif o - line >= 2 and out[o - 2] == 0xC2 and out[o - 1] == 0xA0:
            o -= 2
        elif o - line >= 3 and out[o - 3] == 0xE3 and out[o - 2] == 0x80 and out[o - 1] == 0x80:
            o -= 3
        else:
            break
    return o


@kernel
def _tidy(data, offsets, signs, max_blank_lines, max_punctuation, out, out_offsets, counts):  # type: ignore[no-untyped-def]
    control, space = (signs & CONTROL) != 0, (signs & SPACE) != 0
    width, punctuation = (signs & WIDTH) != 0, (signs & PUNCTUATION) != 0
    o = np.int64(0)
    for row in range(len(offsets) - 1):
        begin = o  # of the document, in the output
        line = o  # of the line
        indent, wide = True, False  # only blanks since the line began; an ideographic one among them
        pending, first = 0, np.int64(0)  # blanks read in the line and not yet written; the first of them
        lines = 0  # line ends in a row
        before, run = np.int64(-1), 0  # the character before, and how many times in a row
        right_to_left = -1
        n_control = n_space = n_width = n_punctuation = 0
        i, end = offsets[row], offsets[row + 1]
        while i <= end:
            size = 1
            if i == end:
                if not space:
                    break
                c = np.int64(0x0A)  # what is cut at a line's end is cut at the text's
            else:
                byte = data[i]
                if pending == 0 and not indent:
                    # Most of any text, which no rule is about: half of the time went into asking.
                    if 0x20 < byte < 0x7F and byte != 0x21 and byte != 0x3F:
                        out[o] = byte
                        o += 1
                        before, run = np.int64(byte), 1
                        i += 1
                        continue
                    if 0xE4 <= byte <= 0xE9:  # U+4000 to U+9FFF
                        out[o], out[o + 1], out[o + 2] = byte, data[i + 1], data[i + 2]
                        o += 3
                        before, run = np.int64(0x4E00), 1
                        i += 3
                        continue
                size = _size(byte)
                c = np.int64(byte) if byte < 0x80 else _point(data, i)
            if control and (c < 0x20 or 0x7F <= c < 0xAE or 0x200B <= c <= 0x2069 or c >= 0xFEFF) and i < end:
                drop = False
                if c == 0x1B and _escape_end(data, i, end) > i:
                    drop, size = True, _escape_end(data, i, end) - i
                elif c == 0x0B or c == 0x0C or c == 0x85 or c == 0x2028 or c == 0x2029:
                    n_control += 1
                    c = np.int64(0x0A)
                elif _is_removed(c):
                    drop = True
                elif c == 0x200C or c == 0x200D:
                    drop = _joins_nothing(data, i, end, before)
                elif _is_bidi(c):
                    if right_to_left < 0:
                        right_to_left = 1 if _has_right_to_left(data, offsets[row], end) else 0
                    drop = right_to_left == 0
                if drop:
                    n_control += 1
                    i += size
                    continue
            if space and c == 0x0D:
                n_space += 1
                if i + 1 < end and data[i + 1] == 0x0A:
                    i += 1
                    continue
                c = np.int64(0x0A)
            if c == 0x0A:
                if space:
                    kept = _without_blanks(out, line, o)
                    n_space += (o - kept) + pending
                    o, pending = kept, 0
                if i == end:
                    break
                if space and (o == begin or lines > max_blank_lines):
                    n_space += 1
                else:
                    out[o] = 0x0A
                    o += 1
                    lines += 1
                line, indent, wide = o, True, False
                before, run = c, 1
                i += size
                continue
            blank = c == 0x20 or c == 0xA0 or c == 0x3000
            if space and blank and not indent:
                if pending == 0:
                    first = c
                pending += 1
                before = c
                i += size
                continue
            if pending:
                if pending > 1 or first == 0xA0:
                    n_space += 1
                    first = np.int64(0x20)
                elif first == 0x3000 and width:
                    n_width += 1
                    first = np.int64(0x20)
                if first == 0x20:
                    out[o] = 0x20
                    o += 1
                else:
                    out[o], out[o + 1], out[o + 2] = 0xE3, 0x80, 0x80
                    o += 3
                pending = 0
            if indent:
                if c == 0x3000:
                    wide = True
                elif not (blank or c == 0x09):
                    indent = False
                    if wide and space:
                        # An indent with an ideographic space is a paragraph's, and goes; one of plain spaces is code's.
                        n_space += 1
                        o = line
                    lines = 0
            if width:
                if c == 0x3000 and not (space and indent):
                    n_width += 1
                    c = np.int64(0x20)
                elif 0xFF10 <= c <= 0xFF19 or 0xFF21 <= c <= 0xFF3A or 0xFF41 <= c <= 0xFF5A:
                    n_width += 1
                    c -= 0xFEE0
            if c == before:
                run += 1
                if punctuation and run > max_punctuation and _is_repeatable(c):
                    n_punctuation += 1
                    i += size
                    continue
            else:
                run = 1
            if c < 0x80:
                out[o] = c
                o += 1
            else:
                for k in range(size):
                    out[o + k] = data[i + k]
                o += size
            before = c
            i += size
        if space:
            while o > begin and out[o - 1] == 0x0A:
                n_space += 1
                o -= 1
        out_offsets[row + 1] = o
        counts[row, 0], counts[row, 1] = n_control, n_space
        counts[row, 2], counts[row, 3] = n_width, n_punctuation
