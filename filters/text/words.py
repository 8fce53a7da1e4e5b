"""Words: cut once a batch, by the rules of each document's script, and shared by every filter that counts them.

Three ways to cut, chosen per document (`style_of`):

- `SPACED` (English and most others): words as spaCy's English tokenizer cuts them, the reference implementations'
  choice: punctuation marks are tokens of their own, clitics part from their word (do n't, it 's), compounds part at
  hyphens and slashes between letters, numbers, addresses and abbreviations stay whole. A Han character is a word.
- `JIEBA` (Chinese): jieba's own cuts without its hidden Markov model, white space left out (`zh_words`).
- `RUNS` (Japanese): runs of kanji, of hiragana and of katakana are words each, anything else as in `SPACED`.

In all of them Thai, Lao, Khmer and Burmese are cut before a leading vowel and after at most six clusters; these cuts
depend on the text alone, so that repeated passages are cut alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...curate.documents import Documents
from .buffers import Int64s, TextBuffers, readonly
from .chars import (
    ALPHA,
    BREAK,
    DIGIT,
    HAN,
    KANA,
    PUNCT,
    SPACE,
    TERMINAL,
    UNSPACED,
    char_table,
    count_classes,
    decode,
)
from .hashing import hash_bytes, hash_documents
from .kernel import kernel, part
from .plain import DIGIT_, LETTER, ascii_kinds, listed_filter, plain_chunk
from .room import lasting
from .spaced import MAX_SUFFIXES, cut_chunk, cut_list, mark_table, unit_hashes
from .wide import byte_at
from .word_table import empty_table
from .zh_words import Cuts, cut_run, is_alnum, word_end, word_table

SPACED, JIEBA, RUNS = 0, 1, 2

HAS_ALPHA = 1
"""Word flag: a letter is in it."""
ONLY_SYMBOLS = 2
"""Word flag: neither a letter nor a numeral is in it; Gopher does not count it as a word."""
ONLY_PUNCT = 4
ENDS_SENTENCE = 8
"""Word flag: a mark that ends a sentence."""
STARTS_LINE = 16
"""Word flag: the first of its line."""

NOT_SYMBOL = ALPHA | DIGIT | HAN | UNSPACED
"""Character classes of which a word needs one not to be `ONLY_SYMBOLS`."""

CUT_FROM = "cut_words_from"
"""Where a batch remembers how its words are cut, if not from its text (`carry`). What it remembers must not refer to the
batch: in a circle, batches would stay in memory until the garbage collector comes by."""

MIN_HAN_SHARE = 0.2
"""A document of unknown language is Chinese when at least this share of its letters is Han."""
MAX_KANA_SHARE = 0.05
"""... unless kana are more than this share of its letters; then it is Japanese."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """All words of a batch, flat. Word `w` is `data[starts[w]:ends[w]]`; document `d` has words `rows[d]:rows[d+1]`."""

    starts: Int64s
    ends: Int64s
    hashes: NDArray[np.uint64]
    chars: NDArray[np.int32]
    flags: NDArray[np.uint8]
    rows: Int64s
    styles: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.starts)

    def strings(self, texts: TextBuffers, row: int) -> list[str]:
        """The words of one document as Python strings: for tests and for looking at things."""
        first, last = int(self.rows[row]), int(self.rows[row + 1])
        data = texts.data
        return [data[self.starts[w] : self.ends[w]].tobytes().decode() for w in range(first, last)]


COLUMNS = (np.int64, np.int64, np.uint64, np.int32, np.uint8)
"""Types of starts, ends, hashes, chars and flags."""


def buffers_of(docs: Documents) -> TextBuffers:
    return docs.memo("text_buffers", lambda: TextBuffers.of(docs.text))


def classes_of(docs: Documents) -> dict[str, NDArray[np.int64]]:
    return docs.memo("class_counts", lambda: count_classes(buffers_of(docs)))


def words_of(docs: Documents) -> Segmentation:
    """The batch's words, cut once and kept with it; cut anew only if a language step since then changed a style."""
    styles = styles_of(docs)
    known = segmentations_of(docs)
    key = styles.tobytes()
    if key not in known:
        cut: Callable[[NDArray[np.int8]], Segmentation] | None = docs.memo(CUT_FROM, lambda: None)
        known[key] = segment(buffers_of(docs), styles) if cut is None else cut(styles)
    return known[key]


def segmentations_of(docs: Documents) -> dict[bytes, Segmentation]:
    """The ways in which a batch has been cut so far, by its styles."""
    return docs.memo("segmentations", dict)


def styles_of(docs: Documents) -> NDArray[np.int8]:
    """How each document is cut: by its language, or by its characters where the language is unknown."""
    key = f"word_styles/{hash(tuple(docs.languages))}"
    return docs.memo(key, lambda: _choose_styles(docs))


_STYLES = {"zh": JIEBA, "yue": JIEBA, "wuu": JIEBA, "lzh": JIEBA, "ja": RUNS}


