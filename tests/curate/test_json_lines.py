"""JSONL as columns gives exactly what reading line by line gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpusmill.curate.readers import Bad, Input, plan_units, read_unit, reading

ODD = [
    b'{"id": "a", "text": "plain \xe4\xb8\xad\xe6\x96\x87"}',
    b'{"text":"no id"}',
    b'  {"text" : "blanks" , "id" : 7 }  \r',
    b"",
    b" \t ",
    b"\x0b",
    b'{"id": 0, "text": "zero"}',
    b'{"id": 007, "text": "octal"}',
    b'{"id": -1, "text": "minus"}',
    b'{"id": 1.0, "text": "float"}',
    b'{"id": 123456789012345678901234567890, "text": "long"}',
    b'{"id": null, "text": "null id"}',
    b'{"id": "", "text": "empty id"}',
    b'{"id": ["x"], "text": "list id"}',
    b'{"id": "\\u4e2d\\ud83d\\ude00", "text": "\\u6cd5\\u5f8b \\u0041\\u00e9\\ud83d\\ude00 \\n\\t\\"\\\\\\/"}',
    b'{"text": "lone \\ud83d half"}',
    b'{"text": "\\ude00 lone"}',
    b'{"text": "\\ud83d\\u0041"}',
    b'{"text": "control \\u0001\\u0002\\u0003\\u0004"}',
    b'{"text": "back \\b and form \\f"}',
    b'{"text": "bad escape \\x"}',
    b'{"text": "raw control \x01"}',
    b'{"text": "tab\there"}',
    b'{"text": "open',
    b'{"text": "invalid \xff utf-8"}',
    b'{"text": "surrogate \xed\xa0\xbd"}',
    b'{"text": "a", "text": "b"}',
    b'{"text": "a", "id": "1", "id": "2"}',
    b'{"text": null, "id": "n"}',
    b'{"text": 5}',
    b'{"text": {"a": 1}}',
    b'{"other": "x"}',
    b"{}",
    b"[]",
    b'"text"',
    b"null",
    b'{"text": "rest", "url": "http://x/?a=1,}", "n": [1, {"k": "}"}], "b": true, "z": null, "q": "\\""}',
    b'{"a": {"text": "inner"}, "text": "outer", "id": "o"}',
    b'{"a": NaN, "text": "nan"}',
    b'{"a": Infinity, "text": "inf"}',
    b'{"a": tru, "text": "broken rest"}',
    b'{"a": [1, 2}, "text": "crossed"}',
    b'{"a": , "text": "missing"}',
    b'{"text": "trailing"} x',
    b'{"text": "comma",}',
    b'{"text": "two"}{"text": "objects"}',
    b'{"te\\u0078t": "escaped key"}',
    b'{"text": ""}',
    b'{"text": "dup", "k": 1, "k": 2}',
    b'{"text": "big", "n": 123456789012345678901234567890, "e": 1e400}',
]
PLAIN = b'{"id": "p%d", "text": "\xe6\x99\xae\xe9\x80\x9a plain", "url": "u%d"}'


def whole(path: Path, input: Input, monkeypatch: pytest.MonkeyPatch | None = None) -> list[Any]:
    """All that is read of a file, in order: rows and unreadable records."""
    found: list[Any] = []
    for unit in plan_units([input], 4096).units:
        for table, bad in read_unit(unit, [input]):
            found += table.to_pylist()
            found += [b for b in bad if isinstance(b, Bad)]
    return found


def both(path: Path, **options: Any) -> tuple[list[Any], list[Any]]:
    given = Input(path=str(path), **options)
    fast = whole(path, given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "read_columns", reading.read_part)
        return fast, whole(path, given)


def key(item: Any) -> Any:
    return (item.position, item.error) if isinstance(item, Bad) else (item["id"], item["text"])


def same(fast: list[Any], slow: list[Any]) -> None:
    # How documents fall into batches may differ, and with it whether the bad ones of a batch come before the next.
    assert [i for i in fast if not isinstance(i, Bad)] == [i for i in slow if not isinstance(i, Bad)]
    assert [i for i in fast if isinstance(i, Bad)] == [i for i in slow if isinstance(i, Bad)]


@pytest.mark.parametrize(
    "options",
    [{}, {"id": None}, {"columns": ["url"]}, {"columns": []}, {"source": "mine"}, {"id": "text"}, {"text": "url"}],
    ids=str,
)
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["bare", "bom"])
def test_odd_lines_are_read_as_line_by_line(tmp_path: Path, options: dict[str, Any], start: bytes) -> None:
    path = tmp_path / "odd.jsonl"
    plain = [PLAIN % (i, i) for i in range(40)]
    path.write_bytes(start + b"\n".join([*plain, *ODD, *plain, *(line for o in ODD for line in (*plain[:20], o))]))
    fast, slow = both(path, **options, encoding="utf-8")
    same(fast, slow)
    assert sum(isinstance(i, Bad) for i in fast) >= 20 or "text" in options
    assert len(fast) > 500


def test_plain_lines_never_meet_the_slow_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plain.jsonl"
    rows = [{"id": i, "text": f"第{i}条 “text”\n{i} \\ \U0001f600", "meta": {"a": [i]}} for i in range(9000)]
    for ascii_only in (True, False):
        path.write_text("\n".join(json.dumps(r, ensure_ascii=ascii_only) for r in rows) + "\n", encoding="utf-8")

        def refuse(*_: Any) -> None:
            raise AssertionError("read line by line")

        with monkeypatch.context() as patch:
            patch.setattr("corpusmill.curate.readers.json_lines.read_line", refuse)
            found = whole(path, Input(path=str(path)))
        assert [(r["id"], r["text"]) for r in found] == [(str(r["id"]), r["text"]) for r in rows]
        assert [json.loads(r["metadata"]) for r in found] == [{"meta": r["meta"]} for r in rows]


def test_a_long_document_and_many_short_ones(tmp_path: Path) -> None:
    path = tmp_path / "sizes.jsonl"
    rows = [{"id": "long", "text": "长" * 2_000_000}] + [{"id": f"s{i}", "text": "短 s"} for i in range(10_000)]
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    fast, slow = both(path)
    same(fast, slow)
    assert len(fast) == len(rows)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["text", "id", "url", "a b", "é"]), JSONS, max_size=4),
            st.text(st.characters(codec="utf-8"), max_size=30) | st.none(),
            st.booleans(),
            st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n"]),
        ),
        max_size=40,
    )
)
@example([({"text": "x", "id": "\x7f\x80"}, None, True, b"\n")])
def test_any_json_is_read_as_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[dict[str, Any], str | None, bool, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("json") / "any.jsonl"
    out = b""
    for value, text, ascii_only, end in lines:
        record = value if text is None else {**value, "text": text}
        out += json.dumps(record, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") + end
    path.write_bytes(out)
    same(*both(path, encoding="utf-8"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80).map(lambda b: b.replace(b"\n", b"")), st.integers(0, 10_000))
def test_broken_bytes_are_read_as_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, where: int
) -> None:
    path = tmp_path_factory.mktemp("noise") / "noise.jsonl"
    whole_file = b"\n".join([*(PLAIN % (i, i) for i in range(20)), *ODD[:20]])
    at = where % len(whole_file)
    path.write_bytes(whole_file[:at] + noise + whole_file[at + len(noise) // 2 :])
    same(*both(path, encoding="utf-8"))
