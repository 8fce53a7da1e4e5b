"""Finding files, and cutting and grouping them."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from reading_whole import read_whole
from test_readers_archives import page, response, tar

from corpusmill.curate.errors import InputError
from corpusmill.curate.readers import Input, Unit, plan_units, streams, units

ZH = "第一条 为了保护公民的合法权益，维护社会秩序，根据宪法，制定本法。"
EN = "The patient has no fever; the lungs are clear."


def lines(n: int, seed: int = 0) -> list[str]:
    """Lines of very different lengths, Chinese and English."""
    rng = random.Random(seed)
    return [f"{i} " + rng.choice([ZH, EN]) * rng.choice([0, 1, 1, 2, 9]) + f" {rng.random()}" for i in range(n)]


def jsonl(n: int) -> bytes:
    rows = [json.dumps({"id": str(i) if i % 3 else "", "text": t}, ensure_ascii=False) for i, t in enumerate(lines(n))]
    rows[n // 2] = "{broken"
    rows[n // 3] = ""
    return "\n".join(rows).encode()


def paragraphs(n: int) -> str:
    rng = random.Random(1)
    return "".join(line + rng.choice(["\n", "\n\n", "\n \n", "\r\n", "\n　　\n\n"]) for line in lines(n))


def _parquet(path: Path) -> None:
    pq.write_table(pa.table({"text": lines(300)}), path, row_group_size=17)


ZSTD = zstandard.ZstdCompressor().compress
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain.jsonl": (jsonl(90), {}),
    "bom.jsonl": (b"\xef\xbb\xbf" + jsonl(90), {}),
    "packed.jsonl.gz": (gzip.compress(jsonl(900)), {}),
    "members.jsonl.gz": (b"".join(gzip.compress(part) for part in jsonl(900).split(b"\xa4")), {}),
    "packed.jsonl.zst": (ZSTD(jsonl(900)), {}),
    "packed.jsonl.bz2": (bz2.compress(jsonl(900)), {}),
    "packed.jsonl.xz": (lzma.compress(jsonl(900)), {}),
    "cut.jsonl.gz": (gzip.compress(jsonl(900))[:-3000], {}),
    "flipped.jsonl.gz": (gzip.compress(jsonl(900))[:-3000] + bytes(3000), {}),
    "lines.txt": ("\n".join(lines(90)).encode("gb18030"), {"text_documents": "line"}),
    "paragraphs.txt": (paragraphs(120).encode(), {"text_documents": "paragraph"}),
    "paragraphs18030.txt": (paragraphs(120).encode("gb18030"), {"text_documents": "paragraph"}),
    "paragraphs.txt.gz": (gzip.compress(paragraphs(900).encode()), {"text_documents": "paragraph"}),
    "cutparagraphs.txt.gz": (gzip.compress(paragraphs(900).encode())[:-2000], {"text_documents": "paragraph"}),
    "wide.jsonl": (jsonl(100).decode().encode("utf-16"), {}),
    "plain.csv": ("text,n\n" + "".join(f"{t},x\n" for t in lines(90)) + "a,b,c\n", {}),
    "plain.csv.gz": (gzip.compress(("text,n\n" + "".join(f"{t},x\n" for t in lines(900))).encode()), {}),
    "quoted.csv": ("text,n\n" + "".join(f'"{t}\n第二行",x\n' for t in lines(200)), {}),
    "rows.parquet": (_parquet, {}),
    "pages.tar": (tar([(f"{i}.txt", t.encode()) for i, t in enumerate(lines(60))]), {}),
    "pages.tar.gz": (gzip.compress(tar([(f"{i}.txt", t.encode()) for i, t in enumerate(lines(120))])), {}),
    "cutpages.tar.gz": (gzip.compress(tar([(f"{i}.txt", t.encode()) for i, t in enumerate(lines(120))]))[:4000], {}),
    "crawl.warc": (b"".join(response("text/html", page(t), i) for i, t in enumerate(lines(40))), {}),
    "crawl.warc.gz": (b"".join(gzip.compress(response("text/html", page(t))) for t in lines(60)), {}),
}
WHOLE = {"wide.jsonl", "quoted.csv"}


@pytest.mark.parametrize("name", CASES)
def test_documents_are_the_same_however_they_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data, options = CASES[name]
    if callable(data):
        data(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
    for module in (streams, units):
        monkeypatch.setattr(module, "FEED_BYTES", 512)
    monkeypatch.setattr(units, "MAX_PARTS", 7)
    size = (tmp_path / name).stat().st_size
    once = read_whole(tmp_path / name, **options)
    assert len(once.plan.units) == 1
    assert len(once.rows) > 20
    for unit_bytes in (37, 500, 1024, size // 2):
        cut = read_whole(tmp_path / name, unit_bytes=unit_bytes, **options)
        assert (len(cut.plan.units) > 1) == (name not in WHOLE)
        assert cut.rows == once.rows
        assert cut.bads == once.bads
        assert cut.plan.n_bytes == pytest.approx(size, rel=0 if name != "rows.parquet" else 0.5)
    if name != "flipped.jsonl.gz":  # what comes out before the break is seen repeats itself
        assert len({row["id"] for row in once.rows} | {b.id for b in once.bads}) == len(once.rows) + len(once.bads)


def test_every_border_of_a_small_file(tmp_path: Path) -> None:
    """Borders at, before and after newlines, in characters, in blank lines."""
    content = "a\n\n中文\n文\n\n\r\nb\n　\nc\n\nd".encode()
    (tmp_path / "a.txt").write_bytes(content)
    for mode in ("line", "paragraph"):
        once = read_whole(tmp_path / "a.txt", text_documents=mode)
        for unit_bytes in range(1, len(content)):
            cut = read_whole(tmp_path / "a.txt", text_documents=mode, unit_bytes=unit_bytes)
            assert (cut.rows, cut.bads) == (once.rows, once.bads)
    assert once.texts == ["a", "中文\n文", "b", "c", "d"]


def test_small_files_are_grouped(tmp_path: Path) -> None:
    for i in range(20):
        (tmp_path / f"{i:02}.jsonl").write_bytes(b'{"text": "' + b"x" * 88 + b'"}')
    plan = plan_units([Input(path=str(tmp_path))], 450)
    assert [len(unit.spans) for unit in plan.units] == [4, 4, 4, 4, 4]
    assert [unit.index for unit in plan.units] == [0, 1, 2, 3, 4]
    assert [unit.n_bytes for unit in plan.units] == [400] * 5
    assert plan.n_bytes == 2000
    assert Unit.from_json(json.loads(json.dumps(plan.units[2].to_json()))) == plan.units[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.jsonl", "b/c.jsonl", "b/d/e.jsonl", ".hidden.jsonl", ".git/x.jsonl", "b/[1].jsonl", "空/文.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"text": name}))
    return tmp_path


@pytest.mark.parametrize(
    ("path", "sources"),
    [
        ("", ["a.jsonl", "b/[1].jsonl", "b/c.jsonl", "b/d/e.jsonl", "空/文.jsonl"]),
        ("/**/*.jsonl", ["a.jsonl", "b/[1].jsonl", "b/c.jsonl", "b/d/e.jsonl", "空/文.jsonl"]),
        ("/*.jsonl", ["a.jsonl"]),
        ("/b/*.jsonl", ["[1].jsonl", "c.jsonl"]),
        ("/b/[1].jsonl", ["[1].jsonl"]),
        ("/?/d/*", ["b/d/e.jsonl"]),
        ("/.git", ["x.jsonl"]),
        ("/.git/*.jsonl", ["x.jsonl"]),
        ("/.hidden.jsonl", [".hidden.jsonl"]),
        ("/空/文.jsonl", ["文.jsonl"]),
    ],
)
def test_files_folders_and_globs(tree: Path, path: str, sources: list[str]) -> None:
    whole = read_whole(f"{tree}{path}")
    assert [row["source"] for row in whole.rows] == sources
    assert whole.texts == [os.path.relpath(span.path, tree) for unit in whole.plan.units for span in unit.spans]


def test_relative_paths_and_file_urls(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    expected = read_whole(str(tree / "b"))
    for path in ("b", "./b", "b/**", f"file://{tree}/b"):
        assert read_whole(path).rows == expected.rows
    monkeypatch.chdir("/")  # workers start elsewhere


def test_a_file_is_read_once_and_names_stay_apart(tree: Path) -> None:
    whole = read_whole(f"{tree}/a.jsonl", str(tree), f"{tree}/b")
    assert [row["source"] for row in whole.rows] == [
        "a.jsonl", "b/[1].jsonl", "b/c.jsonl", "b/d/e.jsonl", "空/文.jsonl",
    ]  # fmt: skip
    for name in ("x/p/1.txt", "y/p/1.txt"):
        (tree / name).parent.mkdir(parents=True)
        (tree / name).write_text("same")
    whole = read_whole(f"{tree}/x", f"{tree}/y")
    assert [row["source"] for row in whole.rows] == ["x/p/1.txt", "y/p/1.txt"]
    assert len({row["id"] for row in whole.rows}) == 2


def test_remote_files() -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe("/crawl/甲/a.jsonl.gz", gzip.compress(jsonl(50)))
    fs.pipe("/crawl/b.txt", EN.encode())
    try:
        whole = read_whole("memory://crawl")
        assert {row["source"] for row in whole.rows} == {"甲/a.jsonl.gz", "b.txt"}
        assert len(whole.rows) == 49
        assert read_whole("memory://crawl/**/*.jsonl.gz").rows == [r for r in whole.rows if r["source"] != "b.txt"]
        assert all(path.startswith("memory://") for path in whole.plan.fingerprints)
    finally:
        fs.rm("/crawl", recursive=True)


def test_inside_a_zip(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/a.txt", ZH)
        archive.writestr("b.jsonl", json.dumps({"text": EN}))
    whole = read_whole(f"zip://**::{tmp_path}/a.zip")
    assert {(row["source"], row["text"]) for row in whole.rows} == {("x/a.txt", ZH), ("b.jsonl", EN)}
    assert set(read_whole(tmp_path / "a.zip").texts) == {ZH, EN}


def test_nothing_matched_names_every_input(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("x")
    paths = [f"{tmp_path}/no.jsonl", f"{tmp_path}/a.txt", f"{tmp_path}/*.csv", f"{tmp_path}/empty", "nosuch://x/y"]
    with pytest.raises(InputError) as caught:
        plan_units([Input(path=path) for path in paths])
    problems = str(caught.value).splitlines()
    assert len(problems) == 4
    assert all(path in problem for path, problem in zip([paths[0], *paths[2:]], problems, strict=True))


def test_refused_files_have_a_reason(tmp_path: Path) -> None:
    names = ["a.doc", "b.rar", "c", "d.warc.wat.gz", "e.xlsx", "f.unknown"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "ok.txt").write_text("x")
    plan = plan_units([Input(path=str(tmp_path))])
    assert [(bad.source, bad.position, bad.raw) for bad in plan.refused] == [(name, 0, b"") for name in names]
    assert all(bad.error.startswith("no reader") and bad.refused for bad in plan.refused)
    assert len(plan.units) == 1
    plan = plan_units([Input(path=f"{tmp_path}/f.unknown", format="text")])
    assert plan.refused == []


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("x")
    fs = fsspec.filesystem("file")
    real = fs.open

    def guarded(path: str, *args: Any, **kwargs: Any) -> Any:
        if path.endswith("a.txt"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *args, **kwargs)

    monkeypatch.setattr(fs, "open", guarded)
    plan = plan_units([Input(path=str(tmp_path))])
    assert [(bad.source, bad.error) for bad in plan.refused] == [("a.txt", "cannot be opened: Permission denied")]
    assert [span.source for unit in plan.units for span in unit.spans] == ["b.txt"]


def test_fingerprints_follow_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(EN * 10_000)
    os.utime(path, (1, 1))

    def fingerprint() -> str:
        plan = plan_units([Input(path=str(tmp_path))])
        assert list(plan.fingerprints) == [str(path)]
        return plan.fingerprints[str(path)]

    before = fingerprint()
    assert fingerprint() == before
    os.utime(path, (2, 2))
    assert fingerprint() != before
    path.write_text(EN * 9_999 + "X" + EN[1:])
    os.utime(path, (1, 1))
    assert fingerprint() != before


def test_compressed_files_are_cut_into_few_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (streams, units):
        monkeypatch.setattr(module, "FEED_BYTES", 512)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(jsonl(3000)))
    (tmp_path / "a.jsonl").write_bytes(jsonl(3000))
    spans = [s for u in plan_units([Input(path=f"{tmp_path}/a.jsonl.gz")], 1000).units for s in u.spans]
    assert len(spans) == units.MAX_PARTS
    assert all(span.start is not None and span.start % 512 == 0 for span in spans)
    assert len(plan_units([Input(path=f"{tmp_path}/a.jsonl")], 1000).units) > 100


def test_a_span_of_a_plain_file_reads_little_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "%s"}\n' % (b"x" * 85) * 100_000)
    found = [Input(path=str(tmp_path))]
    plan = plan_units(found, 1 << 20)
    read = 0
    real = streams._read

    def counted(raw: Any, size: int) -> bytes:
        nonlocal read
        data = real(raw, size)
        read += len(data)
        return data

    monkeypatch.setattr(streams, "_read", counted)
    from corpusmill.curate.readers import read_unit

    rows = sum(len(table) for table, _ in read_unit(plan.units[5], found))
    assert rows == pytest.approx((1 << 20) / 98, abs=2)
    assert read < 3.2 * (1 << 20)