def _choose_styles(docs: Documents) -> NDArray[np.int8]:
    languages = docs.languages
    if None not in languages:
        return np.array([_STYLES.get(lang or "", SPACED) for lang in languages], dtype=np.int8)
    counts = classes_of(docs)
    letters = counts["alpha"]
    kana = counts["kana"] > MAX_KANA_SHARE * letters
    guess = np.where(kana, RUNS, np.where(counts["han"] >= MIN_HAN_SHARE * letters, JIEBA, SPACED))
    guess[(counts["han"] + counts["kana"]) == 0] = SPACED
    styles = [int(g) if lang is None else _STYLES.get(lang, SPACED) for lang, g in zip(languages, guess, strict=True)]
    return np.array(styles, dtype=np.int8)


@part
def _emit(
    data: Any,
    a: Any,
    b: Any,
    table: Any,
    newline: Any,
    k: Any,
    starts: Any,
    ends: Any,
    hashes: Any,
    chars: Any,
    flags: Any,
) -> Any:
    """Writes the word at bytes `a` to `b` as number `k`; returns the number of the next."""
    n = 0
    union = 0
    common = PUNCT
    i = a
    last = 0
    while i < b:
        byte = byte_at(data, i)
        if byte < 0x80:
            last = table[byte]
            i += 1
        else:
            cp, size = decode(data, i)
            last = table[cp]
            i += size
        union |= last
        common &= last
        n += 1
    bits = STARTS_LINE if newline else 0
    if union & ALPHA:
        bits |= HAS_ALPHA
    if not union & NOT_SYMBOL:
        bits |= ONLY_SYMBOLS
    if common:
        bits |= ONLY_PUNCT
    if n == 1 and last & TERMINAL:
        bits |= ENDS_SENTENCE
    return _write(a, b, hash_bytes(data, a, b), n, bits, k, starts, ends, hashes, chars, flags)


@part
def _write(
    a: Any, b: Any, h: Any, n: Any, bits: Any, k: Any, starts: Any, ends: Any, hashes: Any, chars: Any, flags: Any
) -> Any:
    starts[k] = a
    ends[k] = b
    hashes[k] = h
    chars[k] = n
    flags[k] = bits
    return k + 1


@part
def _cut_spaced(
    data: Any,
    lo: Any,
    hi: Any,
    table: Any,
    marks: Any,
    units: Any,
    listed: Any,
    cuts: Any,
    lengths: Any,
    stack: Any,
    kinds: Any,
    plain: Any,
    kanji_runs: bool,
    k: Any,
    starts: Any,
    ends: Any,
    hashes: Any,
    chars: Any,
    flags: Any,
) -> Any:
    i = lo
    newline = True
    while i < hi:
        if byte_at(data, i) == 0x20:
            i += 1
            continue
        cp, size = decode(data, i)
        f = table[cp]
        if f & SPACE:
            if f & BREAK:
                newline = True
            i += size
            continue
        if size == 1 and kinds[cp] & (LETTER | DIGIT_):
            j, stop, h = plain_chunk(data, i, hi, kinds, plain)
            if j:
                bits = (HAS_ALPHA if f & ALPHA else 0) | (STARTS_LINE if newline else 0)
                k = _write(i, j, h, j - i, bits, k, starts, ends, hashes, chars, flags)
                newline = False
                if stop > j:
                    bits = ONLY_SYMBOLS | ONLY_PUNCT | (ENDS_SENTENCE if table[byte_at(data, j)] & TERMINAL else 0)
                    k = _write(j, stop, hash_bytes(data, j, stop), 1, bits, k, starts, ends, hashes, chars, flags)
                i = stop
                continue
        j = i + size
        if f & HAN:
            while kanji_runs and j < hi:
                c, s = decode(data, j)
                if not table[c] & HAN:
                    break
                j += s
        elif f & KANA:
            # Hiragana and katakana part from each other; the prolonged sound mark goes with what it follows.
            hiragana = cp < 0x30A0
            while j < hi:
                c, s = decode(data, j)
                if not table[c] & KANA or ((c < 0x30A0) != hiragana and c != 0x30FC):
                    break
                j += s
        elif f & UNSPACED:
            clusters = 1
            while j < hi:
                c, s = decode(data, j)
                g = table[c]
                if not g & UNSPACED:
                    break
                if g & (ALPHA | DIGIT):
                    leading = (0x0E40 <= c <= 0x0E44) or (0x0EC0 <= c <= 0x0EC4)
                    if clusters == 6 or leading:
                        break
                    clusters += 1
                j += s
        else:
            while j < hi:
                c = np.int64(byte_at(data, j))
                s = 1
                if c >= 0x80:
                    c, s = decode(data, j)
                if table[c] & (SPACE | HAN | KANA | UNSPACED):
                    break
                j += s
            last = cut_chunk(data, i, j, table, marks, units, listed, cuts, lengths, stack, starts, ends, k)
            while k < last:
                k = _emit(data, starts[k], ends[k], table, newline, k, starts, ends, hashes, chars, flags)
                newline = False
            i = j
            continue
        k = _emit(data, i, j, table, newline, k, starts, ends, hashes, chars, flags)
        newline = False
        i = j
    return k


