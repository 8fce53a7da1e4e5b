"""Runs on disk: counts, same bytes at any number of workers, resumption after SIGKILL, bad input, locks."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
import xxhash

from corpusmill.curate import Documents, Filter, Input, InputError, Pipeline, RunError, Transform
from corpusmill.curate.run.job import OUTPUTS, parts
from corpusmill.filters import Augment, ExactDedup, FixFormat, Language, MinHashDedup

STEPS = [FixFormat(), Language(keep=["zh", "en"]), ExactDedup(), MinHashDedup()]


def write_inputs(folder: Path, texts: list[str], files: int = 4) -> str:
    """JSONL files with some exact and near duplicates, an unreadable line, a foreign document and an empty one."""
    folder.mkdir(parents=True)
    rows: list[Any] = [{"id": f"d{i}", "text": t, "label": i % 3, "source": "web"} for i, t in enumerate(texts)]
    rows += [{"id": f"same{i}", "text": texts[i]} for i in range(10)]
    rows += [
        {"id": "empty", "text": "  \n "},
        {"id": "d7", "text": "An id that an earlier document has, and some more text."},
    ]
    rows += [
        {"id": "fr", "text": "Le gouvernement a présenté hier un projet de loi sur la protection des forêts du pays."}
    ]
    lines = [json.dumps(r, ensure_ascii=False) for r in rows]
    lines.insert(5, '{"id": "broken", "text": ')
    for k in range(files):
        part = "\n".join(lines[k::files]) + "\n"
        with gzip.open(folder / f"{k}.jsonl.gz", "wt", encoding="utf-8") as f:
            f.write(part)
    return str(folder / "*.jsonl.gz")


def contents(output: Path) -> dict[str, bytes]:
    return {p.relative_to(output).as_posix(): p.read_bytes() for k in OUTPUTS for p in parts(output, k)}


@pytest.fixture
def inputs(tmp_path: Path, texts: list[str]) -> str:
    return write_inputs(tmp_path / "raw", texts)


def test_every_document_is_in_one_place_with_its_reason(tmp_path: Path, inputs: str) -> None:
    output = tmp_path / "out"
    result = Pipeline(STEPS, validation=0.1).run(inputs, output, workers=1, quiet=True, unit_bytes=2000)
    c = result.counts
    assert c["read"] == 200 + 10 + 3 + 1
    assert c["read"] == c["train"] + c["validation"] + c["dropped"] + c["quarantined"]
    assert c["validation"] == round(0.1 * (c["train"] + c["validation"]))
    assert c["quarantined"] == 2

    ledger = pl.read_parquet(output / "ledger/*.parquet")
    by_id = {r["id"]: r for r in ledger.to_dicts()}
    assert (by_id["empty"]["step"], by_id["empty"]["rule"]) == ("read", "empty_text")
    assert (by_id["fr"]["step"], by_id["fr"]["rule"]) == ("language", "keep")
    same = ledger.filter(pl.col("step") == "exact_dedup")
    assert len(same) == 10
    assert set(same["kept_id"]) <= {f"d{i}" for i in range(10)} | {f"same{i}" for i in range(10)}
    quarantine = pl.read_parquet(output / "quarantine/*.parquet")
    assert quarantine.filter(pl.col("id") == "d7")["error"].str.contains("id repeats").all()
    assert quarantine.filter(pl.col("raw").is_not_null())["raw"][0] == b'{"id": "broken", "text": '

    ids = [*pl.read_parquet(output / "train/*.parquet")["id"], *pl.read_parquet(output / "validation/*.parquet")["id"]]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & set(by_id)


def test_the_corpus_reads_as_it_is(tmp_path: Path, inputs: str) -> None:
    datasets = pytest.importorskip("datasets")
    output = tmp_path / "out"
    Pipeline(STEPS).run(inputs, output, workers=1, quiet=True)
    frame = pl.scan_parquet(output / "train/*.parquet").collect()
    assert frame.schema["text"] == pl.String
    assert frame.schema["label"] == pl.Int64
    assert "input_source" in frame.columns
    assert frame["signals"].struct.field("language_score").max() > 0.5  # type: ignore[operator]
    found = datasets.load_dataset(
        "parquet",
        data_files={s: str(output / s / "*.parquet") for s in ("train", "validation")},
        cache_dir=str(tmp_path / "cache"),
    )
    assert found["train"].num_rows == len(frame)
    assert found["train"][0]["text"] == frame["text"][0]


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path, inputs: str) -> None:
    pipeline = Pipeline([*STEPS, Augment(share=0.5)])
    one = pipeline.run(inputs, tmp_path / "one", workers=1, quiet=True, unit_bytes=2000)
    three = pipeline.run(inputs, tmp_path / "three", workers=3, quiet=True, unit_bytes=2000)
    assert one.counts["augmented"] > 0
    assert one.counts == three.counts
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    validation = pl.read_parquet(tmp_path / "one/validation/*.parquet")
    assert validation["parent_id"].is_null().all()
    train = pl.read_parquet(tmp_path / "one/train/*.parquet")
    children = train.filter(pl.col("parent_id").is_not_null())
    assert len(children)
    assert not set(children["parent_id"]) & set(validation["id"])


def test_a_finished_run_is_left_alone_and_another_is_refused(tmp_path: Path, inputs: str) -> None:
    output = tmp_path / "out"
    Pipeline(STEPS).run(inputs, output, workers=1, quiet=True)
    before = {p: p.stat().st_mtime_ns for p in output.rglob("*") if p.is_file()}
    Pipeline(STEPS).run(inputs, output, workers=1, quiet=True)
    assert {p: p.stat().st_mtime_ns for p in output.rglob("*") if p.is_file()} == before
    with pytest.raises(RunError, match="finished corpus of other steps or inputs"):
        Pipeline(STEPS[:2]).run(inputs, output, workers=1, quiet=True)
    result = Pipeline(STEPS[:2]).run(inputs, output, workers=1, quiet=True, overwrite=True)
    assert [f[0] for f in result.funnel] == ["read", "fix_format", "language", "split"]


DRIVER = """
    import sys
    from corpusmill.curate import Pipeline
    from corpusmill.filters import ExactDedup, FixFormat, Language, MinHashDedup

    steps = [FixFormat(), Language(keep=["zh", "en"]), ExactDedup(), MinHashDedup()]
    Pipeline(steps).run(sys.argv[1], sys.argv[2], workers=int(sys.argv[3]), quiet=True, unit_bytes=1000)
