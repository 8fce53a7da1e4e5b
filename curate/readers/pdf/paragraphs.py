"""Lines of pages put together as paragraphs, by where they stand: over columns and pages, and nothing glued that ends.

A line goes on in the next one if the next one's first word had no room on it. What `fix_format`'s join_lines knows of
items, stops and words at a line's end is used here; it has only characters to tell widths from, and this has the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from itertools import pairwise
from statistics import median

from ....filters.cleanup.lines import LIST_START, TERMINAL, glue, is_wide
from .lines import Line

_SAME = 0.6
"""Share of a line's height by which beginnings that are the same may differ."""

_GAP = 1.25
"""Of the usual distance of lines: what is further apart is another paragraph."""

_NARROWEST = 12.0
"""Ems of a column whose lines may be joined: below are cells, names in a list, labels of a figure."""

_VERSE = 30.0
"""Ems of the longest verse, where nothing but its ends tells it from prose."""

_STRAY = 4.0
"""Ems by which a line that sticks out does not make its column wider."""

_LEADERS = re.compile(r"(?:[.·…‥．]\s?){4,}\s*[\divxlc]*\s*\Z")
_NOTE = re.compile(r"(?:\[?\d{1,3}\]?|[*†‡§①-⑳]|注[:：]|Note:)\s*\S")
_ITEM = re.compile(
    r"(?:[(（\[](?:[a-zA-Z]|[ivxIVX]{1,5}|[0-9]{1,3})[)）\]]|[a-zA-Z][.)]|[0-9]{1,3}(?:\.[0-9]{1,3})+\.?|[ivxIVX]{1,5}[.)]"
    r"|§+\s?[0-9]|(?:Article|Section|SECTION|Sec\.|SEC\.|ARTICLE|Chapter|CHAPTER|Rule|Annex|Appendix)\s[0-9IVXA-Z]+\b[.:—]?)"
    r"(?:\s|\Z|(?=[\u4e00-\u9fff]))|[①-⑳㈠-㈩◆◇►]|[–—]\s"
)
"""Items that join_lines has no need of, since it joins a block as a whole: (a), iv., 1.2.3, § 5, ①."""
_BULLET = re.compile(r"[•·●○■□▪◆◇►]")
_REFERENCE = re.compile(r"第[^\s]{1,6}[条章节编](?!\s|\Z)")
"""第五条的: named within a sentence. Where an article begins, a blank follows its number."""
_SENTENCE_END = re.compile(r"""[.!?。！？；;：:…][”"’'」』）)\]]*\Z""")
_ANY_END = re.compile(r"""[,，、.!?。！？；;：:…][”"’'」』）)\]]*\Z""")
_LIST_GOES_ON = re.compile(r"(?:[,，、]|\b(?:and|or|及|和|或))\Z")
_COUNTERS = re.compile(r"[0-9０-９]+|[一二三四五六七八九十百千零〇]+|\b[a-zA-Z]{1,5}\b")
_HYPHEN = re.compile(r"[A-Za-z0-9][-‐\xad]\Z")
_WORD_BEFORE, _WORD_AFTER = re.compile(r"[A-Za-z]+\Z"), re.compile(r"[a-z]+")
_WORDS = re.compile(r"[a-z]+(?:-[a-z]+)*")


