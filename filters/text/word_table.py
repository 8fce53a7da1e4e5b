"""The Chinese dictionary as words are cut by it: a trie in which a step is one look, and most looks stay in near caches.

A double array: node `b` has its child by character `c` at slot `b + c` or nowhere. Four things make it fast for text, of
which half the pairs of neighbours begin no word and most that do are a few thousand: characters are numbered by how
often they occur, and nodes placed in that order, so that what is used together lies together; a bitmap by first
character, and eight bits in each node, tell most of what is not there without a look at it; a node holds the number of
its weight and not the weight, of which there are 5,000. Cutting touches a fifth of the memory that a hash table costs.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...curate.errors import CorpusmillError
from .buffers import readonly
from .dictionary import LevelTrie
from .kernel import kernel, part
from .wide import byte_at

FIRST_HAN, LAST_HAN = 0x4E00, 0x9FD5
"""The Han characters that jieba looks up; rarer ones are words of their own."""
ASCII_IN_WORDS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+#&._%-"
"""The other characters that it looks up."""

# A slot: character (16 bits), number of the weight (16), characters of the children modulo 8 (8), node (24).
_CHAR = np.uint64(0xFFFF)
_WEIGHT_AT, _KINDS_AT, _NODE_AT = np.uint64(16), np.uint64(32), np.uint64(40)
_NOTHING = np.uint64(0)
"""A slot that stands for no node: weight 0 is that of no word, and node 0 has no child."""
_FREE = np.uint64(0xFFFF)
_TRIES = 4
"""How often a slot may be found unfit before nodes of several children pass it by: 0.1 s to place all nodes, with twice
the slots that are needed; 64 takes 0.7 s for a tenth less."""


class WordTable(NamedTuple):
    """What a kernel needs to cut Chinese; a tuple, so that it travels as one argument."""

    codes: NDArray[np.uint16]
    """Number of each character of the basic plane, from 1 by falling use; 0 for those that are words of their own."""
    roots: NDArray[np.uint64]
    """For each number its node as the first of a word, as in a slot; then where in `bits` its bitmap is (from bit 16 on)
    and the mask of a number in it."""
    bits: NDArray[np.uint8]
    """A bit for each pair that begins a word, 64 or more for each first character: 267 KB, of which a text uses half."""
    slots: NDArray[np.uint64]
    weights: NDArray[np.float64]
    """log(frequency) - log(total) by number, 0 for what is no word (-inf), then from the most frequent on."""
    unknown: float
    """The weight of a character that is no word: that of one occurrence."""

    @classmethod
    def of(cls, trie: LevelTrie) -> WordTable:
        """The table of these words; 0.2 s for the whole dictionary."""
        labels, counts = trie.labels.astype(np.int64), trie.counts.astype(np.int64)
        n, roots = len(labels), 1 + int(trie.counts[0])
        first = 1 + np.cumsum(counts) - counts
        parents = np.repeat(np.arange(n), counts)
        use = _use(trie.frequencies.astype(np.float64), parents, first)

        by_char = np.bincount(labels[1:], use[1:] + 1, minlength=1 << 16)
        chars = np.flatnonzero(by_char)
        chars = chars[np.argsort(-by_char[chars], kind="stable")]
        numbers = np.full(1 << 16, len(chars) + 1, np.uint16)
        numbers[chars] = np.arange(1, len(chars) + 1)
        looked_up = np.zeros(1 << 16, bool)
        looked_up[FIRST_HAN : LAST_HAN + 1] = True
        looked_up[[ord(char) for char in ASCII_IN_WORDS]] = True
        of_node = numbers[labels].astype(np.int64)

        frequencies = np.unique(trie.frequencies)[::-1]
        frequencies = frequencies[frequencies > 0]
        weight_of = len(frequencies) - np.searchsorted(frequencies[::-1], trie.frequencies)
        weight_of[trie.frequencies == 0] = 0
        if len(frequencies) >= 1 << 16:
            raise CorpusmillError(
                f"the words have {len(frequencies):,} different frequencies, and at most 65,535 fit; round the large ones"
            )

        with_children = 1 + np.flatnonzero(counts[1:])
        order = with_children[np.argsort(-use[with_children], kind="stable")]
        several = counts[order] > 1
        room = 4 * n + 2 * len(chars) + 1024
        nodes, taken = np.zeros(n, np.int64), np.zeros(room, bool)
        top = _place(
            readonly(order[several]), readonly(order[~several]), readonly(first), readonly(counts), readonly(of_node),
            taken, nodes,
        )  # fmt: skip
        if top < 0 or top >= 1 << 24:
            raise CorpusmillError(f"the dictionary has {n:,} prefixes of words, which is too many; shorten it")

        kinds = np.zeros(n, np.uint64)
        np.bitwise_or.at(kinds, parents, np.uint64(1) << (of_node[1:] & 7).astype(np.uint64))
        packed = (
            (weight_of.astype(np.uint64) << _WEIGHT_AT) | (kinds << _KINDS_AT) | (nodes.astype(np.uint64) << _NODE_AT)
        )
        slots = np.full(top + len(chars) + 2, _FREE, np.uint64)
        below = np.arange(roots, n)
        slots[nodes[parents[below - 1]] + of_node[below]] = packed[below] | of_node[below].astype(np.uint64)
        by_number = np.full(len(chars) + 2, _NOTHING, np.uint64)
        by_number[of_node[1:roots]] = packed[1:roots]
        by_number[0] = _NOTHING
        gates, bits = _bitmaps(counts, of_node, parents, roots, len(by_number))
        total = math.log(float(trie.frequencies.sum(dtype=np.int64)))
        return cls(
            readonly(np.where(looked_up, numbers, 0).astype(np.uint16)),
            readonly(np.stack([by_number, gates], axis=1).ravel()),
            readonly(bits),
            readonly(slots),
            readonly(np.concatenate([[-np.inf], np.log(frequencies.astype(np.float64)) - total])),
            0.0 - total,
        )


def _use(frequencies: NDArray[np.float64], parents: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each prefix occurs: the frequencies of all words that begin with it."""
    use = frequencies.copy()
    # Level by level from the deepest: the children of a level are the nodes from its first one's first child on.
    levels = [0, 1]
    while levels[-1] < len(use):
        levels.append(int(first[levels[-1]]))
    for lo, hi in zip(levels[-2:0:-1], levels[:1:-1], strict=True):
        above = parents[lo - 1 : hi - 1]
        use += np.bincount(above, use[lo:hi], minlength=len(use))
    return use


