"""Counting phrases of a list in text, in one pass over its bytes whatever the list's length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .buffers import Bytes, Int64s, TextBuffers, readonly
from .chars import ALPHA, DIGIT, HAN, HANGUL, KANA, UNSPACED, char_table, decode
from .kernel import kernel, part
from .wide import load2

_GATE = 0x9E3779B1
_WINDOW = 64


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases ready to be searched: their lower-case bytes, sorted, with an index by the first two bytes.

    ASCII letters match in either case; other letters as written. With `whole_words`, a phrase that starts or ends in
    a letter or numeral of a spaced script matches only where no other such character adjoins it.
    """

    data: Bytes
    offsets: Int64s
    heads: NDArray[np.int32]
    """int32[65537]: the phrases that start with bytes `b0, b1` are number heads[b0 << 8 | b1] up to the next one's."""
    shortest: int
    """Bytes of the shortest phrase, at most `_WINDOW`: what is looked at of each phrase before it is compared."""
    shifts: NDArray[np.uint8]
    """uint8[65536]: by the last two bytes of a window of `shortest` bytes, how far on the next one may start that is
    the start of a phrase (Wu and Manber 1994); 0 where this one may be."""
    gate: NDArray[np.bool_]
    """bool[65536]: by a hash of four bytes, whether a phrase may start with them. In Chinese a first byte says nothing and
    two little. All true where a phrase is shorter than four bytes."""
    whole_words: bool

    @classmethod
    def of(cls, phrases: Iterable[str], whole_words: bool = False) -> Phrases:
        """Raises ValueError for a phrase under two bytes of UTF-8."""
        raw = sorted({_lower(p.strip().encode()) for p in phrases})
        short = [p.decode() for p in raw if len(p) < 2]
        if short:
            raise ValueError(f"a phrase to search for needs at least two bytes: {', '.join(map(repr, short))}")
        offsets = np.cumsum([0, *(len(p) for p in raw)], dtype=np.int64)
        firsts = np.array([p[0] << 8 | p[1] for p in raw], dtype=np.int64)
        heads = np.searchsorted(firsts, np.arange(65537)).astype(np.int32)
        data = np.frombuffer(b"".join(raw) or b"\0", dtype=np.uint8)
        # A window that nothing fits into where there are no phrases.
        shortest = min(min(len(p) for p in raw), _WINDOW) if raw else 1 << 40
        gate = np.zeros(1 << 16, dtype=np.bool_)
        for p in raw:
            if len(p) < 4:
                gate[:] = True
                break
            gate[(int.from_bytes(p[:4], "little") * _GATE >> 16) & 0xFFFF] = True
        shifts = readonly(_shifts(raw, shortest))
        return cls(readonly(data), readonly(offsets), readonly(heads), shortest, shifts, readonly(gate), whole_words)

    def __len__(self) -> int:
        return len(self.offsets) - 1


def _lower(raw: bytes) -> bytes:
    return bytes(b | 0x20 if 65 <= b <= 90 else b for b in raw)


def _shifts(raw: list[bytes], shortest: int) -> NDArray[np.uint8]:
    shifts = np.full(1 << 16, min(shortest, _WINDOW) - 1, np.uint8)
    for p in raw:
        for k in range(shortest - 1):
            for first in {p[k], *p[k : k + 1].upper()}:
                for second in {p[k + 1], *p[k + 1 : k + 2].upper()}:
                    pair = first | second << 8
                    shifts[pair] = min(int(shifts[pair]), shortest - 2 - k)
    return shifts


@part
def _lowered(b: Any) -> Any:
    c = np.int64(b)
    return c | 0x20 if 65 <= c <= 90 else c


