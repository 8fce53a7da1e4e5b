"""Chinese words and how often they occur: jieba's dictionary, packed, and a trie to look words up one by one.

`data/zh_words.zst` holds the 349,045 words of jieba 0.42.1 (MIT) with their frequencies as a level-order trie, 1.1 MB
where jieba's text has 5; `data/make_zh_words.py` makes it. Texts are cut by `word_table`, made from it at load; here its
edges go into a hash table of 8 MB, in 0.05 s, for what asks for single words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...curate.errors import CorpusmillError
from .buffers import readonly
from .kernel import kernel, part

_FILE = Path(__file__).parent.parent / "data" / "zh_words.zst"
_HEAD = b"zh_words 1\n"


@dataclass(frozen=True, slots=True)
class LevelTrie:
    """A trie as it is stored: nodes level by level, the children of a node side by side, ordered by character.

    Node 0 is the root; node `n` is reached by the character `labels[n]`, has `counts[n]` children, and is a word when
    `frequencies[n]` is not 0. The children of node 0 are nodes 1, 2, ...; those of node 1 follow them, and so on.
    """

    labels: NDArray[np.uint16]
    counts: NDArray[np.uint16]
    frequencies: NDArray[np.uint32]

    @classmethod
    def of(cls, words: Mapping[str, int]) -> LevelTrie:
        """The trie of these words; 3 s for the whole dictionary."""
        children: dict[str, set[str]] = {}
        for word in words:
            for end in range(len(word)):
                children.setdefault(word[:end], set()).add(word[end])
        labels, counts, frequencies = [0], [], [0]
        level = [""]
        while level:
            below: list[str] = []
            for prefix in level:
                last = sorted(children.get(prefix, ()))
                counts.append(len(last))
                for char in last:
                    labels.append(ord(char))
                    frequencies.append(words.get(prefix + char, 0))
                    below.append(prefix + char)
            level = below
        return cls(np.array(labels, np.uint16), np.array(counts, np.uint16), np.array(frequencies, np.uint32))

    def words(self) -> dict[str, int]:
        """Every word with its frequency; 0.5 s for the whole dictionary."""
        prefixes, words, child = [""], {}, 1
        for node, count in enumerate(self.counts.tolist()):
            prefix = prefixes[node]
            for label in self.labels[child : child + count].tolist():
                prefixes.append(prefix + chr(label))
            child += count
        for node in np.flatnonzero(self.frequencies).tolist():
            words[prefixes[node]] = int(self.frequencies[node])
        return words

    def pack(self) -> bytes:
        """The trie as a file: each column's low, middle and high bytes apart, which compress better so."""
        import zstandard

        columns = b"".join(
            np.ascontiguousarray(column.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :width].T).tobytes()
            for column, width in ((self.labels, 2), (self.counts, 2), (self.frequencies, 3))
        )
        head = _HEAD + len(self.labels).to_bytes(4, "little")
        return head + zstandard.ZstdCompressor(level=22).compress(columns)

    @classmethod
    def unpack(cls, packed: bytes) -> LevelTrie:
        """The inverse of `pack`."""
        import zstandard

        if not packed.startswith(_HEAD):
            raise CorpusmillError(f"{_FILE.name} is not a word table of this version; install corpusmill anew")
        at = len(_HEAD)
        n = int.from_bytes(packed[at : at + 4], "little")
        raw = np.frombuffer(zstandard.ZstdDecompressor().decompress(packed[at + 4 :]), np.uint8)
        planes = raw.reshape(7, n).astype(np.uint32)
        return cls(
            (planes[0] | planes[1] << 8).astype(np.uint16),
            (planes[2] | planes[3] << 8).astype(np.uint16),
            planes[4] | planes[5] << 8 | planes[6] << 16,
        )


MAX_NODES = 1 << 22
_SIEVE_BITS = 22


