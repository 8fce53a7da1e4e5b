"""MinHash over Arrow buffers: text to normalized text, tokens, shingle hashes, signatures, exact Jaccard.

A shingle is a run of tokens that spans one full measure. In scripts that put spaces between words a token is a word and
counts 1/`words` of the measure; in scripts that do not (Han, kana, Thai, ...) it is a character and counts
1/`characters`. So English text is cut into word n-grams, Chinese into character n-grams, and text that mixes both needs
no boundary between them: `使用 iPhone 手机` has shingles across all of it. Punctuation and white space separate words
and are otherwise skipped.

Signatures are one-permutation MinHash (Li, Owen, Zhang 2012): each shingle is hashed once, its hash names a slot, and
the slot keeps its least value. Slots left empty borrow from full ones by optimal densification (Shrivastava 2017), so
that the share of equal slots estimates the Jaccard similarity of two sets of shingles with error close to
sqrt(J (1 - J) / slots). One hash a shingle instead of one for each slot is what makes it fast.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .buffers import TextBuffers, readonly
from .chars import decode
from .kernel import kernel

Hashes = NDArray[np.uint64]

MAX_NGRAM = 32
"""Longest shingle in tokens: the kernel keeps that many hashes of the past."""

_SEPARATOR, _WORD, _CHARACTER = 0, 1, 2
_SPACE, _INVISIBLE = 32, 0
_EMPTY = np.uint32(0xFFFFFFFF)
_TABLE_END = 0x10000
"""Tables by code point cover the Basic Multilingual Plane."""
_RING = 64

_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3041, 0x30FF), (0x3105, 0x312F),
             (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F))  # fmt: skip
"""Thai and Lao, Burmese, Khmer, kana, bopomofo, Han."""


def normalize(texts: pa.LargeStringArray) -> TextBuffers:
    """The texts in lower case, each run of white space one space, none at the ends, invisible characters left out.

    Lower case is character by character (`İ`, whose lower case is two characters, stays); invisible are the format
    characters of category Cf, such as soft hyphens, byte order marks and zero-width spaces. Width, punctuation and
    compatibility characters are kept: NFKC would make ① and 1, ㎡ and m2 equal.
    """
    found = TextBuffers.of(texts)
    data, offsets = _normalize(found.data, found.offsets, _folding())
    return TextBuffers(readonly(data), readonly(offsets))


def signatures(
    texts: TextBuffers, *, slots: int, words: int, characters: int
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """MinHash signatures (n x slots) of normalized texts, and how many shingles each has, repeats included.

    The signature of a text without shingles is all ones and means nothing: look at the count first.
    """
    _check(words, characters)
    found, counts = _signatures(texts.data, texts.offsets, _classes(), words, characters, slots)
    return found, counts


def shingle_sets(texts: TextBuffers, *, words: int, characters: int) -> list[Hashes]:
    """The distinct shingle hashes of each normalized text, sorted."""
    _check(words, characters)
    flat, ends = _shingle_sets(texts.data, texts.offsets, _classes(), words, characters)
    starts = texts.offsets[:-1] - texts.offsets[0]
    # Copies, so that keeping one text's shingles does not keep its whole batch.
    return [flat[a:b].copy() for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


def spaced(texts: TextBuffers, limit: int) -> TextBuffers:
    """The first `limit` bytes or so of normalized texts with one space between tokens.

    A token is here a word, a character of a script without spaces, or a punctuation mark or symbol.
    """
    data, offsets = _spaced(texts.data, texts.offsets, _classes(), limit)
    return TextBuffers(readonly(data), readonly(offsets))


@kernel
def estimates(signatures: Any, row: int, others: Any, width: int) -> Any:
    """Estimated Jaccard similarity of one row of `signatures` with each of the rows `others`.

    -1 for a row that agrees with it in no band of `width` slots, which an index of such bands would not propose.
    Reads the rows in place: numpy would copy them first, at ten times the cost.
    """
    slots = signatures.shape[1]
    mine = signatures[row]
    found = np.empty(len(others), np.float32)
    for k in range(len(others)):
        other = signatures[others[k]]
        equal = 0
        for j in range(slots):
            equal += mine[j] == other[j]
        found[k] = np.float32(equal) / np.float32(slots)
        shared = False
        if equal >= width:
            for start in range(0, slots - width + 1, width):
                j = 0
                while j < width and mine[start + j] == other[start + j]:
                    j += 1
                if j == width:
                    shared = True
                    break
        if not shared:
            found[k] = -1
    return found


@kernel
def jaccard(a: Any, b: Any) -> Any:
    """Exact Jaccard similarity of two sorted arrays of distinct hashes; 0 when both are empty."""
    i = j = both = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            both += 1
            i += 1
            j += 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    union = len(a) + len(b) - both
    return both / union if union else 0.0


def _check(words: int, characters: int) -> None:
    if not 1 <= min(words, characters) <= max(words, characters) <= MAX_NGRAM:
        raise ValueError(
            f"shingle lengths must be from 1 to {MAX_NGRAM}, and are words={words}, characters={characters}"
        )


@lru_cache(maxsize=1)
def _folding() -> NDArray[np.uint32]:
    """By code point below 65536: what `normalize` writes for it (0: nothing)."""
    table = np.arange(_TABLE_END, dtype=np.uint32)
    for cp in range(_TABLE_END):
        c = chr(cp)
        if c.isspace():
            table[cp] = _SPACE
        elif unicodedata.category(c) == "Cf":
            table[cp] = _INVISIBLE
        elif len(lower := c.lower()) == 1 and ord(lower) < _TABLE_END:
            table[cp] = ord(lower)
    return table


@lru_cache(maxsize=1)
def _classes() -> NDArray[np.uint8]:
    """By code point below 65536: separator, part of a word, or a token of its own."""
    table = np.zeros(_TABLE_END, np.uint8)
    for cp in range(_TABLE_END):
        if unicodedata.category(chr(cp))[0] in "LMN":
            table[cp] = _WORD
    for first, last in _UNSPACED:
        block = table[first : last + 1]
        block[block == _WORD] = _CHARACTER
    return table


@kernel
def _normalize(data: Any, offsets: Any, folding: Any) -> tuple[Any, Any]:
    n = len(offsets) - 1
    total = offsets[n] - offsets[0]
    # Lower case can be longer: two bytes become three in the worst case.
    out = np.empty(total + total // 2 + 4, np.uint8)
    out_offsets = np.zeros(n + 1, np.int64)
    o = 0
    for d in range(n):
        i, end, first = offsets[d], offsets[d + 1], o
        pending = False
        while i < end:
            cp, size = decode(data, i)
            i += size
            if cp < _TABLE_END:
                cp = int(folding[cp])
            if cp == _SPACE:
                pending = o > first
                continue
            if cp == _INVISIBLE:
                continue
            if pending:
                out[o] = _SPACE
                o += 1
                pending = False
            if cp < 0x80:
                out[o] = cp
                o += 1
            elif cp < 0x800:
                out[o] = 0xC0 | (cp >> 6)
                out[o + 1] = 0x80 | (cp & 0x3F)
                o += 2
            elif cp < 0x10000:
                out[o] = 0xE0 | (cp >> 12)
                out[o + 1] = 0x80 | ((cp >> 6) & 0x3F)
                out[o + 2] = 0x80 | (cp & 0x3F)
                o += 3
            else:
                out[o] = 0xF0 | (cp >> 18)
                out[o + 1] = 0x80 | ((cp >> 12) & 0x3F)
                out[o + 2] = 0x80 | ((cp >> 6) & 0x3F)
                out[o + 3] = 0x80 | (cp & 0x3F)
                o += 4
        out_offsets[d + 1] = o
    return out[:o].copy(), out_offsets


@kernel
def _spaced(data: Any, offsets: Any, classes: Any, limit: int) -> Any:
    n = len(offsets) - 1
    total = 0
    for d in range(n):
        total += min(int(offsets[d + 1] - offsets[d]), limit + 4)
    # The worst case is ASCII punctuation after punctuation: a space for every byte.
    out = np.empty(2 * total + n, np.uint8)
    out_offsets = np.zeros(n + 1, np.int64)
    o = 0
    for d in range(n):
        i = int(offsets[d])
        end = min(int(offsets[d + 1]), i + limit)
        first = o
        before = _SEPARATOR
        while i < end:
            cp, size = decode(data, i)
            if cp == _SPACE:
                before = _SEPARATOR
                i += size
                continue
            kind = _kind(cp, classes)
            if o > first and not (kind == _WORD and before == _WORD):
                out[o] = _SPACE
                o += 1
            for k in range(size):
                out[o + k] = data[i + k]
            o += size
            i += size
            before = kind
        out_offsets[d + 1] = o
    return out[:o].copy(), out_offsets


@kernel
def _kind(cp: int, classes: Any) -> Any:
    """The class of any code point; beyond the table lie Han, kana, emoji (separators) and other letters."""
    if cp < _TABLE_END:
        return classes[cp]
    if 0x20000 <= cp < 0x40000 or 0x1AFF0 <= cp < 0x1B170:
        return np.uint8(_CHARACTER)
    return np.uint8(_WORD) if cp < 0x1F000 else np.uint8(_SEPARATOR)


@kernel
def _mix(h: Any) -> Any:
    """The finalizer of MurmurHash3: every bit of the input reaches every bit of the output."""
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> np.uint64(33))


@kernel
def _shingles(data: Any, i: int, end: int, classes: Any, words: int, characters: int, powers: Any, out: Any) -> int:
    """Writes the shingle hashes of data[i:end] to `out` and returns how many.

    A shingle's hash comes from prefix polynomials of the token hashes modulo 2^64, H(a, b) = P(b) - P(a) B^(b - a),
    so it costs the same however long the shingle is. Unsigned constants throughout: numba makes a float of int64 with
    uint64.
    """
    base = np.uint64(0x9E3779B97F4A7C15)
    full = words * characters
    prefix = np.empty(_RING, np.uint64)
    weights = np.empty(_RING, np.int64)
    prefix[0] = 0
    first = 0  # the oldest token that has not begun a shingle yet
    token = 0
    weight = 0
    found = 0
    while i < end:
        cp, size = decode(data, i)
        kind = _kind(cp, classes)
        if kind == _SEPARATOR:
            i += size
            continue
        if kind == _CHARACTER:
            h = _mix(np.uint64(cp) + np.uint64(0x5851F42D4C957F2D))
            i += size
            w = words
        else:
            h = np.uint64(0xCBF29CE484222325)
            while kind == _WORD:
                h = (h ^ np.uint64(cp)) * np.uint64(0x100000001B3)
                i += size
                if i >= end:
                    break
                cp, size = decode(data, i)
                kind = _kind(cp, classes)
            h = _mix(h)
            w = characters
        prefix[(token + 1) % _RING] = prefix[token % _RING] * base + h
        weights[token % _RING] = w
        weight += w
        token += 1
        while weight >= full:
            out[found] = _mix(prefix[token % _RING] - prefix[first % _RING] * powers[token - first])
            found += 1
            weight -= weights[first % _RING]
            first += 1
    return found


@kernel
def _powers() -> Any:
    powers = np.ones(_RING, np.uint64)
    for k in range(1, _RING):
        powers[k] = powers[k - 1] * np.uint64(0x9E3779B97F4A7C15)
    return powers


@kernel
def _signatures(data: Any, offsets: Any, classes: Any, words: int, characters: int, slots: int) -> tuple[Any, Any]:
    n = len(offsets) - 1
    longest = 0
    for d in range(n):
        longest = max(longest, int(offsets[d + 1] - offsets[d]))
    hashes = np.empty(longest + 1, np.uint64)
    powers = _powers()
    found = np.full((n, slots), _EMPTY, np.uint32)
    counts = np.zeros(n, np.int64)
    for d in range(n):
        m = _shingles(data, offsets[d], offsets[d + 1], classes, words, characters, powers, hashes)
        counts[d] = m
        if m == 0:
            continue
        row = found[d]
        for k in range(m):
            h = hashes[k]
            # The slot from the high half and the value from the low one: they must not depend on each other.
            slot = np.int64(((h >> np.uint64(32)) * np.uint64(slots)) >> np.uint64(32))
            value = np.uint32(min(h & np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFE)))
            if value < row[slot]:
                row[slot] = value
        _densify(row, slots)
    return found, counts


@kernel
def _densify(row: Any, slots: int) -> None:
    """Fills each empty slot from a full one, chosen by a hash of the slot and the attempt, alike in all documents."""
    full = row != _EMPTY
    for slot in range(slots):
        attempt = 0
        source = np.int64(slot)
        while not full[source]:
            attempt += 1
            h = _mix(
                np.uint64(slot) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(attempt) + np.uint64(0x632BE59BD9B4E019)
            )
            source = np.int64(((h >> np.uint64(32)) * np.uint64(slots)) >> np.uint64(32))
        row[slot] = row[source]


@kernel
def _shingle_sets(data: Any, offsets: Any, classes: Any, words: int, characters: int) -> tuple[Any, Any]:
    n = len(offsets) - 1
    # A text never has more shingles than bytes, so its own bytes' place in the output is room enough.
    flat = np.empty(offsets[n] - offsets[0], np.uint64)
    ends = np.zeros(n, np.int64)
    powers = _powers()
    for d in range(n):
        start = offsets[d] - offsets[0]
        m = _shingles(data, offsets[d], offsets[d + 1], classes, words, characters, powers, flat[start:])
        kept = flat[start : start + m]
        kept.sort()
        unique = 0
        for k in range(m):
            if k == 0 or kept[k] != kept[unique - 1]:
                kept[unique] = kept[k]
                unique += 1
        ends[d] = start + unique
    return flat, ends