class Column:
    """Lines one below the other: a column of a page, a cell, a note at the margin."""

    def __init__(self, lines: list[Line], before: Sequence[Column]) -> None:
        self.lines = lines
        self.height = median(line.height for line in lines) or 1.0
        self.left = _outermost([line.left for line in lines], self.height)
        self.right = -_outermost([-line.right for line in lines], self.height)
        if len(lines) < 5:  # too few to tell a column's width from: it is that of an earlier one that begins here
            for other in reversed(before):
                if (
                    other.left - _SAME * self.height < self.left < other.left + 3 * self.height
                    and self.right < other.right + self.height
                ):
                    self.left, self.right = other.left, other.right
                    break
        pitches = [b.down - a.down for a, b in pairwise(lines)]
        pitches = [pitch for pitch in pitches if pitch > 0.4 * self.height]
        self.pitch = median(pitches) if pitches else 0.0
        self._edges = self._justified()

    @property
    def narrow(self) -> bool:
        return self.right - self.left < _NARROWEST * self.height

    @cached_property
    def verse(self) -> bool:
        """Most lines that are full end with a stop: they were broken where they end."""
        full = [line for line in self.lines if self.right - line.right < 2.2 * line.height]
        ends = sum(bool(_ANY_END.search(line.text)) for line in full)
        if len(full) >= 4:
            stops = sum(bool(_SENTENCE_END.search(line.text)) for line in full)
            return ends > 0.75 * len(full) or stops > 0.5 * len(full)
        # Of so few it is chance, but not where all do and lines are short and begin as verses do.
        return (
            len(full) >= 2
            and ends == len(full)
            and self.right - self.left < _VERSE * self.height
            and not any(line.text[0].islower() for line in self.lines)
        )

    def edge(self, line: Line) -> float:
        """Where a line as wide as this one's paragraph ends."""
        return self._edges.get(id(line), self.right)

    def _justified(self) -> dict[int, float]:
        """Lines of a narrower measure, a quotation mostly: neighbours end at the same place, and not for verse's sake."""
        edges: dict[int, float] = {}
        run: list[Line] = []
        for line in [*self.lines, None]:
            if line is not None and run and abs(line.right - run[-1].right) < 1.0:
                run.append(line)
                continue
            if len(run) >= 3 and sum(bool(_ANY_END.search(one.text)) for one in run) <= 0.5 * len(run):
                wide = min(one.right - one.left for one in run) >= _NARROWEST * self.height
                edges.update({id(one): max(r.right for r in run) for one in run if wide})
            run = [line] if line is not None else []
        return edges


@dataclass(slots=True)
class Paragraph:
    lines: list[Line]
    column: Column
    loose: bool
    """More than a line's end lies before it: a gap, an indent, other letters, another column."""
    item: str
    """The kind of item that it begins as; empty for none."""


def join_pages(pages: Sequence[Sequence[Line]]) -> str:
    """The text of pages: a blank line between paragraphs, a line's end between items, verses and rows."""
    blocks: list[Paragraph] = []
    columns: list[Column] = []
    indented = flush = 0
    last: Paragraph | None = None
    pitch = 0.0
    for lines in pages:
        for group in _columns(lines):
            column = Column(group, columns[-8:])
            if len(group) >= 3 and not column.narrow:
                columns = [*columns[-7:], column]
                pitch = column.pitch
            made = _paragraphs(column, pitch)
            for one in made:
                if len(one.lines) > 1 and not one.item:
                    step = (one.lines[0].left - one.lines[1].left) / column.height
                    indented, flush = indented + (0.9 < step < 5), flush + (abs(step) < _SAME)
            notes = _notes(made)
            body = made[: len(made) - len(notes)]
            if body and last is not None and _crosses(last, body[0], indented > 2 * flush + 3):
                # Notes at the page's foot stay behind: what goes on is not theirs.
                last.lines += body[0].lines
                last.column = column
                body = body[1:]
            blocks += body + notes
            last = body[-1] if body else last
    words = _Words(pages)
    out: list[str] = []
    before: Paragraph | None = None
    for block in blocks:
        if before is not None:
            single = len(before.lines) == len(block.lines) == 1
            out.append("\n" if not block.loose and (single or (before.item and block.item)) else "\n\n")
        out.append(_joined(block.lines, words.mend))
        before = block
    return "".join(out)


def _outermost(places: list[float], height: float) -> float:
    """The smallest place, but for one line of several that is far out: a formula, a row of a table."""
    ordered = sorted(places)
    return ordered[1] if len(ordered) > 3 and ordered[1] - ordered[0] > _STRAY * height else ordered[0]


