"""Hashes of stretches of bytes: what words are told apart by."""

from __future__ import annotations

from typing import Any

import numpy as np

from .kernel import kernel, part
from .wide import load8

_BASIS = np.uint64(0xCBF29CE484222325)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@part
def hash_bytes(data: Any, start: Any, end: Any) -> Any:
    """A 64-bit hash of some bytes, eight at a time: most words are one step."""
    h = _BASIS ^ np.uint64(end - start)
    i = np.int64(start)
    while end - i > 8:
        h = (h ^ load8(data, i)) * _STEP
        h ^= h >> np.uint64(29)
        i += 8
    if end > i:
        shift = np.uint64(8 * (8 - (end - i)))  # the bits that are not the word's
        if i + 8 <= len(data):
            tail: Any = load8(data, i)
        else:
            tail = np.uint64(0)
            for k in range(end - 1, i - 1, -1):
                tail = (tail << np.uint64(8)) | np.uint64(data[k])
        h = (h ^ (tail << shift)) * _STEP
    h = (h ^ (h >> np.uint64(30))) * _MIX
    return h ^ (h >> np.uint64(31))


@part
def hash_eight(eight: Any, n: Any) -> Any:
    """`hash_bytes` of the first `n` (1 to 8) of eight bytes."""
    h = _BASIS ^ np.uint64(n)
    h = (h ^ (eight << np.uint64(8 * (8 - n)))) * _STEP
    h = (h ^ (h >> np.uint64(30))) * _MIX
    return h ^ (h >> np.uint64(31))


@kernel
def hash_documents(data: Any, offsets: Any, out: Any) -> None:
    """The hash of every document as a whole."""
    for d in range(len(offsets) - 1):
        out[d] = hash_bytes(data, offsets[d], offsets[d + 1])
