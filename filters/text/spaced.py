"""Words of scripts that part them by spaces: the cuts of spaCy's English tokenizer, which the reference filters count by.

White space parts chunks. From a chunk, opening marks are taken off its start and closing marks off its end, one by one,
until it is one of the listed chunks (clitics, abbreviations, faces: filters/data/en_cuts.tsv), or nothing comes off. What is
left is one word if it is an address; else it is cut at hyphens, slashes and the like between letters. A mark inside a
chunk that is none of these stays: `go](http`, `Wolfram|Alpha`, `br><br` are words to spaCy, and so to us.

The rules are those of spaCy 3.8 (MIT; lang/punctuation.py, lang/char_classes.py, lang/en), the code is ours.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .buffers import readonly
from .chars import ALPHA, LOWER, UPPER, decode
from .kernel import part
from .wide import byte_at

PREFIX = 1
"""Comes off the start of a chunk."""
SUFFIX = 2
"""Comes off its end."""
CURRENCY = 4
"""Comes off its end after a digit."""
QUOTE = 8
ICON = 16
"""A picture: comes off at both ends and inside."""
BEFORE_STOP = 32
"""A full stop comes off after it."""

_PUNCT = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
_QUOTES = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉⟦⟧"
_CURRENCY = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₵₶₷₸₹₺₻₼₾₿"

UNITS = (
    "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa "
    "mbar mb MB kb KB gb GB tb TB T G M K %"
)
"""Units that part from the number before them: 5km, 256GB."""

MAX_LISTED = 40
"""Bytes of the longest chunk that is looked up."""
MAX_SUFFIXES = 1024


@dataclass(frozen=True, slots=True)
class CutList:
    """Chunks that are cut as listed, as an open-addressing table: their hashes, and where their tokens end."""

    keys: NDArray[np.uint64]
    cuts: NDArray[np.uint64]
    """A bit for each character (an apostrophe is one) after which the chunk is cut; bit 63 marks a slot that is taken."""
    lengths: NDArray[np.uint64]
    """uint64[65536]: by a chunk's first and last byte, a bit for each length in bytes that a listed one has. Few chunks
    pass, and the others need not be hashed."""


_BASIS = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_TAKEN = np.uint64(1 << 63)


@part
def hash_chunk(data: Any, a: Any, b: Any) -> Any:
    """FNV-1a of a chunk, curly apostrophes read as straight ones."""
    h = _BASIS
    i = a
    while i < b:
        byte = np.uint64(byte_at(data, i))
        if (
            byte == 0xE2
            and i + 2 < b
            and byte_at(data, i + 1) == 0x80
            and (byte_at(data, i + 2) == 0x99 or byte_at(data, i + 2) == 0x98)
        ):
            byte = np.uint64(0x27)
            i += 2
        h = (h ^ byte) * _PRIME
        i += 1
    return h ^ (h >> np.uint64(29))


@part
def _listed(data: Any, a: Any, b: Any, keys: Any, cuts: Any, lengths: Any) -> Any:
    """The cuts of the chunk [a, b) if it is listed, else 0."""
    if b - a > MAX_LISTED or b <= a:
        return np.uint64(0)
    ends = np.int64(byte_at(data, a)) << 8 | np.int64(byte_at(data, b - 1))
    if not (lengths[ends] >> np.uint64(b - a)) & np.uint64(1):
        return np.uint64(0)
    h = hash_chunk(data, a, b)
    mask = len(keys) - 1
    slot = np.int64(h & np.uint64(mask))
    while cuts[slot] != np.uint64(0):
        if keys[slot] == h:
            return cuts[slot]
        slot = (slot + 1) & mask
    return np.uint64(0)


@part
def _before(data: Any, i: Any) -> Any:
    """Where the character that ends before byte `i` starts."""
    i -= 1
    while byte_at(data, i) & 0xC0 == 0x80:
        i -= 1
    return i


@part
def _is_digit(byte: Any) -> bool:
    return bool(48 <= byte <= 57)


@part
def _dots(data: Any, a: Any, b: Any) -> Any:
    """How many full stops start at byte `a`."""
    n = 0
    while a + n < b and byte_at(data, a + n) == 0x2E:
        n += 1
    return n


@part
def _prefix(data: Any, a: Any, b: Any, table: Any, marks: Any) -> Any:
    """The bytes that come off the start of [a, b)."""
    byte = byte_at(data, a)
    if byte < 0x80:
        if byte == 0x2E:
            n = _dots(data, a, b)
            return n if n > 1 else 0
        if byte == 0x2B:
            return 0 if a + 1 < b and _is_digit(byte_at(data, a + 1)) else 1
        if marks[byte] & PREFIX:
            return 1
        if (byte == 0x43 or byte == 0x41) and a + 1 < b and byte_at(data, a + 1) == 0x24:  # C$ A$
            return 2
        if byte == 0x55 and a + 2 < b and byte_at(data, a + 1) == 0x53 and byte_at(data, a + 2) == 0x24:  # US$
            return 3
        return 0
    cp, size = decode(data, a)
    if not marks[cp] & PREFIX:
        return 0
    while marks[cp] & ICON and a + size < b:  # joiners and variation selectors go with the picture before them
        d, s = decode(data, a + size)
        if table[d] != 0:
            break
        size += s
    return size


@part
def _stop_comes_off(data: Any, a: Any, p: Any, table: Any, marks: Any) -> bool:
    """Whether the full stop at byte `p`, the last of [a, p], comes off."""
    if p == a:
        return False
    q = _before(data, p)
    c, _ = decode(data, q)
    if c < 0x80 and _is_digit(c):
        return True
    f = table[c]
    if f & LOWER or marks[c] & BEFORE_STOP:
        return True
    if f & ALPHA and not f & UPPER:
        return True  # a letter without case (ours: spaCy leaves the stop on a Korean word)
    if q == a:
        return False
    d, _ = decode(data, _before(data, q))
    if d == 0xB0 and (c == 0x46 or c == 0x43 or c == 0x4B):
        return True
    return bool(f & UPPER and table[d] & UPPER)


@part
def _suffix(data: Any, a: Any, b: Any, table: Any, marks: Any, units: Any) -> Any:
    """The bytes that come off the end of [a, b)."""
    if a >= b:
        return 0
    p = _before(data, b)
    c, size = decode(data, p)
    if c == 0x2E:
        n = 1
        while b - n > a and byte_at(data, b - n - 1) == 0x2E:
            n += 1
        if n > 1:
            return n
        return 1 if _stop_comes_off(data, a, p, table, marks) else 0
    m = marks[c]
    if m & SUFFIX:
        if c == 0x2026 and p - 3 >= a and decode(data, _before(data, p))[0] == 0x2026:
            return 6
        return size
    if p == a:
        return 0
    q = _before(data, p)
    d, s = decode(data, q)
    if (c == 0x73 or c == 0x53) and (d == 0x27 or d == 0x2019):  # 's
        return size + s
    if c == 0x2B:
        return 1 if _is_digit(byte_at(data, p - 1)) else 0
    if m & CURRENCY:
        if _is_digit(byte_at(data, p - 1)):
            return size
        if (
            c == 0x24 and d == 0x53 and q - 2 >= a and byte_at(data, q - 1) == 0x55 and _is_digit(byte_at(data, q - 2))
        ):  # 5US$
            return 3
        if c == 0x24 and (d == 0x43 or d == 0x41) and q - 1 >= a and _is_digit(byte_at(data, q - 1)):
            return 2
        return 0
    j = b
    while j > a and b - j <= 4 and not _is_digit(byte_at(data, j - 1)):
        j -= 1
    if j < b and j > a and _is_digit(byte_at(data, j - 1)):
        h = hash_chunk(data, j, b)
        for u in range(len(units)):
            if units[u] == h:
                return b - j
    return 0


@part
def _host(data: Any, a: Any, b: Any, table: Any) -> bool:
    """Whether [a, b) is a domain with a dot and a lower-case ending, or four numbers, and then at most a port and a path."""
    i = a
    label = a
    dots = 0
    numbers = True
    letters = True  # the label so far is of lower-case letters alone
    chars = 0
    while i < b:
        c, s = decode(data, i)
        if c == 0x2E:
            if chars == 0 or byte_at(data, i - 1) == 0x2D or byte_at(data, i - 1) == 0x5F:
                return False
            dots += 1
            label = i + 1
            letters = True
            chars = 0
        elif _is_digit(c):
            letters = False
            chars += 1
        elif table[c] & ALPHA or c == 0x2D or c == 0x5F or 0xA1 <= c <= 0xFFFF:
            if chars == 0 and (c == 0x2D or c == 0x5F):
                return False
            letters = letters and table[c] & LOWER != 0
            numbers = False
            chars += 1
        else:
            break
        i += s
    if not (dots and i > label and ((letters and 2 <= chars <= 63) or (numbers and dots == 3 and chars <= 3))):
        return False
    if i < b and byte_at(data, i) == 0x3A:
        n = 0
        while i + 1 + n < b and _is_digit(byte_at(data, i + 1 + n)):
            n += 1
        if n < 2 or n > 5:
            return False
        i += n + 1
    return bool(i == b or byte_at(data, i) == 0x2F or byte_at(data, i) == 0x3F or byte_at(data, i) == 0x23)


@part
def _is_address(data: Any, a: Any, b: Any, table: Any) -> bool:
    """Whether the chunk is a web or mail address from its start to its end."""
    start = a
    dotted = False
    for i in range(a, b):
        if byte_at(data, i) == 0x2E:
            dotted = True
            break
    if not dotted:
        return False
    i = a
    while i < b:
        c = byte_at(data, i)
        word = c >= 0x80 or _is_digit(c) or 65 <= c <= 90 or 97 <= c <= 122
        if not (word or c == 0x5F or c == 0x2B or c == 0x2D or c == 0x2E):
            break
        i += 1
    if (
        i - a >= 2
        and i + 2 < b
        and byte_at(data, i) == 0x3A
        and byte_at(data, i + 1) == 0x2F
        and byte_at(data, i + 2) == 0x2F
    ):
        start = i + 3
    if start < b and _host(data, start, b, table):
        return True
    for i in range(a + 1, b - 1):  # noqa: SIM110 - numba compiles no any()
        if byte_at(data, i) == 0x40 and _host(data, i + 1, b, table):  # user@host, with whatever stands before
            return True
    return False


@part
def _infix(data: Any, i: Any, a: Any, b: Any, table: Any, marks: Any) -> Any:
    """The bytes of the mark at byte `i` that cuts the chunk [a, b), or 0."""
    byte = byte_at(data, i)
    if byte < 0x80:
        if _is_digit(byte) or 65 <= byte <= 90 or 97 <= byte <= 122:
            return 0
        n = 1
        if byte == 0x2E:
            n = _dots(data, i, b)
            if n > 1:
                return n
        elif byte == 0x2D:
            while n < 3 and i + n < b and byte_at(data, i + n) == 0x2D:
                n += 1
        if i == a or i + 1 >= b:
            return 0
        before = decode(data, _before(data, i))[0]
        digit = before < 0x80 and _is_digit(before)
        # A sign between numbers: one mark, and - may follow it.
        if byte == 0x2B or byte == 0x2A or byte == 0x5E or byte == 0x2D:
            following = byte_at(data, i + 1)
            if digit and (_is_digit(following) or following == 0x2D):
                return 1
            if byte != 0x2D:
                return 0
        if i + n >= b:
            return 0
        after = decode(data, i + n)[0]
        if byte == 0x2E:
            ended = table[before] & LOWER or marks[before] & QUOTE
            return 1 if ended and (table[after] & UPPER or marks[after] & QUOTE) else 0
        if not table[after] & ALPHA:
            return 0
        if byte == 0x2C:
            return 1 if table[before] & ALPHA else 0
        if byte == 0x2D or byte == 0x7E or byte == 0x3A or byte == 0x3C or byte == 0x3E or byte == 0x3D or byte == 0x2F:
            return n if digit or table[before] & ALPHA else 0
        return 0
    cp, size = decode(data, i)
    if cp == 0x2026 or marks[cp] & ICON:
        while marks[cp] & ICON and i + size < b:
            d, s = decode(data, i + size)
            if table[d] != 0:
                break
            size += s
        return size
    if (cp == 0x2013 or cp == 0x2014) and i > a:
        n = size
        if cp == 0x2014 and i + n < b and decode(data, i + n)[0] == cp:
            n += size
        if i + n < b:
            before = decode(data, _before(data, i))[0]
            word = table[before] & ALPHA or (before < 0x80 and _is_digit(before))
            if word and table[decode(data, i + n)[0]] & ALPHA:
                return n
    return 0


@part
def cut_chunk(
    data: Any,
    a: Any,
    b: Any,
    table: Any,
    marks: Any,
    units: Any,
    keys: Any,
    cuts: Any,
    lengths: Any,
    stack: Any,
    starts: Any,
    ends: Any,
    k: Any,
) -> Any:
    """Writes the tokens of the chunk [a, b) to `starts` and `ends` from `k` on, and returns the next `k`.

    `stack` is room for `MAX_SUFFIXES` ends; more closing marks than that stay together.
    """
    depth = 0
    listed = np.uint64(0)
    while a < b:
        listed = _listed(data, a, b, keys, cuts, lengths)
        if listed:
            break
        pre = _prefix(data, a, b, table, marks)
        if pre and a + pre < b:
            listed = _listed(data, a + pre, b, keys, cuts, lengths)
            if listed:
                starts[k] = a
                ends[k] = a + pre
                k += 1
                a += pre
                break
        suf = _suffix(data, a + pre, b, table, marks, units) if depth < MAX_SUFFIXES else 0
        if suf and b - suf > a:
            listed = _listed(data, a, b - suf, keys, cuts, lengths)
            if listed:
                stack[depth] = b
                depth += 1
                b -= suf
                break
        if not pre and not suf:
            break
        if pre:
            starts[k] = a
            ends[k] = a + pre
            k += 1
            a += pre
        if suf:
            stack[depth] = b
            depth += 1
            b -= suf
    if a < b:
        if listed:
            i = a
            n = 0
            while i < b:
                size = 1
                if byte_at(data, i) >= 0x80:
                    _, size = decode(data, i)
                i += size
                if i == b or listed & (np.uint64(1) << np.uint64(n)):
                    starts[k] = a
                    ends[k] = i
                    k += 1
                    a = i
                n += 1
        elif _is_address(data, a, b, table):
            starts[k] = a
            ends[k] = b
            k += 1
        else:
            first = a
            i = a
            while i < b:
                n = _infix(data, i, a, b, table, marks)
                if n == 0:
                    i += 1
                    while i < b and byte_at(data, i) & 0xC0 == 0x80:
                        i += 1
                    continue
                if i > first:
                    starts[k] = first
                    ends[k] = i
                    k += 1
                    starts[k] = i
                    ends[k] = i + n
                    k += 1
                    first = i + n
                i += n
            if first < b:
                starts[k] = first
                ends[k] = b
                k += 1
    end = b
    while depth > 0:
        depth -= 1
        starts[k] = end
        ends[k] = stack[depth]
        end = stack[depth]
        k += 1
    return k


@cache
def mark_table() -> NDArray[np.uint8]:
    """What each code point does at the ends of a chunk, uint8[0x110000]."""
    table = np.zeros(0x110000, dtype=np.uint8)
    for chars, bits in (
        ("§%=", PREFIX),
        ("—–", PREFIX | SUFFIX),
        (_PUNCT, PREFIX | SUFFIX | BEFORE_STOP),
        (_QUOTES, PREFIX | SUFFIX | QUOTE | BEFORE_STOP),
        (_CURRENCY, PREFIX | CURRENCY),
        ("%²-+|", BEFORE_STOP),
    ):
        for char in chars:
            table[ord(char)] |= bits
    for cp in range(0xA6, 0x20000):
        if unicodedata.category(chr(cp)) == "So":
            table[cp] |= PREFIX | SUFFIX | ICON
    return readonly(table)


@cache
def unit_hashes() -> NDArray[np.uint64]:
    return readonly(np.array([_hash(unit) for unit in UNITS.split()], dtype=np.uint64))


@cache
def listed_chunks() -> list[list[str]]:
    """The chunks of filters/data/en_cuts.tsv, each as its tokens."""
    path = resources.files("corpusmill.filters") / "data" / "en_cuts.tsv"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [cell.split(" ") for line in lines for cell in line.split("\t") if cell]


@cache
def cut_list() -> CutList:
    """Those chunks as a table for `cut_chunk`."""
    cells = listed_chunks()
    size = 1 << (4 * len(cells)).bit_length()
    keys, cuts = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
    for tokens in cells:
        h = _hash("".join(tokens))
        bits, n = int(_TAKEN), 0
        for token in tokens[:-1]:
            n += len(token)
            bits |= 1 << (n - 1)
        slot = h % size
        while cuts[slot] and keys[slot] != h:
            slot = (slot + 1) % size
        keys[slot], cuts[slot] = h, bits
    return CutList(readonly(keys), readonly(cuts), readonly(_lengths(["".join(tokens) for tokens in cells])))


def _lengths(chunks: list[str]) -> NDArray[np.uint64]:
    lengths = np.zeros(1 << 16, np.uint64)
    for chunk in chunks:
        # An apostrophe may be curly, and each that is takes two bytes more.
        apostrophes = chunk.count("'")
        firsts = (0x27, 0xE2) if chunk[0] == "'" else (chunk.encode()[0],)
        lasts = (0x27, 0x98, 0x99) if chunk[-1] == "'" else (chunk.encode()[-1],)
        bits = sum(1 << (len(chunk.encode()) + 2 * n) for n in range(apostrophes + 1))
        for first in firsts:
            for last in lasts:
                lengths[first << 8 | last] |= np.uint64(bits & (2**64 - 1))
    return lengths


def _hash(chunk: str) -> int:
    raw = np.frombuffer(chunk.encode(), dtype=np.uint8)
    return int(hash_chunk(readonly(raw), 0, len(raw)))
