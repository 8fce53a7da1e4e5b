"""Chinese words: jieba's cuts without its hidden Markov model, by a kernel over UTF-8 bytes.

A run of Han characters (U+4E00 to U+9FD5) and of ASCII letters, digits and + # & . _ % - is cut into the dictionary words
whose frequencies have the largest product; of equal ways the one with the longer first word is taken. A character that
no word covers stands alone, but letters and digits left alone side by side are one word. Every other character is a
word of its own. The sums are taken in jieba's order, from the end of the run in doubles, so that ties fall as in jieba.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .buffers import TextBuffers
from .dictionary import WordTrie, dictionary, follow
from .kernel import kernel, part
from .wide import byte_at

FIRST_HAN, LAST_HAN = 0x4E00, 0x9FD5
"""The Han characters that jieba looks up; rarer ones are words of their own."""


@part
def in_run(data: Any, i: Any) -> Any:
    """Length in bytes of the character at `i` if it belongs to a run that is cut by the dictionary, else 0."""
    b = byte_at(data, i)
    if b >= 0x80:
        # E4 B8 80 is the first Han character, E9 BF 95 the last.
        if b < 0xE4 or b > 0xE9 or (b == 0xE4 and byte_at(data, i + 1) < 0xB8):
            return 0
        if b == 0xE9 and byte_at(data, i + 1) == 0xBF and byte_at(data, i + 2) > 0x95:
            return 0
        return 3
    if 0x61 <= b <= 0x7A or 0x30 <= b <= 0x39 or 0x41 <= b <= 0x5A:
        return 1
    if b == 0x2E or b == 0x25 or b == 0x2D or b == 0x2B or b == 0x5F or b == 0x23 or b == 0x26:
        return 1
    return 0


@part
def best_cuts(
    data: Any,
    i: Any,
    end: Any,
    roots: Any,
    edges: Any,
    sieve: Any,
    weights: Any,
    unknown: float,
    places: Any,
    run: Any,
    scores: Any,
    following: Any,
) -> Any:
    """Cuts the run that starts at byte `i`: the number of its characters; character `k` starts at byte `places[k]`, and
    the word that starts there ends before character `following[k]`. The last four arrays are room to work in."""
    n = 0
    while i < end:
        b = byte_at(data, i)
        size = 3 if 0xE5 <= b <= 0xE8 else in_run(data, i)
        if size == 0:
            break
        places[n] = i
        cp = np.int64(b)
        if size == 3:
            cp = (cp & 0x0F) << 12
            cp |= (np.int64(byte_at(data, i + 1)) & 0x3F) << 6 | (np.int64(byte_at(data, i + 2)) & 0x3F)
        run[n] = cp
        n += 1
        i += size
    places[n] = i
    scores[n] = 0.0
    for k in range(n - 1, -1, -1):
        best = -np.inf
        to = k + 1
        node = np.int64(roots[run[k]])
        if node:
            best = weights[node >> 1] + scores[k + 1]
            x = k + 1
            while node & 1 and x < n:
                node = follow(edges, sieve, node, np.int64(run[x]))
                if node == 0:
                    break
                x += 1
                score = weights[node >> 1] + scores[x]
                if score >= best:
                    best = score
                    to = x
        if best == -np.inf:  # no word starts here
            best = unknown + scores[k + 1]
            to = k + 1
        scores[k] = best
        following[k] = to
    return n


@part
def is_alnum(b: Any) -> Any:
    """Whether a byte is an ASCII letter or digit."""
    return 0x61 <= b <= 0x7A or 0x30 <= b <= 0x39 or 0x41 <= b <= 0x5A


@part
def word_end(data: Any, n: Any, k: Any, places: Any, following: Any) -> Any:
    """The character before which the word that starts at character `k` ends, letters and digits left alone joined."""
    to = np.int64(following[k])
    if to == k + 1 and is_alnum(data[places[k]]):
        while to < n and following[to] == to + 1 and is_alnum(data[places[to]]):
            to += 1
    return to


@kernel
def _cut_ends(data: Any, roots: Any, edges: Any, sieve: Any, weights: Any, unknown: float, ends: Any) -> Any:
    """Where the words of one text end, white space included: for looking at single texts."""
    room = len(data) + 1
    places, run = np.empty(room, np.int64), np.empty(room, np.uint16)
    scores, following = np.empty(room, np.float64), np.empty(room, np.int32)
    words = 0
    i = 0
    while i < len(data):
        if in_run(data, i) == 0:
            b = byte_at(data, i)
            i += 1 if b < 0x80 else (2 if b < 0xE0 else (3 if b < 0xF0 else 4))
            if b == 13 and i < len(data) and byte_at(data, i) == 10:
                i += 1
            ends[words] = i
            words += 1
            continue
        n = best_cuts(data, i, len(data), roots, edges, sieve, weights, unknown, places, run, scores, following)
        k = 0
        while k < n:
            k = word_end(data, n, k, places, following)
            ends[words] = places[k]
            words += 1
        i = places[n]
    return words


def cut_text(text: str, words: WordTrie | None = None) -> list[str]:
    """The words of one text, white space included: `jieba.lcut(text, HMM=False)`."""
    trie = dictionary() if words is None else words
    data = TextBuffers.of(pa.array([text], pa.large_string())).data
    ends: NDArray[np.int64] = np.empty(len(data), np.int64)
    n = _cut_ends(data, trie.roots, trie.edges, trie.sieve, trie.weights, trie.unknown, ends)
    raw, found, start = data.tobytes(), [], 0
    for end in ends[:n].tolist():
        found.append(raw[start:end].decode())
        start = end
    return found
