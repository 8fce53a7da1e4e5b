"""A character n-gram model: interpolated modified Kneser-Ney, in one hash table, over any script.

The unit is the Unicode character in every language. Chinese needs no segmenter then, whose dictionary would decide the
figure, and one model serves a text that mixes Chinese and English. A document is `E c1 ... cn E`, where E marks its
two ends, and no n-gram reaches beyond them. A character that was not seen in training costs the unknown's probability and
20 bits for which one it is, so the probabilities of all strings add up to 1 and bits per byte are what they say.

The method is Chen and Goodman's (An Empirical Study of Smoothing Techniques for Language Modeling, 1998, section 3.1):
three discounts an order, lower orders by the number of different characters before. Pruned n-grams give their mass to the
lower order, so pruning leaves the distribution whole.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..curate.errors import CorpusmillError
from .text.buffers import TextBuffers, readonly
from .text.chars import decode
from .text.kernel import kernel

FORMAT = 1
MAX_ORDER = 8
END = 0x110000
"""The mark of both ends of a document: a symbol beyond Unicode."""

CODE_POINTS = 0x110000 - 0x800
"""Characters that UTF-8 can hold (surrogates are none)."""

CHUNK = 1 << 22
"""Symbols whose n-grams are sorted at a time: bounds the memory of counting, not its result."""

Keys = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class NgramReport:
    """What a training made."""

    model: str
    order: int
    characters: int
    ngrams: dict[int, int]
    """N-grams kept, by order."""
    size: int
    """Bytes of the file."""


def train_ngram(
    texts: Iterable[str],
    output: str | Path,
    *,
    order: int = 5,
    min_count: int = 2,
    max_bytes: int = 64 << 20,
) -> NgramReport:
    """Train a character n-gram model on `texts` and write it to `output`.

    N-grams of two characters or more are kept when they occur at least `min_count` times. At most `max_bytes` of text
    are read; memory is about 35 bytes for each of its characters. The order of the texts does not change the model.
    Raises ValueError on an order that is not 2 to 8, CorpusmillError when there is no text.
    """
    if not 2 <= order <= MAX_ORDER:
        raise ValueError(f"order is {order}; give 2 to {MAX_ORDER} (5 is a good start)")
    if min_count < 1:
        raise ValueError(f"min_count is {min_count}; 1 keeps every n-gram, 2 drops those seen once")
    symbols, starts = _symbols(texts, max_bytes)
    if len(starts) < 2:
        raise CorpusmillError("there is no text to train on: give at least one text that is not empty")
    counted = _count(symbols, starts, order)
    arrays: dict[str, Any] = {"format": np.array([FORMAT, order], np.int64)}
    below: _Order | None = None
    for n, raw in enumerate(counted, 1):
        below = _estimate(raw, counted[n] if n < order else None, below, 1 if n == 1 else min_count)
        arrays[f"keys{n}"], arrays[f"logs{n}"] = below.keys, np.log2(below.probabilities).astype(np.float32)
        if n > 1:
            # The context's share that the order below gets: kept beside the context's own n-gram.
            at = np.searchsorted(arrays[f"keys{n - 1}"], below.contexts)
            arrays[f"backoff{n - 1}"][at] = np.log2(below.left_over).astype(np.float32)
        else:
            arrays["unknown"] = np.array([math.log2(below.unknown)], np.float64)
        if n < order:
            arrays[f"backoff{n}"] = np.zeros(len(below.keys), np.float32)
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            np.savez(file, **arrays)
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
    return NgramReport(
        model=output.name,
        order=order,
        characters=len(symbols) - len(starts),
        ngrams={n: len(arrays[f"keys{n}"]) for n in range(1, order + 1)},
        size=output.stat().st_size,
    )


class NgramModel:
    """A model that `train_ngram` wrote, as one hash table of 16 bytes an entry, at most half full."""

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as file:
                version, self.order = (int(v) for v in file["format"])
                if version != FORMAT:
                    raise ValueError(f"format {version}, and this version reads {FORMAT}")
                keys = [file[f"keys{n}"] for n in range(1, self.order + 1)]
                logs = [file[f"logs{n}"] for n in range(1, self.order + 1)]
                backoffs = [file[f"backoff{n}"] for n in range(1, self.order)] + [np.zeros(len(keys[-1]), np.float32)]
                self.unknown = float(file["unknown"][0])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise CorpusmillError(
                f"{path} is not an n-gram model that can be read ({error}): give a file that train_ngram wrote"
            ) from error
        # A key of the table says the n-gram, its order included, because each character changes the hash.
        count = sum(len(k) for k in keys)
        size = 1 << max(4, (2 * count - 1).bit_length())
        table = np.zeros(2 * size, np.uint64)
        _fill(table, np.concatenate(keys), np.concatenate(logs), np.concatenate(backoffs))
        self._table: Keys = readonly(table)
        self._unseen = math.log2(CODE_POINTS - len(keys[0]) + 1)

    def bits(self, texts: pa.LargeStringArray, budget: int) -> tuple[NDArray[np.float64], Keys, Keys]:
        """Bits, bytes and symbols of each text's sample: the whole text and its end where it has at most `budget` bytes,
        else half as many from its start and half from its middle."""
        found = TextBuffers.of(texts)
        out: tuple[NDArray[np.float64], Keys, Keys] = _score(
            found.data, found.offsets, self._table, self.order, self.unknown - self._unseen, budget
        )
        return out


def load_ngram(path: Path) -> NgramModel:
    """The n-gram model at `path`, loaded once a process. Raises CorpusmillError when it cannot be read."""
    if not path.is_file():
        raise CorpusmillError(f"there is no n-gram model at {path}; train_ngram makes one")
    about = path.stat()
    return _load(str(path.resolve()), about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=4)
def _load(path: str, size: int, changed: int) -> NgramModel:
    return NgramModel(Path(path))


@dataclass(frozen=True, slots=True)
class _Counts:
    """The different n-grams of one order, sorted by key."""

    keys: Keys
    counts: NDArray[np.int64]
    contexts: Keys
    """Key of the n-gram without its last character."""
    suffixes: Keys
    """Key of the n-gram without its first character."""
    opening: NDArray[np.bool_]
    """Whether it begins with the mark of a document's start, and so has nothing before it."""


