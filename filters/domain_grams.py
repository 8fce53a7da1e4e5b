"""Hashed n-grams of a text's tokens, and how much likelier a domain is to use them than a pool is.

The tokens are those of the classifiers (`prepare_texts`): characters of Chinese, words of English. Two things are made of
them: a start for `corpusmill recall`, and DSIR's importance resampling (Xie et al. 2023, sections 3 and 4).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .text.buffers import TextBuffers, readonly
from .text.kernel import kernel

Reals = NDArray[np.float64]

PRIOR = 2e4
"""Imaginary n-grams, spread as in all texts together, that each side is given: what was seen a few times proves little."""


def grams(
    texts: TextBuffers, *, buckets: int, longest: int, distinct: bool
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The buckets of all n-grams of 1 to `longest` tokens, text after text, and where each text's begin (one more at
    the end). Tokens have one space between them; `distinct` keeps each bucket of a text once."""
    found, starts = _grams(texts.data, texts.offsets, buckets, longest, distinct)
    return found, readonly(starts)


def counts(texts: TextBuffers, *, buckets: int, longest: int, distinct: bool) -> Reals:
    """How often each bucket occurs in all texts together."""
    found, _ = grams(texts, buckets=buckets, longest=longest, distinct=distinct)
    return np.bincount(found, minlength=buckets).astype(np.float64)


def log_ratio(domain: Reals, pool: Reals, prior: float = PRIOR) -> Reals:
    """By bucket, how much likelier the domain is to use it than the pool, as a logarithm; 0 without evidence."""
    both = domain + pool
    if not both.sum():
        return np.zeros(len(both))
    mean = both / both.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log((domain + prior * mean) / (domain.sum() + prior)) - np.log(
            (pool + prior * mean) / (pool.sum() + prior)
        )
    return np.where(both > 0, ratio, 0.0)


def sums(texts: TextBuffers, weights: Reals, *, longest: int, distinct: bool) -> tuple[Reals, NDArray[np.int64]]:
    """The sum of the weights of each text's n-grams, and how many they are."""
    found, starts = grams(texts, buckets=len(weights), longest=longest, distinct=distinct)
    along = np.concatenate([[0.0], np.cumsum(weights[found])])
    return along[starts[1:]] - along[starts[:-1]], np.diff(starts)


@kernel
def _grams(data: Any, offsets: Any, buckets: int, longest: int, distinct: bool) -> Any:
    n = len(offsets) - 1
    tokens = 0
    for i in range(offsets[0], offsets[n]):
        if data[i] == 32:
            tokens += 1
    found = np.empty((tokens + n) * longest, np.int32)
    starts = np.zeros(n + 1, np.int64)
    seen = np.full(buckets, -1, np.int32)
    runs = np.zeros(longest + 1, np.uint64)
    at = 0
    for d in range(n):
        i, end = offsets[d], offsets[d + 1]
        count = 0
        while i < end:
            while i < end and data[i] == 32:
                i += 1
            if i == end:
                break
            h = np.uint64(14695981039346656037)
            while i < end and data[i] != 32:
                h = (h ^ np.uint64(data[i])) * np.uint64(1099511628211)
                i += 1
            # FNV's low bits are poor for short words: mixed once more.
            h = (h ^ (h >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
            h = h ^ (h >> np.uint64(29))
            for k in range(min(count, longest - 1), 0, -1):
                runs[k] = runs[k - 1] * np.uint64(0xD6E8FEB86659FD93) + h
            runs[0] = h
            count += 1
            for k in range(min(count, longest)):
                mixed = runs[k] ^ (runs[k] >> np.uint64(31))
                bucket = np.int32((mixed * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(17)) % np.uint64(buckets))
                if distinct:
                    if seen[bucket] == d:
                        continue
                    seen[bucket] = d
                found[at] = bucket
                at += 1
        starts[d + 1] = at
    return found[:at], starts
