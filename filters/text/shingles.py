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
from .kernel import kernel, part
from .room import scratch
from .wide import HIGHS, ONES, below, byte_at, equal, leading_word, load4, load8, lower_case, store8

Hashes = NDArray[np.uint64]

MAX_NGRAM = 32
"""Longest shingle in tokens: the kernel keeps that many hashes of the past."""

_SEPARATOR, _WORD, _CHARACTER = 0, 1, 2
_SPACE, _INVISIBLE = 32, 0
_SPACES = np.uint64(_SPACE) * ONES
_EMPTY = np.uint32(0xFFFFFFFF)
_SAME, _CODE_POINT = np.uint32(0x80000000), np.uint32(0xFFFF)
_TWO_LEADS, _TWO_OF_THREE = np.uint64(0xF00000F0), np.uint64(0xE00000E0)
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
    size = int(found.offsets[-1] - found.offsets[0])
    # Lower case can be longer: two bytes become three in the worst case.
    room = scratch("normalize", size + size // 2 + 8, np.uint8)
    data, offsets = _normalize(found.data, found.offsets, _folding(), room)
    return TextBuffers(readonly(data), readonly(offsets))


def signatures(
    texts: TextBuffers, *, slots: int, words: int, characters: int
) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """MinHash signatures (n x slots) of normalized texts, and how many shingles each has, repeats included.

    Of each slot's least value, which has 32 bits, the low 16. The signature of a text without shingles is all ones and
    means nothing: look at the count first.
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
def jaccard(a: Any, b: Any) -> Any:
    """Exact Jaccard similarity of two sorted arrays of distinct hashes; 0 when both are empty."""
    return similarity(a, 0, len(a), b, 0, len(b))


@part
def similarity(a: Any, i: Any, a_end: Any, b: Any, j: Any, b_end: Any) -> Any:
    """`jaccard` of a[i:a_end] and b[j:b_end]."""
    total = a_end - i + b_end - j
    both: Any = 0
    # Which of two hashes is the smaller one no processor can foretell, so nothing branches on it.
    while i < a_end and j < b_end:
        x, y = a[np.uint64(i)], b[np.uint64(j)]
        both += np.int64(x == y)
        i += np.int64(x <= y)
        j += np.int64(y <= x)
    return both / (total - both) if total else 0.0


def _check(words: int, characters: int) -> None:
    if not 1 <= min(words, characters) <= max(words, characters) <= MAX_NGRAM:
        raise ValueError(
            f"shingle lengths must be from 1 to {MAX_NGRAM}, and are words={words}, characters={characters}"
        )


@lru_cache(maxsize=1)
def _folding() -> NDArray[np.uint32]:
    """By code point below 65536: what `normalize` writes for it (0: nothing), marked `_SAME` if that is itself."""
    table = np.arange(_TABLE_END, dtype=np.uint32)
    for cp in range(_TABLE_END):
        c = chr(cp)
        if c.isspace():
            table[cp] = _SPACE
        elif unicodedata.category(c) == "Cf":
            table[cp] = _INVISIBLE
        elif len(lower := c.lower()) == 1 and ord(lower) < _TABLE_END:
            table[cp] = ord(lower)
    table[table == np.arange(_TABLE_END)] |= _SAME
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
def _normalize(data: Any, offsets: Any, folding: Any, out: Any) -> tuple[Any, Any]:
    n = len(offsets) - 1
    out_offsets = np.zeros(n + 1, np.int64)
    o = 0
    for d in range(n):
        o = _normalize_text(data, offsets[d], offsets[d + 1], folding, out, o)
        out_offsets[d + 1] = o
    return out[:o].copy(), out_offsets


@part
def _normalize_text(data: Any, i: int, end: int, folding: Any, out: Any, o: int) -> Any:
    """Writes data[i:end], normalized, to `out` from `o` on; returns where it ends."""
    first = o
    while i < end:
        # ASCII goes eight bytes at a time, where it is words with single spaces between.
        while i + 8 <= end and byte_at(data, i) < 0x80:
            eight = load8(data, i)
            spaces = equal(eight, _SPACES)
            if (
                (eight | below(eight, _SPACES)) & HIGHS
                or spaces & (spaces << np.uint64(8))
                or (spaces & np.uint64(0x80) and (o == first or out[np.uint64(o - 1)] == _SPACE))
            ):
                break
            store8(out, o, lower_case(eight))
            i += 8
            o += 8
        # Characters of three bytes, which are Chinese and its marks, two at a time where both stay as they are.
        while i + 8 <= end:
            eight = load8(data, i)
            if eight & _TWO_LEADS != _TWO_OF_THREE:
                break
            if not (folding[_code_point(eight)] & folding[_code_point(eight >> np.uint64(24))] & _SAME):
                break
            store8(out, o, eight)
            i += 6
            o += 6
        if i >= end:
            break
        cp, size = decode(data, i)
        i += size
        if cp < _TABLE_END:
            cp = np.int64(folding[np.uint64(cp)] & _CODE_POINT)
            if cp <= _SPACE:
                if cp == _SPACE and o > first and out[np.uint64(o - 1)] != _SPACE:
                    out[np.uint64(o)] = _SPACE
                    o += 1
                if cp in (_SPACE, _INVISIBLE):
                    continue
        if cp < 0x80:
            out[np.uint64(o)] = cp
            o += 1
        elif cp < 0x800:
            out[np.uint64(o)] = 0xC0 | (cp >> 6)
            out[np.uint64(o + 1)] = 0x80 | (cp & 0x3F)
            o += 2
        elif cp < 0x10000:
            out[np.uint64(o)] = 0xE0 | (cp >> 12)
            out[np.uint64(o + 1)] = 0x80 | ((cp >> 6) & 0x3F)
            out[np.uint64(o + 2)] = 0x80 | (cp & 0x3F)
            o += 3
        else:
            out[np.uint64(o)] = 0xF0 | (cp >> 18)
            out[np.uint64(o + 1)] = 0x80 | ((cp >> 12) & 0x3F)
            out[np.uint64(o + 2)] = 0x80 | ((cp >> 6) & 0x3F)
            out[np.uint64(o + 3)] = 0x80 | (cp & 0x3F)
            o += 4
    return o - 1 if o > first and out[np.uint64(o - 1)] == _SPACE else o


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


@part
def _kind(cp: int, classes: Any) -> Any:
    """The class of any code point; beyond the table lie Han, kana, emoji (separators) and other letters."""
    if cp < _TABLE_END:
        return np.int64(classes[np.uint64(cp)])
    if 0x20000 <= cp < 0x40000 or 0x1AFF0 <= cp < 0x1B170:
        return np.int64(_CHARACTER)
    return np.int64(_WORD) if cp < 0x1F000 else np.int64(_SEPARATOR)


@part
def _mix(h: Any) -> Any:
    """Makes every bit of a hash count for the high ones and the low ones, and keeps different hashes different."""
    h ^= h >> np.uint64(32)
    h *= np.uint64(0xD6E8FEB86659FD93)
    return h ^ (h >> np.uint64(29))


@part
def _code_point(raw: Any) -> Any:
    """Of the character of three bytes that a number begins with."""
    cp = (raw & np.uint64(0x0F)) << np.uint64(12) | (raw >> np.uint64(2)) & np.uint64(0xFC0)
    return cp | (raw >> np.uint64(16)) & np.uint64(0x3F)


@part
def _is_han(raw: Any) -> Any:
    """Whether the first three of four bytes are a character from U+4E00 to U+9FFF."""
    lead = ((raw & np.uint64(0xFF)) << np.uint64(8)) | ((raw >> np.uint64(8)) & np.uint64(0xFF))
    return lead - np.uint64(0xE4B8) <= np.uint64(0xE9BF - 0xE4B8)


@part
def _separator(raw: Any, classes: Any) -> Any:
    """The bytes of the separator of one or three bytes that four bytes begin with; 0 if they begin otherwise."""
    if raw & np.uint64(0x80) == np.uint64(0):
        return np.int64(classes[raw & np.uint64(0x7F)] == _SEPARATOR)
    if raw & np.uint64(0xF0) == np.uint64(0xE0):
        return np.int64(3) * np.int64(classes[_code_point(raw)] == _SEPARATOR)
    return np.int64(0)


@part
def _raw(data: Any, i: int, size: int) -> Any:
    """The bytes of a character as a number."""
    raw = np.uint64(0)
    for k in range(size):
        raw |= np.uint64(byte_at(data, i + k)) << np.uint64(8 * k)
    return raw


@part
def _word(data: Any, i: int, end: int, classes: Any) -> tuple[Any, int]:
    """The hash of the word that begins at byte `i`, and where it ends.

    ASCII is taken eight bytes at a time, so the hash goes by runs: of eight letters and digits, of fewer, of others.
    """
    h = np.uint64(0xCBF29CE484222325)
    last = np.int64(len(data)) - 8
    while i < end:
        if byte_at(data, i) < 0x80:
            if i <= last:
                eight = load8(data, i)
            else:
                eight = np.uint64(0)
                for k in range(np.int64(len(data)) - i):
                    eight |= np.uint64(byte_at(data, i + k)) << np.uint64(8 * k)
            n = min(leading_word(eight), end - i)
            if n == 0:
                break
            if n < 8:
                eight &= (np.uint64(1) << np.uint64(8 * n)) - np.uint64(1)
            h = (h ^ eight) * np.uint64(0x9FB21C651E98DF25)
            h ^= h >> np.uint64(29)
            i += n
        else:
            cp, size = decode(data, i)
            if _kind(cp, classes) != _WORD:
                break
            h = (h ^ (np.uint64(cp) << np.uint64(40))) * np.uint64(0x9FB21C651E98DF25)
            h ^= h >> np.uint64(29)
            i += size
    return h * np.uint64(0xC4CEB9FE1A85EC53), i


@part
def _shingles(
    data: Any, i: int, end: int, classes: Any, words: int, characters: int, powers: Any, rings: Any, out: Any
) -> int:
    """Writes the shingle hashes of data[i:end] to `out` and returns how many.

    A shingle's hash comes from prefix polynomials of the token hashes modulo 2^64, H(a, b) = P(b) - P(a) B^(b - a),
    so it costs the same however long the shingle is. Unsigned constants throughout: numba makes a float of int64 with
    uint64. `rings` holds the last prefixes and weights: room that the caller makes once.
    """
    base = np.uint64(0x9E3779B97F4A7C15)
    mask = np.uint64(_RING - 1)
    prefix = rings[0]
    weights = rings[1]
    full = np.uint64(words * characters)
    now = np.uint64(0)
    prefix[np.uint64(0)] = now
    first = np.uint64(0)  # the oldest token that has not begun a shingle yet
    token = np.uint64(0)
    weight = np.uint64(0)
    found = 0
    steady = np.uint64(characters - 1)
    power = powers[np.uint64(characters)]
    last = min(end, len(data) - 1) - 3
    while i < end:
        raw = np.uint64(load4(data, i)) if i <= last else np.uint64(0)
        if _is_han(raw):
            kind = np.int64(_CHARACTER)
            h = raw & np.uint64(0xFFFFFF)
            i += 3
            w = np.uint64(words)
        else:
            cp, size = decode(data, i)
            kind = _kind(cp, classes)
            if kind == _CHARACTER:
                # Its bytes are all that a polynomial needs: what comes out of it is mixed.
                h = _raw(data, i, size)
                i += size
                w = np.uint64(words)
            elif kind == _WORD:
                h, i = _word(data, i, end, classes)
                w = np.uint64(characters)
            else:
                i += size
                continue
        weights[token & mask] = w
        token += np.uint64(1)
        now = now * base + h
        prefix[token & mask] = now
        weight += w
        while weight >= full:
            out[np.uint64(found)] = _mix(now - prefix[first & mask] * powers[(token - first) & mask])
            found += 1
            weight -= weights[first & mask]
            first += np.uint64(1)
        # A run of Han: every one of them ends a shingle of as many, and none of it is looked up.
        if kind == _CHARACTER and token - first == steady and weight == steady * np.uint64(words):
            run = token
            while i <= last:
                raw = np.uint64(load4(data, i))
                if not _is_han(raw):
                    skipped = _separator(raw, classes)
                    if not skipped:
                        break
                    i += skipped
                    continue
                i += 3
                now = now * base + (raw & np.uint64(0xFFFFFF))
                out[np.uint64(found)] = _mix(now - prefix[(token - steady) & mask] * power)
                found += 1
                token += np.uint64(1)
                prefix[token & mask] = now
            first = token - steady
            # Of the weights, only those of tokens that have not begun a shingle are asked for again.
            for k in range(max(run, first), token):
                weights[np.uint64(k) & mask] = np.uint64(words)
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
    rings = np.empty((2, _RING), np.uint64)
    least = np.empty(slots, np.uint32)
    empty, source = np.empty(slots, np.int64), np.empty(slots, np.int64)
    found = np.empty((n, slots), np.uint16)
    counts = np.zeros(n, np.int64)
    for d in range(n):
        m = _shingles(data, offsets[d], offsets[d + 1], classes, words, characters, powers, rings, hashes)
        counts[d] = m
        least[:] = _EMPTY
        if m:
            _least(hashes, m, np.uint64(slots), least)
            _densify(least, slots, empty, source)
        _low_halves(least, slots, found[d])
    return found, counts


@part
def _least(hashes: Any, m: int, slots: Any, least: Any) -> None:
    """The least value in each slot of the first `m` hashes."""
    bits = 0
    while np.uint64(1) << np.uint64(bits) < slots:
        bits += 1
    if np.uint64(1) << np.uint64(bits) == slots:
        shift = np.uint64(64 - bits)
        for k in range(m):
            h = hashes[np.uint64(k)]
            slot = h >> shift
            least[slot] = min(np.uint32(h), least[slot])
        return
    for k in range(m):
        h = hashes[np.uint64(k)]
        # The slot from the high half and the value from the low one: they must not depend on each other.
        slot = ((h >> np.uint64(32)) * slots) >> np.uint64(32)
        # Stored in any case: which hash is the least of its slot is what no processor can foretell.
        least[slot] = min(np.uint32(h), least[slot])


@part
def _densify(row: Any, slots: int, empty: Any, source: Any) -> None:
    """Fills each empty slot from a full one, chosen by a hash of the slot and the attempt, alike in all documents.

    `empty` and `source` are room for the numbers of such slots: a text of some length has few.
    """
    m: Any = 0
    for slot in range(slots):
        empty[np.uint64(m)] = slot
        m += np.int64(row[np.uint64(slot)] == _EMPTY)
    if m == slots:
        return
    for k in range(m):
        seed = np.uint64(empty[np.uint64(k)]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
        attempt = np.uint64(1)
        slot = ((_mix(seed + attempt) >> np.uint64(32)) * np.uint64(slots)) >> np.uint64(32)
        while row[slot] == _EMPTY:
            attempt += np.uint64(1)
            slot = ((_mix(seed + attempt) >> np.uint64(32)) * np.uint64(slots)) >> np.uint64(32)
        source[np.uint64(k)] = np.int64(slot)
    # Only now, so that what was empty lends to none.
    for k in range(m):
        row[np.uint64(empty[np.uint64(k)])] = row[np.uint64(source[np.uint64(k)])]


@part
def _low_halves(row: Any, slots: int, out: Any) -> None:
    """A slot's low bits are as even as all of them, and 16 collide too seldom to matter to an estimate."""
    for k in range(slots):
        out[np.uint64(k)] = np.uint16(row[np.uint64(k)])


@kernel
def _shingle_sets(data: Any, offsets: Any, classes: Any, words: int, characters: int) -> tuple[Any, Any]:
    n = len(offsets) - 1
    # A text never has more shingles than bytes, so its own bytes' place in the output is room enough.
    flat = np.empty(offsets[n] - offsets[0], np.uint64)
    ends = np.zeros(n, np.int64)
    powers = _powers()
    rings = np.empty((2, _RING), np.uint64)
    room = np.empty(_EVEN_MOST, np.uint64)
    counts = np.empty(_EVEN_BUCKETS + 1, np.int32)
    for d in range(n):
        start = offsets[d] - offsets[0]
        m = _shingles(data, offsets[d], offsets[d + 1], classes, words, characters, powers, rings, flat[start:])
        kept = flat[start : start + m]
        if m <= _EVEN_MOST:
            _sort_even(kept, m, room, counts)
        else:
            kept.sort()
        unique = 0
        for k in range(m):
            if k == 0 or kept[k] != kept[unique - 1]:
                kept[unique] = kept[k]
                unique += 1
        ends[d] = start + unique
    return flat, ends


_EVEN_BUCKETS = 1 << 14
_EVEN_MOST = 4 * _EVEN_BUCKETS
"""Up to so many hashes, a bucket gets few enough to be put in order by insertion."""


@part
def _sort_even(values: Any, n: int, room: Any, counts: Any) -> None:
    """Sorts hashes, which are spread evenly, in a third of the time of a sort that cannot know it: by their high bits
    into about as many buckets as there are hashes, then by insertion."""
    bits = 1
    while (1 << bits) < n and (1 << bits) < _EVEN_BUCKETS:
        bits += 1
    shift = np.uint64(64 - bits)
    for k in range((1 << bits) + 1):
        counts[np.uint64(k)] = 0
    for k in range(n):
        counts[(values[np.uint64(k)] >> shift) + np.uint64(1)] += 1
    for k in range(1 << bits):
        counts[np.uint64(k + 1)] += counts[np.uint64(k)]
    for k in range(n):
        h = values[np.uint64(k)]
        at = counts[h >> shift]
        counts[h >> shift] = at + 1
        room[np.uint64(at)] = h
    for k in range(n):
        h = room[np.uint64(k)]
        i = k
        while i > 0 and values[np.uint64(i - 1)] > h:
            values[np.uint64(i)] = values[np.uint64(i - 1)]
            i -= 1
        values[np.uint64(i)] = h