@dataclass(frozen=True, slots=True)
class _Order:
    """One order's estimates."""

    keys: Keys
    probabilities: NDArray[np.float64]
    contexts: Keys
    """The different contexts of kept n-grams."""
    left_over: NDArray[np.float64]
    """The share of each of them that goes to the order below."""
    unknown: float
    """For order 1: the probability of all characters that were not seen."""


def _symbols(texts: Iterable[str], max_bytes: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """All documents as one row of code points, each `E c1 ... cn`, closed by one more E; where each begins."""
    parts: list[NDArray[np.uint32]] = []
    starts: list[int] = []
    at = read = 0
    mark = np.array([END], np.uint32)
    for text in texts:
        if not text or read >= max_bytes:
            continue
        points = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
        read += len(text.encode("utf-8", "replace"))
        parts += [mark, points]
        starts.append(at)
        at += len(points) + 1
    return np.concatenate([*parts, mark]), np.array([*starts, at], np.int64)


def _count(symbols: NDArray[np.uint32], starts: NDArray[np.int64], order: int) -> list[_Counts]:
    """The n-grams of each order from 1 to `order`, none of which reaches beyond its document."""
    since = _since(starts, order)
    found: list[_Counts | None] = [None] * order
    for first in range(0, len(symbols), CHUNK):
        # The symbols before the chunk that its first n-grams and their contexts need are read with it.
        before = min(first, order)
        here, age = symbols[first - before : first + CHUNK], since[first - before : first + CHUNK]
        last = keys = np.zeros(len(here), np.uint64)
        for n in range(1, order + 1):
            last, keys = keys, _extend(keys, here, n)
            valid = before + np.flatnonzero(age[before:] >= n - 1)
            unique, index, counts = np.unique(keys[valid], return_index=True, return_counts=True)
            at = valid[index]
            opening = age[at] == n - 1 if n > 1 else np.zeros(len(at), np.bool_)
            more = _Counts(unique, counts, last[at - 1] if n > 1 else last[at], last[at], opening)
            found[n - 1] = _merged(found[n - 1], more)
    return [counts for counts in found if counts is not None]


def _merged(one: _Counts | None, two: _Counts) -> _Counts:
    if one is None:
        return two
    keys, index, inverse = np.unique(np.concatenate([one.keys, two.keys]), return_index=True, return_inverse=True)
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, inverse, np.concatenate([one.counts, two.counts]))
    return _Counts(
        keys,
        counts,
        np.concatenate([one.contexts, two.contexts])[index],
        np.concatenate([one.suffixes, two.suffixes])[index],
        np.concatenate([one.opening, two.opening])[index],
    )


