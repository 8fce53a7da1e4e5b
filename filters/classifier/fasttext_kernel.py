"""Kernels that read a batch's bytes as fastText reads lines: words, their hashes, n-grams, and what they weigh.

The hashes are fastText's (FNV-1a over sign-extended bytes; n-grams by a polynomial in 116049371), so that the models'
buckets are met. Facts of the format: fastText's dictionary.cc (MIT).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..text.kernel import kernel

MAX_NGRAMS = 32
"""Longest word n-gram that the kernel keeps the hashes of."""


@kernel
def hash_of(word: Any) -> Any:
    h = np.uint32(2166136261)
    for k in range(len(word)):
        h = _hash_byte(h, word[k])
    return h


@kernel
def _hash_byte(h: Any, byte: Any) -> Any:
    x = np.uint32(byte)
    if byte >= 128:  # fastText takes bytes as signed
        x |= np.uint32(0xFFFFFF00)
    return np.uint32((h ^ x) * np.uint32(16777619))


@kernel
def hash_table(words: Any, offsets: Any) -> Any:
    """Slots (a power of two, at most half full) that hold each word's number, or -1."""
    n = len(offsets) - 1
    size = 16
    while size < 2 * n:
        size *= 2
    slots = np.full(size, -1, np.int32)
    for w in range(n):
        at = np.int64(hash_of(words[offsets[w] : offsets[w + 1]])) & (size - 1)
        while slots[at] >= 0:
            at = (at + 1) & (size - 1)
        slots[at] = w
    return slots


@kernel
def _number(data: Any, start: int, end: int, h: Any, words: Any, offsets: Any, slots: Any) -> Any:
    """The number of the word data[start:end], -1 for one that the model does not know."""
    mask = len(slots) - 1
    at = np.int64(h) & mask
    while slots[at] >= 0:
        w = slots[at]
        first = offsets[w]
        if offsets[w + 1] - first == end - start:
            k = 0
            while k < end - start and words[first + k] == data[start + k]:
                k += 1
            if k == end - start:
                return w
        at = (at + 1) & mask
    return np.int32(-1)


@kernel
def line_logits(
    data: Any, starts: Any, words: Any, offsets: Any, slots: Any, weights: Any, end_word: int, end_hash: Any,
    buckets: int, ngrams: int,
) -> Any:  # fmt: skip
    """Mean weight of each text's words and word n-grams, texts x labels; NaN for a text with none."""
    n, labels = len(starts) - 1, weights.shape[1]
    n_words = len(offsets) - 1
    out = np.full((n, labels), np.nan)
    total = np.empty(labels)
    longest = min(ngrams, MAX_NGRAMS)
    runs = np.zeros(MAX_NGRAMS, np.uint64)  # runs[k]: hash of the last k + 1 words
    factor = np.uint64(116049371)
    for d in range(n):
        total[:] = 0
        seen = 0  # rows that were added up
        count = 0  # words
        i, end = starts[d], starts[d + 1]
        done = False
        while not done:
            while i < end and _is_space(data[i]):
                i += 1
            if i < end:
                first = i
                h = np.uint32(2166136261)
                while i < end and not _is_space(data[i]):
                    h = _hash_byte(h, data[i])
                    i += 1
                number = _number(data, first, i, h, words, offsets, slots)
            else:
                h, number, done = end_hash, np.int32(end_word), True
            if number >= 0:
                for c in range(labels):
                    total[c] += weights[number, c]
                seen += 1
            # A hash is a signed 32-bit number to fastText, and grows to 64 bits with its sign.
            wide = np.uint64(np.int64(np.int32(h)))
            for k in range(min(count, longest - 1), 0, -1):
                runs[k] = runs[k - 1] * factor + wide
                row = n_words + np.int64(runs[k] % np.uint64(buckets))
                for c in range(labels):
                    total[c] += weights[row, c]
                seen += 1
            runs[0] = wide
            count += 1
        if seen:
            for c in range(labels):
                out[d, c] = total[c] / seen
    return out


@kernel
def _is_space(byte: Any) -> Any:
    return byte == 32 or 9 <= byte <= 13 or byte == 0
