"""Cutting pieces out of texts by byte offsets: what is left, what was taken out, and who has nothing left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from ..documents import Documents, Floats, Removed
from ..errors import RunError
from ..exchange import Ints
from ..stage import Failure
from ..step import Global

EMPTY_AFTER_CUT = "empty_after_cut"
"""The rule by which a document goes that has nothing but white space left. The ledger holds its whole text."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What cutting left of a batch: documents without their pieces, and those of which nothing was left, uncut."""

    docs: Documents
    rows: Ints
    """Position in the batch of each document of `docs`."""
    emptied: Documents
    reasons: list[list[Failure]]
    kept_ids: list[str | None]
    """Where the longest piece of each emptied document is kept, if anywhere."""


def cut_out(docs: Documents, label: str, step: Global, rows: Ints, spans: pa.Table) -> Cut:
    """Carry out what a cutting Global decided over a batch. `spans` are rows of `CUT_COLUMNS`, each of document `rows[i]`.

    Raises RunError when a span is no part of its document's text, breaks a code point, or overlaps another one.
    """
    order = np.lexsort([spans.column("start").to_numpy(), rows])
    rows, spans = rows[order], spans.take(pa.array(order))
    data, offsets = _buffers(docs.text)
    starts = offsets[rows] + spans.column("start").to_numpy()
    ends = offsets[rows] + spans.column("end").to_numpy()
    _check(step, data, offsets, rows, starts, ends)
    gone = spans.column("cut").to_numpy(zero_copy_only=False)
    rules, kept_ids = spans.column("rule").to_pylist(), spans.column("kept_id").to_pylist()

    text = _without(data, offsets, starts[gone], ends[gone])
    touched = np.unique(rows[gone])
    left = pl.Series(text.take(pa.array(touched))).str.strip_chars().str.len_bytes().to_numpy()
    empty = touched[left == 0]
    removed = [
        Removed(int(row), label, rule, data[a:b].tobytes().decode(), kept)
        for row, rule, a, b, kept in zip(rows.tolist(), rules, starts.tolist(), ends.tolist(), kept_ids, strict=True)
    ]
    measured = docs.with_signals({name: _shares(data, offsets, rows, starts, ends) for name in step.signal_names})
    longest: dict[int, tuple[int, str | None]] = {}
    for row, size, kept in zip(rows.tolist(), (ends - starts).tolist(), kept_ids, strict=True):
        longest[row] = max(longest.get(row, (0, None)), (size, kept), key=lambda piece: piece[0])
    stays = np.setdiff1d(np.arange(len(docs)), empty)
    cut = measured.with_texts(text, removed)
    return Cut(
        cut.take(stays) if len(empty) else cut,
        stays,
        measured.take(empty),
        [[Failure(label, EMPTY_AFTER_CUT)]] * len(empty),
        [longest[row][1] for row in empty.tolist()],
    )


def uncut(docs: Documents, step: Global) -> Documents:
    """A batch in which a cutting Global found nothing."""
    return docs.with_signals({name: np.zeros(len(docs)) for name in step.signal_names})


def _buffers(texts: pa.LargeStringArray) -> tuple[NDArray[np.uint8], Ints]:
    _, offsets, data = texts.buffers()
    starts = np.frombuffer(offsets, np.int64, texts.offset + len(texts) + 1)[texts.offset :]
    raw: Any = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
    return raw, starts


def _check(step: Global, data: NDArray[np.uint8], offsets: Ints, rows: Ints, starts: Ints, ends: Ints) -> None:
    wrong = (starts < offsets[rows]) | (ends <= starts) | (ends > offsets[rows + 1])
    wrong[1:] |= starts[1:] < ends[:-1]
    if not wrong.any():
        inside = np.concatenate([data, np.zeros(1, np.uint8)])
        wrong = (inside[starts] & 0xC0 == 0x80) | ((inside[ends] & 0xC0 == 0x80) & (ends < offsets[rows + 1]))
    if wrong.any():
        raise RunError(
            f"step {step.name} cut a piece that overlaps another, breaks a character or is no part of its text: a bug in that step"
        )


def _without(data: NDArray[np.uint8], offsets: Ints, starts: Ints, ends: Ints) -> pa.LargeStringArray:
    """All texts without these stretches, given by where they lie in `data`, in order."""
    first, last = int(offsets[0]), int(offsets[-1])
    bounds = zip([first, *ends.tolist()], [*starts.tolist(), last], strict=True)
    pieces = np.concatenate([data[a:b] for a, b in bounds])
    before = np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int64)
    moved = offsets - first - before[np.searchsorted(ends, offsets, side="right")]
    buffers = [None, pa.py_buffer(np.ascontiguousarray(moved)), pa.py_buffer(pieces)]
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, buffers[1], buffers[2])


def _shares(data: NDArray[np.uint8], offsets: Ints, rows: Ints, starts: Ints, ends: Ints) -> Floats:
    """The share of each document's characters that these stretches cover."""
    covered = np.zeros(len(offsets) - 1)
    whole = np.ones(len(offsets) - 1)
    for row in np.unique(rows).tolist():
        whole[row] = np.count_nonzero(data[offsets[row] : offsets[row + 1]] & 0xC0 != 0x80)
    sizes = [np.count_nonzero(data[a:b] & 0xC0 != 0x80) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    np.add.at(covered, rows, sizes)
    return (covered / whole).astype(np.float32)