@part
def _joined(data: Any, lo: Any, hi: Any, inner: Any, outer: Any, table: Any) -> bool:
    """Whether the characters that start at `inner` and `outer` (bytes; outside [lo, hi) means none) make one word."""
    if outer < lo or outer >= hi:
        return False
    word = ALPHA | DIGIT
    unspaced = HAN | KANA | HANGUL | UNSPACED
    f = table[decode(data, inner)[0]]
    g = table[decode(data, outer)[0]]
    return bool(f & word and g & word and not f & unspaced and not g & unspaced)


@part
def find_phrase(
    data: Any, i: Any, lo: Any, hi: Any, table: Any, phrases: Any, offsets: Any, heads: Any, whole_words: bool
) -> Any:
    """The length in bytes of the longest phrase that starts at byte `i` of the text [lo, hi), or 0."""
    if i + 1 >= hi:
        return 0
    pair = (_lowered(data[i]) << 8) | _lowered(data[i + 1])
    # Phrases are sorted, so of those that start alike the longest comes last.
    for p in range(heads[pair + 1] - 1, heads[pair] - 1, -1):
        n = offsets[p + 1] - offsets[p]
        if i + n > hi:
            continue
        k = 2
        while k < n and _lowered(data[i + k]) == phrases[offsets[p] + k]:
            k += 1
        if k < n:
            continue
        if whole_words:
            before = i - 1
            while before > lo and data[before] & 0xC0 == 0x80:
                before -= 1
            last = i + n - 1
            while data[last] & 0xC0 == 0x80:
                last -= 1
            if _joined(data, lo, hi, i, before, table) or _joined(data, lo, hi, last, i + n, table):
                continue
        return n
    return 0


@part
def next_place(data: Any, i: Any, hi: Any, shortest: Any, shifts: Any, gate: Any) -> Any:
    """The first byte from `i` on at which a phrase may start that ends by `hi`, or `hi`."""
    while i + shortest <= hi:
        shift = shifts[load2(data, i + shortest - 2)]
        if shift:
            i += np.int64(shift)
            continue
        if i + 4 > hi:
            return i
        key = _lowered(data[i]) | _lowered(data[i + 1]) << 8
        key |= _lowered(data[i + 2]) << 16 | _lowered(data[i + 3]) << 24
        if gate[(key * _GATE >> 16) & 0xFFFF]:
            return i
        i += 1
    return hi


@kernel
def _count(
    data: Any,
    text_offsets: Any,
    table: Any,
    phrases: Any,
    offsets: Any,
    heads: Any,
    shortest: Any,
    shifts: Any,
    gate: Any,
    whole_words: bool,
    in_chars: bool,
    out: Any,
) -> None:
    for d in range(len(text_offsets) - 1):
        lo = text_offsets[d]
        hi = text_offsets[d + 1]
        i = next_place(data, lo, hi, shortest, shifts, gate)
        while i < hi:
            n = find_phrase(data, i, lo, hi, table, phrases, offsets, heads, whole_words)
            if n:
                if in_chars:
                    for k in range(i, i + n):
                        if data[k] & 0xC0 != 0x80:
                            out[d] += 1
                else:
                    out[d] += 1
            i = next_place(data, i + max(n, 1), hi, shortest, shifts, gate)


def _counted(texts: TextBuffers, phrases: Phrases, in_chars: bool) -> NDArray[np.int64]:
    out = np.zeros(len(texts), dtype=np.int64)
    if len(phrases):
        _count(
            texts.data,
            texts.offsets,
            char_table(),
            phrases.data,
            phrases.offsets,
            phrases.heads,
            phrases.shortest,
            phrases.shifts,
            phrases.gate,
            phrases.whole_words,
            in_chars,
            out,
        )
    return out


def count_phrases(texts: TextBuffers, phrases: Phrases) -> NDArray[np.int64]:
    """How many times any of `phrases` occurs in each document, the longest at a place, without overlap."""
    return _counted(texts, phrases, False)


def phrase_chars(texts: TextBuffers, phrases: Phrases) -> NDArray[np.int64]:
    """How many characters of each document lie in one of `phrases`, found as `count_phrases` finds them."""
    return _counted(texts, phrases, True)
