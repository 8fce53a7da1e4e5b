"""Files as people have them: Excel's encodings and delimiters, JSON lists, cells that broke out of their column."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from corpusmill.curate.errors import InputError
from corpusmill.train.finetune.rows import read_rows

ROWS = [
    {"text": '他说："好"，\n走了。酒店的早餐很丰盛', "label": "1"},
    {"text": "A dull, long film; no\tmore", "label": "0"},
]


def written(delimiter: str) -> str:
    quoted = [row["text"].replace('"', '""') for row in ROWS]
    cells = [["text", "label"], *([f'"{text}"', row["label"]] for text, row in zip(quoted, ROWS, strict=True))]
    return "\r\n".join(delimiter.join(row) for row in cells) + "\r\n"


def rows(path: Path) -> list[dict[str, object]]:
    return [row for _, row in read_rows(path)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_in_any_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / ("a.tsv" if delimiter == "\t" else "a.csv")
    path.write_bytes(written(delimiter).encode(encoding))
    assert rows(path) == ROWS


def test_a_list_and_lines_of_json(tmp_path: Path) -> None:
    for text in (json.dumps(ROWS, ensure_ascii=False, indent=2), "\n".join(json.dumps(row) for row in ROWS)):
        (tmp_path / "a.json").write_text(text, "utf-8")
        (tmp_path / "a.json.gz").write_bytes(gzip.compress(text.encode()))
        assert rows(tmp_path / "a.json") == rows(tmp_path / "a.json.gz") == ROWS


def test_long_cells_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "判决" * 100_000 + ",1\n", "utf-8")
    assert len(str(rows(path)[0]["text"])) == 200_000


@pytest.mark.parametrize(
    ("name", "data", "match"),
    [
        ("a.csv", "text,label\n好，很好,1\na film, dull,0\n".encode(), r":3 has more cells than the header"),
        ("a.jsonl", '{"text": "好"}'.encode("gb18030"), "is not UTF-8"),
        ("a.jsonl", b'{"text": 1}\n[1]\n', ":2 is not a JSON object"),
        ("a.json", b'[{"text": 1}, 2]', "item 2 is not a JSON object"),
        ("a.json", b'[{"text": 1},\n,]', ":2 is not JSON"),
        ("a.txt", b"x", "convert it to one of these"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path: Path, name: str, data: bytes, match: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=match):
        rows(tmp_path / name)
