"""Globals that cut: pieces leave texts, nothing is lost, and what follows sees the texts that are left."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from corpusmill.curate import Documents, Filter, Pipeline, RunError
from corpusmill.curate.exchange import CUT_COLUMNS, Exchange
from corpusmill.curate.run.cutting import cut_out
from corpusmill.curate.run.job import OUTPUTS, parts
from corpusmill.curate.stage import stages
from corpusmill.curate.step import Global, Pass
from corpusmill.filters import ExactDedup, FixFormat, MinHashDedup


class CutMarked(Global):
    """Cuts what stands in ⟦ ⟧, and reports what stands in «»."""

    name: ClassVar[str] = "test_cut_marked"
    cuts: ClassVar[bool] = True
    signal_names: ClassVar[tuple[str, ...]] = ("test_marked_share",)

    def sketch(self, docs: Documents) -> pa.Table:
        return pa.table({"length_again": [len(t) for t in docs.texts]})

    def passes(self, units: int, partitions: int) -> list[Pass]:
        return [Pass("mark", units, self._mark)]

    def _mark(self, exchange: Exchange, unit: int) -> None:
        rows: list[dict[str, Any]] = []
        seen = {a for t in exchange.sketches(unit) for a in t.column("at").to_pylist()}
        for table in exchange.texts(unit):
            for at, text in zip(table.column("at").to_pylist(), table.column("text").to_pylist(), strict=True):
                if at not in seen:
                    continue
                for found in re.finditer("⟦[^⟧]*⟧|«[^»]*»", text):
                    start, end = (len(text[:i].encode()) for i in found.span())
                    doc = int(exchange.offsets[unit]) + at
                    cut = found[0][0] == "⟦"
                    rows.append({"doc": doc, "start": start, "end": end, "rule": "marked", "kept_id": "k", "cut": cut})
        exchange.cut(unit, pa.Table.from_pylist(rows, CUT_COLUMNS))


class Raises(Filter):
    """Cannot bear a word."""

    name: ClassVar[str] = "test_cut_raises"

    def measure(self, docs: Documents) -> Documents:
        if any("boom" in t for t in docs.texts):
            raise ValueError("boom")
        return docs


TEXTS = {
    "plain": "没有标记。 Nothing is marked.",
    "one": "开头⟦版权所有，不得转载⟧结尾",
    "two": "⟦a⟧The middle⟦é⟧ stays«seen» here",
    "all": " ⟦只有这些⟧\n⟦and these⟧ ",
    "same": "开头结尾",
    "boom": "boom ⟦cut before it raises⟧ here",
    "repeat of one": "开头⟦another⟧结尾",
}


def applied(*steps: Any) -> Any:
    return Pipeline(list(steps)).apply(pa.table({"id": list(TEXTS), "text": list(TEXTS.values())}))


def test_pieces_leave_texts_and_are_recorded() -> None:
    found = applied(CutMarked())
    kept = dict(zip(found.kept["id"].to_pylist(), found.kept["text"].to_pylist(), strict=True))
    assert kept["plain"] == TEXTS["plain"]
    assert (kept["one"], kept["two"]) == ("开头结尾", "The middle stays«seen» here")
    assert [(r["id"], r["text"]) for r in found.removed.to_pylist()] == [
        ("one", "⟦版权所有，不得转载⟧"),
        ("two", "⟦a⟧"),
        ("two", "⟦é⟧"),
        ("two", "«seen»"),
        ("boom", "⟦cut before it raises⟧"),
        ("repeat of one", "⟦another⟧"),
    ]
    assert {(r["step"], r["rule"], r["kept_id"]) for r in found.removed.to_pylist()} == {
        ("test_cut_marked", "marked", "k")
    }
    (gone,) = found.ledger.to_pylist()
    assert (gone["id"], gone["step"], gone["rule"]) == ("all", "test_cut_marked", "empty_after_cut")
    assert gone["text"] == TEXTS["all"], "a document that goes keeps its whole text in the ledger"
    share = {r["id"]: r["signals"]["test_marked_share"] for r in found.kept.to_pylist()}
    assert share["plain"] == 0
    assert share["one"] == pytest.approx(11 / len(TEXTS["one"]))
    assert share["two"] == pytest.approx(12 / len(TEXTS["two"]))


def test_what_follows_sees_the_texts_that_are_left() -> None:
    assert [len(s.cuts) for s in stages([ExactDedup(), CutMarked(), MinHashDedup(), ExactDedup()])] == [2, 2]
    assert [len(s.cuts) for s in stages([CutMarked()])] == [1, 0], "so that the split sees them as well"
    before = applied(ExactDedup(), CutMarked())
    assert before.ledger["id"].to_pylist() == ["all"]
    after = applied(CutMarked(), ExactDedup())
    gone = {r["id"]: (r["kept_id"], r["text"]) for r in after.ledger.to_pylist() if r["step"] == "exact_dedup"}
    assert gone == {"repeat of one": ("one", "开头结尾"), "same": ("one", "开头结尾")}
    # Dropped later: what had been cut out of it is still there.
    assert "repeat of one" in after.removed["id"].to_pylist()


def test_a_document_that_raises_later_keeps_its_pieces() -> None:
    found = applied(CutMarked(), Raises())
    assert found.quarantine["id"].to_pylist() == ["boom"]
    assert found.quarantine["text"].to_pylist() == ["boom  here"]
    assert ("boom", "⟦cut before it raises⟧") in [(r["id"], r["text"]) for r in found.removed.to_pylist()]


def many() -> list[dict[str, str]]:
    rows = []
    for i in range(20):
        for key, text in TEXTS.items():
            rows.append({"id": f"{key} {i}", "text": text if key == "all" else f"{text} 第{i}号 {key}."})
    return [*rows, dict(rows[3]), {"id": "again", "text": rows[2]["text"]}]


def contents(output: Path) -> dict[str, bytes]:
    return {p.relative_to(output).as_posix(): p.read_bytes() for k in OUTPUTS for p in parts(output, k)}


def run_over(folder: Path, output: str, steps: Sequence[Any], workers: int = 1, **options: Any) -> Any:
    raw = folder / "raw.jsonl"
    if not raw.exists():
        raw.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in many()))
    return Pipeline(steps, validation=0.1, max_bad_share=0.5).run(
        str(raw), folder / output, workers=workers, quiet=True, unit_bytes=4000, **options
    )


def test_on_disk_counts_add_up_and_bytes_do_not_depend_on_workers(tmp_path: Path) -> None:
    steps = [FixFormat(), ExactDedup(), CutMarked(), MinHashDedup(), Raises()]
    one, two = run_over(tmp_path, "one", steps), run_over(tmp_path, "two", steps, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert one.counts == two.counts
    ledger = pl.read_parquet(tmp_path / "one/ledger/*.parquet")
    kinds = dict(
        ledger.group_by("step", "rule").len().select(pl.concat_str("step", "rule", separator="."), "len").rows()
    )
    # Twenty that are the same (19 of them dropped as duplicates) leave one to be emptied; one repeats another's text.
    assert kinds["test_cut_marked.empty_after_cut"] == 1
    assert kinds["exact_dedup.exact_duplicate"] == 20
    assert one.counts["quarantined"] == 21
    removed = pl.read_parquet(tmp_path / "one/removed/*.parquet")
    assert len(removed) == one.counts["removed_pieces"] == 20 * 6
    kept = pl.concat([pl.read_parquet(tmp_path / f"one/{s}/*.parquet") for s in ("train", "validation")])
    assert not kept["text"].str.contains("⟦").any()
    texts = pl.concat([kept.select("id", "text"), ledger.select("id", "text")])
    original = {row["id"]: row["text"] for row in many()}
    pieces = dict(removed.group_by("id").agg(pl.col("text").str.len_chars().sum()).rows())
    for row in texts.filter(~pl.col("text").str.contains("«")).iter_rows(named=True):
        assert len(row["text"].strip()) + pieces.get(row["id"], 0) == len(original[row["id"]].strip())


def test_validation_is_a_share_of_what_cutting_leaves(tmp_path: Path) -> None:
    counts = run_over(tmp_path, "cut", [CutMarked()]).counts
    assert counts["dropped"] == 20
    assert counts["validation"] == round(0.1 * (counts["train"] + counts["validation"]))


def test_a_killed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from corpusmill.curate.run import phases

    steps = [CutMarked(), ExactDedup()]
    run_over(tmp_path, "whole", steps)
    run_task = phases.tasks.map_unit

    def stops(job: Any, stage: int, unit: int, say: Any) -> Any:
        if (stage, unit) == (1, 2):
            raise RunError("killed")
        return run_task(job, stage, unit, say)

    monkeypatch.setattr(phases.tasks, "map_unit", stops)
    with pytest.raises(RunError):
        run_over(tmp_path, "resumed", steps)
    monkeypatch.undo()
    run_over(tmp_path, "resumed", steps, workers=2)
    assert contents(tmp_path / "whole") == contents(tmp_path / "resumed")


@pytest.mark.parametrize(
    ("spans", "good"),
    [([(0, 3)], True), ([(0, 3), (3, 9)], True), ([(1, 3)], False), ([(0, 4)], False), ([(0, 6), (3, 9)], False),
     ([(0, 16)], False), ([(3, 3)], False), ([(-3, 3)], False), ([(6, 15)], True)],
)  # fmt: skip
def test_a_wrong_span_is_an_error(spans: list[tuple[int, int]], good: bool) -> None:
    docs = Documents.from_texts(["前", "一二三四五", "后"]).take([1, 2])
    rows = [{"doc": 0, "start": a, "end": b, "rule": "r", "kept_id": None, "cut": True} for a, b in spans]
    table = pa.Table.from_pylist(rows, CUT_COLUMNS)
    if good:
        left = cut_out(docs, "x", CutMarked(), np.zeros(len(spans), np.int64), table).docs
        assert left.texts[1] == "后"
        assert len(left.texts[0]) == 5 - sum(b - a for a, b in spans) // 3
    else:
        with pytest.raises(RunError, match="bug in that step"):
            cut_out(docs, "x", CutMarked(), np.zeros(len(spans), np.int64), table)
