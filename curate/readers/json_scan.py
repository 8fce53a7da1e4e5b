"""A kernel that takes the text and the id out of lines of JSON, without a Python object a line.

It knows the JSON that nearly all corpora are made of, and stops at the first line that is anything else: the line is
then read with care. So what it takes must be exact, and what it leaves need not be wrong. Members other than text and
id are copied as they stand; whoever uses them checks them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...filters.text.kernel import kernel, part
from ...filters.text.wide import ONES, below, byte_at, equal, load8, lowest, store8

ROOM = 16
"""Bytes beyond the data that `scan` may read, and beyond what they hold that it may write."""

_QUOTES = np.uint64(0x22) * ONES
_BACKSLASHES = np.uint64(0x5C) * ONES
_CONTROLS = np.uint64(0x20) * ONES
_FAILED = -1


@kernel
def scan(
    data: Any,
    at: int,
    end: int,
    text_key: Any,
    id_key: Any,
    texts: Any,
    text_ends: Any,
    ids: Any,
    id_ends: Any,
    rest: Any,
    rest_ends: Any,
    starts: Any,
) -> tuple[int, int]:
    """Reads the lines of data[at:end], the last of which may lack its newline; blank ones are passed over.

    Line k begins at `starts[k]`; its text, decoded, ends at `text_ends[k]` of `texts`, its id likewise (of no bytes where
    it has none), and the object of its other members in `rest` (likewise). An empty `id_key` asks for no ids.

    Returns how many lines were read, and where the first one begins that was not: `end` if there is none.
    """
    rows = 0
    text_to = id_to = rest_to = 0
    limit = len(starts)
    while at < end and rows < limit:
        first = at
        at = _blank(data, at, end)
        if at >= end:
            break
        if byte_at(data, at) == 0x0A:
            at += 1
            continue
        line_text, line_id, line_rest, after = _line(
            data, at, end, text_key, id_key, texts, text_to, ids, id_to, rest, rest_to
        )
        if after == _FAILED:
            return rows, first
        text_to, id_to, rest_to, at = line_text, line_id, line_rest, after
        starts[rows] = first
        text_ends[rows] = text_to
        id_ends[rows] = id_to
        rest_ends[rows] = rest_to
        rows += 1
    return rows, at


@part
def _blank(data: Any, i: int, end: int) -> int:
    while i < end and (byte_at(data, i) == 0x20 or byte_at(data, i) == 0x09 or byte_at(data, i) == 0x0D):
        i += 1
    return i


@part
def _line(
    data: Any, i: int, end: int, text_key: Any, id_key: Any, texts: Any, t: int, ids: Any, n: int, rest: Any, r: int
) -> tuple[int, int, int, int]:
    """The object at `i`: where its text, id and rest end in their arrays, and where the next line begins."""
    failed = (t, n, r, _FAILED)
    if byte_at(data, i) != 0x7B:
        return failed
    i = _blank(data, i + 1, end)
    has_text = has_id = False
    rest_from = r
    while True:
        if i >= end or byte_at(data, i) != 0x22:
            return failed
        key = i
        i = _plain_string(data, i + 1, end)
        if i == _FAILED:
            return failed
        is_text = _same(data, key + 1, i - 1, text_key)
        is_id = _same(data, key + 1, i - 1, id_key)
        i = _blank(data, i, end)
        if i >= end or byte_at(data, i) != 0x3A:
            return failed
        i = _blank(data, i + 1, end)
        if i >= end:
            return failed
        if is_text:
            if has_text or byte_at(data, i) != 0x22:
                return failed
            has_text = True
            t, i = _string(data, i + 1, end, texts, t)
            if i == _FAILED:
                return failed
        elif is_id:
            if has_id:
                return failed
            has_id = True
            from_ = n
            if byte_at(data, i) == 0x22:
                n, i = _string(data, i + 1, end, ids, n)
                if i == _FAILED or n == from_:
                    return failed
            else:
                n, i = _whole_number(data, i, end, ids, n)
                if i == _FAILED:
                    return failed
        else:
            i = _value(data, i, end)
            if i == _FAILED:
                return failed
            rest[r] = 0x7B if r == rest_from else 0x2C
            r += 1
            for k in range(key, i):
                rest[r] = byte_at(data, k)
                r += 1
        i = _blank(data, i, end)
        if i >= end:
            return failed
        mark = byte_at(data, i)
        i = _blank(data, i + 1, end)
        if mark == 0x7D:
            break
        if mark != 0x2C:
            return failed
    if i < end:
        if byte_at(data, i) != 0x0A:
            return failed
        i += 1
    if not has_text:
        return failed
    if r > rest_from:
        rest[r] = 0x7D
        r += 1
    return t, n, r, i


@part
def _same(data: Any, start: int, stop: int, key: Any) -> bool:
    if stop - start != len(key):
        return False
    for k in range(len(key)):
        if byte_at(data, start + k) != byte_at(key, k):
            return False
    return len(key) > 0


@part
def _plain_string(data: Any, i: int, end: int) -> int:
    """Behind the closing quote of a string without escapes."""
    while i < end:
        byte = byte_at(data, i)
        if byte == 0x22:
            return i + 1
        if byte == 0x5C or byte < 0x20:
            return _FAILED
        i += 1
    return _FAILED


@part
def _value(data: Any, i: int, end: int) -> int:
    """Behind a value, which is only as right as its quotes and brackets."""
    depth = 0
    while i < end:
        byte = byte_at(data, i)
        if byte == 0x22:
            i += 1
            while i < end and byte_at(data, i) != 0x22:
                if byte_at(data, i) < 0x20:
                    return _FAILED
                i += 2 if byte_at(data, i) == 0x5C else 1
            if i >= end:
                return _FAILED
        elif byte == 0x7B or byte == 0x5B:
            depth += 1
        elif byte == 0x7D or byte == 0x5D:
            if depth == 0:
                return i
            depth -= 1
        elif byte == 0x2C and depth == 0:
            return i
        elif byte == 0x0A:
            return _FAILED
        i += 1
    return _FAILED


@part
def _whole_number(data: Any, i: int, end: int, ids: Any, n: int) -> tuple[int, int]:
    """Copies a number that is written as Python would write it: up to 18 digits, no sign, no zero before others."""
    first = i
    while i < end and 0x30 <= byte_at(data, i) <= 0x39:
        ids[n] = byte_at(data, i)
        n += 1
        i += 1
    after = byte_at(data, i) if i < end else np.uint8(0)
    if not 1 <= i - first <= 18 or (byte_at(data, first) == 0x30 and i - first > 1):
        return n, _FAILED
    if after != 0x2C and after != 0x7D and after != 0x20:
        return n, _FAILED
    return n, i


@part
def _string(data: Any, i: int, end: int, out: Any, o: int) -> tuple[int, int]:
    """Decodes a string to `out` from `o` on; where it ends there, and where behind its closing quote."""
    while i < end:
        eight = load8(data, i)
        store8(out, o, eight)
        n = lowest(equal(eight, _QUOTES) | equal(eight, _BACKSLASHES) | below(eight, _CONTROLS))
        i += n
        o += n
        if n == 8:
            continue
        if i >= end:
            break
        byte = byte_at(data, i)
        if byte == 0x22:
            return o, i + 1
        if byte != 0x5C or i + 1 >= end:
            return o, _FAILED
        byte = byte_at(data, i + 1)
        i += 2
        if byte == 0x6E:
            out[o] = 0x0A
        elif byte == 0x22 or byte == 0x5C or byte == 0x2F:
            out[o] = byte
        elif byte == 0x74:
            out[o] = 0x09
        elif byte == 0x72:
            out[o] = 0x0D
        elif byte == 0x75:
            o, i = _escaped(data, i, end, out, o)
            if i == _FAILED:
                return o, i
            continue
        else:  # \b and \f are control characters: too many of them and the text is none
            return o, _FAILED
        o += 1
    return o, _FAILED


@part
def _escaped(data: Any, i: int, end: int, out: Any, o: int) -> tuple[int, int]:
    """Decodes what follows `\\u`, and a second half where one belongs; control characters and lone halves fail."""
    cp = _hex(data, i, end)
    i += 4
    if cp < 0x20 or 0x7F <= cp < 0xA0 or 0xDC00 <= cp < 0xE000:
        return o, _FAILED
    if 0xD800 <= cp < 0xDC00:
        if i + 2 > end or byte_at(data, i) != 0x5C or byte_at(data, i + 1) != 0x75:
            return o, _FAILED
        low = _hex(data, i + 2, end)
        i += 6
        if not 0xDC00 <= low < 0xE000:
            return o, _FAILED
        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00)
    if cp < 0x80:
        out[o] = cp
        return o + 1, i
    if cp < 0x800:
        out[o] = 0xC0 | (cp >> 6)
        out[o + 1] = 0x80 | (cp & 0x3F)
        return o + 2, i
    if cp < 0x10000:
        out[o] = 0xE0 | (cp >> 12)
        out[o + 1] = 0x80 | ((cp >> 6) & 0x3F)
        out[o + 2] = 0x80 | (cp & 0x3F)
        return o + 3, i
    out[o] = 0xF0 | (cp >> 18)
    out[o + 1] = 0x80 | ((cp >> 12) & 0x3F)
    out[o + 2] = 0x80 | ((cp >> 6) & 0x3F)
    out[o + 3] = 0x80 | (cp & 0x3F)
    return o + 4, i


@part
def _hex(data: Any, i: int, end: int) -> Any:
    """The number of four hexadecimal digits; -1 where they are none."""
    if i + 4 > end:
        return -1
    value: Any = 0
    for k in range(4):
        byte = np.int64(byte_at(data, i + k))
        if 0x30 <= byte <= 0x39:
            digit = byte - 0x30
        elif 0x41 <= (byte & 0xDF) <= 0x46:
            digit = (byte & 0xDF) - 0x37
        else:
            return -1
        value = value << 4 | digit
    return value
