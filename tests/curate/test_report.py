"""What report and manifest say about duplicates: clusters, unusual losses, pieces cut out, the S-curve."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from corpusmill.curate import Pipeline
from corpusmill.curate.report.duplicates import losses
from corpusmill.curate.report.page import write_report
from corpusmill.filters import ExactDedup, GopherQuality, LineDedup, MaskContamination, MinHashDedup
from corpusmill.filters.dedup import lsh_bands, s_curve

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "io", "u") for c in ("n", "r", "sh", "lt", "ving")]
CHARACTERS = [chr(c) for c in range(0x4E00, 0x4E00 + 1500)]
QUESTION = "下列关于民事法律行为效力的说法中，哪一项是正确的？请结合民法典总则编的有关规定加以分析说明。"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """News of two languages, and judgments from one template, most of which fall to one another."""
    folder = tmp_path_factory.mktemp("report")
    rng = random.Random(1)
    sources: dict[str, dict[str, str]] = {"news-zh": {}, "news-en": {}, "judgments": {}}
    for i in range(40):
        sources["news-zh"][f"zh{i}"] = "".join(rng.choices(CHARACTERS, k=150)) + "。"
        sources["news-en"][f"en{i}"] = " ".join(rng.choices(WORDS, k=100)) + "."
    sources["news-zh"]["zh0"] += f"\n{QUESTION}\n" + "".join(rng.choices(CHARACTERS, k=50))
    sources["news-en"]["en1"] = sources["news-en"]["en0"]
    template = rng.choices(CHARACTERS, k=600)
    for i in range(40):
        sources["judgments"][f"j{i:02}"] = f"民事判决书<{i}>\n" + "".join(
            [*template, *rng.choices(CHARACTERS, k=1 + i % 3)]
        )
    for name, texts in sources.items():
        rows = [json.dumps({"id": i, "text": t}, ensure_ascii=False) for i, t in texts.items()]
        (folder / f"{name}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (folder / "exam.txt").write_text(QUESTION, encoding="utf-8")
    steps = [ExactDedup(), MaskContamination(sets={"exam": str(folder / "exam.txt")}), MinHashDedup()]
    Pipeline(steps).run([str(folder / f"{name}.jsonl") for name in sources], folder / "out", quiet=True, workers=1)
    return folder / "out"


@pytest.fixture
def manifest(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    return found


def test_the_biggest_clusters(output: Path, manifest: dict[str, Any]) -> None:
    first, second = manifest["clusters"]
    assert (first["removed"], first["steps"], first["source"]) == (39, ["minhash_dedup"], "judgments.jsonl")
    assert first["kept_id"].startswith("j")
    assert first["sample"].startswith("民事判决书<")
    assert 0.8 <= first["lowest"] <= first["highest"] < 1
    assert (second["removed"], second["steps"]) == (1, ["exact_dedup"])
    report = (output / "report.html").read_text(encoding="utf-8")
    assert "民事判决书&lt;" in report
    assert f"{first['lowest']:.3f} – {first['highest']:.3f}" in report


def test_a_source_that_loses_an_unusual_share_is_named(output: Path, manifest: dict[str, Any]) -> None:
    (loss,) = manifest["losses"]
    assert loss == {
        "source": "judgments.jsonl",
        "step": "minhash_dedup",
        "documents": 40,
        "dropped": 39,
        "share": 39 / 40,
        "rest": 0.0,
    }
    report = (output / "report.html").read_text(encoding="utf-8")
    assert "<b>judgments.jsonl</b>: minhash_dedup drops 39 of 40 documents (98%)" in report
    assert "来源 judgments.jsonl 在步骤 minhash_dedup 丢弃 40 篇中的 39 篇" in report


@pytest.mark.parametrize(("per_source", "copies", "warned"), [(20, 11, True), (20, 10, False), (19, 15, False)])
def test_when_a_source_is_named(tmp_path: Path, per_source: int, copies: int, warned: bool) -> None:
    """From 20 documents, above half; and only above three times what all others lose to the step."""
    for name in "ab":
        rows = [
            {"id": f"{name}{i}", "text": f"text {name} {i if i > copies or name == 'b' else 0}"}
            for i in range(per_source)
        ]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    out = tmp_path / "out"
    Pipeline([ExactDedup()]).run(str(tmp_path / "*.jsonl"), out, quiet=True, workers=1)
    assert [loss["source"] for loss in losses(out, ["exact_dedup"])] == (["a.jsonl"] if warned else [])


def test_what_all_sources_lose_alike_is_not_unusual(tmp_path: Path) -> None:
    for name in "ab":
        rows = [json.dumps({"id": f"{name}{i}", "text": "short"}) for i in range(30)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    Pipeline([GopherQuality()], max_bad_share=1).run(str(tmp_path / "*.jsonl"), tmp_path / "out", quiet=True, workers=1)
    assert losses(tmp_path / "out", ["gopher_quality"]) == []


def test_pieces_by_step_and_rule(output: Path, manifest: dict[str, Any], tmp_path: Path) -> None:
    (piece,) = manifest["removed_by_rule"]
    assert (piece["step"], piece["rule"], piece["pieces"], piece["documents"]) == (
        "mask_contamination",
        "overlap:exam",
        1,
        1,
    )
    assert piece["characters"] >= len(QUESTION)
    assert "overlap:exam" in (output / "report.html").read_text(encoding="utf-8")
    notice = "All rights are reserved by the owner of this site, and no part of it may be copied."
    rows = [json.dumps({"id": str(i), "text": f"{WORDS[i]} {i} is here.\n{notice}"}) for i in range(12)]
    (tmp_path / "raw.jsonl").write_text("\n".join(rows), encoding="utf-8")
    result = Pipeline([LineDedup()]).run(str(tmp_path / "raw.jsonl"), tmp_path / "out", quiet=True, workers=1)
    (lines,) = result.manifest["removed_by_rule"]
    assert (lines["rule"], lines["pieces"], lines["documents"]) == ("shared_line", 11, 11)
    assert len(notice) * 11 <= lines["characters"] <= len(notice) * 11 + 11
    assert result.manifest["clusters"] == result.manifest["losses"] == result.manifest["bandings"] == []


def test_the_s_curve(output: Path, manifest: dict[str, Any]) -> None:
    (banding,) = manifest["bandings"]
    assert (banding["bands"], banding["width"]) == lsh_bands(0.8, 128)
    assert banding["curve"] == [list(p) for p in s_curve(0.8, 128)]
    report = (output / "report.html").read_text(encoding="utf-8")
    assert report.count("<polyline") == 1
    assert f"{banding['bands']} bands of {banding['width']} slots" in report


def test_the_report_is_the_same_from_the_manifest(output: Path, manifest: dict[str, Any]) -> None:
    before = (output / "report.html").read_text(encoding="utf-8")
    assert "http" not in before
    (output / ".work").mkdir(exist_ok=True)
    write_report(output, manifest)
    assert (output / "report.html").read_text(encoding="utf-8") == before
