"""What a document's words say: how often n-grams repeat, how many sentences they make, which of a list they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...curate.documents import Documents
from .buffers import readonly
from .kernel import kernel, part
from .lines import table_mask
from .room import scratch
from .words import ENDS_SENTENCE, HAS_ALPHA, ONLY_PUNCT, ONLY_SYMBOLS, STARTS_LINE, Segmentation, hash_words, words_of

TOP_NGRAMS = (2, 3, 4)
DUP_NGRAMS = (5, 6, 7, 8, 9, 10)

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_GATE_SHIFT = np.uint64(52)
_AHEAD = 256
"""Words of a document that are sorted at once into those that may be in a list and those that are not."""


@part
def _ngram(prefix: Any, first: Any, n: Any, power: Any) -> Any:
    """The hash of words first..first+n: a polynomial over the word hashes, in constant time from prefix sums."""
    h = prefix[first + n] - prefix[first] * power
    h = (h ^ (h >> np.uint64(30))) * _MIX
    return h ^ (h >> np.uint64(31))


@kernel
def _repetition(
    hashes: Any,
    chars: Any,
    rows: Any,
    grams: Any,
    prefix: Any,
    length: Any,
    places: Any,
    firsts: Any,
    counts: Any,
    met: Any,
    sieve: Any,
    pairs: Any,
    stamps: Any,
    out: Any,
) -> None:
    # `grams` is an open-addressing table: the n-gram's hash, and where it is first with its stamp above that (another n or
    # document is another stamp, so that nothing has to be cleared). Side by side: a slot is one look into memory.
    # `places`: where an n-gram starts that may occur twice, because the two shorter ones in it do. In prose few words are
    # left after the pairs, so that the longer n-grams, eight passes of nine, cost next to nothing.
    # `firsts`, by place: where its n-gram is first. The n-gram that begins with the same words as an earlier one is the
    # earlier one if the next word is the same too, and nothing has to be looked up: so are most long ones.
    # `counts` and `met`, by first place: how often the n-gram is there, and for which n it was met last.
    # `sieve`, for pairs, which nearly all occur once: a byte for each value of some bits of their hash, in which the second
    # pair to fall there is seen. Those that share theirs with no other, in prose two in three, need not be counted.
    stamp = stamps[0]
    w: Any
    first: Any
    for d in range(len(rows) - 1):
        at = rows[d]
        m = rows[d + 1] - at
        prefix[0] = 0
        length[0] = 0
        for w in range(m):
            prefix[w + 1] = prefix[w] * _STEP + hashes[at + w]
            length[w + 1] = length[w] + chars[at + w]
            met[w] = 0
        left = m
        power = _STEP
        for n in range(2, 11):
            power *= _STEP
            # The places left are those of (n - 1)-grams that occur twice; two in a row make an n-gram that may.
            possible = 0
            if n == 2:
                sieve_mask = 4 * table_mask(m) + 3
                sieve[: sieve_mask + 1] = 0
                for w in range(m - 1):
                    key = np.int64(_ngram(prefix, w, n, power))
                    pairs[w] = key
                    cell = (key >> 20) & sieve_mask
                    sieve[cell] = (sieve[cell] << 1) | 1
                for w in range(m - 1):
                    places[possible] = w
                    possible += sieve[(pairs[w] >> 20) & sieve_mask] > 1
            else:
                for p in range(left - 1):
                    places[possible] = places[p]
                    possible += places[p + 1] == places[p] + 1
            mask = table_mask(possible)
            stamp += 1
            for p in range(possible):
                w = np.int64(places[p])
                first = w
                look = n == 2
                if not look:
                    first = np.int64(firsts[w])
                    look = first != w and hashes[at + first + n - 1] != hashes[at + w + n - 1]
                if look:
                    key = pairs[w] if n == 2 else np.int64(_ngram(prefix, w, n, power))
                    slot = (key ^ (key >> 29)) & mask
                    while grams[2 * slot + 1] >> 32 == stamp and grams[2 * slot] != key:
                        slot = (slot + 1) & mask
                    if grams[2 * slot + 1] >> 32 != stamp:
                        grams[2 * slot] = key
                        grams[2 * slot + 1] = stamp << 32 | w
                    first = grams[2 * slot + 1] & 0xFFFFFFFF
                    firsts[w] = first
                counts[first] = 1 if first == w else counts[first] + 1
            left = 0
            best = 1
            best_first: Any = np.int64(0)
            total = 0
            free = 0  # before this word, characters are counted already
            for p in range(possible):
                w = np.int64(places[p])
                first = np.int64(firsts[w])
                count = counts[first]
                places[left] = w
                left += count > 1
                if n < 5:
                    # Of n-grams that are equally frequent the earliest counts.
                    if count > best:
                        best = count
                        best_first = first
                elif count > 1 and w >= free:
                    if met[first] == n:
                        total += length[w + n] - length[w]
                        free = w + n
                    met[first] = n  # from left to right
            if n >= 5:
                out[d, n - 2] = total
            elif m >= n:
                # The n-gram's length includes the spaces between its words, also in Chinese: thresholds in the
                # literature (and FineWeb-2's) were set with it.
                out[d, n - 2] = best * (length[best_first + n] - length[best_first] + n - 1)
            else:
                out[d, n - 2] = 0
    stamps[0] = stamp


def repeated_chars(words: Segmentation) -> dict[str, NDArray[np.int64]]:
    """Characters in repeated n-grams, for every document: `top_{2,3,4}_gram`, the most frequent n-gram's length (with
    spaces) times its count; `dup_{5..10}_gram`, those of n-grams seen before, read from left to right without overlap.
    """
    out = np.zeros((len(words.rows) - 1, 9), dtype=np.int64)
    most = int(np.diff(words.rows).max(initial=0))
    size = 1
    while size < 2 * most + 2:
        size *= 2
    stamps = scratch("stamps of n-grams", 1, np.int64)
    grams = scratch("n-grams", 2 * size, np.int64)
    if stamps[0] > 1 << 30:  # they have 31 bits
        stamps[0] = 0
        grams[:] = 0
    _repetition(
        words.hashes,
        words.chars,
        words.rows,
        grams,
        scratch("hashes of prefixes", most + 1, np.uint64),
        scratch("lengths of prefixes", most + 1, np.int64),
        scratch("places of n-grams", most + 1, np.int32),
        scratch("first places", most + 1, np.int32),
        scratch("counts of n-grams", most + 1, np.int32),
        scratch("n-grams met", most + 1, np.int8),
        scratch("sieve of pairs", 4 * size, np.uint8),
        scratch("pairs", most + 1, np.int64),
        stamps,
        out,
    )
    return {f"{'top' if n < 5 else 'dup'}_{n}_gram": out[:, n - 2] for n in (*TOP_NGRAMS, *DUP_NGRAMS)}


WORD_COLUMNS = ("tokens", "words", "word_chars", "alpha_words", "sentences")


@kernel
def _count_words(chars: Any, flags: Any, rows: Any, out: Any) -> None:
    for d in range(len(rows) - 1):
        words = word_chars = alpha = sentences = 0
        ended = False  # after a sentence's end mark: what comes then may close it or begin the next
        for w in range(rows[d], rows[d + 1]):
            # Without branches: nobody can foretell the flags. A text's first word starts a line.
            f: Any = np.int64(flags[w])
            counts = f & ONLY_SYMBOLS == 0
            words += counts
            word_chars += counts * np.int64(chars[w])
            alpha += f & HAS_ALPHA
            starts = f & STARTS_LINE != 0
            ends = f & ENDS_SENTENCE != 0
            opens = f & (ENDS_SENTENCE | ONLY_PUNCT) == 0
            sentences += starts | (ended & opens)
            ended = ends | (ended & (not (opens | starts)))
        out[d, 0] = rows[d + 1] - rows[d]
        out[d, 1] = words
        out[d, 2] = word_chars
        out[d, 3] = alpha
        out[d, 4] = sentences


def count_words(words: Segmentation) -> dict[str, NDArray[np.int64]]:
    """`WORD_COLUMNS` of every document. `tokens` counts punctuation too; `words` and `word_chars` only what holds a
    letter or numeral; a sentence ends after its end marks and at the end of its line."""
    out = np.zeros((len(words.rows) - 1, len(WORD_COLUMNS)), dtype=np.int64)
    _count_words(words.chars, words.flags, words.rows, out)
    return {name: out[:, k] for k, name in enumerate(WORD_COLUMNS)}


def word_counts_of(docs: Documents) -> dict[str, NDArray[np.int64]]:
    words = words_of(docs)
    return docs.memo(f"word_counts/{id(words)}", lambda: count_words(words))


@dataclass(frozen=True, slots=True)
class WordLists:
    """Several lists of words as one open-addressing table for `distinct_words`; list `k` has number `k`."""

    keys: NDArray[np.uint64]
    members: NDArray[np.int32]
    """Slot -> number of the word among all lists, -1 where the slot is free."""
    gate: NDArray[np.uint8]
    """1 for the high bits of each word's key: most words need not be looked up."""
    lists: NDArray[np.int32]
    """Word number -> list number."""

    @classmethod
    def of(cls, lists: list[list[str]]) -> WordLists:
        hashes: list[int] = []
        owners: list[int] = []
        for number, words in enumerate(lists):
            for h in hash_words(sorted(set(words))):
                hashes.append((int(h) + number * int(_STEP)) % (1 << 64))
                owners.append(number)
        size = int(table_mask(max(4 * len(hashes), 1))) + 1
        keys, members = np.zeros(size, np.uint64), np.full(size, -1, np.int32)
        gate = np.zeros(1 << (64 - int(_GATE_SHIFT)), np.uint8)
        for number, h in enumerate(hashes):
            slot = h % size
            while members[slot] >= 0:
                slot = (slot + 1) % size
            keys[slot], members[slot] = h, number
            gate[h >> int(_GATE_SHIFT)] = 1
        return cls(readonly(keys), readonly(members), readonly(gate), readonly(np.array(owners, np.int32)))


