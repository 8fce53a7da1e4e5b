"""Running heads and feet and page numbers: lines at a page's edge that its neighbours have too, up to their numbers."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from .lines import Line

_DEEPEST = 4
"""Lines at each edge of a page that may be such: a head, a rule of dots, a number, a notice."""

_SAME_PLACE = 3.0
"""Points that a head may move from page to page."""

_NEAR = 2
"""Pages on: even pages have another head than odd ones."""

_MARGIN = 0.1
"""The share of a page's height at each edge in which a number that stands alone may be the page's."""

_DIGITS = re.compile(r"[0-9]+")
_ROMAN = re.compile(r"[ivxlc]{1,7}|[IVXLC]{1,7}")
_SAID = re.compile(
    r"第\s*[0-9]+\s*页(?:\s*[/／,，]?\s*共\s*[0-9]+\s*页)?|共\s*[0-9]+\s*页\s*[,，]?\s*第\s*[0-9]+\s*页"
    r"|(?:page|p\.?|pg\.?)\s*[0-9]+(?:\s*(?:of|/)\s*[0-9]+)?|[-–—·•－~]\s*[0-9]+\s*[-–—·•－~]",
    re.IGNORECASE,
)
"""A page's number that says that it is one, also on a page that has no neighbour."""
_OF_PAGES = re.compile(r"(?:page|pg|p|of|第|页|共|頁)|[\W_#]", re.IGNORECASE)


class _Edge(NamedTuple):
    page: int
    line: int
    place: float
    numbers: tuple[int, ...]
    pitch: float
    """From its foot to that of the next line inwards."""
    height: float


def running(pages: Sequence[Sequence[Line]], heights: Sequence[float]) -> list[set[int]]:
    """For each page the lines to leave out. `heights`: the pages'."""
    dropped: list[set[int]] = [set() for _ in pages]
    letters = sorted(line.height for lines in pages for line in lines)
    body = letters[len(letters) // 2] if letters else 0.0
    pitches = [b.down - a.down for lines in pages for a, b in itertools.pairwise(lines) if b.down > a.down]
    pitch = median(pitches) if pitches else 0.0
    for top in (True, False):
        orders = [[i for _, i in sorted((_place(line, top), i) for i, line in enumerate(lines))] for lines in pages]
        for depth in range(_DEEPEST):
            if not _layer(pages, heights, orders, depth, dropped, body, pitch, top):
                break
    return dropped


def _layer(
    pages: Sequence[Sequence[Line]],
    heights: Sequence[float],
    orders: list[list[int]],
    depth: int,
    dropped: list[set[int]],
    body: float,
    pitch: float,
    top: bool,
) -> bool:
    """Marks what runs among the lines at one depth from the edge, of pages on which all further out does."""
    groups: dict[str, list[_Edge]] = defaultdict(list)
    found = False
    for page, (lines, order) in enumerate(zip(pages, orders, strict=True)):
        if depth >= len(order) or any(i not in dropped[page] for i in order[:depth]):
            continue
        i = order[depth]
        line = lines[i]
        if i in dropped[page]:
            found = True
            continue
        place = _place(line, top)
        inner = lines[order[depth + 1]] if depth + 1 < len(order) else None
        away = abs(_place(inner, top) - place) if inner else heights[page]
        words, numbers = _key(line.text)
        if _SAID.fullmatch(line.text.strip()) or (
            # A bare number, far from the text, that is the page's own.
            numbers == (page + 1,) and words == "#" and place < _MARGIN * heights[page] and away > 1.5 * pitch
        ):
            dropped[page].add(i)
            found = True
            continue
        groups[words].append(_Edge(page, i, place, numbers, away, line.height))
    counted_at: list[tuple[float, float, int]] = []  # place, height of the letters, how far the numbers are ahead
    for words, edges in groups.items():
        runs = [k for k in range(len(edges)) if any(_go_on(edges[k], edges[m]) for m in _around(edges, k))]
        if len(runs) < (3 if len(pages) > 2 else 2):
            continue
        counted = any(edges[k].numbers != edges[runs[0]].numbers for k in runs)
        if counted and _OF_PAGES.sub("", words) and edges[runs[0]].height > 1.08 * body:
            continue  # Annex 1, Annex 2, each on its page: in large letters such lines are headings
        if len(pages) == 2 and not counted and edges[runs[0]].place > _MARGIN * heights[0]:
            continue  # twice the same on two pages, in the midst of them: chance
        # What stands as close to the text as its own lines do is the head of a table that goes on: once it belongs there.
        close = not counted and all(0 < edges[k].pitch <= 1.2 * pitch for k in runs)
        for k in runs[1 if close else 0 :]:
            dropped[edges[k].page].add(edges[k].line)
            found = True
        if counted:
            ahead = [(k, {number - edges[k].page for number in edges[k].numbers}) for k in runs]
            common = set.intersection(*(numbers for _, numbers in ahead[:3]))
            counted_at += [(edges[k].place, edges[k].height, offset) for k in runs[:1] for offset in common]
    # The head of a chapter of two pages: other words with the page's number, where others have theirs.
    for edges in groups.values():
        for edge in edges:
            if any(
                abs(edge.place - place) <= _SAME_PLACE
                and abs(edge.height - height) < 0.1 * height
                and edge.page + ahead_by in edge.numbers[:1] + edge.numbers[-1:]
                for place, height, ahead_by in counted_at
            ):
                dropped[edge.page].add(edge.line)
                found = True
    return found


def _place(line: Line, top: bool) -> float:
    return line.down if top else line.up


def _around(edges: list[_Edge], k: int) -> list[int]:
    near = []
    for step in (-1, 1):
        m = k + step
        while 0 <= m < len(edges) and abs(edges[m].page - edges[k].page) <= _NEAR:
            near.append(m)
            m += step
    return near


def _go_on(one: _Edge, other: _Edge) -> bool:
    """The same place, and each number the same or ahead by as much as the page: no other number is a page's."""
    steps = other.page - one.page
    return abs(one.place - other.place) <= _SAME_PLACE and all(
        b - a in (0, steps) for a, b in zip(one.numbers, other.numbers, strict=True)
    )


def _key(text: str) -> tuple[str, tuple[int, ...]]:
    bare = "".join(text.split())
    if _ROMAN.fullmatch(bare):
        return "#", (_roman(bare.lower()),)
    return _DIGITS.sub("#", bare), tuple(int(found[:9]) for found in _DIGITS.findall(bare))


def _roman(text: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}[c] for c in text]
    return sum(-v if v < w else v for v, w in zip(values, [*values[1:], 0], strict=True))
