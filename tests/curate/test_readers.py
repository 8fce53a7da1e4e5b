"""JSONL, JSON, plain text and HTML."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest
import zstandard
from reading_whole import read_whole

from corpusmill.curate.documents import MAX_BATCH_ROWS, position_id
from corpusmill.curate.readers import Input, parts, plan_units, records

ZH = "第一条 为了保护公民的合法权益，维护社会秩序，根据宪法，制定本法。"
HANT = "第一條 為了保護公民的合法權益，維護社會秩序，根據憲法，制定本法。"
EN = "The patient has no fever; the lungs are clear."


def jsonl(*rows: object) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.jsonl", bytes),
        ("a.jsonl.gz", gzip.compress),
        ("a.jsonl.zst", zstandard.ZstdCompressor().compress),
        ("a.jsonl.bz2", bz2.compress),
        ("a.jsonl.xz", lzma.compress),
        ("named.as.plain.jsonl", gzip.compress),
        ("named.as.packed.jsonl.gz", bytes),
    ],
)
def test_jsonl(tmp_path: Path, name: str, pack: object) -> None:
    data = jsonl({"id": "甲", "text": ZH, "年": 2024}, {"id": 7, "text": EN, "tags": ["a", "b"]}, {"text": ""})
    (tmp_path / name).write_bytes(pack(data))  # type: ignore[operator]
    whole = read_whole(tmp_path / name)
    assert whole.texts == [ZH, EN, ""]
    third = data.index(b'{"text": ""}')
    assert [row["id"] for row in whole.rows] == ["甲", "7", position_id(name, third)]
    assert [row["source"] for row in whole.rows] == [name] * 3
    assert [row["metadata"] for row in whole.rows] == ['{"年":2024}', '{"tags":["a","b"]}', None]
    assert whole.bads == []


def test_each_bad_line_is_alone(tmp_path: Path) -> None:
    good = [jsonl({"text": ZH}), jsonl({"text": EN})]
    broken = {
        b"{not json}\n": "bad JSON",
        jsonl({"content": "x", "url": "y"}): "no field 'text'; the fields are: content, url",
        jsonl({"text": ["a"], "id": "own"}): "field 'text' is no text but a list",
        jsonl([1, 2]): "not an object but a list",
        b'{"text": "caf\xe9"}\n': "undecodable",
        jsonl({"text": "\x00\x01\x02\x03PNG"}): "binary",
    }
    (tmp_path / "a.jsonl").write_bytes(good[0] + b"".join(broken) + b"\n  \n" + good[1])
    whole = read_whole(tmp_path / "a.jsonl")
    assert whole.texts == [ZH, EN]
    assert len(whole.bads) == len(broken)
    for bad, (raw, reason) in zip(whole.bads, broken.items(), strict=True):
        assert bad.error.startswith(reason)
        assert bad.raw + b"\n" == raw
        assert bad.source == "a.jsonl"
        assert bad.id == ("own" if b"own" in raw else position_id("a.jsonl", bad.position))


def test_json_as_people_write_it(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(
        b'\xef\xbb\xbf{"text": "first", "score": NaN}\r\n'
        b'{"text": "cut \\ud83d", "id": true}\r\n'
        b'{"text": null, "id": 123456789012345678901234567890}\r\n'
        b'{"text": "last", "id": 123456789012345678901234567891}'
    )
    whole = read_whole(tmp_path / "a.jsonl")
    assert whole.texts == ["first", "cut �", "", "last"]
    assert whole.fields(0) == {"score": None}
    assert whole.fields(1) == {"id": True}
    assert [r["id"] for r in whole.rows[2:]] == ["123456789012345678901234567890", "123456789012345678901234567891"]


def test_fields_are_chosen(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(jsonl({"正文": ZH, "编号": "x1", "b": 1, "c": 2}, {"正文": EN, "c": 3}))
    whole = read_whole(tmp_path / "a.jsonl", text="正文", id="编号", columns=["b", "missing"])
    assert whole.texts == [ZH, EN]
    assert whole.rows[0]["id"] == "x1"
    assert [row["metadata"] for row in whole.rows] == ['{"b":1}', None]
    whole = read_whole(tmp_path / "a.jsonl", text="正文", id=None)
    assert whole.rows[0]["id"] == position_id("a.jsonl", 0)
    assert whole.fields(0) == {"编号": "x1", "b": 1, "c": 2}


@pytest.mark.parametrize(("codec", "content"), [("gb18030", ZH), ("big5", HANT), ("utf-16", ZH), ("utf-16-be", EN)])
def test_jsonl_in_other_encodings(tmp_path: Path, codec: str, content: str) -> None:
    rows = [{"id": str(i), "text": f"{content}{i}"} for i in range(50)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "a.jsonl").write_bytes(lines.encode(codec))
    whole = read_whole(tmp_path / "a.jsonl", encoding="utf-16-be" if codec == "utf-16-be" else "auto")
    assert whole.errors == []
    assert whole.texts == [row["text"] for row in rows]


def test_a_broken_line_in_a_gb18030_file_is_alone(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"{ZH}{i}"}, ensure_ascii=False).encode("gb18030") for i in range(20)]
    lines[7] = b'{"text": "\xff\xff\x80"}'
    lines[9] = json.dumps({"text": "这一行是 UTF-8 的。"}, ensure_ascii=False).encode() + b" "
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    whole = read_whole(tmp_path / "a.jsonl")
    assert len(whole.rows) == 19
    assert [bad.raw for bad in whole.bads] == [lines[7]]
    assert whole.errors[0].startswith("undecodable: not valid gb18030")


def test_json_files(tmp_path: Path) -> None:
    rows = [{"id": "1", "text": ZH}, {"text": EN, "n": 2}, {"no": "text"}]
    (tmp_path / "array.json").write_text(json.dumps(rows, indent=1), encoding="utf-16")
    (tmp_path / "lines.json").write_bytes(jsonl(*rows))
    (tmp_path / "object.json").write_text(json.dumps(rows[0], indent=1))
    (tmp_path / "broken.json").write_bytes(b'[{"text": "x",},]')
    (tmp_path / "empty.json").write_bytes(b"")
    for name in ("array.json", "lines.json"):
        whole = read_whole(tmp_path / name)
        assert whole.texts == [ZH, EN]
        assert whole.rows[0]["id"] == "1"
        assert whole.errors == ["no field 'text'; the fields are: no"]
        assert json.loads(whole.bads[0].raw) == {"no": "text"}
    assert read_whole(tmp_path / "array.json").rows[1]["id"] == position_id("array.json", 1)
    assert read_whole(tmp_path / "object.json").texts == [ZH]
    whole = read_whole(tmp_path / "broken.json")
    assert whole.rows == []
    assert [bad.raw for bad in whole.bads] == [b'[{"text": "x",},]']
    assert read_whole(tmp_path / "empty.json").rows == []


def test_corrupt_gzip_keeps_what_comes_before(tmp_path: Path) -> None:
    data = jsonl(*({"id": str(i), "text": f"{ZH}{i} {position_id('noise', i)}"} for i in range(3000)))
    packed = gzip.compress(data)
    half = len(packed) // 2
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[:half])
    whole = read_whole(tmp_path / "cut.jsonl.gz")
    assert 1000 < len(whole.rows) < 2000
    assert whole.texts == [json.loads(line)["text"] for line in data.splitlines()[: len(whole.rows)]]
    assert len(whole.bads) == 1
    assert whole.errors[0].startswith("truncated gzip data")
    kept = data.splitlines(keepends=True)[: len(whole.rows)]
    assert whole.bads[0].position == len(b"".join(kept))
    assert data[whole.bads[0].position :].startswith(whole.bads[0].raw)

    (tmp_path / "flipped.jsonl.gz").write_bytes(packed[:half] + bytes(200) + packed[half + 200 :])
    whole = read_whole(tmp_path / "flipped.jsonl.gz")
    assert len(whole.rows) > 1000
    assert whole.errors[-1].startswith("corrupt gzip data")

    (tmp_path / "crc.jsonl.gz").write_bytes(packed[:-8] + b"\x00\x00\x00\x00" + packed[-4:])
    whole = read_whole(tmp_path / "crc.jsonl.gz")
    assert len(whole.rows) == 3000
    assert len(whole.bads) == 1


def test_gzip_of_several_members_and_padding(tmp_path: Path) -> None:
    packed = gzip.compress(jsonl({"text": ZH})) + gzip.compress(jsonl({"text": EN})) + bytes(512)
    (tmp_path / "a.jsonl.gz").write_bytes(packed)
    whole = read_whole(tmp_path / "a.jsonl.gz")
    assert (whole.texts, whole.errors) == ([ZH, EN], [])


def test_tables_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(jsonl(*({"text": f"{i}"} for i in range(MAX_BATCH_ROWS + 10))))
    assert read_whole(tmp_path / "a.jsonl").tables == [MAX_BATCH_ROWS, 10]
    monkeypatch.setattr(records, "MAX_BATCH_BYTES", 1000)
    (tmp_path / "b.jsonl").write_bytes(jsonl({"text": "x" * 1500}, *({"text": "中" * 100} for _ in range(7))))
    assert read_whole(tmp_path / "b.jsonl").tables == [1, 3, 3, 1]


def test_a_text_file_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "zh.txt").write_bytes((ZH + "\r\n\r\n第二段。").encode("gb18030"))
    (tmp_path / "hant.md").write_bytes(HANT.encode("big5"))
    (tmp_path / "en.txt.gz").write_bytes(gzip.compress(EN.encode("utf-16")))
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(32)) * 4)
    whole = read_whole(tmp_path)
    found = {row["source"]: (row["text"], row["metadata"]) for row in whole.rows}
    assert found == {
        "zh.txt": (ZH + "\n\n第二段。", '{"encoding":"gb18030"}'),
        "hant.md": (HANT, '{"encoding":"big5"}'),
        "en.txt.gz": (EN, '{"encoding":"utf-16-le"}'),
    }
    assert [(bad.source, bad.position) for bad in whole.bads] == [("picture.txt", 0)]
    assert whole.errors[0].startswith(("binary", "undecodable"))


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_paragraphs_and_lines(tmp_path: Path, codec: str) -> None:
    content = f"\n\n{ZH}\n续行\n　　\n{EN}\nmore\n \t\n\n\n{ZH}"
    (tmp_path / "a.txt").write_bytes(content.encode(codec))
    whole = read_whole(tmp_path / "a.txt", text_documents="paragraph")
    assert whole.texts == [f"{ZH}\n续行", f"{EN}\nmore", ZH]
    whole = read_whole(tmp_path / "a.txt", text_documents="line")
    assert [t for t in whole.texts if t.strip()] == [ZH, "续行", EN, "more", ZH]


def test_a_document_too_large_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MAX_RECORD_BYTES", 1000)
    (tmp_path / "a.txt").write_text("x" * 1001)
    (tmp_path / "b.txt").write_text("x" * 1000)
    whole = read_whole(tmp_path)
    assert [len(t) for t in whole.texts] == [1000]
    assert "set text_documents to paragraph or line" in whole.errors[0]


PAGE = """<html><head><title> {title}
 &amp; more</title><meta http-equiv="Content-Type" content="text/html; charset={charset}"></head><body>
