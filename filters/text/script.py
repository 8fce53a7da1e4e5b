"""Scripts: which one a text is written in, Simplified or Traditional, Chinese or Japanese, and a clean sample of it.

One pass over Arrow's own buffers gives, for each document, letters by script, evidence among Han characters, and a
bounded sample with addresses taken out, which is what a language detector should read.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .buffers import TextBuffers, readonly
from .chars import decode
from .kernel import kernel

SCRIPT_NAMES = {
    "LATIN": "Latn", "CJK": "Hani", "HIRAGANA": "Hira", "KATAKANA": "Kana", "HANGUL": "Hang", "CYRILLIC": "Cyrl",
    "ARABIC": "Arab", "GREEK": "Grek", "DEVANAGARI": "Deva", "THAI": "Thai", "HEBREW": "Hebr", "BENGALI": "Beng",
    "GURMUKHI": "Guru", "GUJARATI": "Gujr", "ORIYA": "Orya", "TAMIL": "Taml", "TELUGU": "Telu", "KANNADA": "Knda",
    "MALAYALAM": "Mlym", "SINHALA": "Sinh", "LAO": "Laoo", "TIBETAN": "Tibt", "MYANMAR": "Mymr", "GEORGIAN": "Geor",
    "ARMENIAN": "Armn", "ETHIOPIC": "Ethi", "KHMER": "Khmr", "MONGOLIAN": "Mong", "BOPOMOFO": "Bopo",
}  # fmt: skip
"""First word of a letter's Unicode name -> ISO 15924 code."""

SCRIPTS = (*SCRIPT_NAMES.values(), "Zyyy")
"""Columns of `Scan.letters`; the last one counts letters of every other script."""

LATN, HANI, HIRA, KANA, HANG = (SCRIPTS.index(s) for s in ("Latn", "Hani", "Hira", "Kana", "Hang"))

HANS, HANT, JAPANESE, CHINESE, SYMBOLS, DROPPED, LEANS_HANS, LEANS_HANT = range(8)
"""Columns of `Scan.marks`: characters only of Simplified, of Traditional, of Japanese, of Chinese (that is, unknown to
everyday Japanese); ASCII symbols that code is full of and prose is not; bytes of addresses left out of the sample;
characters that both ways of writing have but one uses far more (Simplified 后 and 于, Traditional 於)."""

WORD_WEIGHT = {HANI: 3, HIRA: 2, KANA: 2, HANG: 3}
"""How many Latin letters a letter stands for when scripts are weighed: an English word is about five letters, a Chinese
one about one and a half characters. Without it, a Chinese text with some English names would count as English."""

_NONE = 255


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass found in each of n documents."""

    sample: NDArray[np.uint8]
    """UTF-8 of the samples, without line breaks, NULs and addresses."""
    offsets: NDArray[np.int64]
    """Where the samples begin and end: n + 1 values."""
    letters: NDArray[np.int32]
    """n x len(SCRIPTS): letters of the sample by script."""
    marks: NDArray[np.int32]
    """n x 8: see `HANS` and its neighbours."""

    def sample_text(self, row: int) -> str:
        return bytes(self.sample[self.offsets[row] : self.offsets[row + 1]]).decode()


def scan(texts: pa.LargeStringArray, budget: int = 8192) -> Scan:
    """Samples and counts of `texts`, at most about `budget` bytes of each: half from its start, half from its middle.

    The start alone would be a menu on many web pages; the whole would make time depend on the longest document.
    """
    found = TextBuffers.of(texts)
    scripts, flags = _tables()
    return Scan(*_scan(found.data, found.offsets, scripts, flags, budget))


def han_script(marks: NDArray[np.int32]) -> tuple[str, float]:
    """`Hans` or `Hant` by which one has more characters of its own, then by which way the shared ones lean, with the
    share of those characters that say so; (`Hani`, 0.5) when they say nothing or are even.

    Leaning characters speak only where the others are silent or even: 皇后 in a Traditional text must not count.
    """
    for hans, hant in ((int(marks[HANS]), int(marks[HANT])), (int(marks[LEANS_HANS]), int(marks[LEANS_HANT]))):
        if hans != hant:
            return "Hans" if hans > hant else "Hant", max(hans, hant) / (hans + hant)
    return "Hani", 0.5


def is_japanese_kanji(marks: NDArray[np.int32]) -> bool:
    """Whether text in Han characters alone reads as Japanese.

    Japan simplified some characters as China did and left others: so a text that mixes Simplified forms with
    Traditional ones, or has a form of Japan's own, and has hardly a character foreign to Japanese, is Japanese.
    """
    own, both = marks[JAPANESE], min(marks[HANS], marks[HANT])
    return bool(own + both > 10 * marks[CHINESE])


@lru_cache(maxsize=1)
def han_table() -> dict[str, frozenset[str]]:
    """Han characters by kind (`Hans`, `Hant`, `Jpan`, and `hans` and `hant`, which only lean to one of them);
    filters/data/hans_hant.txt says where they come from."""
    table: dict[str, set[str]] = {"Hans": set(), "Hant": set(), "Jpan": set(), "hans": set(), "hant": set()}
    path = resources.files("corpusmill.filters") / "data" / "hans_hant.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, characters = line.split(" ")
            table[kind].update(characters)
    return {kind: frozenset(characters) for kind, characters in table.items()}


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Script and Han flags by code point below 65536. Made once a process, in about 50 ms, when first needed."""
    index = {name: SCRIPTS.index(code) for name, code in SCRIPT_NAMES.items()}
    scripts = np.full(65536, _NONE, np.uint8)
    for cp in range(65536):
        c = chr(cp)
        category = unicodedata.category(c)
        if category[0] not in "LM" or (category in ("Mn", "Me") and cp < 0x0590):
            continue
        words = unicodedata.name(c, "").split(" ", 2)
        if words[0] in ("FULLWIDTH", "HALFWIDTH"):
            words = words[1:]
        if category[0] == "L" or words[0] in index:
            scripts[cp] = index.get(words[0], len(SCRIPTS) - 1)
    scripts[0x3005:0x3008] = HANI
    table = han_table()
    flags = np.zeros(65536, np.uint8)
    for kind, bit in (("Hans", 1), ("Hant", 2), ("Jpan", 4), ("hans", 16), ("hant", 32)):
        flags[[ord(c) for c in table[kind]]] |= bit
    foreign = [ord(c) for c in table["Hans"] | table["Hant"] if not _in_everyday_japanese(c)]
    flags[foreign] |= 8
    return readonly(scripts), readonly(flags)