def _since(starts: NDArray[np.int64], order: int) -> NDArray[np.uint8]:
    """Symbols since the document's opening E, at most `order`; an E between two documents counts for the first."""
    since = np.full(int(starts[-1]) + 1, order, np.uint8)
    for distance in range(order - 1, -1, -1):
        # Far to near: in a short document the next one's first symbols are set again by their own, nearer start.
        at = starts[:-1] + distance
        since[at[at < len(since)]] = distance
    since[starts[1:]] = np.minimum(np.diff(starts), order)
    return since


def _estimate(raw: _Counts, above: _Counts | None, below: _Order | None, min_count: int) -> _Order:
    """Probabilities of one order, from its counts, those of the order above and the estimates of the order below."""
    counts = raw.counts
    if above is not None:
        # How many different characters stand before it; before the start of a document none can.
        before = np.bincount(np.searchsorted(raw.keys, above.suffixes), minlength=len(raw.keys))
        counts = np.where(raw.opening, raw.counts, before)
    contexts, which = np.unique(raw.contexts, return_inverse=True)
    totals = np.bincount(which, weights=counts)
    kept = raw.counts >= min_count
    shares = np.maximum(counts - _discounts(counts)[np.minimum(counts, 3)], 0) / totals[which]
    given = np.bincount(which[kept], weights=shares[kept], minlength=len(contexts))
    left_over = np.subtract(1.0, given, dtype=np.float64)
    used = np.zeros(len(contexts), np.bool_)
    used[which[kept]] = True
    if below is None:
        lower: Any = 1 / (len(raw.keys) + 1)
    else:
        lower = below.probabilities[np.searchsorted(below.keys, raw.suffixes[kept])]
    probabilities = shares[kept] + left_over[which[kept]] * lower
    unknown = float(left_over[0] * lower) if below is None else 0.0
    return _Order(raw.keys[kept], probabilities, contexts[used], left_over[used], unknown)


