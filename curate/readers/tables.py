"""Readers of CSV and Parquet."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from .encoding import Undecodable, decode_line, decode_strict, is_binary
from .formats import ending
from .parts import Part, stored_encoding
from .records import MAX_RECORD_BYTES, Bad, Record, bad, own_id
from .streams import Corrupt

_MAX_FIELD = 2**31 - 1
PARQUET_BATCH_ROWS = 1024


class _Lines:
    """Lines for the csv module, which takes as many as a record has; it sees which they were."""

    def __init__(self, source: Iterator[tuple[int, bytes]], encoding: str) -> None:
        self._source, self._encoding = source, encoding
        self._again: deque[tuple[int, bytes]] = deque()
        self.taken: list[tuple[int, bytes]] = []
        self.problem = ""
        self.ended = False
        self.broken: Corrupt | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._again:
            item = self._again.popleft()
        else:
            try:
                item = next(self._source)
            except StopIteration:
                self.ended = True
                raise
            except Corrupt as error:
                self.ended, self.broken = True, error
                raise StopIteration from error
        self.taken.append(item)
        try:
            return decode_line(item[1], self._encoding) + "\n"
        except Undecodable as error:
            self.problem = self.problem or f"undecodable: {error}"
            return item[1].decode("latin-1") + "\n"  # keeps the quotes and commas where they are

    def take(self) -> list[tuple[int, bytes]]:
        taken, self.taken, self.problem = self.taken, [], ""
        return taken

    def give_back(self, items: list[tuple[int, bytes]]) -> None:
        self._again.extendleft(reversed(items))


def delimiter(part: Part) -> str:
    if part.input.delimiter is not None:
        return part.input.delimiter
    return "\t" if ending(part.name) in ("tsv", "tab") else ","


def read_csv(part: Part) -> Iterator[Record | Bad]:
    """CSV with a header; quoted fields may hold newlines. Positions are the byte offsets at which records begin."""
    # The csv module's default limit of 128 KiB a field is for the whole process, and below many a document.
    csv.field_size_limit(_MAX_FIELD)
    encoding = part.line_encoding()
    stored = stored_encoding(encoding)
    separator = delimiter(part)
    names, problem = _header(part, encoding, separator)
    if problem:
        yield from part.refuse(problem)
        return
    source = _Lines(part.lines(encoding), stored)
    rows = csv.reader(source, delimiter=separator)
    while True:
        problem = ""
        try:
            row = next(rows)
        except StopIteration:
            if not source.taken:  # a quote that never closes takes all lines to the end, and then gives its row
                break
            row = []
        except csv.Error as error:
            row, problem = [], f"bad CSV: {error}"
        problem = source.problem or problem
        taken = source.take()
        if not taken:
            break
        at = taken[0][0]
        if len(taken) > 1 and source.ended and _never_closes(taken):
            yield bad(part.origin, at, "a quote opens in this line and never closes", taken[0][1])
            source.give_back(taken[1:])
            source.ended = False
            rows = csv.reader(source, delimiter=separator)
            continue
        if at == 0 and not part.start:
            continue  # the header
        if not row and not problem and not any(line.strip() for _, line in taken):
            continue
        raw = b"\n".join(line for _, line in taken)
        if not problem and len(raw) > MAX_RECORD_BYTES:
            problem = f"the row is longer than {MAX_RECORD_BYTES >> 20} MiB"
        if not problem and len(row) != len(names):
            problem = f"the row has {len(row)} fields and the header {len(names)}"
        if problem:
            yield bad(part.origin, at, problem, raw)
            continue
        fields: dict[str, Any] = dict(zip(names, row, strict=True))
        text = fields.pop(part.input.text)
        if is_binary(text):
            yield bad(part.origin, at, "binary: the text is mostly control characters", raw)
            continue
        yield Record(text, fields, at, part.origin)
    if source.broken is not None:
        broken = source.broken
        yield bad(part.origin, broken.position, f"{broken}; nothing can be read from here on", broken.raw)


def _never_closes(taken: list[tuple[int, bytes]]) -> bool:
    return sum(line.count(b'"') for _, line in taken) % 2 == 1


def _header(part: Part, encoding: str, separator: str) -> tuple[list[str], str]:
    """The columns' names, and what is wrong with them: one sentence, or nothing."""
    whole = Part(part.name, part.origin, part.format, part.input, part.open, part.size)
    source = _Lines(whole.lines(encoding), stored_encoding(encoding))
    try:
        names = next(csv.reader(source, delimiter=separator), [])
    except csv.Error as error:
        return [], f"the first line is no CSV header: {error}"
    if source.broken is not None and not names:
        return [], str(source.broken)
    if source.problem:
        return [], f"the first line is no CSV header: {source.problem}"
    known = ", ".join(names) or "none"
    if part.input.text not in names:
        return names, f"no column {part.input.text!r}; the columns are: {known} (set text to one of them)"
    if len(set(names)) < len(names):
        return names, f"two columns have the same name; the columns are: {known}"
    return names, ""