def _in_everyday_japanese(character: str) -> bool:
    """JIS X 0208 level 1: rows 16 to 47."""
    try:
        code = character.encode("euc_jp")
    except UnicodeEncodeError:
        return False
    return len(code) == 2 and 16 <= code[0] - 0xA0 <= 47


@kernel
def _address_start(data: Any, a: int, b: int) -> int:
    """Where an address begins within the run of visible ASCII [a, b), or b: an URL, an e-mail address, a path."""
    slashes = 0
    for i in range(a, b):
        c = data[i]
        if c == 58 and i + 2 < b and data[i + 1] == 47 and data[i + 2] == 47:  # ://
            start = i
            while start > a and (97 <= (data[start - 1] | 32) <= 122):
                start -= 1
            return start
        www = c == 46 and i >= a + 3 and (data[i - 1] | 32) == 119 and (data[i - 2] | 32) == 119
        if www and (data[i - 3] | 32) == 119:
            return i - 3
        if c == 64 and a < i < b - 3:  # @
            for k in range(i + 2, b - 1):
                if data[k] == 46:
                    start = i
                    while start > a and (data[start - 1] > 63 or 45 <= data[start - 1] <= 57):
                        start -= 1
                    if start < i:
                        return start
        if c == 47 or c == 92:
            slashes += 1
            if slashes >= 3 and i - a >= 6:
                return a
    return b


@kernel
def _is_symbol(c: int) -> bool:
    """`{ } < > = ; \\ | _ & $ [ ] ( ) + ` and the like: rare in prose, every few letters in code and markup."""
    return (
        c == 123 or c == 125 or c == 60 or c == 62 or c == 61 or c == 59 or c == 92 or c == 124
        or c == 95 or c == 38 or c == 36 or c == 91 or c == 93 or c == 43 or c == 40 or c == 41
    )  # fmt: skip


@kernel
def _scan_window(
    data: Any, i: int, end: int, scripts: Any, flags: Any, out: Any, o: int, letters: Any, marks: Any
) -> int:
    while i < end:
        c = data[i]
        if 33 <= c < 127:
            b = i + 1
            while b < end and 33 <= data[b] < 127:
                b += 1
            stop = _address_start(data, i, b) if b - i >= 6 else b
            marks[DROPPED] += b - stop
            for k in range(i, stop):
                c = data[k]
                if 97 <= (c | 32) <= 122:
                    letters[LATN] += 1
                elif _is_symbol(c):
                    marks[SYMBOLS] += 1
                out[o] = c
                o += 1
            if stop < b:
                out[o] = 32
                o += 1
            i = b
        elif c <= 32 or c == 127:
            out[o] = 32
            o += 1
            i += 1
        else:
            cp, size = decode(data, i)
            if cp < 65536:
                if scripts[cp] != _NONE:
                    letters[scripts[cp]] += 1
                    f = flags[cp]
                    marks[HANS] += f & 1
                    marks[HANT] += (f >> 1) & 1
                    marks[JAPANESE] += (f >> 2) & 1
                    marks[CHINESE] += (f >> 3) & 1
                    marks[LEANS_HANS] += (f >> 4) & 1
                    marks[LEANS_HANT] += (f >> 5) & 1
            elif 0x20000 <= cp < 0x40000:
                letters[HANI] += 1
            for k in range(size):
                out[o + k] = data[i + k]
            o += size
            i += size
    return o


@kernel
def _scan(data: Any, offsets: Any, scripts: Any, flags: Any, budget: int) -> tuple[Any, Any, Any, Any]:
    n = len(offsets) - 1
    size = 0
    for d in range(n):
        size += min(offsets[d + 1] - offsets[d], budget + 16)
    out = np.empty(size + n, np.uint8)
    out_offsets = np.zeros(n + 1, np.int64)
    letters = np.zeros((n, len(SCRIPTS)), np.int32)
    marks = np.zeros((n, 8), np.int32)
    o = 0
    for d in range(n):
        start, end = offsets[d], offsets[d + 1]
        if end - start <= budget:
            o = _scan_window(data, start, end, scripts, flags, out, o, letters[d], marks[d])
        else:
            half = budget // 2
            middle = start + (end - start) // 2
            first_end = start + half
            while data[first_end] & 0xC0 == 0x80:
                first_end -= 1
            while data[middle] & 0xC0 == 0x80:
                middle += 1
            last = min(middle + half, end)
            while last < end and data[last] & 0xC0 == 0x80:
                last -= 1
            o = _scan_window(data, start, first_end, scripts, flags, out, o, letters[d], marks[d])
            out[o] = 32
            o += 1
            o = _scan_window(data, middle, last, scripts, flags, out, o, letters[d], marks[d])
        out_offsets[d + 1] = o
    return out[:o], out_offsets, letters, marks
