"""Kernels that group candidates and choose among them: bands, union-find, buckets, and the verified choice itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.kernel import kernel
from ..text.shingles import similarity

Ints = NDArray[np.int64]


def band_keys(signatures: NDArray[np.uint16], bands: int, width: int) -> NDArray[np.uint64]:
    """A 64-bit hash of each band of each signature, (n, bands). Hashes of different bands are of different worlds."""
    found: NDArray[np.uint64] = _band_keys(signatures, bands, width)
    return found


@kernel
def _band_keys(signatures: Any, bands: int, width: int) -> Any:
    n = len(signatures)
    keys = np.empty((n, bands), np.uint64)
    for d in range(n):
        for b in range(bands):
            h = np.uint64(b + 1) * np.uint64(0x9E3779B97F4A7C15)
            for j in range(b * width, (b + 1) * width):
                h = (h ^ np.uint64(signatures[d, j])) * np.uint64(0xFF51AFD7ED558CCD)
                h ^= h >> np.uint64(32)
            h *= np.uint64(0xC4CEB9FE1A85EC53)
            keys[d, b] = h ^ (h >> np.uint64(33))
    return keys


@kernel
def unite(parent: Any, a: Any, b: Any) -> None:
    """Join the groups of a[i] and b[i] for every i. The smallest member stands for a group, whatever the order."""
    for i in range(len(a)):
        x, y = a[i], b[i]
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        while parent[y] != y:
            parent[y] = parent[parent[y]]
            y = parent[y]
        if x < y:
            parent[y] = x
        elif y < x:
            parent[x] = y


@kernel
def flatten(parent: Any) -> Any:
    """Make every entry point at its group's smallest member; says which entries are in a group of two or more."""
    grouped = np.zeros(len(parent), np.bool_)
    for i in range(len(parent)):
        # Parents come before children, so that a parent is flat already.
        parent[i] = parent[parent[i]]
        if parent[i] != i:
            grouped[i] = True
            grouped[parent[i]] = True
    return grouped


@kernel
def _same_key(keys: Any, documents: Any, order: Any) -> tuple[Any, Any]:
    """The first document of each run of equal keys beside each of the others."""
    n = len(order)
    count = 0
    for i in range(1, n):
        count += keys[order[i]] == keys[order[i - 1]]
    a = np.empty(count, np.int64)
    b = np.empty(count, np.int64)
    found = 0
    first = 0
    for i in range(1, n):
        if keys[order[i]] == keys[order[i - 1]]:
            a[found] = documents[order[first]]
            b[found] = documents[order[i]]
            found += 1
        else:
            first = i
    return a, b


def groups(keys: NDArray[np.uint64], documents: Ints) -> tuple[Ints, Ints]:
    """(document, the smallest document of its group) for all but that smallest: what equal keys tie together."""
    a, b = _same_key(keys, documents, np.argsort(keys))
    members, place = np.unique(np.concatenate([a, b]), return_inverse=True)
    parent = np.arange(len(members))
    unite(parent, place[: len(a)], place[len(a) :])
    flatten(parent)
    rest = np.flatnonzero(parent != np.arange(len(members)))
    return members[rest], members[parent[rest]]


def buckets(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int32], Ints]:
    """From band keys (n, bands): the bucket of each (n, bands), -1 where a document is alone in it, and where each
    bucket's members begin in an array that holds them all."""
    bucket = np.full(keys.shape, -1, np.int32)
    sizes = [np.zeros(1, np.int64)]
    count = 0
    for band in range(keys.shape[1]):
        column = np.ascontiguousarray(keys[:, band])
        _, inverse, many = np.unique(column, return_inverse=True, return_counts=True)
        number = np.where(many > 1, np.cumsum(many > 1) - 1 + count, -1)
        bucket[:, band] = number[inverse]
        shared = many[many > 1]
        sizes.append(shared)
        count += len(shared)
    return bucket, np.cumsum(np.concatenate(sizes)).astype(np.int64)


@kernel
def choose(
    signatures: Any,
    bucket: Any,
    starts: Any,
    shingles: Any,
    offsets: Any,
    locked: Any,
    threshold: float,
    least_estimate: float,
    max_candidates: int,
    bucket_limit: int,
) -> tuple[Any, Any]:
    """Goes through documents in the order in which they are rather kept, and keeps what is unlike all kept so far.

    A document is compared with the kept ones that share a bucket with it, the most similar by estimate first, by the
    true Jaccard similarity of their shingles (`shingles[offsets[d] : offsets[d + 1]]`, sorted and distinct).

    Returns for each document the one that is kept in its place, or -1, and their similarity. What is `locked` is kept.
    """
    n, slots = signatures.shape
    bands = bucket.shape[1]
    kept_for = np.full(n, -1, np.int64)
    value = np.zeros(n, np.float64)
    members = np.empty(starts[-1], np.int32)
    filled = np.zeros(len(starts), np.int64)
    seen = np.full(n, -1, np.int32)
    candidates = np.empty(max(n, 1), np.int32)
    estimate = np.empty(max(n, 1), np.float32)
    least_equal = np.int64(np.ceil(least_estimate * slots))
    for d in range(n):
        size = offsets[d + 1] - offsets[d]
        if not locked[d]:
            found = 0
            for b in range(bands):
                k = bucket[d, b]
                if k < 0:
                    continue
                start = starts[k]
                for m in range(start, start + min(filled[k], bucket_limit)):
                    e = members[m]
                    if seen[e] == d:
                        continue
                    seen[e] = d
                    other = offsets[e + 1] - offsets[e]
                    # The shorter set cannot make up for a share of the longer one that it is too short to hold.
                    if min(size, other) < threshold * max(size, other):
                        continue
                    equal = 0
                    for j in range(slots):
                        equal += signatures[d, j] == signatures[e, j]
                    if equal >= least_equal:
                        candidates[found] = e
                        estimate[found] = -np.float32(equal)
                        found += 1
            if found:
                # By estimate, then in keep order: found first by bucket, so the order must not depend on that.
                rank = np.argsort(candidates[:found])
                best = rank[np.argsort(estimate[:found][rank], kind="mergesort")]
                for c in best[:max_candidates]:
                    e = candidates[c]
                    true = similarity(shingles, offsets[d], offsets[d + 1], shingles, offsets[e], offsets[e + 1])
                    if true >= threshold:
                        kept_for[d] = e
                        value[d] = true
                        break
        if kept_for[d] < 0:
            for b in range(bands):
                k = bucket[d, b]
                if k >= 0:
                    members[starts[k] + filled[k]] = d
                    filled[k] += 1
    return kept_for, value


@kernel
def place(values: Any, offsets: Any, rows: Any, into: Any, starts: Any) -> None:
    """Copy list i of an Arrow list array (`values`, `offsets`) to `into`, from `starts[rows[i]]` on."""
    for i in range(len(rows)):
        at = starts[rows[i]]
        for j in range(offsets[i], offsets[i + 1]):
            into[at] = values[j]
            at += 1
