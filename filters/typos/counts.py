"""How often each run of one to five characters was seen: one hash table, read by the typo kernels in both directions.

From plain counts come a forward and a backward language model at once (a run's count over that of its history, or of
its future), which no table of probabilities gives. Digits and Latin letters are each folded to one symbol and all white
space to a line end: which number stands in a text says nothing about its typos.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from ..text.buffers import readonly
from ..text.kernel import kernel, part

ORDER = 5
MIN_COUNT = 2
"""Runs of four and five characters are kept from this count on: those seen once are most of them, and tell least."""
PAD = 4
"""Line ends that `code_row` puts before, between and after texts, so that no run reaches from one into another."""

Codes = NDArray[np.uint16]
Keys = NDArray[np.uint64]

_CHUNK = 1 << 22
_P = 0x9E3779B97F4A7C15


def _fold() -> Codes:
    table = np.arange(1 << 16, dtype=np.uint16)
    table[0x30:0x3A] = 0x30
    table[0xFF10:0xFF1A] = 0x30
    table[0x41:0x5B] = 0x61
    table[0x61:0x7B] = 0x61
    table[[0x20, 0x09, 0x0D, 0xA0, 0x3000]] = 0x0A
    return table


_FOLD = _fold()


def code_row(texts: Iterable[str]) -> tuple[Codes, NDArray[np.int64]]:
    """All texts as one row of folded code points, and where each begins; character i of text t is row[starts[t] + i]."""
    gap = "\n" * PAD
    parts, starts, at = [gap], [], PAD
    for text in texts:
        starts.append(at)
        parts += (text, gap)
        at += len(text) + PAD
    points = np.frombuffer("".join(parts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return _FOLD[np.minimum(points, 0xFFFF)], np.array(starts, np.int64)


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts as stored (`entries`: 48 bits of key and a 16-bit count, sorted) and as kernels look them up."""

    entries: Keys
    table: Keys
    total: int
    """Characters counted."""

    @classmethod
    def of_entries(cls, entries: Keys, total: int) -> Counts:
        size = 1 << max(8, (len(entries) * 3 // 2).bit_length())
        table = np.zeros(size, np.uint64)
        _fill(table, readonly(entries))
        return cls(entries, readonly(table), total)

    def frequent(self, least: int) -> Iterator[str]:
        """The Chinese characters that were seen so often."""
        often = np.flatnonzero(_code_counts(self.table) >= least)
        return (chr(c) for c in often.tolist() if 0x4E00 <= c <= 0x9FFF)


class Counter:
    """Counts runs of characters a text at a time, each different sentence once: a clause that every contract repeats
    says no more about what can be written than one that stands there once, and would drown the rest."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._pieces: list[str] = []
        self._size = 0
        self._keys: list[Keys] = [np.zeros(0, np.uint64)] * ORDER
        self._counts: list[NDArray[np.int64]] = [np.zeros(0, np.int64)] * ORDER
        self.total = 0

    def add(self, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            digest = xxhash.xxh3_64_intdigest(sentence.encode("utf-8", "surrogatepass"))
            if digest not in self._seen:
                self._seen.add(digest)
                self._pieces.append(sentence)
                self._size += len(sentence)
        if self._size > _CHUNK:
            self._flush()

    def has(self, sentence: str) -> bool:
        """Whether this very sentence was counted."""
        return xxhash.xxh3_64_intdigest(sentence.encode("utf-8", "surrogatepass")) in self._seen

    def counts(self) -> Counts:
        self._flush()
        kept = []
        for n, (keys, counts) in enumerate(zip(self._keys, self._counts, strict=True), 1):
            often = counts >= (1 if n < 4 else MIN_COUNT)
            kept.append(keys[often] & ~np.uint64(0xFFFF) | _packed(counts[often]))
        return Counts.of_entries(np.sort(np.concatenate(kept)), self.total)

    def _flush(self) -> None:
        if not self._pieces:
            return
        row, _ = code_row(self._pieces)
        self.total += self._size
        self._pieces, self._size = [], 0
        for n in range(1, ORDER + 1):
            new, counts = np.unique(_all_keys(readonly(row), n), return_counts=True)
            both, inverse = np.unique(np.concatenate([self._keys[n - 1], new]), return_inverse=True)
            added = np.bincount(inverse, np.concatenate([self._counts[n - 1], counts]), len(both))
            self._keys[n - 1], self._counts[n - 1] = both, added.astype(np.int64)


def _packed(counts: NDArray[np.int64]) -> Keys:
    """Counts in 16 bits: 12 of mantissa and 4 of exponent, 0.02 % off at most."""
    exponent = np.maximum(np.ceil(np.log2((counts + 1) / 4096)), 0).astype(np.int64)
    return (exponent << 12 | counts >> exponent).astype(np.uint64)


@part
def raw_key(row: Any, start: Any, n: Any) -> Any:
    """A number for the run of `n` codes from `start`, to which a changed code can be added."""
    key = np.uint64(n)
    for i in range(start, start + n):
        key = key * np.uint64(_P) + np.uint64(row[i])
    return key


@part
def mixed(raw: Any) -> Any:
    x = raw ^ (raw >> np.uint64(31))
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(30))


@part
def count_of(table: Any, raw: Any) -> Any:
    """How often the run with this raw key was seen, 0 where it was not."""
    key = mixed(raw)
    mask = np.uint64(len(table) - 1)
    slot = (key >> np.uint64(16)) & mask
    while True:
        entry = table[np.int64(slot)]
        if entry == 0:
            return np.int64(0)
        if (entry ^ key) >> np.uint64(16) == 0:
            return np.int64((entry & np.uint64(0xFFF)) << ((entry >> np.uint64(12)) & np.uint64(0xF)))
        slot = (slot + np.uint64(1)) & mask


@kernel
def _all_keys(row: Any, n: int) -> Any:
    """Mixed keys of all runs of `n` codes that do not begin and end with line ends."""
    out = np.empty(len(row), np.uint64)
    size = 0
    for start in range(len(row) - n + 1):
        if n > 1 and row[start] == 10 and row[start + n - 1] == 10:
            continue
        out[size] = mixed(raw_key(row, start, n))
        size += 1
    return out[:size]


@kernel
def _fill(table: Any, entries: Any) -> None:
    mask = np.uint64(len(table) - 1)
    for i in range(len(entries)):
        # The low 16 bits of a key are not stored: the slot is taken from the high ones.
        slot = (entries[i] >> np.uint64(16)) & mask
        while table[np.int64(slot)] != 0:
            slot = (slot + np.uint64(1)) & mask
        table[np.int64(slot)] = entries[i]


@kernel
def count_run(row: Any, start: int, n: int, table: Any) -> Any:
    """How often the run of `n` codes from `start` was seen; for one look from Python."""
    return count_of(table, raw_key(row, start, n))


@kernel
def _code_counts(table: Any) -> Any:
    out = np.zeros(1 << 16, np.int64)
    row = np.zeros(1, np.uint16)
    for code in range(1 << 16):
        row[0] = code
        out[code] = count_of(table, raw_key(row, 0, 1))
    return out
