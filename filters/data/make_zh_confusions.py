"""Makes zh_confusions.zst from Unicode's Unihan files: `python make_zh_confusions.py FOLDER` (Unihan_*.txt or .txt.bz2).

For each Chinese character of the basic block: its Mandarin readings without tone, and the characters in common use
(GB 2312, or Big5's frequent ones) that look like it. Looks are judged by four keys, none of which is enough alone: the
letters of the Cangjie code, the corners of the four-corner code, the phonetic component, and the radical and number of
strokes. The weights were set by eye; half of the real errors of shape in a medical set are among the first 30.
"""

from __future__ import annotations

import bz2
import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numba import njit
from numpy.typing import NDArray

LEAST = 0.8
MOST_HANS, MOST_HANT, MOST_RARE = 18, 10, 6
HEAD = """\
# Readings (toneless, v for ü) and look-alikes of Chinese characters: character, tab, readings, tab, look-alikes, likest first.
# Computed from Unihan 15.0 (kMandarin, kHanyuPinlu, kXHC1983, kTGHZ2013, kHanyuPinyin, kCangjie, kFourCornerCode,
# kPhonetic, kRSUnicode, kTotalStrokes), Copyright (c) 1991-2022 Unicode, Inc., Unicode License (unicode.org/copyright.html).
"""

Fields = dict[str, dict[str, str]]


def unihan(folder: Path) -> Fields:
    """Every field of every character of the basic block."""
    found: Fields = defaultdict(dict)
    for path in sorted(folder.glob("Unihan_*.txt*")):
        data = path.read_bytes()
        text = (bz2.decompress(data) if path.suffix == ".bz2" else data).decode()
        for line in text.splitlines():
            if line.startswith("U+"):
                point, name, value = line.split("\t")
                if 0x4E00 <= int(point[2:], 16) <= 0x9FFF:
                    found[chr(int(point[2:], 16))][name] = value
    return found


def readings(fields: dict[str, str]) -> list[str]:
    """Toneless readings, the usual one first; those of the large dictionary only where no other has any."""
    found: dict[str, None] = {}
    for name in ("kMandarin", "kHanyuPinlu", "kXHC1983", "kTGHZ2013", "kHanyuPinyin"):
        if name == "kHanyuPinyin" and found:
            break
        for syllable in re.split(r"[\s,:]+", fields.get(name, "")):
            plain = unicodedata.normalize("NFD", syllable.split("(")[0].lower()).replace("u\u0308", "v")
            plain = "".join(c for c in plain if c.isascii() and c.isalpha())
            if plain:
                found[plain] = None
    return list(found)


def in_charset(char: str, charset: str) -> bool:
    try:
        code = char.encode(charset)
    except UnicodeEncodeError:
        return False
    return charset != "big5" or code[0] < 0xC7


def looks(chars: list[str], fields: Fields) -> tuple[NDArray[Any], ...]:
    """Cangjie letters (8, 0-padded), corners (5), phonetic classes (4), radical and strokes, a row a character."""
    n = len(chars)
    cangjie, corners, phonetics = np.zeros((n, 8), np.int32), np.zeros((n, 5), np.int32), np.zeros((n, 4), np.int32)
    whole = np.zeros((n, 2), np.int32)
    for i, char in enumerate(chars):
        f = fields[char]
        code = f.get("kCangjie", "")[:8]
        cangjie[i, : len(code)] = [ord(c) for c in code]
        four = f.get("kFourCornerCode", "").split(" ")[0].replace(".", "")[:5]
        corners[i, : len(four)] = [ord(c) for c in four]
        classes = [int(p) for p in re.findall(r"\d+", f.get("kPhonetic", ""))][:4]
        phonetics[i, : len(classes)] = classes
        whole[i] = (
            int(re.match(r"\d+", f["kRSUnicode"])[0]),  # type: ignore[index]
            int(f.get("kTotalStrokes", "1").split()[0]),
        )
    return cangjie, corners, phonetics, whole


@njit
def likeness(a: int, others: Any, cangjie: Any, corners: Any, phonetics: Any, whole: Any) -> Any:
    out = np.zeros(len(others))
    row = np.zeros(9, np.int64)
    for k in range(len(others)):
        b = others[k]
        row[:] = 0
        n = m = 0
        while m < 8 and cangjie[b, m]:
            m += 1
        while n < 8 and cangjie[a, n]:
            previous = 0
            for j in range(m):
                kept = row[j + 1]
                row[j + 1] = previous + 1 if cangjie[a, n] == cangjie[b, j] else max(row[j + 1], row[j])
                previous = kept
            n += 1
        if n == 0 or m == 0:
            continue
        score = 2 * row[m] / (n + m)
        if corners[a, 0] and corners[b, 0]:
            same = 0
            for j in range(5):
                same += corners[a, j] == corners[b, j]
            score += 0.12 * same
        else:
            score += 0.18
        shared = False
        for i in range(4):
            for j in range(4):
                shared |= phonetics[a, i] != 0 and phonetics[a, i] == phonetics[b, j]
        score += 0.35 * shared + 0.15 * (whole[a, 0] == whole[b, 0])
        score -= 0.8 * abs(whole[a, 1] - whole[b, 1]) / max(whole[a, 1], whole[b, 1])
        out[k] = score
    return out


def main(folder: Path) -> None:
    fields = unihan(folder)
    chars = sorted(c for c, f in fields.items() if "kCangjie" in f or "kMandarin" in f)
    hans = np.array([i for i, c in enumerate(chars) if in_charset(c, "gb2312")])
    hant = np.array([i for i, c in enumerate(chars) if in_charset(c, "big5")])
    common = {*hans.tolist(), *hant.tolist()}
    table = looks(chars, fields)
    lines = []
    for i, char in enumerate(chars):
        near: dict[str, float] = {}
        for others, most in ((hans, MOST_HANS), (hant, MOST_HANT)):
            scores = likeness(i, others, *table)
            best = np.argsort(-scores, kind="stable")[: (most if i in common else MOST_RARE) + 1]
            near |= {chars[others[k]]: scores[k] for k in best.tolist() if scores[k] >= LEAST and others[k] != i}
        alike = "".join(sorted(near, key=lambda c: (-near[c], c)))
        lines.append(f"{char}\t{' '.join(readings(fields[char]))}\t{alike}")
    packed = zstandard.ZstdCompressor(level=22).compress((HEAD + "\n".join(lines) + "\n").encode())
    target = Path(__file__).with_name("zh_confusions.zst")
    target.write_bytes(packed)
    print(f"{len(lines):,} characters, {sum(len(line) for line in lines):,} characters of text, {len(packed):,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
