"""One line of a text: where it ends, what stands in it, how it begins and ends; eight bytes at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .chars import BREAK, CLOSER, SPACE, decode
from .kernel import part
from .wide import HIGHS, ONES, below, byte_at, equal, load8, lowest

_BLANKS = np.uint64(0x20) * ONES
_DOTS = np.uint64(0x2E) * ONES
_BRACKETS = np.uint64(0x5B) * ONES


@part
def before(data: Any, i: Any) -> Any:
    """Where the character that ends before byte `i` starts."""
    i -= 1
    while byte_at(data, i) & 0xC0 == 0x80:
        i -= 1
    return i


@part
def first_mark(data: Any, i: Any, end: Any, table: Any) -> Any:
    """The first byte from `i` on that is not white space within a line: its first mark, its line end, or `end`."""
    while i < end:
        cp, size = decode(data, i)
        f = table[cp]
        if not f & SPACE or f & BREAK:
            break
        i += size
    return i


@part
def scan_line(data: Any, i: Any, end: Any) -> Any:
    """Of the line from byte `i` on: (its end, where the next one starts, its bytes that start no character, its
    ellipses, whether it holds one of the marks 。！？, whether it holds a left bracket)."""
    more = 0
    ellipses = 0
    holds_end = bracket = False
    while i < end:
        if i + 8 <= end:
            eight = load8(data, i)
            found = below(eight, _BLANKS) | equal(eight, _DOTS) | equal(eight, _BRACKETS) | (eight & HIGHS)
            if found == np.uint64(0):
                i += 8
                continue
            i += lowest(found)
        b = byte_at(data, i)
        if b < 0x80:
            if b == 0x2E:
                n = 1
                while i + n < end and byte_at(data, i + n) == 0x2E:
                    n += 1
                if n >= 3:
                    ellipses += 1
                i += n
                continue
            if b < 0x20 and (10 <= b <= 13 or 28 <= b <= 30):
                stop = i
                i += 1
                if b == 13 and i < end and byte_at(data, i) == 10:
                    i += 1
                return stop, i, more, ellipses, holds_end, bracket
            if b == 0x5B:
                bracket = True
            i += 1
            continue
        while 0xE4 <= b <= 0xEE:
            more += 2
            i += 3
            if i >= end:
                break
            b = byte_at(data, i)
        if i >= end or b < 0x80:
            continue
        if b < 0xE0:
            if b == 0xC2 and byte_at(data, i + 1) == 0x85:
                return i, i + 2, more, ellipses, holds_end, bracket
            more += 1
            i += 2
        elif b < 0xF0:
            c = byte_at(data, i + 1)
            e = byte_at(data, i + 2)
            if b == 0xE2 and c == 0x80:
                if e == 0xA8 or e == 0xA9:
                    return i, i + 3, more, ellipses, holds_end, bracket
                if e == 0xA6:
                    ellipses += 1
                    while (
                        i + 6 <= end
                        and byte_at(data, i + 3) == 0xE2
                        and byte_at(data, i + 4) == 0x80
                        and byte_at(data, i + 5) == 0xA6
                    ):
                        more += 2
                        i += 3
            elif (b == 0xE3 and c == 0x80 and e == 0x82) or (b == 0xEF and c == 0xBC and (e == 0x81 or e == 0x9F)):
                holds_end = True
            more += 2
            i += 3
        else:
            more += 3
            i += 4
    return end, end, more, ellipses, holds_end, bracket


@part
def last_mark(data: Any, a: Any, end: Any, table: Any) -> Any:
    """(where the last character of [a, end) ends that is not white space, the bytes after it that start none);
    there must be such a character."""
    more = 0
    while True:
        i = before(data, end)
        if not table[decode(data, i)[0]] & SPACE:
            return end, more
        more += end - i - 1
        end = i


@part
def line_close(data: Any, a: Any, b: Any, table: Any) -> Any:
    """How the line [a, b), white space around it taken off, ends: (its last character, the one before that, the last one
    that closes no quotation or bracket, the one before that, the full stops at the end). White space does not count; 0
    where there is no such character."""
    i = before(data, b)
    last: Any = decode(data, i)[0]
    dots = 0
    while b - dots > a and byte_at(data, b - dots - 1) == 0x2E:
        dots += 1
    before_last: Any = 0
    core: Any = 0
    before_core: Any = 0
    cp: Any = last
    found = False
    while True:
        f = table[cp]
        if not f & SPACE:
            if found:
                before_core = cp
                break
            if not f & CLOSER:
                core = cp
                found = True
        if i <= a:
            break
        i = before(data, i)
        cp = decode(data, i)[0]
    i = before(data, b)
    while i > a:
        i = before(data, i)
        cp = decode(data, i)[0]
        if not table[cp] & SPACE:
            before_last = cp
            break
    return last, before_last, core, before_core, dots
