"""The input's other fields, from JSON to typed columns."""

from __future__ import annotations

import json

import pyarrow as pa

from corpusmill.curate.run.columns import MAX_COLUMNS, carried_columns, field_kinds, merge_kinds

ROWS = [
    {
        "label": 1,
        "标题": "一",
        "ok": True,
        "score": 1,
        "mixed": 1,
        "tags": ["a"],
        "id2": 2**70,
        "none": None,
        "source": "s",
    },
    {"label": 2, "ok": False, "score": 0.5, "mixed": "x", "tags": None},
]


def column() -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([*(json.dumps(r, ensure_ascii=False) for r in ROWS), None], pa.large_string())])


def test_types_come_from_every_value_seen() -> None:
    kinds: dict[str, set[str]] = {}
    field_kinds(column(), kinds)
    table = pa.table(carried_columns(column(), {k: sorted(v) for k, v in kinds.items()}))
    assert table.schema.field("label").type == pa.int64()
    assert table.schema.field("ok").type == pa.bool_()
    assert table.schema.field("score").type == pa.float64()
    assert table.column("标题").to_pylist() == ["一", None, None]
    assert table.column("mixed").to_pylist() == ["1", "x", None]
    assert table.column("tags").to_pylist() == ['["a"]', None, None]
    assert table.column("none").null_count == 3
    assert table.column("input_source").to_pylist() == ["s", None, None]


def test_kinds_of_several_units_merge() -> None:
    kinds: dict[str, set[str]] = {}
    merge_kinds(kinds, {"a": ["int"], "b": []})
    merge_kinds(kinds, {"a": ["float"], "c": ["string"]})
    assert kinds == {"a": {"int", "float"}, "b": set(), "c": {"string"}}


def test_a_taken_name_is_never_overwritten() -> None:
    rows = pa.chunked_array([pa.array(['{"source": "a", "input_source": "b"}'], pa.large_string())])
    found = carried_columns(rows, {"source": ["string"], "input_source": ["string"]})
    assert {n: c.to_pylist() for n, c in found.items()} == {"input_source_": ["a"], "input_source": ["b"]}


def test_an_input_that_is_no_table_stays_json() -> None:
    many = {f"f{i}": ["int"] for i in range(MAX_COLUMNS + 1)}
    assert list(carried_columns(column(), many)) == ["metadata"]
