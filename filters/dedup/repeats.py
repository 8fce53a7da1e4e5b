"""Kernels that find what texts repeat word for word: tokens, fingerprints, windows.

A token is a stretch without white space, in scripts that space their words, or else a single character (Chinese, with
its punctuation). Stretches without a letter or numeral, such as the rules of a table, are none. A window is a shortest run of tokens from some token on that spans one full measure: a stretch counts
1/`words` of it, a character 1/`characters`. Texts are compared byte for byte, the white space between tokens included.

Not every window is hashed at first. A gram is a run of half a measure, and a window's anchor is the gram with the least
hash among those that lie in it (winnowing: Schleimer, Wilkerson, Aiken 2003). Equal windows have equal anchors, and
neighbours mostly share theirs, so some 8 bytes for every 13 words or 25 characters say which windows may be repeated.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.buffers import TextBuffers, readonly
from ..text.chars import ALPHA, DIGIT, HAN, KANA, PUNCT, SPACE, SYMBOL, UNSPACED, char_table, decode
from ..text.hashing import hash_bytes
from ..text.kernel import kernel, part
from ..text.wide import byte_at

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]

_SIGN, _WORD, _JOINS, _CHARACTER, _BLANK = 0, 1, 2, 3, 4
"""Kinds of character: of a stretch that is a word if some letter or numeral is in it, what belongs to the character
before it (marks, variation selectors), a word of its own, white space."""
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_TABLE_END = 0x32400

_CJK_PUNCTUATION = ((0x3001, 0x303F), (0xFE30, 0xFE4F), (0xFF01, 0xFF0F), (0xFF1A, 0xFF20), (0xFF3B, 0xFF40), (0xFF5B, 0xFF65))  # fmt: skip


@cache
def _kinds() -> NDArray[np.uint8]:
    """The kind of every code point below 0x32400."""
    table = char_table()[:_TABLE_END]
    kinds = np.full(_TABLE_END, _SIGN, np.uint8)
    kinds[table & (ALPHA | DIGIT) != 0] = _WORD
    kinds[table & (ALPHA | DIGIT | PUNCT | SYMBOL | SPACE) == 0] = _JOINS
    kinds[table & (HAN | KANA | UNSPACED) != 0] = _CHARACTER
    for first, last in _CJK_PUNCTUATION:
        kinds[first : last + 1] = _CHARACTER
    kinds[table & SPACE != 0] = _BLANK
    return readonly(kinds)


@part
def _mix(h: Any) -> Any:
    h = (h ^ (h >> np.uint64(33))) * _MIX1
    h = (h ^ (h >> np.uint64(29))) * _MIX2
    return h ^ (h >> np.uint64(32))


@part
def _kind(data: Any, i: Any, kinds: Any) -> Any:
    cp, size = decode(data, i)
    if cp < _TABLE_END:
        return np.int64(kinds[cp]), size
    return np.int64(_SIGN), size


@part
def _tokens(
    data: Any, lo: Any, end: Any, kinds: Any, words: Any, characters: Any, starts: Any, ends: Any, weights: Any
) -> Any:
    """The tokens of one text and the sum of the weights before each; returns how many there are."""
    n = 0
    i = lo
    weights[0] = 0
    joined = False  # whether the character before was a part of the token that ends there
    while i < end:
        kind, size = _kind(data, i, kinds)
        if kind == _BLANK:
            i += size
            joined = False
            continue
        if kind == _JOINS and joined:
            ends[n - 1] = i + size
            i += size
            continue
        start = i
        i += size
        weight = words
        if kind != _CHARACTER:
            said = kind == _WORD
            while i < end:
                kind, size = _kind(data, i, kinds)
                if kind > _JOINS:
                    break
                said |= kind == _WORD
                i += size
            if not said:
                joined = False
                continue
            weight = characters
        starts[n] = start
        ends[n] = i
        weights[n + 1] = weights[n] + weight
        joined = True
        n += 1
    return n


@part
def _hash_tokens(data: Any, n: Any, starts: Any, ends: Any, prefix: Any, last: Any) -> None:
    """Hashes of the first tokens of a text with the white space behind them, rolled up, and of each without it."""
    prefix[0] = np.uint64(0)
    rolled = np.uint64(0)
    for k in range(n):
        start = starts[k]
        stop = ends[k]
        if stop - start == 3:  # most Chinese characters
            h: Any = np.uint64(byte_at(data, start)) << np.uint64(16) | np.uint64(
                byte_at(data, start + 1)
            ) << np.uint64(8)
            h = (h | np.uint64(byte_at(data, start + 2))) * _MIX1
            h ^= h >> np.uint64(32)
        else:
            h = hash_bytes(data, start, stop)
        last[k] = h
        if k + 1 < n and starts[k + 1] != stop:
            h = hash_bytes(data, start, starts[k + 1])
        rolled = rolled * _BASE + h
        prefix[k + 1] = rolled


@part
def _run_hash(first: Any, stop: Any, prefix: Any, last: Any, powers: Any) -> Any:
    """Of the tokens first ... stop, with the white space between them."""
    return _mix((prefix[stop] - prefix[first] * powers[stop - first]) * _BASE + last[stop])


@part
def _reach(k: Any, weight: Any, n: Any, weights: Any, at: Any) -> Any:
    """The last token of the shortest run from token `k` on that weighs this much, from `at` on; `n` if there is none."""
    while at < n and weights[at + 1] - weights[k] < weight:
        at += 1
    return at


@kernel
def _powers(n: int) -> Any:
    powers = np.ones(n, np.uint64)
    for k in range(1, n):
        powers[k] = powers[k - 1] * _BASE
    return powers


@kernel
def _scan(
    data: Any, offsets: Any, kinds: Any, words: Any, characters: Any, powers: Any, wanted: Any, windows: bool
) -> Any:
    """Anchors of the texts, or the windows whose anchor is `wanted`."""
    longest = 0
    for d in range(len(offsets) - 1):
        longest = max(longest, offsets[d + 1] - offsets[d])
    starts = np.empty(longest + 1, np.int64)
    ends = np.empty(longest + 1, np.int64)
    weights = np.empty(longest + 2, np.int64)
    prefix = np.empty(longest + 2, np.uint64)
    last = np.empty(longest + 1, np.uint64)
    grams = np.empty(longest + 1, np.uint64)
    full = words * characters
    half = full // 2
    # Any run of grams that begin within this weight lies in one window.
    within = full - half - max(words, characters) + 2
    rows = np.empty(1024, np.int64)
    firsts = np.empty(1024, np.int64)
    counts = np.empty(1024, np.int64)
    anchors = np.empty(1024, np.uint64)
    hashes = np.empty(1024, np.uint64)
    found = 0
    filled = 0
    for d in range(len(offsets) - 1):
        n = _tokens(data, offsets[d], offsets[d + 1], kinds, words, characters, starts, ends, weights)
        if weights[n] < full:
            continue
        _hash_tokens(data, n, starts, ends, prefix, last)
        stop = 0
        gram_stop = 0
        right = 0
        best = -1
        reported = -1
        open_run = False
        for k in range(n):
            stop = _reach(k, full, n, weights, stop)
            if stop == n:
                break
            while right < n and weights[right] - weights[k] < within:
                gram_stop = _reach(right, half, n, weights, max(gram_stop, right))
                grams[right] = _run_hash(right, gram_stop, prefix, last, powers)
                if best >= k and grams[right] < grams[best]:
                    best = right
                right += 1
            if best < k:
                best = k
                for j in range(k + 1, right):
                    if grams[j] < grams[best]:
                        best = j
            if best != reported:
                reported = best
                if windows:
                    place = np.searchsorted(wanted, grams[best])
                    open_run = place < len(wanted) and wanted[place] == grams[best]
                else:
                    open_run = True
                if open_run:
                    if found == len(rows):
                        rows = np.concatenate((rows, np.empty(found, np.int64)))
                        firsts = np.concatenate((firsts, np.empty(found, np.int64)))
                        counts = np.concatenate((counts, np.empty(found, np.int64)))
                        anchors = np.concatenate((anchors, np.empty(found, np.uint64)))
                    rows[found] = d
                    firsts[found] = k
                    counts[found] = 0
                    anchors[found] = grams[best]
                    found += 1
            if windows and open_run:
                if filled == len(hashes):
                    hashes = np.concatenate((hashes, np.empty(filled, np.uint64)))
                hashes[filled] = _run_hash(k, stop, prefix, last, powers)
                filled += 1
                counts[found - 1] += 1
    return rows[:found], firsts[:found], counts[:found], anchors[:found], hashes[:filled]


def anchors(texts: TextBuffers, words: int, characters: int) -> tuple[Ints, Hashes]:
    """(text, hash) of every anchor of every text, a text's in order."""
    none = readonly(np.zeros(0, np.uint64))
    powers = readonly(_powers(max(words, characters) + 2))
    found = _scan(texts.data, texts.offsets, _kinds(), words, characters, powers, none, False)
    rows, _, _, hashes, _ = found
    return rows, hashes