<nav><a href="/">Home</a></nav><main><article><h1>{title}</h1><p>{text}</p><p>{text}</p></article></main>
<script>var x = 1;</script></body></html>"""


@pytest.mark.parametrize(
    ("codec", "charset", "content"),
    [
        ("utf-8", "utf-8", ZH),
        ("utf-8", "gb2312", ZH),
        ("gb18030", "gb2312", ZH),
        ("big5", "big5", HANT),
        ("gb18030", "", ZH),
        ("cp1252", "iso-8859-1", "It’s a naïve café. " + EN),
    ],
)
def test_html_pages(tmp_path: Path, codec: str, charset: str, content: str) -> None:
    page = PAGE.format(title="A title", charset=charset, text=content)
    (tmp_path / "page.html").write_bytes(page.encode(codec))
    for extractor in ("auto", "fast", "trafilatura"):
        whole = read_whole(tmp_path / "page.html", html=extractor)
        assert whole.errors == []
        assert content in whole.texts[0]
        assert "var x" not in whole.texts[0]
        assert whole.fields(0)["title"] == "A title & more"
        assert whole.fields(0).get("encoding") == (None if codec == "utf-8" else codec)


def test_a_page_that_breaks_the_extractor_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_deep.html").write_text("<div>" * 5000 + "x" + "</div>" * 5000)
    (tmp_path / "b_good.html").write_text("<div>" * 100 + f"<p>{EN}</p>" + "</div>" * 100)
    whole = read_whole(tmp_path)
    assert len(whole.rows) == 1
    assert "nested more than 2,048 deep" in whole.errors[0]

    def explode(*_: object, **__: object) -> str:
        raise RuntimeError("boom")

    monkeypatch.setattr("corpusmill.curate.readers.html.page.find", explode)
    whole = read_whole(tmp_path / "b_good.html")
    assert whole.errors == ["auto failed on this page: RuntimeError: boom"]


def test_a_source_of_your_own(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for name in ("a.jsonl", "x/a.jsonl"):
        (tmp_path / name).write_bytes(jsonl({"text": ZH}))
    whole = read_whole(Input(path=str(tmp_path), source="laws"))
    assert [row["source"] for row in whole.rows] == ["laws", "laws"]
    assert [whole.fields(i)["file"] for i in range(2)] == ["laws/a.jsonl", "laws/x/a.jsonl"]
    assert len({row["id"] for row in whole.rows}) == 2


def test_input_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="unknown encoding 'klingon'"):
        Input(path="x", encoding="klingon")
    with pytest.raises(ValueError, match="format"):
        Input(path="x", format="doc")  # type: ignore[arg-type]
    assert plan_units([]).units == []
