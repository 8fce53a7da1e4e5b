"""The blocks of a page as text: headings, lists and tables in the plainest Markdown, all else as paragraphs.

No emphasis, no links, no fences: those are marks about a page and not words of its text.
"""

from __future__ import annotations

from collections import Counter

from .main_text import HEADINGS, Block, Outline

_ROW_CELL = 200
"""A cell of more bytes than this, or of several lines, makes its table a layout and not a table."""


_DEEPEST = 8
"""Indents of nested items end here: 900 nested lists would be 1,800 blanks before each item."""


def markdown(page: Outline, blocks: list[Block]) -> str:
    """Paragraphs with a blank line between them; the items of a list and the rows of a table on lines of their own.

    A list of one item and a table of one row are how pages are laid out: their text becomes paragraphs.
    """
    places = [_place(page, block) for block in blocks]
    rows: dict[int, list[int]] = {}
    for i, place in enumerate(places):
        if place.row is not None:
            rows.setdefault(place.row, []).append(i)
    rows = {
        row: cells for row, cells in rows.items() if _is_row([blocks[i] for i in cells], [places[i] for i in cells])
    }
    heights = Counter(places[cells[0]].table for cells in rows.values())
    rows = {row: cells for row, cells in rows.items() if heights[places[cells[0]].table] > 1}
    items = {place.item: place.list for place in places if place.item is not None}
    lengths = Counter(items.values())

    out: list[str] = []
    kind_before, table_before = "", None
    marked: set[int] = set()
    numbers: dict[int, int] = {}
    done: set[int] = set()
    for i, block in enumerate(blocks):
        place = places[i]
        if place.row is not None and place.row in rows:
            if place.row in done:
                continue
            done.add(place.row)
            cells = [blocks[j].text.replace("|", "\\|") for j in rows[place.row]]
            line = f"| {' | '.join(cells)} |"
            if kind_before != "row" or table_before != place.table:
                line += f"\n|{' --- |' * len(cells)}"
            kind, table_before = "row", place.table
        elif place.item is not None and lengths[place.list] > 1 and place.item not in marked:
            marked.add(place.item)
            number = ""
            if place.ordered:
                numbers[place.list] = numbers.get(place.list, 0) + 1
                number = f"{numbers[place.list]}. "
            kind, line = "item", "  " * min(place.depth - 1, _DEEPEST) + (number or "- ") + block.text
        else:
            tag = page.tags[block.node]
            kind = "text"
            line = f"{'#' * int(tag[1])} {block.text}" if tag in HEADINGS else block.text
            if place.quoted:
                line = "\n".join(f"> {piece}" for piece in line.split("\n"))
        if out:
            out.append("\n" if kind == kind_before != "text" else "\n\n")
        out.append(line)
        kind_before = kind
    return "".join(out)


class _Place:
    """Where a block stands: in an item of a list, a row of a table, a quotation."""

    __slots__ = ("cell", "depth", "item", "list", "ordered", "quoted", "row", "table")

    def __init__(self) -> None:
        self.item: int | None = None
        self.row: int | None = None
        self.list = self.table = self.cell = -1
        self.depth = 0
        self.ordered = self.quoted = False


def _place(page: Outline, block: Block) -> _Place:
    place = _Place()
    at, tags = block.node, page.tags
    while at > 0:
        tag = tags[at]
        if tag == "li" and place.item is None and place.row is None:
            place.item = at
        elif tag in ("ul", "ol") and place.item is not None:
            place.depth += 1
            if place.depth == 1:
                place.list, place.ordered = at, tag == "ol"
        elif tag in ("td", "th") and place.cell < 0:
            place.cell = at
        elif tag == "tr" and place.row is None and place.cell >= 0:
            place.row = at
        elif tag == "table" and place.table < 0:
            place.table = at
        elif tag == "blockquote":
            place.quoted = True
        at = page.parents[at]
    if place.depth == 0:
        place.item = None  # an <li> outside any list
    return place


def _is_row(blocks: list[Block], places: list[_Place]) -> bool:
    """Two cells or more, each one short line."""
    cells = [place.cell for place in places]
    return len(set(cells)) == len(cells) >= 2 and all(b.length <= _ROW_CELL and "\n" not in b.text for b in blocks)