def _columns(lines: Sequence[Line]) -> list[list[Line]]:
    groups: list[list[Line]] = []
    left = right = 0.0
    for line in lines:
        before = groups[-1][-1] if groups else None
        if before is not None and line.turned == before.turned:
            step = line.down - before.down
            if abs(step) < 0.4 * before.height and line.left >= before.right - 0.2 * before.height:
                _beside(before, line)
                right = max(right, line.right)
                continue
            # One character on a last line ends to the left of where an indented first line began.
            if step > -0.5 * before.height and line.left < right and line.right > left - 3 * before.height:
                groups[-1].append(line)
                left, right = min(left, line.left), max(right, line.right)
                continue
        groups.append([line])
        left, right = line.left, line.right
    return groups


def _beside(before: Line, line: Line) -> None:
    """Takes a piece of the same line, further right, into it."""
    gap = line.left - before.right
    solid = gap < 0.15 * before.height or (gap < before.height and is_wide(before.text[-1]) and is_wide(line.text[0]))
    before.text += line.text if solid else f" {line.text}"
    before.right, before.hyphen = line.right, line.hyphen
    before.row = before.row or line.row or gap > 2 * before.height


def _paragraphs(column: Column, pitch: float) -> list[Paragraph]:
    made: list[Paragraph] = []
    steps = [b.down - a.down for a, b in pairwise(column.lines)]
    for i, line in enumerate(column.lines):
        if not made:
            made.append(Paragraph([line], column, True, _item(line.text)))
            continue
        now = made[-1]
        before = now.lines[-1]
        usual = column.pitch if len(column.lines) >= 5 else pitch or column.pitch
        usual *= max(1.0, before.height / column.height)
        # Where most paragraphs are of one line, the usual step is that between paragraphs: what is next to it tells.
        near = [step for step in steps[max(i - 2, 0) : i - 1] + steps[i : i + 1] if step > 0.8 * line.height]
        apart = (
            steps[i - 1] > _GAP * min([usual, *near])
            or not 0.85 < line.height / (before.height or 1.0) < 1.18
            or line.turned
        )
        after = column.lines[i + 1] if i + 1 < len(column.lines) else None
        if not apart and _goes_on(now, line, after):
            now.lines.append(line)
        else:
            indented = line.left - column.left > _SAME * line.height and line.left - before.left > _SAME * line.height
            made.append(Paragraph([line], column, apart or indented, _item(line.text)))
    return made


def _goes_on(now: Paragraph, line: Line, after: Line | None) -> bool:
    """Whether a line of the same column goes on what is open; `after` is the one below it."""
    before, column = now.lines[-1], now.column
    if _is_hyphenated(before, line):
        return True
    if before.row or line.row or column.narrow or column.verse or _LEADERS.search(before.text):
        return False
    indent = line.left - before.left
    same = abs(indent) <= _SAME * line.height
    if not same:
        if len(now.lines) > 1:
            return False
        # A first line is indented in prose, and hangs out in an item.
        if (indent > 0 and not (now.item and indent < 6 * line.height)) or indent < -5 * line.height:
            return False
    elif len(now.lines) == 1 and not now.item and line.left - column.left > _SAME * line.height:
        # Indented like the line above it: each begins a paragraph if that one ends a sentence or this one goes on flush.
        flush = after is not None and line.left - after.left > _SAME * line.height
        if _SENTENCE_END.search(before.text) or (flush and after is not None and _full(line, after, column)):
            return False
    return _full(before, line, column) and not _begins_item(now, line)


def _full(before: Line, line: Line, column: Column) -> bool:
    """Whether the next line's first word had no room."""
    room = column.edge(before) - before.right
    if is_wide(line.text[0]):
        # A stop may not begin a line and takes the character before it along.
        return room < 2.2 * line.height
    # A blank is .3 em. Where lines are ragged the column is wider than its widest line; small letters after no stop tell
    # that a sentence goes on.
    goes_on = line.text[0].islower() and not _ANY_END.search(before.text)
    return room < line.word + (1.5 if goes_on else 0.4) * line.height


def _item(text: str) -> str:
    found = _ITEM.match(text) or LIST_START.match(text)
    return _COUNTERS.sub("#", found[0].strip()) if found else ""


