"""The command: every subcommand on real files."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]


def corpusmill(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "corpusmill", *args], capture_output=True, text=True, cwd=cwd)


@pytest.fixture
def raw(tmp_path: Path, texts: list[str]) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    rows = [json.dumps({"id": f"d{i}", "text": t}, ensure_ascii=False) for i, t in enumerate(texts)]
    rows.append(json.dumps({"id": "copy", "text": texts[4]}, ensure_ascii=False))
    (folder / "a.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "r.yaml").write_text(
        "name: t\ninputs: [raw/*.jsonl]\noutput: out\nsteps:\n"
        "  - fix_format\n  - language: {keep: [zh, en]}\n  - exact_dedup\n  - minhash_dedup\n",
        encoding="utf-8",
    )
    return tmp_path


def test_plan_run_report_explain(raw: Path) -> None:
    planned = corpusmill("plan", "r.yaml", cwd=raw)
    assert planned.returncode == 0, planned.stderr
    assert "1 files" in planned.stdout
    assert "exact_dedup" in planned.stdout
    assert "minhash_dedup: 18 bands of 7 slots for the threshold 0.8" in planned.stdout
    assert "0.9855" in planned.stdout  # the S-curve at the threshold
    done = corpusmill("run", "r.yaml", "--workers", "1", "--memory", "2GB", "--quiet", cwd=raw)
    assert done.returncode == 0, done.stderr
    assert "out/report.html" in done.stdout.replace("\n", "")
    (raw / "out/report.html").unlink()
    assert corpusmill("report", "out", cwd=raw).returncode == 0
    assert (raw / "out/report.html").exists()
    told = corpusmill("explain", "out", "copy", cwd=raw)
    assert "copy (source a.jsonl) is in" in told.stdout
    assert "exact_dedup" in told.stdout + corpusmill("explain", "out", "d4", cwd=raw).stdout
    ids = pl.concat([pl.read_parquet(raw / f"out/{split}/*.parquet").select("id") for split in ("train", "validation")])
    ledger = pl.read_parquet(raw / "out/ledger/*.parquet").join(ids, left_on="kept_id", right_on="id", how="semi")
    dropped, kept = ledger["id"][0], ledger["kept_id"][0]
    beside = corpusmill("explain", "out", dropped, cwd=raw).stdout
    assert f"kept instead: {kept}, in " in beside
    assert corpusmill("kept", "out", dropped, cwd=raw).stdout == f"{dropped}\t{kept}\tout\n"
    assert f"{dropped}\t{kept}\tout\n" in corpusmill("kept", "out", cwd=raw).stdout
    assert "removed duplicates" in corpusmill("kept", "out", "-o", "kept.parquet", cwd=raw).stdout
    assert kept in pl.read_parquet(raw / "kept.parquet").filter(id=dropped)["kept_id"].to_list()
    assert f"'{kept}' was not removed as a duplicate" in corpusmill("kept", "out", kept, cwd=raw).stderr
    assert corpusmill("explain", "out", dropped, "--html", "pair.html", cwd=raw).returncode == 0
    assert f"kept 保留: {kept}" in (raw / "pair.html").read_text(encoding="utf-8")
    missing = corpusmill("explain", "out", "nobody", cwd=raw)
    assert missing.returncode == 1
    assert "no document 'nobody'" in missing.stderr


def test_ctrl_c_leaves_a_state_that_the_same_command_resumes(raw: Path, texts: list[str]) -> None:
    for k in range(8):
        lines = [json.dumps({"text": f"{t} {k} {i}"}, ensure_ascii=False) for i in range(4) for t in texts]
        (raw / "raw" / f"more{k}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "corpusmill", "run", "r.yaml", "--workers", "2"]
    process = subprocess.Popen(command, cwd=raw, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and not (raw / "out/.work/job.pkl").exists():
        time.sleep(0.02)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the command and to its workers
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in " ".join(said.split())
    assert "Traceback" not in said
    assert not (raw / "out/manifest.json").exists()
    done = corpusmill("run", "r.yaml", "--workers", "1", "-q", cwd=raw)
    assert done.returncode == 0, done.stderr
    assert json.loads((raw / "out/manifest.json").read_text(encoding="utf-8"))["counts"]["read"] == 201 + 8 * 800


def test_mistakes_are_sentences_not_tracebacks(raw: Path) -> None:
    (raw / "bad.yaml").write_text("inputs: [raw/*.nope]\nsteps: [fix_frmat]\nvalidation: lots\n", encoding="utf-8")
    done = corpusmill("run", "bad.yaml", cwd=raw)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if "bad.yaml:" in line]) == 3
    assert corpusmill("report", "nowhere", cwd=raw).returncode == 1
    for size, said in (
        ("lots", "'lots' is not an amount of memory; write it as 2GB"),
        (".GB", "'.GB' is not an amount"),
    ):
        done = corpusmill("run", "r.yaml", "--memory", size, cwd=raw)
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: {said}")
        assert len(done.stderr.splitlines()) == 1
    done = corpusmill("run", "r.yaml", "--memory", "1MB", "-w", "1", "-q", cwd=raw)
    assert "memory=1MB is too little for 1 workers: give at least" in done.stderr


def test_steps_lists_and_explains_every_step() -> None:
    from corpusmill.curate.registry import steps

    listed = corpusmill("steps").stdout
    for name, cls in steps().items():
        if name.startswith("test_"):
            continue
        assert name in listed
        assert cls.__doc__
        for field, info in cls.model_fields.items():
            assert info.description, f"{name}.{field} has no docstring"
    assert "min_words" in corpusmill("steps", "gopher_quality").stdout


@pytest.mark.parametrize("name", ["general-zh", "general-en", "legal-zh", "legal-en", "medical-zh", "medical-en"])
def test_every_recipe_of_init_runs(raw: Path, name: str) -> None:
    recipe = corpusmill("init", name)
    assert recipe.returncode == 0, recipe.stderr
    (raw / "recipe.yaml").write_text(recipe.stdout, encoding="utf-8")
    done = corpusmill("run", "recipe.yaml", "-w", "1", "-q", "-o", "out", cwd=raw)
    assert done.returncode == 0, done.stderr
    counts = json.loads((raw / "out/manifest.json").read_text(encoding="utf-8"))["counts"]
    assert counts["read"] == 201
    assert counts["dropped"] >= 100  # the other language, at least


def test_help_has_examples_and_the_reference_is_up_to_date() -> None:
    assert "corpusmill init legal-zh > recipe.yaml" in corpusmill("--help").stdout
    spec = importlib.util.spec_from_file_location("generate_cli", ROOT / "docs" / "generate_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs/cli.md").read_text(encoding="utf-8") == module.reference(), "run: make docs"


def test_models_for_filters_are_trained_from_files(raw: Path, texts: list[str]) -> None:
    done = corpusmill("train", "ngram", "raw/*.jsonl", "-o", "m.ngram", cwd=raw)
    assert done.returncode == 0, done.stderr
    assert (raw / "m.ngram").stat().st_size > 1000
    (raw / "p.yaml").write_text(
        "inputs: [raw/*.jsonl]\nsteps:\n  - perplexity: {model: m.ngram, max_bits_per_byte: 8}\n", encoding="utf-8"
    )
    done = corpusmill("run", "p.yaml", "-q", "-w", "1", "-o", "scored", cwd=raw)
    assert done.returncode == 0, done.stderr
    zh = [t for t in texts if "。" in t]
    rows = [json.dumps({"text": f"{a}{b}"}, ensure_ascii=False) for a in zh for b in zh[:30]]
    (raw / "clean.jsonl").write_text("\n".join(rows), encoding="utf-8")
    done = corpusmill("train", "typos", "clean.jsonl", "--language", "zh", "-o", "t.npz", cwd=raw)
    assert done.returncode == 0, done.stderr
    assert "zh on injected errors: precision" in done.stdout
