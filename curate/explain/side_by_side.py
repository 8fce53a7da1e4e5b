"""A pair of texts as people compare them: two columns in a wide terminal, marked lines in a pipe, a page for colleagues."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .difference import Piece, Row, compare, shortened
from .document import Explanation, Pair, lines

if TYPE_CHECKING:
    from rich.table import Table

WIDE = 100
"""Columns that a terminal must have for two texts beside each other."""

MARKS = (("[-", "-]"), ("{+", "+}"))
"""What is only in the dropped text, and only in the kept one, where there are no colours."""

_COLOURS = ("bold red underline", "bold green underline")

STYLE = """
body{font:15px/1.6 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#1d2733}
h1{font-size:1.3rem}table{border-collapse:collapse;width:100%;table-layout:fixed}td,th{padding:.4rem .7rem;vertical-align:top;text-align:left;border:1px solid #e3e8ee;white-space:pre-wrap;overflow-wrap:anywhere}
.same td{color:#66758a;background:#f9fafb}del{background:#fbd5d5;text-decoration:none}ins{background:#cdeccd;text-decoration:none}pre{white-space:pre-wrap}
"""


def unified(pair: Pair) -> Iterator[str]:
    """The pair in lines: `-` from the dropped text, `+` from the kept one, what differs in brackets."""
    if pair.texts is None:
        yield pair.missing
        return
    yield "[-only in the dropped text 仅在被丢弃文本-] {+only in the kept one 仅在保留文本+}"
    for row, left, right in _shown(compare(*pair.texts)):
        if row.same:
            yield from ("  " + line for line in _text(left, MARKS[0]).splitlines())
        else:
            yield from ("- " + line for line in _text(left, MARKS[0]).splitlines())
            yield from ("+ " + line for line in _text(right, MARKS[1]).splitlines())


def columns(pair: Pair) -> Table:
    """The pair as a table of two columns, what differs in colour. The pair must have texts."""
    from rich.table import Table
    from rich.text import Text

    assert pair.texts is not None
    table = Table(expand=True, show_lines=True)
    table.add_column(f"dropped 丢弃 {pair.dropped['id']}", ratio=1, overflow="fold")
    table.add_column(f"kept 保留 {pair.dropped['kept_id']}", ratio=1, overflow="fold")
    for row, *sides in _shown(compare(*pair.texts)):
        cells = []
        for pieces, colour in zip(sides, _COLOURS, strict=True):
            style = "dim" if row.same else ""
            cells.append(Text.assemble(*((p.text, colour if p.differs else style) for p in pieces)))
        table.add_row(*cells)
    return table


def page(told: Explanation) -> str:
    """The whole explanation as one self-contained HTML page."""
    title = html.escape(f"{told.id} · {told.corpus.name}")
    body = "".join(f"{html.escape(line)}\n" for line in lines(told))
    return (
        f"<!doctype html><html><head><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style></head><body>"
        f"<h1>{title}</h1><pre>{body}</pre>{_html_pair(told.pair) if told.pair else ''}</body></html>\n"
    )


def _html_pair(pair: Pair) -> str:
    if pair.texts is None:
        return f"<p>{html.escape(pair.missing)}</p>"
    rows = []
    for row, *sides in _shown(compare(*pair.texts)):
        cells = ""
        for pieces, tag in zip(sides, ("del", "ins"), strict=True):
            inner = (f"<{tag}>{html.escape(p.text)}</{tag}>" if p.differs else html.escape(p.text) for p in pieces)
            cells += f"<td>{''.join(inner)}</td>"
        rows.append(f"<tr{' class=same' if row.same else ''}>{cells}</tr>")
    head = (
        f"<th>dropped 丢弃: {html.escape(pair.dropped['id'])}</th>"
        f"<th>kept 保留: {html.escape(pair.dropped['kept_id'])}</th>"
    )
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _shown(rows: Sequence[Row]) -> Iterator[tuple[Row, list[Piece], list[Piece]]]:
    """The rows that say something, with shared passages shortened."""
    for i, row in enumerate(rows):
        sides = []
        for pieces in (row.left, row.right):
            ends = {0, len(pieces) - 1} if len(rows) + len(pieces) > 2 else set()  # equal texts show their own
            side = []
            for j, p in enumerate(pieces):
                start, end = i == j == 0 and j in ends, i == len(rows) - 1 and j == len(pieces) - 1 and j in ends
                side.append(p if p.differs else Piece(shortened(p.text, start=start, end=end), False))
            sides.append(side)
        if not row.same or "".join(p.text for p in row.left).strip():
            yield row, _trimmed(sides[0]), _trimmed(sides[1])


def _trimmed(pieces: list[Piece]) -> list[Piece]:
    """Without the shared line ends at both ends, which would only show as empty lines."""
    out = list(pieces)
    if out and not out[0].differs:
        out[0] = Piece(out[0].text.lstrip("\n"), False)
    if out and not out[-1].differs:
        out[-1] = Piece(out[-1].text.rstrip("\n"), False)
    return out


def _text(pieces: Sequence[Piece], marks: tuple[str, str]) -> str:
    return "".join(f"{marks[0]}{p.text}{marks[1]}" if p.differs else p.text for p in pieces)