"""


def start(driver: Path, inputs: str, output: Path, workers: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(driver), inputs, str(output), str(workers)])


@pytest.mark.timeout(280)
def test_killed_at_random_moments_and_resumed_it_gives_the_same_bytes(tmp_path: Path, texts: list[str]) -> None:
    inputs = write_inputs(tmp_path / "raw", [f"{t} {k}" for k in range(4) for t in texts], files=12)
    driver = tmp_path / "driver.py"
    driver.write_text(textwrap.dedent(DRIVER))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    started = time.monotonic()
    assert start(driver, inputs, whole, 1).wait() == 0
    length = time.monotonic() - started

    rng = random.Random(time.time_ns())
    kills = 0
    for attempt in range(40):
        process = start(driver, inputs, killed, workers=attempt % 3 + 1)
        try:
            process.wait(timeout=rng.uniform(0.3, 0.9) * length)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        if kills == 5 or (killed / "manifest.json").exists():
            break
    assert start(driver, inputs, killed, 2).wait() == 0
    assert kills >= 1
    assert contents(killed) == contents(whole)
    assert not (killed / ".work").exists()


class Fragile(Filter):
    """Kills its own process once, or always."""

    name: ClassVar[str] = "test_fragile"
    marker: str
    always: bool = False

    def measure(self, docs: Documents) -> Documents:
        if self.always or not Path(self.marker).exists():
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return docs


def test_a_dead_worker_is_replaced(tmp_path: Path, inputs: str) -> None:
    steps = [Fragile(marker=str(tmp_path / "died"))]
    result = Pipeline(steps).run(inputs, tmp_path / "out", workers=2, quiet=True)
    assert (tmp_path / "died").exists()
    assert result.counts["read"] == 214


def test_a_task_that_always_kills_its_worker_stops_the_run_with_a_word(tmp_path: Path, inputs: str) -> None:
    steps = [Fragile(marker=str(tmp_path / "died"), always=True)]
    with pytest.raises(RunError, match="worker died 3 times"):
        Pipeline(steps).run(inputs, tmp_path / "out", workers=2, quiet=True)


class Raises(Transform):
    """Raises on Chinese text."""

    name: ClassVar[str] = "test_raises"

    def transform(self, docs: Documents) -> Documents:
        for text in docs.texts:
            if "。" in text:
                raise KeyError("没有")
        return docs


def test_too_many_bad_documents_stop_the_run_and_a_higher_limit_resumes_it(tmp_path: Path, inputs: str) -> None:
    output = tmp_path / "out"
    with pytest.raises(RunError, match=r"the limit is 5.0%(.|\n)*test_raises: KeyError: '没有'"):
        Pipeline([Raises()]).run(inputs, output, workers=1, quiet=True)
    result = Pipeline([Raises()], max_bad_share=0.9).run(inputs, output, workers=1, quiet=True)
    assert result.counts["quarantined"] >= 100
    assert result.counts["train"] + result.counts["validation"] > 90


def test_two_runs_cannot_write_into_one_folder(tmp_path: Path, inputs: str) -> None:
    from corpusmill.curate.pipeline import _locked

    with _locked(tmp_path / "out"), pytest.raises(RunError, match="another run is writing"):
        Pipeline(STEPS).run(inputs, tmp_path / "out", workers=1, quiet=True)


def test_changed_input_is_noticed(tmp_path: Path, inputs: str, texts: list[str]) -> None:
    output = tmp_path / "out"
    with pytest.raises(RunError):
        Pipeline([Raises()]).run(inputs, output, workers=1, quiet=True)
    with gzip.open(tmp_path / "raw" / "0.jsonl.gz", "wt") as f:
        f.write('{"text": "other"}\n')
    with pytest.raises(RunError, match="the inputs have changed since"):
        Pipeline([Raises()]).run(inputs, output, workers=1, quiet=True)


def test_no_input_and_no_reader_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing-here"):
        Pipeline(STEPS).run(str(tmp_path / "nothing-here/*.jsonl"), tmp_path / "out", quiet=True)
    (tmp_path / "a.xyz").write_bytes(b"\x00\x01")
    with pytest.raises(InputError, match="has a reader"):
        Pipeline(STEPS).run(str(tmp_path / "a.xyz"), tmp_path / "out", quiet=True)


def test_an_empty_result_is_still_a_corpus(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Kurz und deutsch ist dieser Text, den niemand behalten will.\n", encoding="utf-8")
    result = Pipeline([Language(keep=["zh"])]).run(str(tmp_path / "a.txt"), tmp_path / "out", workers=1, quiet=True)
    assert result.counts["dropped"] == 1
    frame = pl.read_parquet(tmp_path / "out/train/*.parquet")
    assert len(frame) == 0
    assert {"id", "text", "language", "signals"} <= set(frame.columns)


def test_dropped_text_can_be_left_out_of_the_ledger(tmp_path: Path, inputs: str) -> None:
    Pipeline(STEPS, keep_dropped_text=False).run(inputs, tmp_path / "out", workers=1, quiet=True)
    ledger = pl.read_parquet(tmp_path / "out/ledger/*.parquet")
    assert len(ledger)
    assert ledger["text"].is_null().all()


def test_manifest_names_every_file_with_its_checksum(tmp_path: Path, inputs: str) -> None:
    import hashlib

    result = Pipeline(STEPS).run(Input(path=inputs), tmp_path / "out", workers=1, quiet=True)
    files = {f["path"]: f for f in result.manifest["files"]}
    found = contents(tmp_path / "out")
    assert set(files) == set(found)
    assert all(hashlib.sha256(found[p]).hexdigest() == f["sha256"] for p, f in files.items())
    assert result.manifest["steps"][1]["keep"] == ["zh", "en"]
    assert set(result.manifest["input_files"]) != set()
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<svg" in report
    assert "http" not in report.replace("http-equiv", "")  # self-contained
    assert "configs:" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_in_memory_and_on_disk_agree(tmp_path: Path, inputs: str) -> None:
    rows = []
    for path in sorted((tmp_path / "raw").glob("*.gz")):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            if not line.startswith('{"id": "broken"'):
                rows.append({k: v for k, v in json.loads(line).items() if k in ("id", "text")})
    import pyarrow as pa

    applied = Pipeline(STEPS).apply(pa.Table.from_pylist(rows))
    Pipeline(STEPS).run(inputs, tmp_path / "out", workers=1, quiet=True)
    disk = pl.read_parquet([*(tmp_path / "out/train").glob("*"), *(tmp_path / "out/validation").glob("*")])
    assert set(applied.kept.column("id").to_pylist()) == set(disk["id"])
    ledger = pl.read_parquet(tmp_path / "out/ledger/*.parquet")
    ours = {(r["id"], r["step"], r["rule"], r["kept_id"]) for r in applied.ledger.to_pylist()}
    assert ours == {(r["id"], r["step"], r["rule"], r["kept_id"]) for r in ledger.to_dicts()}
    assert applied.quarantine.column("id").to_pylist() == ["d7"]


def test_repeated_ids_do_not_shift_the_split(tmp_path: Path, texts: list[str]) -> None:
    """Without a Global between, the split must still name the documents that it chose."""
    rows = [{"id": f"d{i // 2 * 2 if i % 10 == 1 else i}", "text": t} for i, t in enumerate(texts)]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    result = Pipeline([FixFormat()], validation=0.2, max_bad_share=0.5).run(
        str(tmp_path / "a.jsonl"), tmp_path / "out", workers=1, quiet=True
    )
    assert result.counts["quarantined"] == 20
    train, validation = (pl.read_parquet(tmp_path / "out" / s / "*.parquet")["id"] for s in ("train", "validation"))
    assert (len(train), len(validation)) == (144, 36)
    ids = sorted({*train, *validation}, key=lambda i: xxhash.xxh3_64_intdigest(i.encode()))
    assert set(ids[:36]) == set(validation)
