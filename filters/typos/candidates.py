"""Which characters each character may have been meant to be, as arrays for kernels: by sound, by near sound, by shape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.buffers import readonly
from .confusions import NEVER, listed_pairs

SOUND, NEAR_SOUND, SHAPE, LISTED = 1, 2, 4, 8
"""How two characters may be confused; a pair can have several."""
KIND, LIKENESS = 15, 4
"""The bits of a pair's byte that say why, and how far to shift it for how alike they look: 15 for the likest, 0 for not."""

_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("f", "h"))
_FINALS = (("ang", "an"), ("eng", "en"), ("ing", "in"))
"""Sounds that many speakers and most fuzzy pinyin inputs do not keep apart; each stands for both."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidates of code c are `chars[starts[c]:starts[c + 1]]`, and `kinds` says why, and how alike they look."""

    starts: NDArray[np.int32]
    chars: NDArray[np.uint16]
    kinds: NDArray[np.uint8]

    def of(self, char: str) -> dict[str, int]:
        """The candidates of one character and their kinds."""
        a, b = self.starts[ord(char)], self.starts[ord(char) + 1]
        return dict(zip(map(chr, self.chars[a:b].tolist()), (self.kinds[a:b] & KIND).tolist(), strict=True))


@lru_cache(maxsize=1)
def character_table() -> dict[str, tuple[tuple[str, ...], str]]:
    """For each character of the basic block its toneless readings and its look-alikes, likest first; 0.05 s."""
    import zstandard

    packed = (files(__package__.rpartition(".")[0]) / "data" / "zh_confusions.zst").read_bytes()
    table = {}
    for line in zstandard.ZstdDecompressor().decompress(packed).decode().splitlines():
        if not line.startswith("#"):
            char, syllables, alike = line.split("\t")
            table[char] = tuple(syllables.split()), alike
    return table


def near_sound(syllable: str) -> str:
    """What stands for all syllables that are easily taken for this one."""
    for strict, loose in _INITIALS:
        if syllable.startswith(strict):
            syllable = loose + syllable[len(strict) :]
            break
    for strict, loose in _FINALS:
        if syllable.endswith(strict):
            return syllable[: -len(strict)] + loose
    return syllable


@lru_cache(maxsize=1)
def _script_marks() -> dict[str, frozenset[str]]:
    """Characters that only Simplified (`Hans`) and only Traditional Chinese (`Hant`) has."""
    found: dict[str, set[str]] = {"Hans": set(), "Hant": set()}
    for line in (files(__package__.rpartition(".")[0]) / "data" / "hans_hant.txt").read_text("utf-8").splitlines():
        kind, _, chars = line.partition(" ")
        if kind in found:
            found[kind].update(chars)
    return {kind: frozenset(chars) for kind, chars in found.items()}


def _other_script(known: Set[str]) -> frozenset[str]:
    marks = _script_marks()
    return marks["Hant"] if len(marks["Hans"] & known) >= len(marks["Hant"] & known) else marks["Hans"]


def _likeness(*places: int) -> int:
    """From where two characters stand in each other's lists, -1 for nowhere. Of real errors of shape three in four are
    among the first six; what stands further down is as good as another character of the domain (肺 for 肝)."""
    return max((15 - place for place in places if 0 <= place < 15), default=0)


def candidates(known: Set[str], extra: str | None = None) -> Candidates:
    """Candidates among the `known` characters (those that the model's text has).

    Negations and numerals are never candidates and have none, nor do characters that only the other script writes, of
    Simplified and Traditional: to convert is another step's work. `extra` is a user's file, as in `confusions`.
    """
    table = character_table()
    exact: dict[str, list[str]] = defaultdict(list)
    near: dict[str, list[str]] = defaultdict(list)
    for char, (syllables, _) in table.items():
        if char in known and char not in NEVER:
            for syllable in syllables:
                exact[syllable].append(char)
            for syllable in {near_sound(s) for s in syllables}:
                near[syllable].append(char)
    listed: dict[str, set[str]] = defaultdict(set)
    for a, b in listed_pairs(extra):
        listed[a].add(b)
    starts = np.zeros((1 << 16) + 1, np.int32)
    chars: list[int] = []
    kinds: list[int] = []
    sizes: dict[int, int] = {}
    other = _other_script(known)
    for char in sorted({*table, *listed}):
        if char in NEVER or char in other or ord(char) > 0xFFFF:
            continue
        syllables, alike = table.get(char, ((), ""))
        found: dict[str, int] = defaultdict(int)
        for kind, others in (
            (NEAR_SOUND, (c for s in {near_sound(s) for s in syllables} for c in near[s])),
            (SOUND, (c for s in syllables for c in exact[s])),
            (SHAPE, (c for c in alike if c in known)),
            (LISTED, (c for c in listed[char] if c in known)),
        ):
            for c in others:
                found[c] |= kind
        found = {c: k for c, k in found.items() if c != char and c not in NEVER and ord(c) <= 0xFFFF}
        sizes[ord(char)] = len(found)
        for c, kind in sorted(found.items()):
            chars.append(ord(c))
            kinds.append(kind | _likeness(alike.find(c), table.get(c, ((), ""))[1].find(char)) << LIKENESS)
    for code, size in sizes.items():
        starts[code + 1] = size
    total: Any = np.cumsum(starts, dtype=np.int32)
    return Candidates(readonly(total), readonly(np.array(chars, np.uint16)), readonly(np.array(kinds, np.uint8)))
