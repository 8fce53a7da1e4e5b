"""The common case of English text: a chunk between white space of letters alone or digits alone, and at most one mark.

Nine chunks in ten are of this kind. They are cut as `spaced.cut_chunk` would cut them, at four times its speed; what might
be cut otherwise (a listed chunk, a mark that does not simply come off) is left to it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .buffers import TextBuffers, readonly
from .hashing import hash_bytes, hash_documents, hash_eight
from .kernel import part
from .spaced import listed_chunks
from .wide import byte_at, leading_letters, load8

LETTER, DIGIT_, BLANK, CLOSES, CLOSES_LETTERS, STOP = 1, 2, 4, 8, 16, 32
"""Kinds of ASCII characters; CLOSES comes off letters and digits, CLOSES_LETTERS off letters (8) is a face)."""

_FILTER_BITS = 16


@cache
def ascii_kinds() -> NDArray[np.uint8]:
    """The kind of every byte, 0 for what is not plain."""
    kinds = np.zeros(256, np.uint8)
    for byte in range(128):
        char = chr(byte)
        if char.isalpha():
            kinds[byte] = LETTER
        elif char.isdigit():
            kinds[byte] = DIGIT_
        elif char.isspace():
            kinds[byte] = BLANK
        elif char in ",;:!?":
            kinds[byte] = CLOSES
        elif char in ')"':
            kinds[byte] = CLOSES_LETTERS
        elif char == ".":
            kinds[byte] = STOP
    return readonly(kinds)


@cache
def listed_filter() -> NDArray[np.uint8]:
    """A bit for the hash of every listed chunk: where it is not set, a chunk is not listed. 8 KB."""
    texts = TextBuffers.of_strings(["".join(tokens) for tokens in listed_chunks()])
    hashes = np.zeros(len(texts), np.uint64)
    hash_documents(texts.data, texts.offsets, hashes)
    bits = np.zeros(1 << (_FILTER_BITS - 3), np.uint8)
    for h in hashes.tolist():
        place = h >> (64 - _FILTER_BITS)
        bits[place >> 3] |= 1 << (place & 7)
    return readonly(bits)


@part
def _may_be_listed(h: Any, bits: Any) -> bool:
    place = np.int64(h >> np.uint64(64 - _FILTER_BITS))
    return bool((bits[place >> 3] >> (place & 7)) & 1)


@part
def plain_chunk(data: Any, i: Any, hi: Any, kinds: Any, listed: Any) -> Any:
    """Of a plain chunk at byte `i`: (where its word ends, where its mark ends, the word's hash); (0, 0, 0) for others."""
    kind = kinds[byte_at(data, i)]
    j = i
    letters = np.int64(8)
    eight = np.uint64(0)
    while kind == LETTER and letters == 8 and j + 8 <= hi:
        eight = load8(data, j)
        letters = leading_letters(eight)
        j += letters
    if letters == 8:
        while j < hi and kinds[byte_at(data, j)] == kind:
            j += 1
    stop = j
    mark = 0
    if j < hi:
        mark = kinds[byte_at(data, j)]
        if mark & (CLOSES | CLOSES_LETTERS | STOP):
            stop = j + 1
    if stop < hi and kinds[byte_at(data, stop)] != BLANK:
        return 0, 0, np.uint64(0)
    h = hash_eight(eight, letters) if j - i == letters < 8 else hash_bytes(data, i, j)
    if kind == LETTER:
        if _may_be_listed(h, listed):
            return 0, 0, np.uint64(0)
        if mark == STOP:
            # Stays with an initial and an abbreviation; comes off a small letter or two capital ones.
            last = byte_at(data, j - 1)
            if last < 97 and (j - i < 2 or byte_at(data, j - 2) >= 97):
                return 0, 0, np.uint64(0)
            if _may_be_listed(hash_bytes(data, i, stop), listed):
                return 0, 0, np.uint64(0)
    elif mark == CLOSES_LETTERS:
        return 0, 0, np.uint64(0)
    return j, stop, h