def _begins_item(now: Paragraph, line: Line) -> bool:
    kind = _item(line.text)
    if not kind:
        return False
    before = now.lines[-1].text
    if _REFERENCE.match(line.text):
        return bool(TERMINAL.search(before))
    # Like an item, but on from a full line without a stop: a number or a letter in a sentence (as join_lines has it).
    return bool(
        kind == now.item or _BULLET.match(line.text) or TERMINAL.search(before) or _LIST_GOES_ON.search(before.rstrip())
    )


def _notes(made: list[Paragraph]) -> list[Paragraph]:
    """The notes at the end of a column: smaller letters than above, beginning with a mark."""
    sizes = sorted(line.height for paragraph in made for line in paragraph.lines)
    body = sizes[-1 - len(sizes) // 4]
    first = len(made)
    while first > 0 and made[first - 1].lines[0].height < 0.93 * body:
        first -= 1
    while first < len(made) and not _NOTE.match(made[first].lines[0].text):
        first += 1
    return made[first:] if first > 0 else []


def _crosses(last: Paragraph, first: Paragraph, indents: bool) -> bool:
    """Whether what stood at a column's or page's end goes on at the top of the next. `indents`: paragraphs begin so."""
    before, line = last.lines[-1], first.lines[0]
    one, other = last.column, first.column
    if before.turned or line.turned or not 0.85 < line.height / (before.height or 1.0) < 1.18:
        return False
    if _is_hyphenated(before, line):
        return True
    if before.row or line.row or one.narrow or other.narrow or one.verse or other.verse or _LEADERS.search(before.text):
        return False
    if _begins_item(last, line):
        return False
    if _SENTENCE_END.search(before.text):
        # Only an indent could tell a paragraph from the next sentence.
        return indents and abs(line.left - other.left) < _SAME * line.height and _full(before, line, one)
    if line.text[0].islower() and before.right - before.left > 0.5 * (one.right - one.left):
        return True
    deeper = (line.left - other.left) - (before.left - one.left)
    if deeper > _SAME * line.height and not (last.item and len(last.lines) == 1):
        return False
    return _full(before, line, one)


def _is_hyphenated(before: Line, line: Line) -> bool:
    if not (before.hyphen or _HYPHEN.search(before.text)):
        return False
    return line.text[0].isalnum() and not is_wide(line.text[0])


def _joined(lines: list[Line], mend: Callable[[str, str], str]) -> str:
    """Lines as one. Only the last line is looked at when the next is glued to it: a book may be one paragraph."""
    wide = 2 * sum(map(is_wide, lines[0].text)) > len(lines[0].text)
    parts = [lines[0].text]
    for before, line in pairwise(lines):
        left, right = parts.pop(), line.text
        if _is_hyphenated(before, line):
            whole = mend(left if before.hyphen is False else f"{left}-", right)
        else:
            whole = glue(left, right, wide)
        cut = len(whole) - len(right)
        parts += [whole[:cut], whole[cut:]]
    if lines[-1].hyphen:
        parts.append("-")
    return "".join(parts)


class _Words:
    """Whether a hyphen at a line's end is the word's own, told by the document's other words and by a dictionary."""

    def __init__(self, pages: Sequence[Sequence[Line]]) -> None:
        self._pages = pages

    @cached_property
    def _own(self) -> frozenset[str]:
        return frozenset(w for lines in self._pages for line in lines for w in _WORDS.findall(line.text.lower()))

    def mend(self, left: str, right: str) -> str:
        """`left` ends with a hyphen. Where letters stand on both sides of it, small ones after it, it may go."""
        stem = left[:-1]
        one, other = _WORD_BEFORE.search(stem), _WORD_AFTER.match(right)
        if one is None or other is None or stem[: one.start()].endswith("-"):
            return f"{stem}-{right}"
        first, second = one[0].lower(), other[0]
        if first + second in self._own:
            return stem + right
        if f"{first}-{second}" in self._own:
            return f"{stem}-{right}"
        known = _dictionary()
        if first + second not in known and first in known and second in known:
            return f"{stem}-{right}"
        return stem + right


@lru_cache(maxsize=1)
def _dictionary() -> frozenset[str]:
    """82,765 English words, those of the spelling step."""
    text = (files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text("utf-8-sig")
    return frozenset(line.split(" ", 1)[0] for line in text.splitlines())