@dataclass(frozen=True, slots=True)
class WordTrie:
    """The words as kernels walk them: from a node and a character to the next node by one look into a hash table.

    A node travels as `2 * number + 1`, or `2 * number` when nothing follows it, which saves looking for what is not
    there: of the nodes that a text reaches most are ends of words.
    """

    roots: NDArray[np.int32]
    """The node of each character of the basic plane as the first of a word, 0 for none."""
    edges: NDArray[np.uint64]
    """Open-addressing table of a power of two, 0 where free: node number, character (16 bits), next node (23 bits)."""
    sieve: NDArray[np.uint8]
    """A bit for the hash of each edge, 512 KB: most looks are for what is not there, and stay in the nearer cache."""
    weights: NDArray[np.float64]
    """log(frequency) - log(total) by node number, -inf for a node that is no word."""
    unknown: float
    """The weight of a character that is no word: that of one occurrence."""

    @classmethod
    def of(cls, trie: LevelTrie) -> WordTrie:
        n = len(trie.labels)
        if n > MAX_NODES:
            raise CorpusmillError(
                f"the dictionary has {n:,} prefixes of words, and at most {MAX_NODES:,} fit; shorten it"
            )
        total = math.log(float(trie.frequencies.sum(dtype=np.int64)))
        with np.errstate(divide="ignore"):
            weights = np.log(trie.frequencies.astype(np.float64)) - total
        nodes = np.arange(n, dtype=np.int32) * 2 + (trie.counts > 0)
        roots = np.zeros(1 << 16, np.int32)
        top = 1 + int(trie.counts[0])
        roots[trie.labels[1:top]] = nodes[1:top]
        edges = np.zeros(1 << max(2 * n, 4).bit_length(), np.uint64)
        sieve = np.zeros(1 << (_SIEVE_BITS - 3), np.uint8)
        _hash_edges(readonly(trie.labels), readonly(trie.counts), readonly(nodes), edges, sieve)
        return cls(readonly(roots), readonly(edges), readonly(sieve), readonly(weights), 0.0 - total)

    def has(self, word: str) -> bool:
        """Whether the dictionary has this word."""
        if not word or any(ord(char) >= 1 << 16 for char in word):
            return False
        node = int(self.roots[ord(word[0])])
        for char in word[1:]:
            node = follow(self.edges, self.sieve, node, ord(char)) if node & 1 else 0
        return bool(node and self.weights[node >> 1] != -np.inf)


@part
def _hash(key: Any) -> Any:
    return np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)


@part
def _slot(h: Any, mask: Any) -> Any:
    """Where in the table the search for a key begins."""
    return np.int64((h >> np.uint64(40)) & np.uint64(mask))


@part
def _place(h: Any) -> Any:
    """The bit of the sieve that stands for a key."""
    return np.int64(h >> np.uint64(64 - _SIEVE_BITS))


@kernel
def _hash_edges(labels: Any, counts: Any, nodes: Any, edges: Any, sieve: Any) -> None:
    mask = len(edges) - 1
    child = 1 + np.int64(counts[0])
    for parent in range(1, len(labels)):
        for _ in range(counts[parent]):
            key = (parent << 16) | np.int64(labels[child])
            h = _hash(key)
            place = _place(h)
            sieve[place >> 3] |= 1 << (place & 7)
            slot = _slot(h, mask)
            while edges[slot] != 0:
                slot = (slot + 1) & mask
            edges[slot] = np.uint64((key << 23) | np.int64(nodes[child]))
            child += 1


@part
def follow(edges: Any, sieve: Any, node: Any, char: Any) -> Any:
    """The node after `node` (as it travels) by a character of the basic plane, 0 for none."""
    key = ((np.int64(node) >> 1) << 16) | char
    h = _hash(key)
    place = _place(h)
    if not (sieve[place >> 3] >> (place & 7)) & 1:
        return np.int64(0)
    mask = len(edges) - 1
    slot = _slot(h, mask)
    while True:
        edge = np.int64(edges[slot])
        if edge >> 23 == key:
            return edge & 0x7FFFFF
        if edge == 0:
            return np.int64(0)
        slot = (slot + 1) & mask


@lru_cache(maxsize=1)
def shipped_trie() -> LevelTrie:
    """The dictionary that ships with corpusmill, as stored."""
    return LevelTrie.unpack(_FILE.read_bytes())


@lru_cache(maxsize=1)
def dictionary() -> WordTrie:
    """The bundled words, to be looked up one by one."""
    return WordTrie.of(shipped_trie())


def words_with(words: dict[str, int], path: Path, cut: Callable[[str], list[str]]) -> dict[str, int]:
    """`words` and those of a file in jieba's format, with frequencies; `cut` cuts a text by `words`."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusmillError(
            f"the word list {path} cannot be read ({error}); give a UTF-8 file with a word a line"
        ) from error
    total = sum(words.values())
    added = dict(words)
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if not parts:
            continue
        word = parts[0]
        if any(ord(char) >= 1 << 16 for char in word):
            raise CorpusmillError(
                f"{path}, line {number}: {word} has a character outside the basic plane, which is always cut alone; "
                "remove the line"
            )
        if len(parts) > 1 and parts[1].isdecimal():
            added[word] = max(int(parts[1]), 1)
            continue
        share = 1.0
        for piece in cut(word):
            share *= words.get(piece, 1) / total
        added[word] = max(int(share * total) + 1, words.get(word, 0))
    return added
