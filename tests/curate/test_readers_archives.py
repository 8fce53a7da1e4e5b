"""tar, WARC and WET."""

from __future__ import annotations

import gzip
import io
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest
import zstandard
from reading_whole import read_whole

from corpusmill.curate.documents import position_id

ZH = "第一条 为了保护公民的合法权益，维护社会秩序，根据宪法，制定本法。"
EN = "The patient has no fever; the lungs are clear."


def page(text: str, charset: str = "utf-8") -> bytes:
    codec = {"gb2312": "gb18030"}.get(charset, charset)
    return f"<html><head><title>T</title></head><body><main><p>{text}</p></main></body></html>".encode(codec)


def tar(members: list[tuple[str, bytes]], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return out.getvalue()


MEMBERS = [
    ("网页/a.html", page(ZH)),
    ("b.txt", ZH.encode("gb18030")),
    ("c.jsonl.gz", gzip.compress(b'{"text": "one", "id": "1"}\n{"text": "two"}\nnot json\n')),
    ("d.csv", "text,n\n好,1\n".encode()),
    (".hidden/x.txt", b"hidden"),
    ("._e.txt", b"mac"),
    ("f.xml", b"<x/>"),
    ("inner.tar.gz", b""),
    ("b.txt", EN.encode()),
]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz", "a.tar.zst"])
def test_tar(tmp_path: Path, name: str) -> None:
    mode = {"gz": "w:gz", "tgz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}.get(name.rsplit(".", 1)[1], "w")
    data = tar(MEMBERS, mode)
    (tmp_path / name).write_bytes(zstandard.ZstdCompressor().compress(data) if name.endswith(".zst") else data)
    whole = read_whole(tmp_path / name)
    assert whole.texts == [ZH, ZH, "one", "two", "好", EN]
    assert [row["source"].removeprefix(f"{name}/") for row in whole.rows] == [
        "网页/a.html", "b.txt", "c.jsonl.gz", "c.jsonl.gz", "d.csv", "b.txt#2",
    ]  # fmt: skip
    assert [row["id"] for row in whole.rows[:3]] == [
        position_id(f"{name}/网页/a.html", 0), position_id(f"{name}/b.txt", 0), "1",
    ]  # fmt: skip
    assert len({row["id"] for row in whole.rows}) == 6
    found = [(bad.source.removeprefix(f"{name}/"), bad.error.split(":")[0], bad.refused) for bad in whole.bads]
    assert found[0][0] == "c.jsonl.gz"
    assert found[1:] == [("f.xml", "no reader", True), ("inner.tar.gz", "an archive in an archive; unpack it", True)]


def test_members_take_the_inputs_format(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar([("f.xml", b"<x>word</x>"), ("g", EN.encode())]))
    assert read_whole(tmp_path / "a.tar", format="text").texts == ["<x>word</x>", EN]


def test_broken_tars(tmp_path: Path) -> None:
    data = tar([(f"{i}.txt", f"{ZH}{i}".encode()) for i in range(50)])
    for name, broken in (
        ("cut.tar", data[: 20 * 1024 + 600]),
        ("cut.tar.gz", gzip.compress(data, 0)[: 20 * 1024 + 600]),
        ("noise.tar", b"no archive at all " * 100),
    ):
        (tmp_path / name).write_bytes(broken)
        whole = read_whole(tmp_path / name)
        assert whole.texts == [f"{ZH}{i}" for i in range(0 if name == "noise.tar" else 20)]
        assert len(whole.bads) == 1, name
        assert whole.errors[0].startswith(("corrupt archive", "truncated gzip"))


def warc(kind: str, content_type: str, block: bytes, n: int = 0) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://例子.cn/{n}\r\nWARC-Date: 2024-05-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:{n}>\r\nContent-Type: {content_type}\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def response(content_type: str, payload: bytes, n: int = 0, status: str = "200 OK", extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{extra}\r\n".encode()
    return warc("response", "application/http; msgtype=response", head + payload, n)


CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n"
RECORDS = [
    warc("warcinfo", "application/warc-fields", b"software: test"),
    warc("request", "application/http; msgtype=request", b"GET / HTTP/1.1\r\n\r\n"),
    response("text/html; charset=utf-8", page(ZH), 1),
    response("text/html; charset=gb2312", page(ZH, "gb2312"), 2),
    response("text/html", gzip.compress(page(EN)), 3, extra="Content-Encoding: gzip\r\n"),
    response("text/html", CHUNKED % (len(page(EN)), page(EN)), 4, extra="Transfer-Encoding: chunked\r\n"),
    response("image/png", b"\x89PNG", 5),
    response("text/html", page(EN), 6, status="404 Not Found"),
    response("text/html", b"not gzip at all", 7, extra="Content-Encoding: gzip\r\n"),
    warc("metadata", "application/warc-fields", b"x: y"),
    warc("revisit", "application/http", b"HTTP/1.1 200 OK\r\n\r\n"),
    warc("conversion", "text/plain", ZH.encode(), 8),
    response("text/plain; charset=big5", "第一條 為了保護公民的合法權益".encode("big5"), 9),
    warc("resource", "text/html", page(EN), 10),
]
TEXTS = [ZH, ZH, EN, EN, ZH, "第一條 為了保護公民的合法權益", EN]


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz", "whole.warc.gz", "a.warc.zst", "a.wet.gz", "a.warc.wet.gz"])
def test_warc(tmp_path: Path, name: str) -> None:
    if name == "a.warc":
        data = b"".join(RECORDS)
    elif name == "whole.warc.gz":
        data = gzip.compress(b"".join(RECORDS))
    elif name.endswith(".zst"):
        data = zstandard.ZstdCompressor().compress(b"".join(RECORDS))
    else:
        data = b"".join(map(gzip.compress, RECORDS))
    (tmp_path / name).write_bytes(data)
    whole = read_whole(tmp_path / name)
    assert whole.texts == TEXTS
    assert whole.fields(1) == {
        "url": "http://例子.cn/2", "date": "2024-05-01T00:00:00Z", "record_id": "urn:uuid:2",
        "encoding": "gb18030", "title": "T",
    }  # fmt: skip
    assert len({row["id"] for row in whole.rows} | {bad.id for bad in whole.bads}) == len(TEXTS) + 3
    assert [(bad.error.split(":")[0], bad.refused) for bad in whole.bads] == [
        ("content type image/png is not text", True),
        ("HTTP status 404", True),
        ("bad HTTP response", False),
    ]
    if name == "a.warc":
        assert whole.rows[0]["id"] == position_id(name, len(RECORDS[0] + RECORDS[1]))
    assert read_whole(tmp_path / name, id="url").rows[0]["id"] == "http://例子.cn/1"


def test_broken_warcs(tmp_path: Path) -> None:
    records = [response("text/html", page(f"{ZH}{i}"), i) for i in range(10)]
    packed = [gzip.compress(record) for record in records]
    half = len(packed[4]) // 2
    cases = {
        "cut.warc": (b"".join(records[:4]) + records[4][:-80], 4, "truncated"),
        "cut.warc.gz": (b"".join(packed[:4]) + packed[4][:half], 4, "truncated"),
        "noise.warc": (b"nothing of the kind " * 50, 0, "bad WARC"),
        "noise.warc.gz": (gzip.compress(b"nothing of the kind " * 50), 0, "bad WARC"),
        # A broken member costs its own record; reading goes on at the next.
        "hole.warc.gz": (b"".join(packed[:4]) + packed[4][:half] + b"".join(packed[5:]), 9, "corrupt gzip data"),
    }
    for name, (data, n, reason) in cases.items():
        (tmp_path / name).write_bytes(data)
        whole = read_whole(tmp_path / name)
        expected = [f"{ZH}{i}" for i in range(10) if n == 9 or i < n]
        assert whole.texts == [text for text in expected if n != 9 or text != f"{ZH}4"], name
        assert any(error.startswith(reason) for error in whole.errors), (name, whole.errors)
        assert len(whole.bads) <= 2, whole.errors


def test_real_archives(shared_data: Path) -> None:
    found = {}
    for name in ("cc_sample.warc.gz", "crawl_a.warc.gz", "cc_one_record.warc.gz", "cc_one_record.warc.wet.gz"):
        whole = read_whole(shared_data / "web" / name)
        found[name] = (len(whole.rows), whole.errors)
        assert all("\ufffd" not in text for text in whole.texts[:3])
    assert found == {
        "cc_sample.warc.gz": (16, []),
        "crawl_a.warc.gz": (24, []),
        "cc_one_record.warc.gz": (1, []),
        "cc_one_record.warc.wet.gz": (1, []),
    }


def zipped(members: list[tuple[str | bytes, bytes]]) -> bytes:
    """A zip whose names given as bytes are written so, unmarked, as programs of a Chinese Windows do."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that comes twice
        for name, data in members:
            archive.writestr(name if isinstance(name, str) else "#" * len(name), data)
    raw = out.getvalue()
    for name in (n for n, _ in members if isinstance(n, bytes)):
        raw = raw.replace(b"#" * len(name), name)
    return raw


def test_zip(tmp_path: Path) -> None:
    gbk = "案例/判决书.txt".encode("gbk")
    (tmp_path / "a.zip").write_bytes(zipped([*MEMBERS, (gbk, ZH.encode()), ("空/", b"")]))
    whole = read_whole(tmp_path / "a.zip")
    assert whole.texts == [ZH, ZH, "one", "two", "好", EN, ZH]
    assert [row["source"].removeprefix("a.zip/") for row in whole.rows] == [
        "网页/a.html", "b.txt", "c.jsonl.gz", "c.jsonl.gz", "d.csv", "b.txt#2", "案例/判决书.txt",
    ]  # fmt: skip
    assert [(b.source.removeprefix("a.zip/"), b.refused) for b in whole.bads] == [
        ("c.jsonl.gz", False), ("f.xml", True), ("inner.tar.gz", True),
    ]  # fmt: skip
    assert len({row["id"] for row in whole.rows}) == len(whole.rows)


def test_broken_and_locked_zips(tmp_path: Path) -> None:
    data = zipped([("a.txt", ZH.encode() * 50), ("b.txt", EN.encode() * 50)])
    (tmp_path / "cut.zip").write_bytes(data[:100])
    at = data.index(b"a.txt") + 10
    (tmp_path / "damaged.zip").write_bytes(data[:at] + b"\xff" * 20 + data[at + 20 :])
    locked = bytearray(data)
    for i in range(len(locked) - 4):
        if locked[i : i + 4] == b"PK\x01\x02":
            locked[i + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(bytes(locked))
    (tmp_path / "none.zip").write_bytes(b"no zip at all")
    whole = read_whole(tmp_path)
    assert whole.texts == [EN * 50]  # of the damaged one, the member that is whole
    reasons = [(b.source, b.error) for b in whole.bads]
    assert [source for source, _ in reasons] == [
        "cut.zip", "damaged.zip/a.txt", "locked.zip/a.txt", "locked.zip/b.txt", "none.zip",
    ]  # fmt: skip
    assert all("encrypted" in error if "locked" in source else "corrupt archive" in error for source, error in reasons)


def test_a_member_too_large_to_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("members", "zip_files"):
        monkeypatch.setattr(f"corpusmill.curate.readers.{module}.MAX_RECORD_BYTES", 1 << 20)
    data = bytearray(zipped([("bomb.txt", b"0" * (8 << 20)), ("large.txt", b"0" * (2 << 20))]))
    at = data.index(b"PK\x01\x02") + 24  # the first one claims to be small
    data[at : at + 4] = (1000).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(bytes(data))
    whole = read_whole(tmp_path / "a.zip")
    assert whole.texts == []
    assert [b.source for b in whole.bads] == ["a.zip/bomb.txt", "a.zip/large.txt"]