def windows(texts: TextBuffers, words: int, characters: int, wanted: Hashes) -> tuple[Ints, Ints, Ints, Hashes, Hashes]:
    """The windows whose anchor is among `wanted` (sorted, distinct), as runs of neighbours that share an anchor.

    Returns for each run its text, the first token of its first window, how many windows it has and the anchor, and the
    hashes of the windows of all runs, one after the other.
    """
    powers = readonly(_powers(max(words, characters) + 2))
    found = _scan(texts.data, texts.offsets, _kinds(), words, characters, powers, readonly(wanted), True)
    rows, firsts, counts, shared, hashes = found
    return rows, firsts, counts, shared, hashes


@kernel
def _bounds(
    data: Any, offsets: Any, kinds: Any, words: Any, characters: Any, rows: Any, firsts: Any, counts: Any
) -> Any:
    longest = 0
    for d in range(len(offsets) - 1):
        longest = max(longest, offsets[d + 1] - offsets[d])
    starts = np.empty(longest + 1, np.int64)
    ends = np.empty(longest + 1, np.int64)
    weights = np.empty(longest + 2, np.int64)
    found = np.empty((len(rows), 3), np.int64)
    n = 0
    for r in range(len(rows)):
        d = rows[r]
        if r == 0 or rows[r - 1] != d:
            n = _tokens(data, offsets[d], offsets[d + 1], kinds, words, characters, starts, ends, weights)
        k = firsts[r] + counts[r] - 1
        # The last window's last token, by bisection: a run may begin anywhere.
        stop = np.searchsorted(weights[: n + 1], weights[k] + words * characters) - 1
        found[r, 0] = starts[firsts[r]] - offsets[d]
        found[r, 1] = ends[stop] - offsets[d]
        found[r, 2] = stop
    return found


