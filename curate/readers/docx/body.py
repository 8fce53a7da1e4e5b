"""The body of a Word document as plain Markdown: headings, lists with their numbers, tables, notes, text boxes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..markdown_table import markdown_table
from ..records import MAX_RECORD_BYTES
from ..xml.jats import MAX_SPAN
from ..xml.words import local, tidy
from .numbers import MAX_DEPTH, Number, Numbering, child, value, whole
from .words import Words, alternative, is_left_out

_HEADING = re.compile(r"(?:heading|标题|標題)\s*([1-9])", re.IGNORECASE)
_TITLE = re.compile(r"title|标题|標題|文档标题|文件标题", re.IGNORECASE)
_CONTENTS = re.compile(
    r"(?:toc|目录|目錄)\s*(?:[1-9]|heading|标题|標題)?|toc.?heading|table of figures|图表目录", re.IGNORECASE
)

_LIST_STYLE = re.compile(r"list (?:bullet|number|continue)? ?([2-5])|列表(?:项目符号|编号)?\s*([2-5])", re.IGNORECASE)
"""Word's own styles for lists are lists of one level each: how deep they stand is in their names."""

_LONGEST_HEADING = 160
"""Columns (Chinese takes two) from which a "heading" is a paragraph that is only numbered as headings are: clauses."""

_LONGEST_CELL = 1000
"""Characters of a cell from which its table is there for the page's looks."""

_SIMPLE = re.compile(r"[(（]?[0-9a-zA-Z]{1,7}[.)）]|[(（]?[0-9]{1,3}[)）]|[①-⑳]")
"""Numbers of a list as Markdown has it; others (第三条, 一、, 1.1) are part of a text's own order."""

_CLOSED = re.compile(r"[、）)．。：:》】〉]\Z")
_WIDE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


class TooLarge(Exception):
    """The text is larger than a document may be."""


@dataclass(slots=True)
class _Style:
    name: str = ""
    base: str = ""
    outline: int | None = None
    number: str | None = None
    level: int | None = None


class Styles:
    """Paragraph styles: which are headings, which are numbered."""

    def __init__(self, root: Any = None) -> None:
        self._styles: dict[str, _Style] = {}
        self.default = ""
        self.lists: dict[str, str] = {}
        """A list style's id -> the number of its list."""
        for element in root if root is not None else ():
            if local(element) != "style":
                continue
            key, kind = value(element, "styleId") or "", value(element, "type")
            style = _Style()
            for part in element:
                if local(part) == "name":
                    style.name = value(part) or ""
                elif local(part) == "basedOn":
                    style.base = value(part) or ""
                elif local(part) == "pPr":
                    style.number, style.level = _numbered(part)
                    if (outline := child(part, "outlineLvl")) is not None:
                        style.outline = whole(value(outline), 9)
            if kind == "numbering" and style.number:
                self.lists[key] = style.number
            elif kind in ("paragraph", None):
                self._styles[key] = style
                if value(element, "default") in ("1", "true", "on"):
                    self.default = key

    def chain(self, key: str) -> Iterator[tuple[str, _Style]]:
        """A style and those that it is based on."""
        seen: set[str] = set()
        while key in self._styles and key not in seen:
            seen.add(key)
            yield key, self._styles[key]
            key = self._styles[key].base

    def heading(self, key: str) -> int | None:
        """1 ... 9, or None: not a heading."""
        for name, style in self.chain(key):
            if style.outline is not None:
                return style.outline + 1 if style.outline < 9 else None
            if found := _HEADING.fullmatch(style.name.strip()) or _HEADING.fullmatch(name):
                return int(found[1])
        if key not in self._styles and (found := _HEADING.fullmatch(key)):
            return int(found[1])
        return None

    def list_level(self, key: str) -> int:
        """0 ... 4, by the name of one of Word's own styles for lists."""
        found = _LIST_STYLE.fullmatch(self._styles[key].name.strip()) if key in self._styles else None
        return int(found[1] or found[2]) - 1 if found else 0

    def is_title(self, key: str) -> bool:
        return any(_TITLE.fullmatch(style.name.strip()) for _, style in self.chain(key)) or (
            key not in self._styles and key == "Title"
        )

    def is_contents(self, key: str) -> bool:
        name = self._styles[key].name if key in self._styles else key
        return _CONTENTS.fullmatch(name.strip()) is not None


