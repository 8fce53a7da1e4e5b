"""What readers give: documents and unreadable records, gathered into Arrow tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..documents import MAX_BATCH_BYTES, MAX_BATCH_ROWS, position_id
from .inputs import Input

MAX_RECORD_BYTES = 256 << 20
"""The largest single document (and archive member) that is read; a larger one is bad, not a worker out of memory."""

RAW_BYTES = 1 << 20
"""How much of an unreadable record goes to quarantine."""

SCHEMA = pa.schema(
    [("id", pa.string()), ("text", pa.large_string()), ("source", pa.string()), ("metadata", pa.large_string())]
)

_SURROGATE = re.compile("[\ud800-\udfff]")


class Record(NamedTuple):
    """One document as a reader found it."""

    text: str
    fields: dict[str, Any]
    """The record's other fields; the batch takes the id out of them and keeps the rest as metadata."""
    position: int
    """Where it begins in its file: bytes, rows or records, as the format has it, however the file was cut."""
    origin: str
    """The file's (or archive member's) name among all inputs."""


class Rows(NamedTuple):
    """Many documents as a reader found them."""

    table: pa.Table
    """Of `SCHEMA`: a document's id, source and metadata as the input wants them."""
    ends: NDArray[np.int64]
    """Where each text ends, in bytes from the first one's beginning."""


@dataclass(frozen=True)
class Bad:
    """An unreadable record, or a whole file that is refused or corrupt; destined for quarantine."""

    source: str
    position: int
    id: str
    error: str
    raw: bytes
    """The record's bytes, at most `RAW_BYTES` of them; empty where the bytes are fine and only their kind is not."""
    refused: bool = False
    """Nothing is broken: it is of a kind that no reader takes (an image in a WARC, a PDF in an archive)."""


def bad(
    origin: str, position: int, error: str, raw: bytes = b"", *, id: str | None = None, refused: bool = False
) -> Bad:
    return Bad(origin, position, id or position_id(origin, position), error, raw[:RAW_BYTES], refused)


def own_id(value: Any) -> str | None:
    """A record's own id as a string; None for what cannot be one (nothing, a list, a truth value)."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value)


def dump(fields: Mapping[str, Any]) -> str | None:
    """Fields as compact JSON; null when there are none. What JSON has no word for is kept as its string."""
    if not fields:
        return None
    try:
        plain = {name: _as_json(v) if isinstance(v, bytes) else v for name, v in fields.items()}
        return msgspec.json.encode(plain, enc_hook=_as_json).decode()
    except (TypeError, UnicodeEncodeError):  # keys that are no strings, lone surrogates
        import json

        return without_surrogates(json.dumps(fields, ensure_ascii=False, separators=(",", ":"), default=_as_json))


def _as_json(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def without_surrogates(text: str) -> str:
    """Half characters, as a cut `\\ud83d` in JSON leaves them, become U+FFFD: they cannot be stored as UTF-8."""
    return _SURROGATE.sub("�", text)


def _size(item: Record | Bad) -> int:
    """Bytes that an item takes, from above: the exact size of a text would cost encoding it."""
    if isinstance(item, Bad):
        return len(item.raw)
    return len(item.text) if item.text.isascii() else 3 * len(item.text)


def metadata_of(fields: dict[str, Any], input: Input, origin: str) -> str | None:
    """What is kept of a record's other fields, as JSON."""
    if input.columns is not None:
        fields = {k: fields[k] for k in input.columns if k in fields}
    if input.source is not None:
        fields.setdefault("file", origin)
    return dump(fields)


class Batch:
    """Gathers records of one input into tables of at most `MAX_BATCH_ROWS` rows and about `MAX_BATCH_BYTES` of text."""

    def __init__(self, input: Input) -> None:
        self._input = input
        self._clear()

    def _clear(self) -> None:
        self._tables: list[pa.Table] = []
        self._columns: tuple[list[str], list[str], list[str], list[str | None]] = ([], [], [], [])
        self._bads: list[Bad] = []
        self._rows = self._bytes = 0

    def add(self, item: Record | Bad | Rows) -> Iterator[tuple[pa.Table, list[Bad]]]:
        """Takes one in, and its fields with it; gives the tables that are full before it, or with the rows in it."""
        if isinstance(item, Rows):
            yield from self._add_rows(item)
            return
        size = _size(item)
        if self._rows >= MAX_BATCH_ROWS or (self._rows and self._bytes + size > MAX_BATCH_BYTES):
            yield from self.flush()
        self._rows += 1
        self._bytes += size
        if isinstance(item, Bad):
            self._bads.append(item)
            return
        text, fields, position, origin = item
        id = None
        if self._input.id is not None and self._input.id in fields:
            id = own_id(fields[self._input.id])
            if id is not None:
                del fields[self._input.id]
        ids, texts, sources, metadata = self._columns
        ids.append(position_id(origin, position) if id is None else id)
        texts.append(text)
        sources.append(origin if self._input.source is None else self._input.source)
        metadata.append(metadata_of(fields, self._input, origin))

    def _add_rows(self, item: Rows) -> Iterator[tuple[pa.Table, list[Bad]]]:
        start, n = 0, len(item.table)
        while start < n:
            before = int(item.ends[start - 1]) if start else 0
            fit = int(np.searchsorted(item.ends, before + MAX_BATCH_BYTES - self._bytes, side="right")) - start
            fit = min(fit, MAX_BATCH_ROWS - self._rows)
            if fit <= 0 and self._rows:
                yield from self.flush()
                continue
            fit = max(fit, 1)
            self._seal()
            self._tables.append(item.table.slice(start, fit))
            self._rows += fit
            self._bytes += int(item.ends[start + fit - 1]) - before
            start += fit

    def _seal(self) -> None:
        """Turn the records so far into a table: rows follow."""
        if not self._columns[0]:
            return
        try:
            arrays = [pa.array(values, field.type) for values, field in zip(self._columns, SCHEMA, strict=True)]
        except UnicodeEncodeError:
            clean = [[v if v is None else without_surrogates(v) for v in values] for values in self._columns]
            arrays = [pa.array(values, field.type) for values, field in zip(clean, SCHEMA, strict=True)]
        self._tables.append(pa.table(arrays, schema=SCHEMA))
        self._columns = ([], [], [], [])

    def flush(self) -> Iterator[tuple[pa.Table, list[Bad]]]:
        """What is left: one table, or none."""
        self._seal()
        if self._rows:
            tables = self._tables or [SCHEMA.empty_table()]
            full = pa.concat_tables(tables).combine_chunks(), self._bads
            self._clear()
            yield full