def _discounts(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """What is taken from a count of 1, 2, and 3 or more (at 1, 2 and 3); fixed values where too few n-grams tell."""
    seen = np.bincount(np.minimum(counts, 5), minlength=6)
    one, two, three, four = (int(n) for n in seen[1:5])
    if min(one, two, three, four) == 0:
        return np.array([0, 0.5, 1.0, 1.5])
    y = one / (one + 2 * two)
    found = [1 - 2 * y * two / one, 2 - 3 * y * three / two, 3 - 4 * y * four / three]
    return np.array([0, *(min(max(d, 0.05), i - 0.05) for i, d in enumerate(found, 1))])


@kernel
def _mixed(key: Any, symbol: Any) -> Any:
    """The key of an n-gram from that of the n-gram without its first symbol; splitmix64's finalizer."""
    x = (key + np.uint64(symbol) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel
def _extend(keys: Any, symbols: Any, n: int) -> Any:
    """Keys of the n-grams that end at each position, from those of order n - 1; meaningless at the first n - 1."""
    out = np.empty(len(keys), np.uint64)
    for i in range(len(keys)):
        out[i] = _mixed(keys[i], symbols[max(i - n + 1, 0)])
    return out


@kernel
def _fill(table: Any, keys: Any, logs: Any, backoffs: Any) -> None:
    values = table.view(np.float32)
    mask = np.uint64(len(table) // 2 - 1)
    for i in range(len(keys)):
        slot = keys[i] & mask
        while table[2 * slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        table[2 * slot] = keys[i]
        values[4 * slot + 2] = logs[i]
        values[4 * slot + 3] = backoffs[i]


@kernel
def _read(data: Any, i: int, end: int, points: Any, n: int) -> int:
    """The code points of data[i:end], appended to `points` after its first `n`; how many there are then."""
    while i < end:
        c = data[i]
        if c < 128:
            points[n] = c
            i += 1
        else:
            points[n], size = decode(data, i)
            i += size
        n += 1
    return n


@kernel
def _bits(points: Any, first: int, n: int, table: Any, values: Any, order: int, unknown: float, backoff: Any) -> float:
    """Bits of points[first:n], each after those before it from points[0] on."""
    mask = np.uint64(len(table) // 2 - 1)
    total = 0.0
    known = 0
    for i in range(n):
        key = np.uint64(0)
        found = 0
        log = unknown
        used = 0.0
        for length in range(1, min(known + 1, order) + 1):
            key = _mixed(key, points[i - length + 1])
            slot = np.int64(key & mask)
            while table[2 * slot] != key and table[2 * slot] != 0:
                slot = (slot + 1) & np.int64(mask)
            if table[2 * slot] == 0:
                break
            found = length
            log = values[4 * slot + 2]
            # Read before it is overwritten: the context of this length belongs to the symbol before.
            backoff[1, length] = values[4 * slot + 3]
        for length in range(max(found, 1), min(known, order - 1) + 1):
            used += backoff[0, length]
        if i >= first:
            total -= log + used
        for length in range(1, found + 1):
            backoff[0, length] = backoff[1, length]
        known = found
    return total


@kernel
def _score(data: Any, offsets: Any, table: Any, order: int, unknown: float, budget: int) -> tuple[Any, Any, Any]:
    n = len(offsets) - 1
    values = table.view(np.float32)
    bits = np.zeros(n)
    sizes = np.zeros(n, np.uint64)
    symbols = np.zeros(n, np.uint64)
    points = np.empty(budget + 8, np.uint32)
    backoff = np.zeros((2, MAX_ORDER + 1))
    for d in range(n):
        start, end = offsets[d], offsets[d + 1]
        if start == end:
            continue
        points[0] = END
        if end - start <= budget:
            m = _read(data, start, end, points, 1)
            points[m] = END
            m += 1
            bits[d] = _bits(points, 1, m, table, values, order, unknown, backoff)
            sizes[d] = end - start
            symbols[d] = m - 1
        else:
            half = budget // 2
            stop = start + half
            while data[stop] & 0xC0 == 0x80:
                stop -= 1
            middle = start + (end - start) // 2
            while data[middle] & 0xC0 == 0x80:
                middle += 1
            last = min(middle + half, end)
            while last < end and data[last] & 0xC0 == 0x80:
                last -= 1
            m = _read(data, start, stop, points, 1)
            bits[d] = _bits(points, 1, m, table, values, order, unknown, backoff)
            symbols[d] = m - 1
            m = _read(data, middle, last, points, 0)
            bits[d] += _bits(points, 0, m, table, values, order, unknown, backoff)
            symbols[d] += m
            sizes[d] = stop - start + last - middle
    return bits, sizes, symbols
