"""Tokens as texts are compared by what they say: words, or characters where words are not spaced, in one form each.

Case, width, accents, punctuation, white space and invisible characters make no difference: `Ｗｈａｔ is "É"?` has the tokens
of `what is e`. The texts themselves stay as they are; a token keeps its place in the bytes.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .buffers import Int64s, TextBuffers, readonly
from .chars import ALPHA, DIGIT, HAN, KANA, PUNCT, SPACE, SYMBOL, UNSPACED, char_table, decode
from .kernel import kernel, part
from .wide import byte_at

Hashes = NDArray[np.uint64]

_SEPARATOR, _INVISIBLE, _LETTER, _NUMERAL, _CHARACTER = 0, 1, 2, 3, 4
_KIND_SHIFT = 24
_CODE = np.uint32((1 << _KIND_SHIFT) - 1)
WEIGHTLESS, WORD, CHARACTER = 1, 2, 3
"""Kinds of token; 0 is the end of the text. Weightless are numbers and letters that stand alone."""

_FNV_BASIS, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MIX = np.uint64(0xFF51AFD7ED558CCD)


@cache
def fold_table() -> NDArray[np.uint32]:
    """By code point: the class of the character, and the one that it is compared as (0.3 s to build)."""
    classes = char_table()
    table = np.zeros(len(classes), np.uint32)
    for cp in np.flatnonzero(classes).tolist() + [c for c in range(0x32400) if not classes[c]]:
        char = chr(cp)
        category = unicodedata.category(char)
        if category == "Cf" or 0x300 <= cp < 0x370:
            table[cp] = _INVISIBLE << _KIND_SHIFT
            continue
        # Compatibility forms count as what they stand for (Ａ, ｶ, ①, é with its accent apart), if that is one character.
        lower = char.lower() if len(char.lower()) == 1 else char
        plain = [c for c in unicodedata.normalize("NFKD", lower) if not 0x300 <= ord(c) < 0x370]
        folded = ord(plain[0] if len(plain) == 1 else lower)
        bits = int(classes[folded])
        if bits & (HAN | KANA | UNSPACED):
            kind = _CHARACTER
        elif bits & DIGIT:
            kind = _NUMERAL
        elif bits & ALPHA or (category[0] == "M" and not bits & (PUNCT | SYMBOL | SPACE)):
            kind = _LETTER
        else:
            kind = _SEPARATOR
        table[cp] = kind << _KIND_SHIFT | folded
    return readonly(table)


@part
def next_token(data: Any, i: Any, end: Any, folds: Any) -> Any:
    """The first token at or after byte `i`: (its first byte, the byte after its last, hash, kind)."""
    h = _FNV_BASIS
    start = i
    stop = i
    letters = 0
    numerals = 0
    last = np.uint32(0)
    while i < end:
        b = byte_at(data, i)
        size = 1
        f = folds[b]
        if b >= 0x80:
            cp, size = decode(data, i)
            f = folds[cp]
        kind = f >> np.uint32(_KIND_SHIFT)
        i += size
        if _LETTER <= kind <= _NUMERAL:
            if letters + numerals == 0:
                start = i - size
            last = f & _CODE
            h = (h ^ np.uint64(last)) * _FNV_PRIME
            letters += kind == _LETTER
            numerals += kind == _NUMERAL
            stop = i
        elif kind != _INVISIBLE:
            if letters + numerals:
                break
            if kind == _CHARACTER:
                return i - size, i, (np.uint64(f & _CODE) + _FNV_BASIS) * _MIX, CHARACTER
    if letters + numerals == 0:
        return end, end, h, 0
    found = WORD
    # a and I are words; other letters that stand alone are labels and variables
    if letters == 0 or (letters + numerals == 1 and 0x61 < last <= 0x7A and last != 0x69):
        found = WEIGHTLESS
    return start, stop, (h ^ (h >> np.uint64(32))) * _MIX, found


@kernel
def _count_tokens(data: Any, offsets: Any, folds: Any, out: Any) -> None:
    for d in range(len(offsets) - 1):
        i = offsets[d]
        n = 0
        while True:
            _, i, _, kind = next_token(data, i, offsets[d + 1], folds)
            if kind == 0:
                break
            n += 1
        out[d + 1] = n


@kernel
def _cut_tokens(data: Any, offsets: Any, folds: Any, hashes: Any, starts: Any, ends: Any, kinds: Any) -> None:
    n = 0
    for d in range(len(offsets) - 1):
        i = offsets[d]
        while True:
            start, i, h, kind = next_token(data, i, offsets[d + 1], folds)
            if kind == 0:
                break
            hashes[n] = h
            starts[n] = start
            ends[n] = i
            kinds[n] = kind
            n += 1


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of some texts, flat: token `t` is `data[starts[t]:ends[t]]`, text `d` has tokens `rows[d]:rows[d+1]`."""

    hashes: Hashes
    starts: Int64s
    ends: Int64s
    kinds: NDArray[np.uint8]
    rows: Int64s

    @classmethod
    def of(cls, texts: TextBuffers) -> Tokens:
        rows = np.zeros(len(texts) + 1, np.int64)
        _count_tokens(texts.data, texts.offsets, fold_table(), rows)
        rows = np.cumsum(rows)
        n = int(rows[-1])
        found = cls(np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.uint8), rows)
        _cut_tokens(texts.data, texts.offsets, fold_table(), found.hashes, found.starts, found.ends, found.kinds)
        return found

    def measure(self, words: int, characters: int, among: NDArray[np.bool_] | None = None) -> Int64s:
        """Running sum of the weights of the tokens (of those `among`), one longer than they; `words * characters` is
        one full measure."""
        weights = np.array([0, 0, characters, words], np.int64)[self.kinds]
        if among is not None:
            weights[~among] = 0
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(weights)])
