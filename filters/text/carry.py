"""Words of a text that lost lines, taken from the words of the whole text: a hundredth of the cost of cutting them anew.

No word crosses a line end, in any style, so the words of a line are the same whatever lines stand around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...curate.documents import Documents
from .buffers import TextBuffers, readonly
from .kernel import kernel
from .room import lasting
from .words import (
    COLUMNS,
    CUT_FROM,
    STARTS_LINE,
    Segmentation,
    buffers_of,
    segment,
    segmentations_of,
    styles_of,
)


@dataclass(frozen=True, slots=True)
class LineCuts:
    """Whole lines that left a batch: for each its document, and its bytes in the batch's text, in order; and which
    documents lost parts of lines too, whose words have to be cut anew."""

    words: Segmentation
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    changed: NDArray[np.bool_]


def carry_words(after: Documents, cuts: LineCuts) -> Documents:
    """Lets `words_of(after)` take its words from those of the batch that `cuts` were cut out of."""
    text, buffers = after.text, buffers_of(after)
    after.memo(CUT_FROM, lambda: lambda styles: _carried(text, buffers, cuts, styles))
    return after


def known_words(docs: Documents) -> Segmentation | None:
    """The words of a batch if some step has had them cut."""
    return segmentations_of(docs).get(styles_of(docs).tobytes())


def _carried(text: pa.LargeStringArray, texts: TextBuffers, cuts: LineCuts, styles: NDArray[np.int8]) -> Segmentation:
    old = cuts.words
    anew = cuts.changed | (styles != old.styles)
    again = np.flatnonzero(anew)
    part = TextBuffers.of(text.take(pa.array(again)))
    fresh = segment(part, styles[again])
    room = len(old) + len(fresh)
    starts, ends, hashes, chars, flags = lasting(room, COLUMNS)
    rows = np.zeros(len(texts) + 1, np.int64)
    n = _carry(
        texts.data,
        texts.offsets,
        readonly(anew),
        old.starts,
        old.ends,
        old.hashes,
        old.chars,
        old.flags,
        old.rows,
        readonly(cuts.rows),
        readonly(cuts.starts),
        readonly(cuts.ends),
        part.offsets,
        fresh.starts,
        fresh.ends,
        fresh.hashes,
        fresh.chars,
        fresh.flags,
        fresh.rows,
        starts,
        ends,
        hashes,
        chars,
        flags,
        rows,
    )
    starts, ends, hashes, chars, flags = (readonly(a[:n]) for a in (starts, ends, hashes, chars, flags))
    return Segmentation(starts, ends, hashes, chars, flags, readonly(rows), readonly(styles))


@kernel
def _carry(
    data: Any,
    offsets: Any,
    anew: Any,
    old_starts: Any,
    old_ends: Any,
    old_hashes: Any,
    old_chars: Any,
    old_flags: Any,
    old_rows: Any,
    cut_rows: Any,
    cut_starts: Any,
    cut_ends: Any,
    fresh_offsets: Any,
    fresh_starts: Any,
    fresh_ends: Any,
    fresh_hashes: Any,
    fresh_chars: Any,
    fresh_flags: Any,
    fresh_rows: Any,
    starts: Any,
    ends: Any,
    hashes: Any,
    chars: Any,
    flags: Any,
    rows: Any,
) -> Any:
    k = 0
    c = 0
    f = 0
    for d in range(len(anew)):
        if anew[d]:
            shift = offsets[d] - fresh_offsets[f]
            for w in range(fresh_rows[f], fresh_rows[f + 1]):
                starts[k] = fresh_starts[w] + shift
                ends[k] = fresh_ends[w] + shift
                hashes[k] = fresh_hashes[w]
                chars[k] = fresh_chars[w]
                flags[k] = fresh_flags[w]
                k += 1
            f += 1
        else:
            while c < len(cut_rows) and cut_rows[c] < d:
                c += 1
            place = offsets[d]  # in the new text, up to which its words are written
            w = old_rows[d]
            while w < old_rows[d + 1]:  # at the first word of a line
                first = old_starts[w]
                while c < len(cut_rows) and cut_rows[c] == d and cut_ends[c] <= first:
                    c += 1
                stays = not (c < len(cut_rows) and cut_rows[c] == d and cut_starts[c] <= first)
                while stays and data[place] == 10:
                    place += 1
                shift = place - first
                while True:
                    if stays:
                        starts[k] = old_starts[w] + shift
                        place = old_ends[w] + shift
                        ends[k] = place
                        hashes[k] = old_hashes[w]
                        chars[k] = old_chars[w]
                        flags[k] = old_flags[w]
                        k += 1
                    w += 1
                    if w == old_rows[d + 1] or old_flags[w] & STARTS_LINE:
                        break
        rows[d + 1] = k
    return k
