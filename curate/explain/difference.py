"""Where two texts differ: aligned sentence by sentence, and inside those by word, or by character in Chinese.

One stretch of white space is like another, as it is for duplicates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

# Han, kana, Thai, Lao, Burmese, Khmer: a character is a token; of other scripts a word is, or a run of white space.
_TOKEN = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
    r"|[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+|\s+|."
)
# Line ends go with the sentence before them: as sentences of their own they would be thousands of equal ones, and what
# difflib does is quadratic in those.
_SENTENCE = re.compile(r"[^\n]*?(?:[。！？；]+[”’」』）]*\n*|[.!?;]+[\"')\]]*(?:\n+|(?=\s))|\n+|\Z)", re.DOTALL)

MAX_TOKENS = 4000
"""Longer stretches without a shared sentence are not aligned inside: that takes time by their square."""

EDGE = 40
"""Characters shown at each end of a shared passage."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one of the texts, and whether it is only in that one."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Passages of the two texts that stand beside each other."""

    left: tuple[Piece, ...]
    right: tuple[Piece, ...]

    @property
    def same(self) -> bool:
        return not any(p.differs for p in (*self.left, *self.right))


def compare(left: str, right: str) -> list[Row]:
    """The two texts as rows; the left pieces of all rows are the left text, and the right ones the right."""
    a, b = _sentences(left), _sentences(right)
    rows = []
    for kind, a0, a1, b0, b1 in _aligned([" ".join(s.split()) for s in a], [" ".join(s.split()) for s in b]):
        one, other = "".join(a[a0:a1]), "".join(b[b0:b1])
        if kind == "equal":
            rows.append(Row((Piece(one, False),), (Piece(other, False),)))
        else:
            rows.append(_inside(one, other))
    return rows


def shortened(text: str, *, start: bool = False, end: bool = False) -> str:
    """A shared passage with its middle left out. At the `start` of a text its beginning goes too, at the `end` its end."""
    head, tail = ("" if start else text[:EDGE]), ("" if end else text[-EDGE:])
    left_out = len(text) - len(head) - len(tail)
    if left_out < EDGE:
        return text
    return f"{head} … {left_out:,} characters the same 相同 … {tail}".strip(" ")


def _sentences(text: str) -> list[str]:
    return [found for found in _SENTENCE.findall(text) if found]


def _aligned(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """difflib's opcodes. What is common at both ends is taken off first: that is most of two near-duplicates."""
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    m = 0
    while m < min(len(a), len(b)) - n and a[-1 - m] == b[-1 - m]:
        m += 1
    if n:
        yield "equal", 0, n, 0, n
    inner = SequenceMatcher(None, a[n : len(a) - m], b[n : len(b) - m], autojunk=False)
    for kind, a0, a1, b0, b1 in inner.get_opcodes():
        yield kind, a0 + n, a1 + n, b0 + n, b1 + n
    if m:
        yield "equal", len(a) - m, len(a), len(b) - m, len(b)


def _inside(left: str, right: str) -> Row:
    a, b = _TOKEN.findall(left), _TOKEN.findall(right)
    if not a or not b or max(len(a), len(b)) > MAX_TOKENS:
        return Row(_pieces([(left, True)]), _pieces([(right, True)]))
    one: list[tuple[str, bool]] = []
    other: list[tuple[str, bool]] = []
    for kind, a0, a1, b0, b1 in _aligned(
        [" " if t.isspace() else t for t in a], [" " if t.isspace() else t for t in b]
    ):
        here, there = "".join(a[a0:a1]), "".join(b[b0:b1])
        # A space between two changed words would only break the mark in two.
        differs = kind != "equal" or bool(here.isspace() and one and a1 < len(a) and b1 < len(b))
        one.append((here, differs))
        other.append((there, differs))
    return Row(_pieces(one), _pieces(other))


def _pieces(found: Sequence[tuple[str, bool]]) -> tuple[Piece, ...]:
    """Neighbours of a kind as one piece; no empty ones."""
    out: list[Piece] = []
    for text, differs in found:
        if text and out and out[-1].differs == differs:
            out[-1] = Piece(out[-1].text + text, differs)
        elif text:
            out.append(Piece(text, differs))
    return tuple(out)
