"""The columns that an input carried besides id and text: from JSON while a run is on, to typed columns at its end.

Sources differ in their fields and even in a field's type, and no one knows which before all was read. So each
document carries its other fields as one compact JSON object, and the write phase, which knows every kind of value
that was seen in a field, turns them into columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa

from ..documents import CORE_FIELDS

MAX_COLUMNS = 100
"""Beyond so many different fields the input is not a table: they stay one JSON column, `metadata`."""

_RESERVED = {*CORE_FIELDS, "signals", "metadata"}


def field_kinds(column: pa.ChunkedArray, kinds: dict[str, set[str]]) -> None:
    """Add the kinds of value (`bool`, `int`, `float`, `string`, `json`) of each field in a column of JSON objects."""
    for text in column.to_pylist():
        if text is None:
            continue
        for name, value in msgspec.json.decode(text).items():
            if value is not None:
                kinds.setdefault(name, set()).add(_kind(value))
            else:
                kinds.setdefault(name, set())


def merge_kinds(kinds: dict[str, set[str]], more: Mapping[str, list[str]]) -> None:
    for name, found in more.items():
        kinds.setdefault(name, set()).update(found)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -(2**63) <= value < 2**63 else "json"
    if isinstance(value, float):
        return "float"
    return "string" if isinstance(value, str) else "json"


def column_type(kinds: set[str]) -> tuple[pa.DataType, bool]:
    """The Arrow type that holds all kinds seen, and whether values are stored as JSON text."""
    if not kinds or kinds == {"string"}:
        return pa.large_string(), False
    if kinds == {"bool"}:
        return pa.bool_(), False
    if kinds == {"int"}:
        return pa.int64(), False
    if kinds <= {"int", "float"}:
        return pa.float64(), False
    return pa.large_string(), True


def carried_columns(column: pa.ChunkedArray, fields: Mapping[str, list[str]]) -> dict[str, pa.Array]:
    """Typed columns from a column of JSON objects; `fields` maps each field to the kinds seen in the whole input."""
    if len(fields) > MAX_COLUMNS:
        return {"metadata": column}
    if not fields:
        return {}
    rows = [msgspec.json.decode(t) if t is not None else {} for t in column.to_pylist()]
    out = {}
    for name, kinds in fields.items():
        dtype, as_json = column_type(set(kinds))
        values = [r.get(name) for r in rows]
        if as_json:
            values = [v if v is None or isinstance(v, str) else msgspec.json.encode(v).decode() for v in values]
        elif dtype == pa.float64():
            values = [None if v is None else float(v) for v in values]
        out[_column_name(name, fields)] = pa.array(values, dtype)
    return out


def _column_name(name: str, fields: Mapping[str, list[str]]) -> str:
    """`input_<name>` where the corpus has a column of its own of that name."""
    if name not in _RESERVED:
        return name
    name = f"input_{name}"
    while name in fields:
        name += "_"
    return name
