"""JSONL as columns: a kernel takes texts and ids out of many lines at once; what it leaves is read line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..documents import position_id
from .parts import Part
from .records import SCHEMA, Bad, Record, Rows, bad, metadata_of
from .streams import Corrupt
from .text import read_jsonl, read_line

_decode = msgspec.json.Decoder(dict[str, Any]).decode

_GAIN = 16
"""Lines in a row that the kernel must take for its columns to be worth more than their cost."""


def read_columns(part: Part) -> Iterator[Record | Bad | Rows]:
    """What `read_jsonl` gives, whole lines of plain JSON in UTF-8 as `Rows`."""
    encoding = part.line_encoding()
    if encoding != "utf-8" or part.input.text == part.input.id:
        yield from read_jsonl(part)
        return
    try:
        for at, run in part.runs():
            yield from _read_run(part, at, run)
    except Corrupt as error:
        yield bad(part.origin, error.position, f"{error}; nothing can be read from here on", error.raw)


def _read_run(part: Part, at: int, run: bytes) -> Iterator[Record | Bad | Rows]:
    """The lines of `run`, which begins at `at` of its file."""
    # numba costs half a second to import: not for those who only ask what there is.
    from .json_scan import ROOM

    data = np.frombuffer(run + bytes(ROOM), np.uint8)
    done, fast = 0, True
    while done < len(run):
        if fast:
            rows, done = _columns(part, at, data, done, len(run))
            if rows is not None:
                yield rows
            fast = rows is not None and len(rows.table) >= _GAIN
            if done >= len(run):
                return
        end = run.find(b"\n", done)
        end = len(run) if end < 0 else end
        item = read_line(part, at + done, run[done:end].removesuffix(b"\r"), "utf-8")
        if item is not None:
            yield item
        done = end + 1


def _columns(part: Part, at: int, data: NDArray[np.uint8], start: int, end: int) -> tuple[Rows | None, int]:
    """The rows in data[start:end] of a run, and where the first line begins that is not among them."""
    from .json_scan import ROOM, scan

    size = end - start
    texts, ids, rest = (np.empty(size + ROOM, np.uint8) for _ in range(3))
    ends = np.empty((4, size // 8 + 1), np.int64)
    key, id_key = (np.frombuffer((name or "").encode(), np.uint8) for name in (part.input.text, part.input.id))
    n, stopped = scan(data, start, end, key, id_key, texts, ends[0], ids, ends[1], rest, ends[2], ends[3])
    text_ends, id_ends, rest_ends, starts = (e[:n] for e in ends)
    source = part.origin if part.input.source is None else part.input.source
    try:
        columns = [
            _ids(part, ids, id_ends, at + starts),
            _strings(texts, text_ends),
            pa.repeat(pa.scalar(source, pa.string()), n),
            _metadata(part, rest, rest_ends),
        ]
    except (pa.ArrowInvalid, ValueError, RecursionError):  # not UTF-8, or what only looked like JSON
        return None, start
    return (Rows(pa.table(columns, schema=SCHEMA), text_ends) if n else None), stopped


def _strings(data: NDArray[np.uint8], ends: NDArray[np.int64]) -> pa.LargeStringArray:
    """Raises ArrowInvalid for what is not UTF-8."""
    offsets = np.concatenate([np.zeros(1, np.int64), ends])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_binary(), len(ends), buffers).cast(pa.large_string())


def _ids(part: Part, data: NDArray[np.uint8], ends: NDArray[np.int64], positions: NDArray[np.int64]) -> pa.StringArray:
    given = _strings(data, ends).cast(pa.string())
    missing = np.flatnonzero(np.diff(ends, prepend=0) == 0)
    if not len(missing):
        return given
    names = given.to_pylist()
    for k in missing.tolist():
        names[k] = position_id(part.origin, int(positions[k]))
    return pa.array(names, pa.string())


def _metadata(part: Part, data: NDArray[np.uint8], ends: NDArray[np.int64]) -> pa.LargeStringArray:
    if part.input.source is None and not len(ends.nonzero()[0]):
        return pa.nulls(len(ends), pa.large_string())
    raw = data[: ends[-1]].tobytes() if len(ends) else b""
    found, start = [], 0
    for end in ends.tolist():
        fields = _decode(raw[start:end]) if end > start else {}
        found.append(metadata_of(fields, part.input, part.origin))
        start = end
    return pa.array(found, pa.large_string())
