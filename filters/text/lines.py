"""Lines and paragraphs: how they begin and end, how long they are, how often they repeat.

A line ends where str.splitlines says (CRLF is one end). It is measured without the white space around it, and a
blank line is no line at all: it is never short, never a duplicate, and never part of a share. A paragraph is a run of
lines between blank ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...curate.documents import Documents
from .buffers import TextBuffers
from .chars import LINE_END, char_table, decode
from .hashing import hash_bytes
from .kernel import kernel, part
from .line_scan import first_mark, last_mark, line_close, scan_line
from .words import buffers_of, classes_of

LINE_COLUMNS = (
    "lines",
    "bullet_lines",
    "ellipsis_lines",
    "ended_lines",
    "short_lines",
    "more_lines",
    "dup_lines",
    "dup_line_chars",
    "line_chars",
    "paragraphs",
    "dup_paragraphs",
    "dup_paragraph_chars",
    "ellipses",
    "space_lines",
)
"""Columns of `count_lines`: counts of lines of a kind and of characters in them.

`ended_lines` end in sentence punctuation (in Chinese also ； and ……, and closing quotes and brackets may follow; in
English a line that ends in a quotation mark does not count, as in FineWeb, whose threshold was set so), or are longer than
`SHORT_LINE` and hold one of 。！？: a whole paragraph on one line, cut off in its last sentence, is prose still; `more_lines` end in
展开, 更多, 全文 (also in Traditional) or "more"; `dup_*` are all occurrences of a line or paragraph after its first;
`ellipses` counts runs of three or more full stops and runs of … as one each; `space_lines` are lines of nothing but white
space, of which there is at least one character: no lines in any other column.
"""

SHORT_LINE = 30
"""Characters; a line of this length or less is short (FineWeb)."""

_BASIS = np.uint64(0xCBF29CE484222325)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@part
def seen_before(key: Any, keys: Any, stamps: Any, stamp: Any, mask: Any) -> bool:
    """Adds `key` to an open-addressing set and says whether it was there. `stamp` names the set: another stamp
    is another, empty set in the same memory, so nothing has to be cleared between documents."""
    slot = np.int64((key ^ (key >> np.uint64(29))) & np.uint64(mask))
    while stamps[slot] == stamp:
        if keys[slot] == key:
            return True
        slot = (slot + 1) & mask
    stamps[slot] = stamp
    keys[slot] = key
    return False


@part
def table_mask(n: Any) -> Any:
    """One less than the power of two that is at least twice `n`."""
    size = 4
    while size < 2 * n:
        size *= 2
    return size - 1


@kernel
def _count_lines(data: Any, offsets: Any, table: Any, breaks: Any, short_line: Any, out: Any) -> None:
    most = 0
    for d in range(len(breaks)):
        most = max(most, breaks[d])
    room = table_mask(most + 2) + 1
    keys = np.empty(room, np.uint64)
    stamps = np.zeros(room, np.int64)
    stamp = 0
    hashes = np.empty(most + 2, np.uint64)
    lengths = np.empty(most + 2, np.int64)
    for d in range(len(offsets) - 1):
        i = offsets[d]
        end = offsets[d + 1]
        lines = bullets = ellipsis_lines = ended = short = more = space_lines = 0
        line_chars = 0
        ellipses = 0
        n = 0  # lines and the blank lines between them (hash 0), for the paragraphs
        while i < end:
            a = first_mark(data, i, end, table)
            stop, following, more_bytes, in_line, holds_end, _ = scan_line(data, a, end)
            if a == stop:
                space_lines += stop > i
                i = following
                if n and hashes[n - 1] != np.uint64(0):
                    hashes[n] = np.uint64(0)
                    lengths[n] = 0
                    n += 1
                continue
            i = following
            ellipses += in_line
            b, blank_bytes = last_mark(data, a, stop, table)
            kept_chars = b - a - (more_bytes - blank_bytes)
            first: Any = decode(data, a)[0]
            last, before_last, core, before_core, dots = line_close(data, a, b, table)
            complete = table[core] & LINE_END != 0
            if core == 0x2026 or core == 0x22EF:
                # …… closes a Chinese sentence; … in English says that the rest is missing.
                complete = before_core == core or before_core >= 0x2E80
            if core < 0x80 and last != core:
                complete = False
            hashes[n] = hash_bytes(data, a, b) | np.uint64(1)
            lengths[n] = kept_chars
            n += 1
            lines += 1
            line_chars += kept_chars
            if kept_chars <= short_line:
                short += 1
            # - • · ● * and the other marks that lists start with
            if (
                first == 0x2D
                or first == 0x2022
                or first == 0xB7
                or first == 0x25CF
                or first == 0x25CB
                or first == 0x25A0
                or first == 0x25A1
                or first == 0x25B6
                or first == 0x25E6
                or first == 0x2043
                or first == 0x2023
                or first == 0x30FB
                or first == 0x25AA
                or first == 0x2013
            ):
                bullets += 1
            if dots >= 3 or last == 0x2026:
                ellipsis_lines += 1
            if complete or (holds_end and kept_chars > short_line):
                ended += 1
            if (
                (before_last == 0x5C55 and last == 0x5F00)  # 展开
                or (before_last == 0x5C55 and last == 0x958B)  # 展開
                or (before_last == 0x66F4 and last == 0x591A)  # 更多
                or (before_last == 0x5168 and last == 0x6587)  # 全文
            ):
                more += 1
            elif (last == 0x65 or last == 0x45) and kept_chars >= 4:
                j = b - 1
                if (
                    j - 3 >= offsets[d]
                    and (data[j - 1] | 0x20) == 0x72
                    and (data[j - 2] | 0x20) == 0x6F
                    and (data[j - 3] | 0x20) == 0x6D
                ):
                    more += 1
        stamp += 1
        mask = table_mask(n)
        dup = 0
        dup_chars = 0
        for a in range(n):
            if hashes[a] != np.uint64(0) and seen_before(hashes[a], keys, stamps, stamp, mask):
                dup += 1
                dup_chars += lengths[a]
        stamp += 1
        paragraphs = dup_paragraphs = dup_paragraph_chars = 0
        a = 0
        while a < n:
            if hashes[a] == np.uint64(0):
                a += 1
                continue
            h = _BASIS
            size = -1
            while a < n and hashes[a] != np.uint64(0):
                h = (h ^ hashes[a]) * _MIX
                h ^= h >> np.uint64(29)
                size += lengths[a] + 1
                a += 1
            paragraphs += 1
            if seen_before(h, keys, stamps, stamp, mask):
                dup_paragraphs += 1
                dup_paragraph_chars += size
        out[d, 0] = lines
        out[d, 1] = bullets
        out[d, 2] = ellipsis_lines
        out[d, 3] = ended
        out[d, 4] = short
        out[d, 5] = more
        out[d, 6] = dup
        out[d, 7] = dup_chars
        out[d, 8] = line_chars
        out[d, 9] = paragraphs
        out[d, 10] = dup_paragraphs
        out[d, 11] = dup_paragraph_chars
        out[d, 12] = ellipses
        out[d, 13] = space_lines


def count_lines(texts: TextBuffers, breaks: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """`LINE_COLUMNS` of every document; `breaks` is the column of that name of `count_classes`."""
    out = np.zeros((len(texts), len(LINE_COLUMNS)), dtype=np.int64)
    _count_lines(texts.data, texts.offsets, char_table(), np.ascontiguousarray(breaks), SHORT_LINE, out)
    return {name: out[:, k] for k, name in enumerate(LINE_COLUMNS)}


def lines_of(docs: Documents) -> dict[str, NDArray[np.int64]]:
    """The batch's line counts, made once and kept with it."""
    return docs.memo("line_counts", lambda: count_lines(buffers_of(docs), classes_of(docs)["breaks"]))