@dataclass(slots=True)
class _Block:
    kind: str
    """text, heading, item, table."""
    text: str
    plain: str
    """As it stands in a cell: without marks of Markdown."""


class Body:
    """Takes a document's blocks in, in order."""

    def __init__(self, styles: Styles, numbering: Numbering) -> None:
        self.styles, self.numbering = styles, numbering
        self.words = Words()
        self.title = ""
        self.embedded = 0
        """Files inside the file (`w:altChunk`), which are not read."""
        self._blocks: list[_Block] = []
        self._carried = ""
        self._size = 0

    def text(self, notes: dict[tuple[str, str], str]) -> str:
        """Everything, with the notes that the text refers to at its end."""
        out: list[str] = []
        before = ""
        for block in self._blocks:
            if out:
                out.append("\n" if block.kind == before == "item" else "\n\n")
            out.append(block.text)
            before = block.kind
        feet = [f"[^{n}]: {notes[key]}" for key, n in self.words.notes.items() if notes.get(key)]
        return "".join(out) + ("\n\n" if out and feet else "") + "\n".join(feet)

    def block(self, element: Any) -> None:
        """A paragraph, a table, or what holds such."""
        name = local(element)
        if name == "p":
            self._paragraph(element)
        elif name == "tbl":
            self._table(element)
        elif name == "sdt":
            if not is_left_out(element) and (content := child(element, "sdtContent")) is not None:
                self.blocks(content)
        elif name == "AlternateContent":
            if (chosen := alternative(element)) is not None:
                self.blocks(chosen)
        elif name == "altChunk":
            self.embedded += 1
        elif name in ("oMathPara", "oMath"):
            self._add(_Block("text", *[tidy(self.words.of([element]))] * 2))
        elif name in ("ins", "moveTo", "customXml", "smartTag"):
            self.blocks(element)

    def blocks(self, element: Any) -> None:
        """All that an element holds."""
        for part in element:
            self.block(part)

    def _add(self, block: _Block) -> None:
        if block.text:
            self._blocks.append(block)
            self._size += len(block.text)
            if self._size > MAX_RECORD_BYTES // 3:  # Chinese is three bytes a character
                raise TooLarge

    def _paragraph(self, element: Any) -> None:
        looks = child(element, "pPr")
        words = self.words.of(element)
        boxes, self.words.boxes = self.words.boxes, []
        words, self._carried = self._carried + words, ""
        mark = child(looks, "rPr") if looks is not None else None
        if mark is not None and (child(mark, "del") is not None or child(mark, "moveFrom") is not None):
            # Its end is deleted: what is left of it goes on in the next paragraph, whose looks it takes.
            self._carried = words
        else:
            self._finish(looks, words)
        for box in boxes:
            self.blocks(box)

    def _finish(self, looks: Any, words: str) -> None:
        style = self.styles.default
        if looks is not None and (given := child(looks, "pStyle")) is not None:
            style = value(given) or style
        lines = [line for line in (tidy(line) for line in words.split("\n")) if line]
        if self.styles.is_contents(style):
            return
        number = self._number(looks, style)
        if not lines and (number is None or not number.text):
            return
        level = self.styles.heading(style)
        if looks is not None and (outline := child(looks, "outlineLvl")) is not None:
            at = whole(value(outline), 9)
            level = at + 1 if at < 9 else None
        is_title = bool(lines) and self.styles.is_title(style)
        if is_title:
            level = 1
            self.title = self.title or " ".join(lines)
        front = number.text if number is not None else ""
        if front and lines:
            solid = (number is not None and number.solid) or (
                _CLOSED.search(front) and _WIDE.match(front[-1] + lines[0])
            )
            if not solid or (lines[0][0].isalnum() and front[-1].isascii() and front[-1].isalnum()):
                front += " "
        plain = " ".join([front + (lines[0] if lines else ""), *lines[1:]])
        if level is not None and 0 < _columns(plain) <= _LONGEST_HEADING:
            self._add(_Block("heading", f"{'#' * min(level, 6)} {plain}", plain))
            return
        text = front + "\n".join(lines)
        kind = "text"
        if number is not None and number.bullet:
            kind, text = "item", f"{'  ' * min(number.level, MAX_DEPTH)}- {text}"
        elif number is not None and _SIMPLE.fullmatch(number.text):
            kind, text = "item", f"{'  ' * min(number.level, MAX_DEPTH)}{text}"
        self._add(_Block(kind, text, plain))

    def _number(self, looks: Any, style: str) -> Number | None:
        number, level = _numbered(looks) if looks is not None else (None, None)
        if number is None:
            for key, found in self.styles.chain(style):
                if found.number is not None:
                    number = found.number
                    if level is None:
                        level = found.level if found.level is not None else self.numbering.level_of_style(number, key)
                    break
        if number in (None, "0", ""):
            return None
        found_number = self.numbering.next(number or "", level or 0)
        if found_number is not None and not level:
            found_number.level = self.styles.list_level(style)
        return found_number

    # --- tables -------------------------------------------------------------------------------------------------------

    def _table(self, element: Any) -> None:
        rows: list[list[str]] = []
        inside: list[_Block] = []
        layout = False
        outer, size = self._blocks, self._size
        for row in _held(element, "tr"):
            looks = child(row, "trPr")
            if looks is not None and child(looks, "del") is not None:
                continue
            before = child(looks, "gridBefore") if looks is not None else None
            cells = [""] * (_span(value(before)) if before is not None else 0)
            for cell in _held(row, "tc"):
                shape = child(cell, "tcPr")
                if shape is not None and child(shape, "cellDel") is not None:
                    continue
                self._blocks = []
                try:
                    self.blocks(cell)
                finally:
                    found, self._blocks = self._blocks, outer
                if shape is not None and _goes_on(shape):
                    found = []
                inside += found
                layout = layout or any(block.kind == "table" for block in found)
                cells.append(" ".join(block.plain for block in found).replace("|", "\\|"))
                wide = child(shape, "gridSpan") if shape is not None else None
                cells += [""] * (_span(value(wide)) - 1 if wide is not None else 0)
            if any(cells):
                rows.append(cells)
        width = max(map(len, rows), default=0)
        if layout or len(rows) < 2 or width < 2 or any(len(cell) > _LONGEST_CELL for row in rows for cell in row):
            self._blocks += inside
            return
        self._size = size
        text = markdown_table(rows)
        self._add(_Block("table", text, text))


def _numbered(looks: Any) -> tuple[str | None, int | None]:
    """(number of the list, level) that properties of a paragraph name."""
    found = child(looks, "numPr")
    if found is None:
        return None, None
    number, level = child(found, "numId"), child(found, "ilvl")
    return (
        value(number) if number is not None else None,
        whole(value(level), 0) if level is not None else None,
    )


def _held(element: Any, wanted: str) -> Iterator[Any]:
    """Rows of a table or cells of a row, also inside content controls and tracked changes."""
    for part in element:
        name = local(part)
        if name == wanted:
            yield part
        elif name in ("sdt", "sdtContent", "customXml", "ins", "moveTo", "bookmarkStart"):
            yield from _held(part, wanted)


def _goes_on(shape: Any) -> bool:
    """Whether a cell is the lower or right part of a merged one, whose words stand in the first."""
    for name in ("vMerge", "hMerge"):
        merged = child(shape, name)
        if merged is not None and value(merged) != "restart":
            return True
    return False


def _span(given: str | None) -> int:
    return min(max(whole(given, 1), 1), MAX_SPAN)


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