def read_parquet(part: Part) -> Iterator[Record | Bad]:
    """Parquet, by row groups. Positions are row numbers."""
    import pyarrow.parquet as pq

    with part.open() as raw:
        try:
            file = pq.ParquetFile(raw)
            names = file.schema_arrow.names
            problem = _column_problem(file.schema_arrow, part.input.text)
        except (pa.ArrowException, OSError) as error:
            yield from part.refuse(f"not a readable Parquet file: {error}")
            return
        if problem:
            yield from part.refuse(problem)
            return
        groups = range(file.num_row_groups)[part.start or 0 : part.end]
        wanted = _columns(names, part)
        for group in groups:
            row = sum(file.metadata.row_group(g).num_rows for g in range(group))
            end = row + file.metadata.row_group(group).num_rows
            try:
                for batch in file.iter_batches(PARQUET_BATCH_ROWS, row_groups=[group], columns=wanted):
                    yield from _rows(part, batch, row)
                    row += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                yield bad(part.origin, row, f"corrupt Parquet: {error}; rows {row} to {end - 1} cannot be read")


def _column_problem(schema: pa.Schema, name: str) -> str:
    if name not in schema.names:
        return f"no column {name!r}; the columns are: {', '.join(schema.names)} (set text to one of them)"
    dtype = schema.field(name).type
    if pa.types.is_dictionary(dtype):
        dtype = dtype.value_type
    stringy = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    if not any(check(dtype) for check in (*stringy, *binary)):
        return f"column {name!r} is no text but {dtype}"
    return ""


def _columns(names: list[str], part: Part) -> list[str]:
    input = part.input
    if input.columns is None:
        return names
    asked = {input.text, *input.columns, *([input.id] if input.id else [])}
    return [name for name in names if name in asked]


def _rows(part: Part, batch: pa.RecordBatch, first: int) -> Iterator[Record | Bad]:
    name = part.input.text
    column = batch.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    texts = (
        column.cast(pa.large_binary())
        if not pa.types.is_null(column.type)
        else pa.nulls(len(column), pa.large_binary())
    )
    suspect = _suspect_rows(texts)
    others = batch.select([n for n in batch.schema.names if n != name])
    rows = others.to_pylist() if others.num_columns else [{} for _ in range(batch.num_rows)]
    # Arrow does not check UTF-8 when it reads Parquet, so the check is made here, once for the batch.
    values: list[Any]
    try:
        strings = texts.cast(pa.large_string())
        strings.validate(full=True)
        values = strings.to_pylist()
    except pa.ArrowInvalid:
        values = texts.to_pylist()
    for i, (value, fields) in enumerate(zip(values, rows, strict=True)):
        if isinstance(value, bytes):
            try:
                value = decode_strict(value, "utf-8")
            except Undecodable as error:
                id = own_id(fields.get(part.input.id)) if part.input.id else None
                yield bad(part.origin, first + i, f"undecodable: {error}", value, id=id)
                continue
        if i in suspect and is_binary(value):
            id = own_id(fields.get(part.input.id)) if part.input.id else None
            yield bad(part.origin, first + i, "binary: the text is mostly control characters", value.encode(), id=id)
            continue
        yield Record(value or "", fields, first + i, part.origin)


def _suspect_rows(texts: pa.Array) -> set[int]:
    """Rows with a control character that is no white space, found in one look at the bytes of all."""
    _, offsets, data = texts.buffers()
    if data is None:
        return set()
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    found = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
    at = np.flatnonzero((found < 32) & ((found < 9) | (found > 13)) & (found != 27)) + ends[0]
    return set(np.searchsorted(ends, at, side="right").astype(int) - 1)
