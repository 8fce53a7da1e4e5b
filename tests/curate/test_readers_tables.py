"""CSV and Parquet."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading_whole import read_whole

from corpusmill.curate.documents import position_id

ZH = "第一条 为了保护公民的合法权益，维护社会秩序，根据宪法，制定本法。"
EN = "The patient has no fever; the lungs are clear."
ROWS = [
    ["科室", "text", "id"],
    ["内科", f'{ZH}\n第二行，含“引号”"和, 逗号', "z1"],
    ["surgery", EN, ""],
    ["", "", "e1"],
]


def as_csv(rows: list[list[str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("a.csv.gz", ",")])
def test_csv(tmp_path: Path, codec: str, name: str, delimiter: str) -> None:
    data = as_csv(ROWS, delimiter).encode(codec)
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    whole = read_whole(tmp_path / name)
    assert whole.errors == []
    assert whole.texts == [row[1] for row in ROWS[1:]]
    assert [whole.fields(i) for i in range(3)] == [{"科室": "内科"}, {"科室": "surgery", "id": ""}, {"科室": ""}]
    assert [row["id"] for row in whole.rows][::2] == ["z1", "e1"]
    if codec == "utf-8":
        assert whole.rows[1]["id"] == position_id(name, data.index(b"surgery"))


def test_csv_in_big5(tmp_path: Path) -> None:
    rows = [["text", "功能"], *([f"許功蓋，第{i}條\n為了保護公民的合法權益", "蓋"] for i in range(20))]
    (tmp_path / "a.csv").write_bytes(as_csv(rows).encode("big5"))  # 許功蓋 end in the bytes of | and \\
    whole = read_whole(tmp_path / "a.csv")
    assert (whole.errors, whole.texts) == ([], [row[0] for row in rows[1:]])


def test_another_delimiter(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(as_csv(ROWS, ";"), encoding="utf-8")
    assert len(read_whole(tmp_path / "a.csv", delimiter=";").rows) == 3


def test_csv_rows_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        "id,text\n1,好\n2,too,many\n3\n\n".encode() + b'4,caf\xe9 "x"\n' + '5,尾\n6,"never closed\n7,也好\n'.encode()
    )
    whole = read_whole(tmp_path / "a.csv")
    assert [(row["id"], row["text"]) for row in whole.rows] == [("1", "好"), ("5", "尾"), ("7", "也好")]
    assert [(bad.error.split(" (")[0], bad.raw) for bad in whole.bads] == [
        ("the row has 3 fields and the header 2", b"2,too,many"),
        ("the row has 1 fields and the header 2", b"3"),
        ("undecodable: not valid utf-8", b'4,caf\xe9 "x"'),
        ("a quote opens in this line and never closes", b'6,"never closed'),
    ]


def test_a_field_may_be_long(tmp_path: Path) -> None:
    long = "中文，English. " * 40_000
    (tmp_path / "a.csv").write_text(as_csv([["text"], [long]]), encoding="utf-8")
    assert read_whole(tmp_path / "a.csv").texts == [long]


def test_a_missing_column_refuses_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("问,答\n甲,乙\n丙,丁\n", encoding="utf-8")
    whole = read_whole(tmp_path / "a.csv")
    assert whole.rows == []
    assert whole.errors == ["no column 'text'; the columns are: 问, 答 (set text to one of them)"]
    assert [row["text"] for row in read_whole(tmp_path / "a.csv", text="答").rows] == ["乙", "丁"]


def test_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": [ZH, EN, None, ""],
            "id": pa.array([7, None, 9, 10], pa.int64()),
            "when": [datetime.date(2024, 5, 1)] * 4,
            "score": [1.5, float("nan"), None, 2.0],
            "tags": [["a"], [], None, ["b", "丙"]],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=3)
    whole = read_whole(tmp_path / "a.parquet")
    assert whole.texts == [ZH, EN, "", ""]
    assert [row["id"] for row in whole.rows] == ["7", position_id("a.parquet", 1), "9", "10"]
    assert whole.fields(0) == {"when": "2024-05-01", "score": 1.5, "tags": ["a"]}
    assert whole.fields(1) == {"id": None, "when": "2024-05-01", "score": None, "tags": []}
    assert read_whole(tmp_path / "a.parquet", columns=["score"]).fields(3) == {"score": 2.0}
    assert read_whole(tmp_path / "a.parquet", columns=[]).rows[0]["metadata"] is None


@pytest.mark.parametrize("dtype", [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary(), pa.string()])
def test_parquet_text_types(tmp_path: Path, dtype: pa.DataType) -> None:
    values = pa.array([ZH, EN, "\x00\x01\x02\x03"], pa.string())
    column = values.dictionary_encode() if pa.types.is_dictionary(dtype) else values.cast(dtype)
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet", store_schema=True)
    whole = read_whole(tmp_path / "a.parquet")
    assert whole.texts == [ZH, EN]
    assert [(bad.position, bad.error[:6]) for bad in whole.bads] == [(2, "binary")]


def test_parquet_that_is_not_utf8(tmp_path: Path) -> None:
    raw = pa.array([ZH.encode(), ZH.encode("gb18030"), EN.encode()], pa.binary())
    lying = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    pq.write_table(pa.table({"text": lying, "id": ["a", "b", "c"]}), tmp_path / "a.parquet")
    whole = read_whole(tmp_path / "a.parquet")
    assert [row["id"] for row in whole.rows] == ["a", "c"]
    assert [(bad.id, bad.position, bad.raw) for bad in whole.bads] == [("b", 1, ZH.encode("gb18030"))]


def test_parquet_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a_noise.parquet").write_bytes(b"PAR1 not really PAR1")
    pq.write_table(pa.table({"text": [1, 2]}), tmp_path / "b_number.parquet")
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "c_other.parquet")
    pq.write_table(
        pa.table({"text": [f"{ZH}{i}" for i in range(5000)]}), tmp_path / "d_cut.parquet", row_group_size=100
    )
    data = (tmp_path / "d_cut.parquet").read_bytes()
    (tmp_path / "d_cut.parquet").write_bytes(data[:5000] + bytes(500) + data[5500:])
    whole = read_whole(tmp_path)
    assert whole.errors[0].startswith("not a readable Parquet file")
    assert whole.errors[1:3] == [
        "column 'text' is no text but int64",
        "no column 'text'; the columns are: body (set text to one of them)",
    ]
    assert all(error.startswith("corrupt Parquet") for error in whole.errors[3:])
    assert len(whole.errors) > 3
    assert 4000 < len(whole.rows) < 5000
