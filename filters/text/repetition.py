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
from .words import ENDS_SENTENCE, HAS_ALPHA, ONLY_PUNCT, ONLY_SYMBOLS, STARTS_LINE, Segmentation, hash_words, words_of

TOP_NGRAMS = (2, 3, 4)
DUP_NGRAMS = (5, 6, 7, 8, 9, 10)

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@part
def _ngram(prefix: Any, first: Any, n: Any, power: Any) -> Any:
    """The hash of words first..first+n: a polynomial over the word hashes, in constant time from prefix sums."""
    h = prefix[first + n] - prefix[first] * power
    h = (h ^ (h >> np.uint64(30))) * _MIX
    return h ^ (h >> np.uint64(31))


@kernel
def _repetition(hashes: Any, chars: Any, rows: Any, out: Any) -> None:
    most = 0
    for d in range(len(rows) - 1):
        most = max(most, rows[d + 1] - rows[d])
    room = table_mask(most) + 1
    # An open-addressing table: the n-gram's hash, its stamp (another n or document is another stamp, so that nothing
    # has to be cleared), its count, and where it is first. Side by side: a slot is one look into memory.
    grams = np.zeros((room, 4), np.int64)
    prefix = np.zeros(most + 1, np.uint64)
    length = np.zeros(most + 1, np.int64)
    # Where an n-gram starts that may occur twice, because the two shorter ones in it do: in prose few words are left
    # after the pairs, so that the longer n-grams, eight passes of nine, cost next to nothing.
    places = np.empty(most + 1, np.int32)
    slots = np.empty(most + 1, np.int32)
    # For pairs, which nearly all occur once: a byte for each value of some bits of their hash, in which the second pair
    # to fall there is seen. Those that share theirs with no other, in prose two in three, need not be counted.
    sieve = np.empty(4 * room, np.uint8)
    pairs = np.empty(most + 1, np.int64)
    stamp = 0
    for d in range(len(rows) - 1):
        at = rows[d]
        m = rows[d + 1] - at
        for w in range(m):
            prefix[w + 1] = prefix[w] * _STEP + hashes[at + w]
            length[w + 1] = length[w] + chars[at + w]
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
                    if places[p + 1] == places[p] + 1:
                        places[possible] = places[p]
                        possible += 1
            mask = table_mask(possible)
            stamp += 1
            for p in range(possible):
                w = places[p]
                key = pairs[w] if n == 2 else np.int64(_ngram(prefix, w, n, power))
                slot = (key ^ (key >> 29)) & mask
                while grams[slot, 1] == stamp and grams[slot, 0] != key:
                    slot = (slot + 1) & mask
                if grams[slot, 1] != stamp:
                    grams[slot, 0] = key
                    grams[slot, 1] = stamp
                    grams[slot, 2] = 0
                    grams[slot, 3] = w
                grams[slot, 2] += 1
                slots[p] = slot
            left = 0
            best = 1
            best_first = 0
            total = 0
            free = 0  # before this word, characters are counted already
            for p in range(possible):
                slot = slots[p]
                count = grams[slot, 2]
                if count < 2:
                    continue
                w = places[p]
                places[left] = w
                left += 1
                if n < 5:
                    # Of n-grams that are equally frequent the earliest counts.
                    if count > best:
                        best = count
                        best_first = grams[slot, 3]
                elif w >= free:
                    if grams[slot, 3] < 0:
                        total += length[w + n] - length[w]
                        free = w + n
                    else:
                        grams[slot, 3] = -1  # seen, from left to right
            if n >= 5:
                out[d, n - 2] = total
            elif m >= n:
                # The n-gram's length includes the spaces between its words, also in Chinese: thresholds in the
                # literature (and FineWeb-2's) were set with it.
                out[d, n - 2] = best * (length[best_first + n] - length[best_first] + n - 1)
            else:
                out[d, n - 2] = 0


def repeated_chars(words: Segmentation) -> dict[str, NDArray[np.int64]]:
    """Characters in repeated n-grams, for every document: `top_{2,3,4}_gram`, the most frequent n-gram's length (with
    spaces) times its count; `dup_{5..10}_gram`, those of n-grams seen before, read from left to right without overlap.
    """
    out = np.zeros((len(words.rows) - 1, 9), dtype=np.int64)
    _repetition(words.hashes, words.chars, words.rows, out)
    return {f"{'top' if n < 5 else 'dup'}_{n}_gram": out[:, n - 2] for n in (*TOP_NGRAMS, *DUP_NGRAMS)}


WORD_COLUMNS = ("tokens", "words", "word_chars", "alpha_words", "sentences")


@kernel
def _count_words(chars: Any, flags: Any, rows: Any, out: Any) -> None:
    for d in range(len(rows) - 1):
        words = word_chars = alpha = sentences = 0
        open_ = False  # a sentence has begun
        ended = False  # ... and its end mark was seen
        for w in range(rows[d], rows[d + 1]):
            f = flags[w]
            if not f & ONLY_SYMBOLS:
                words += 1
                word_chars += chars[w]
            if f & HAS_ALPHA:
                alpha += 1
            if f & STARTS_LINE or not open_ or (ended and not f & (ONLY_PUNCT | ENDS_SENTENCE)):
                sentences += 1
                open_ = True
                ended = False
            if f & ENDS_SENTENCE:
                ended = True
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
        for number, h in enumerate(hashes):
            slot = h % size
            while members[slot] >= 0:
                slot = (slot + 1) % size
            keys[slot], members[slot] = h, number
        return cls(readonly(keys), readonly(members), readonly(np.array(owners, np.int32)))


@kernel
def _distinct(hashes: Any, rows: Any, which: Any, keys: Any, members: Any, n_words: Any, out: Any) -> None:
    mask = len(keys) - 1
    seen = np.full(n_words, -1, np.int64)
    for d in range(len(rows) - 1):
        if which[d] < 0:
            continue
        shift = np.uint64(which[d]) * _STEP
        for w in range(rows[d], rows[d + 1]):
            key = hashes[w] + shift
            slot = np.int64(key & np.uint64(mask))
            while members[slot] >= 0:
                if keys[slot] == key:
                    if seen[members[slot]] != d:
                        seen[members[slot]] = d
                        out[d] += 1
                    break
                slot = (slot + 1) & mask


def distinct_words(words: Segmentation, lists: WordLists, which: NDArray[np.int32]) -> NDArray[np.int64]:
    """How many different words of its list (`which[d]`, -1 for none) each document holds; case counts."""
    out = np.zeros(len(words.rows) - 1, dtype=np.int64)
    _distinct(words.hashes, words.rows, readonly(which), lists.keys, lists.members, len(lists.lists), out)
    return out


def repetition_of(docs: Documents) -> dict[str, NDArray[np.int64]]:
    """The batch's repetition counts, made once for these words (which stay in its memory, so that ids are unique)."""
    words = words_of(docs)
    return docs.memo(f"repetition/{id(words)}", lambda: repeated_chars(words))
