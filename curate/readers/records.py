"""What readers give: documents and unreadable records, gathered into Arrow tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from ..documents import MAX_BATCH_BYTES, MAX_BATCH_ROWS, position_id

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


class Batch:
    """Gathers records of one input into tables of at most `MAX_BATCH_ROWS` rows and about `MAX_BATCH_BYTES` of text."""

    def __init__(self, id_field: str | None, columns: list[str] | None, source: str | None) -> None:
        self._id_field, self._columns, self._source = id_field, columns, source
        self._clear()

    def _clear(self) -> None:
        self._ids: list[str] = []
        self._texts: list[str] = []
        self._sources: list[str] = []
        self._metadata: list[str | None] = []
        self._bads: list[Bad] = []
        self._n_bytes = 0

    def add(self, item: Record | Bad) -> Sequence[tuple[pa.Table, list[Bad]]]:
        """Takes one in, and its fields with it; gives the table that was full before it, when there is one."""
        full: Sequence[tuple[pa.Table, list[Bad]]] = ()
        size = _size(item)
        rows = len(self._ids) + len(self._bads)
        if rows >= MAX_BATCH_ROWS or (rows and self._n_bytes + size > MAX_BATCH_BYTES):
            full = self.flush()
        self._n_bytes += size
        if isinstance(item, Bad):
            self._bads.append(item)
            return full
        text, fields, position, origin = item
        id = None
        if self._id_field is not None and self._id_field in fields:
            id = own_id(fields[self._id_field])
            if id is not None:
                del fields[self._id_field]
        if self._columns is not None:
            fields = {k: fields[k] for k in self._columns if k in fields}
        if self._source is not None:
            fields.setdefault("file", origin)
        self._ids.append(position_id(origin, position) if id is None else id)
        self._texts.append(text)
        self._sources.append(origin if self._source is None else self._source)
        self._metadata.append(dump(fields))
        return full

    def flush(self) -> Sequence[tuple[pa.Table, list[Bad]]]:
        """What is left: one table, or none."""
        if not self._ids and not self._bads:
            return ()
        columns: list[list[Any]] = [self._ids, self._texts, self._sources, self._metadata]
        try:
            arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
        except UnicodeEncodeError:
            clean = [[v if v is None else without_surrogates(v) for v in values] for values in columns]
            arrays = [pa.array(values, field.type) for values, field in zip(clean, SCHEMA, strict=True)]
        full = pa.table(arrays, schema=SCHEMA), self._bads
        self._clear()
        return (full,)