@kernel
def _distinct(hashes: Any, rows: Any, which: Any, keys: Any, members: Any, gate: Any, n_words: Any, out: Any) -> None:
    mask = len(keys) - 1
    seen = np.full(n_words, -1, np.int64)
    maybe = np.empty(_AHEAD, np.int64)
    for d in range(len(rows) - 1):
        if which[d] < 0:
            continue
        shift = np.uint64(which[d]) * _STEP
        at = rows[d]
        while at < rows[d + 1]:
            # First without branches those that may be listed, one word in five; which ones nobody can foretell.
            n = 0
            stop = min(at + _AHEAD, rows[d + 1])
            for w in range(at, stop):
                maybe[n] = w
                n += gate[np.int64((hashes[w] + shift) >> _GATE_SHIFT)]
            at = stop
            for m in range(n):
                key = hashes[maybe[m]] + shift
                slot = np.int64(key & np.uint64(mask))
                while members[slot] >= 0:
                    if keys[slot] == key:
                        out[d] += seen[members[slot]] != d
                        seen[members[slot]] = d
                        break
                    slot = (slot + 1) & mask


def distinct_words(words: Segmentation, lists: WordLists, which: NDArray[np.int32]) -> NDArray[np.int64]:
    """How many different words of its list (`which[d]`, -1 for none) each document holds; case counts."""
    out = np.zeros(len(words.rows) - 1, dtype=np.int64)
    _distinct(words.hashes, words.rows, readonly(which), lists.keys, lists.members, lists.gate, len(lists.lists), out)
    return out


def repetition_of(docs: Documents) -> dict[str, NDArray[np.int64]]:
    """The batch's repetition counts, made once for these words (which stay in its memory, so that ids are unique)."""
    words = words_of(docs)
    return docs.memo(f"repetition/{id(words)}", lambda: repeated_chars(words))