def bounds(
    texts: TextBuffers, words: int, characters: int, rows: Ints, firsts: Ints, counts: Ints
) -> tuple[Ints, Ints, Ints]:
    """(first byte, byte after the last, last token) of runs of windows; all runs of a text side by side."""
    given = (readonly(rows), readonly(firsts), readonly(counts))
    found = _bounds(texts.data, texts.offsets, _kinds(), words, characters, *given)
    return found[:, 0], found[:, 1], found[:, 2]


@kernel
def _apart(
    data: Any, offsets: Any, kinds: Any, words: Any, characters: Any, rows: Any, firsts: Any, counts: Any, shifts: Any
) -> Any:
    """How many windows of each run, from the first on, do not overlap the ones `shifts` tokens before them, and where
    the first of those stands."""
    longest = 0
    for d in range(len(offsets) - 1):
        longest = max(longest, offsets[d + 1] - offsets[d])
    starts = np.empty(longest + 1, np.int64)
    ends = np.empty(longest + 1, np.int64)
    weights = np.empty(longest + 2, np.int64)
    out = np.empty((len(rows), 3), np.int64)
    pieces = 0
    for r in range(len(rows)):
        d = rows[r]
        if r == 0 or rows[r - 1] != d:
            _tokens(data, offsets[d], offsets[d + 1], kinds, words, characters, starts, ends, weights)
        first: Any = np.int64(-1)
        for k in range(firsts[r], firsts[r] + counts[r] + 1):
            # Its tokens, shifted back, must end before it begins.
            good = k < firsts[r] + counts[r] and weights[k] - weights[k - shifts[r]] >= words * characters
            if good and first < 0:
                first = k
            if not good and first >= 0:
                if pieces == len(out):
                    out = np.concatenate((out, np.empty((pieces + 1, 3), np.int64)))
                out[pieces, 0] = r
                out[pieces, 1] = first
                out[pieces, 2] = k - first
                pieces += 1
                first = np.int64(-1)
    return out[:pieces]


def apart(
    texts: TextBuffers, words: int, characters: int, rows: Ints, firsts: Ints, counts: Ints, shifts: Ints
) -> tuple[Ints, Ints, Ints]:
    """Of runs of windows, the parts that do not overlap what stands `shifts` tokens before them in the same text.

    Returns (run, first token, windows) of each part. In `ha ha ha ...` every window overlaps the next; what lies a
    window's length further is a repeat, and the first window stays whole.
    """
    given = (readonly(rows), readonly(firsts), readonly(counts), readonly(shifts))
    found = _apart(texts.data, texts.offsets, _kinds(), words, characters, *given)
    return found[:, 0], found[:, 1], found[:, 2]
