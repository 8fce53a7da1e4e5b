"""Chinese words: jieba's cuts without its hidden Markov model, by a kernel over UTF-8 bytes.

A run of Han characters (U+4E00 to U+9FD5) and of ASCII letters, digits and + # & . _ % - is cut into the dictionary words
whose frequencies have the largest product; of equal ways the one with the longer first word is taken. A character that
no word covers stands alone, but letters and digits left alone side by side are one word. Every other character is a
word of its own. The sums are taken in jieba's order, from the end of the run in doubles, so that ties fall as in jieba.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .buffers import TextBuffers
from .dictionary import LevelTrie, shipped_trie, words_with
from .kernel import kernel, part
from .room import scratch
from .wide import byte_at
from .word_table import WordTable, best_ends, decode_numbers


class Cuts(NamedTuple):
    """Room to cut texts in, and what is found there: a value a character."""

    places: NDArray[np.int64]
    """The byte where the character starts; one more for the end of the text."""
    numbers: NDArray[np.uint16]
    """Its number in the table, 0 if it is a word of its own."""
    ends: NDArray[np.int32]
    """The character before which the word ends that starts here."""
    scores: NDArray[np.float64]

    @classmethod
    def room(cls, size: int) -> Cuts:
        """Room for texts of up to so many bytes, to be used before anyone asks for it again."""
        kinds = {"places": np.int64, "numbers": np.uint16, "ends": np.int32, "scores": np.float64}
        return cls(*(scratch(f"{name} in words", size + 4, kind) for name, kind in kinds.items()))


@part
def cut_run(data: Any, i: Any, end: Any, table: Any, cuts: Any) -> Any:
    """Cuts the text [i, end): the number of its characters."""
    n = decode_numbers(data, i, end, table.codes, cuts.places, cuts.numbers)
    best_ends(n, table, cuts.numbers, cuts.scores, cuts.ends)
    return n


@part
def is_alnum(b: Any) -> Any:
    """Whether a byte is an ASCII letter or digit."""
    return 0x61 <= b <= 0x7A or 0x30 <= b <= 0x39 or 0x41 <= b <= 0x5A


@part
def word_end(data: Any, n: Any, k: Any, cuts: Any) -> Any:
    """The character before which the word that starts at character `k` ends, letters and digits left alone joined."""
    to = np.int64(cuts.ends[k])
    if to == k + 1 and is_alnum(byte_at(data, cuts.places[k])):
        while to < n and cuts.ends[to] == to + 1 and is_alnum(byte_at(data, cuts.places[to])):
            to += 1
    return to


@kernel
def _cut_ends(data: Any, table: Any, cuts: Any, ends: Any) -> Any:
    """Where the words of one text end, white space included: for looking at single texts."""
    n = cut_run(data, 0, len(data), table, cuts)
    words = 0
    k = 0
    while k < n:
        k = word_end(data, n, k, cuts)
        i = cuts.places[k]
        if k < n and byte_at(data, i) == 10 and byte_at(data, i - 1) == 13:
            k += 1
        ends[words] = cuts.places[k]
        words += 1
    return words


@lru_cache(maxsize=4)
def word_table(user_words: Path | None = None) -> WordTable:
    """The words to cut Chinese by: the bundled ones and, if given, those of a file in jieba's format (a line each:
    word, then its frequency and a part of speech if you like). 0.2 s; with a file 4 s.

    A word without a frequency gets the one at which it is just preferred to its parts, as in jieba.
    Raises CorpusmillError when the file cannot be read or a line cannot be understood.
    """
    trie = shipped_trie()
    if user_words is None:
        return WordTable.of(trie)
    return WordTable.of(LevelTrie.of(words_with(trie.words(), user_words, cut_text)))


def cut_text(text: str, words: WordTable | None = None) -> list[str]:
    """The words of one text, white space included: `jieba.lcut(text, HMM=False)`."""
    data = TextBuffers.of(pa.array([text], pa.large_string())).data
    ends: NDArray[np.int64] = np.empty(len(data), np.int64)
    n = _cut_ends(data, word_table() if words is None else words, Cuts.room(len(data)), ends)
    raw, found, start = data.tobytes(), [], 0
    for end in ends[:n].tolist():
        found.append(raw[start:end].decode())
        start = end
    return found