@part
def _cut_chinese(
    data: Any,
    lo: Any,
    hi: Any,
    table: Any,
    words: Any,
    cuts: Any,
    k: Any,
    starts: Any,
    ends: Any,
    hashes: Any,
    chars: Any,
    flags: Any,
) -> Any:
    n = cut_run(data, lo, hi, words, cuts)
    newline = True
    at: Any = 0
    while at < n:
        i = cuts.places[at]
        if cuts.numbers[at] == 0:
            f = table[decode(data, i)[0]]
            at += 1
            if f & SPACE:
                newline = newline or f & BREAK != 0
                continue
            j = cuts.places[at]
            bits = (HAS_ALPHA if f & ALPHA else 0) | (ONLY_PUNCT if f & PUNCT else 0) | (STARTS_LINE if newline else 0)
            bits |= (ENDS_SENTENCE if f & TERMINAL else 0) | (0 if f & NOT_SYMBOL else ONLY_SYMBOLS)
            k = _write(i, j, hash_bytes(data, i, j), 1, bits, k, starts, ends, hashes, chars, flags)
            newline = False
            continue
        if byte_at(data, i) >= 0x80:
            to: Any = np.int64(cuts.ends[at])
            j = cuts.places[to]
            if j - i == 3 * (to - at):  # Han characters alone
                bits = HAS_ALPHA | STARTS_LINE if newline else HAS_ALPHA
                k = _write(i, j, hash_bytes(data, i, j), to - at, bits, k, starts, ends, hashes, chars, flags)
            else:
                k = _emit(data, i, j, table, newline, k, starts, ends, hashes, chars, flags)
        else:
            to = word_end(data, n, at, cuts)
            j = cuts.places[to]
            k = _emit(data, i, j, table, newline, k, starts, ends, hashes, chars, flags)
            if byte_at(data, i) == 0x2E and to < n and is_alnum(byte_at(data, j)):
                flags[k - 1] &= ~ENDS_SENTENCE  # 3.14 and example.com are cut at the dot
        newline = False
        at = to
    return k


@kernel
def _segment(
    data: Any,
    offsets: Any,
    styles: Any,
    table: Any,
    marks: Any,
    units: Any,
    listed: Any,
    cut_lists: Any,
    lengths: Any,
    kinds: Any,
    plain: Any,
    words: Any,
    cuts: Any,
    starts: Any,
    ends: Any,
    hashes: Any,
    chars: Any,
    flags: Any,
    rows: Any,
) -> Any:
    stack = np.empty(MAX_SUFFIXES, np.int64)
    k = 0
    for d in range(len(offsets) - 1):
        lo = offsets[d]
        hi = offsets[d + 1]
        if styles[d] == JIEBA:
            k = _cut_chinese(data, lo, hi, table, words, cuts, k, starts, ends, hashes, chars, flags)
        else:
            runs = styles[d] == RUNS
            k = _cut_spaced(
                data,
                lo,
                hi,
                table,
                marks,
                units,
                listed,
                cut_lists,
                lengths,
                stack,
                kinds,
                plain,
                runs,
                k,
                starts,
                ends,
                hashes,
                chars,
                flags,
            )
        rows[d + 1] = k
    return k


def segment(texts: TextBuffers, styles: NDArray[np.int8], user_words: Path | None = None) -> Segmentation:
    """Cuts every document of a batch into words, by the style given for it; Chinese also by the words of a file."""
    room = int(texts.offsets[-1] - texts.offsets[0])
    starts, ends, hashes, chars, flags = lasting(room, COLUMNS)
    rows = np.zeros(len(texts) + 1, np.int64)
    chinese = styles == JIEBA
    n = _segment(
        texts.data,
        texts.offsets,
        readonly(styles),
        char_table(),
        mark_table(),
        unit_hashes(),
        cut_list().keys,
        cut_list().cuts,
        cut_list().lengths,
        ascii_kinds(),
        listed_filter(),
        word_table(user_words) if bool(chinese.any()) else empty_table(),
        Cuts.room(int(np.diff(texts.offsets)[chinese].max(initial=0))),
        starts,
        ends,
        hashes,
        chars,
        flags,
        rows,
    )
    starts, ends, hashes, chars, flags = (readonly(a[:n]) for a in (starts, ends, hashes, chars, flags))
    return Segmentation(starts, ends, hashes, chars, flags, readonly(rows), readonly(styles))


def hash_words(words: list[str]) -> NDArray[np.uint64]:
    """The hashes that these words have in a `Segmentation`."""
    texts = TextBuffers.of_strings(words)
    out = np.zeros(len(words), dtype=np.uint64)
    hash_documents(texts.data, texts.offsets, out)
    return out