def _bitmaps(
    counts: NDArray[np.int64], of_node: NDArray[np.int64], parents: NDArray[np.int64], roots: int, n: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """`gates` and `bits` of `WordTable`: eight bits or more for each character that may follow."""
    sizes = np.zeros(n, np.int64)
    sizes[of_node[1:roots]] = 2 ** np.ceil(np.log2(np.clip(8 * counts[1:roots], 64, 1 << 16))).astype(np.int64)
    sizes[of_node[1:roots][counts[1:roots] == 0]] = 0
    starts = 1 + (np.cumsum(sizes) - sizes) // 8  # byte 0 is for the characters that no word begins with
    masks = np.maximum(sizes - 1, 0)
    bits = np.zeros(1 + int(sizes.sum()) // 8, np.uint8)
    children = np.flatnonzero((parents >= 1) & (parents < roots))
    begin, then = of_node[parents[children]], of_node[children + 1]
    then &= masks[begin]
    np.bitwise_or.at(bits, starts[begin] + (then >> 3), (1 << (then & 7)).astype(np.uint8))
    gates = (np.where(sizes > 0, starts, 0) << 16) | masks
    return gates.astype(np.uint64), bits


@kernel
def _place(several: Any, single: Any, first: Any, counts: Any, of_node: Any, taken: Any, nodes: Any) -> Any:
    """Finds a slot for every child, the most used nodes first, those of several children before the others, which fill
    the gaps; no two nodes have the same number. Returns the last slot taken, -1 when there is no room."""
    room = len(taken)
    after, ahead = np.empty(room + 1, np.int32), np.empty(room + 1, np.int32)  # the free slots as a list
    unfit = np.zeros(room, np.uint8)
    named = np.zeros(room, np.bool_)
    top = 0
    for turn in range(2):
        order = single if turn else several
        last = 0
        for s in range(1, room + 1):
            if s == room or not taken[s]:
                after[last] = s
                ahead[s] = last
                last = s
        for at in range(len(order)):
            n = order[at]
            lo, hi = first[n], first[n] + counts[n]
            lowest = of_node[lo]
            highest = of_node[lo]
            for child in range(lo + 1, hi):
                lowest = min(lowest, of_node[child])
                highest = max(highest, of_node[child])
            s = after[0]
            base = np.int64(0)
            while base == 0:
                if s - lowest + highest >= room:
                    return -1
                if s > lowest and not named[s - lowest]:
                    base = s - lowest
                    for child in range(lo, hi):
                        if taken[base + of_node[child]]:
                            base = np.int64(0)
                            break
                    if base == 0:
                        unfit[s] += 1
                if base == 0:
                    following = after[s]
                    if turn == 0 and unfit[s] >= _TRIES:
                        after[ahead[s]] = following
                        ahead[following] = ahead[s]
                    s = following
            named[base] = True
            nodes[n] = base
            top = max(top, base + highest)
            for child in range(lo, hi):
                s = base + of_node[child]
                taken[s] = True
                if turn or unfit[s] < _TRIES:
                    after[ahead[s]] = after[s]
                    ahead[after[s]] = ahead[s]
    return top


@part
def decode_numbers(data: Any, i: Any, end: Any, codes: Any, places: Any, run: Any) -> Any:
    """The characters of the text [i, end): where each starts, and its number. Returns how many there are; three zeros
    follow the numbers."""
    n = 0
    while i < end:
        places[n] = i
        b = np.int64(byte_at(data, i))
        if 0xE0 <= b < 0xF0:
            cp = (
                (b & 0x0F) << 12
                | (np.int64(byte_at(data, i + 1)) & 0x3F) << 6
                | (np.int64(byte_at(data, i + 2)) & 0x3F)
            )
            run[n] = codes[cp]
            i += 3
        elif b < 0x80:
            run[n] = codes[b]
            i += 1
        else:
            run[n] = 0
            i += 2 if b < 0xE0 else 4
        n += 1
    places[n] = i
    for k in range(n, n + 3):
        run[k] = 0
    return n


@part
def _node(slot: Any) -> Any:
    return np.int64(slot >> _NODE_AT)


@part
def _child(slots: Any, node: Any, number: Any) -> Any:
    """The slot of a node's child, `_NOTHING` if it has none by that character; node 0 has none."""
    slot = slots[node + number]
    return slot if np.int64(slot & _CHAR) == number else _NOTHING


@part
def _weight(slot: Any, weights: Any) -> Any:
    return weights[np.int64((slot >> _WEIGHT_AT) & _CHAR)]


@part
def best_ends(n: Any, table: Any, run: Any, scores: Any, ends: Any) -> None:
    """For each of `n` numbered characters the one before which the best word that starts there ends.

    The looks for words of two and three characters, nearly all, are without branches, for half of them find nothing and
    nobody can foretell which half.
    """
    roots, bits, slots, weights = table.roots, table.bits, table.slots, table.weights
    scores[n] = scores[n + 1] = scores[n + 2] = 0.0
    for k in range(n - 1, -1, -1):
        c, c2, c3 = np.int64(run[k]), np.int64(run[k + 1]), np.int64(run[k + 2])
        one = roots[2 * c]
        gate = roots[2 * c + 1]
        bit = c2 & np.int64(gate & _CHAR)
        passes = (bits[np.int64(gate >> np.uint64(16)) + (bit >> 3)] >> (bit & 7)) & 1
        two = _child(slots, _node(one) if passes else np.int64(0), c2)
        passes = (np.int64(two >> _KINDS_AT) >> (c3 & 7)) & 1
        three = _child(slots, _node(two) if passes else np.int64(0), c3)
        best = _weight(three, weights) + scores[k + 3]
        to = k + 3
        score = _weight(two, weights) + scores[k + 2]
        to = to if best >= score else k + 2
        best = best if best >= score else score
        score = _weight(one, weights) + scores[k + 1]
        to = to if best >= score else k + 1
        best = best if best >= score else score
        node = _node(three)
        x = k + 3
        while node:
            longer = _child(slots, node, np.int64(run[x]))
            if longer == _NOTHING:
                break
            x += 1
            score = _weight(longer, weights) + scores[x]
            if score >= best:
                best = score
                to = x
            node = _node(longer)
        if best == -np.inf:  # no word starts here
            best = table.unknown + scores[k + 1]
            to = k + 1
        scores[k] = best if c else 0.0
        ends[k] = to


@lru_cache(maxsize=1)
def empty_table() -> WordTable:
    """A table without words, for batches without Chinese: they need not wait for the real one."""
    return WordTable.of(LevelTrie.of({"一": 1}))
