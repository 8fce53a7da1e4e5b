"""Thresholds changed after the run, from stored signals: the same decisions as a run with those thresholds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar

import polars as pl
import pytest

from corpusmill.curate import AtLeast, AtMost, Documents, Filter, Pipeline, RecipeError, Threshold
from corpusmill.curate.whatif import what_if
from corpusmill.filters import ExactDedup, Language


class Chars(Filter):
    """Drops by length and by share of digits."""

    name: ClassVar[str] = "test_chars"
    min_chars: Annotated[Threshold, AtLeast("chars")] = {"default": 250, "zh": 90}
    max_digits: Annotated[Threshold, AtMost("digits")] = 0.02

    def measure(self, docs: Documents) -> Documents:
        digits = [sum(c.isdigit() for c in t) / len(t) for t in docs.texts]
        return docs.with_signals({"chars": [len(t) for t in docs.texts], "digits": digits})


@pytest.fixture
def raw(tmp_path: Path, texts: list[str]) -> str:
    rows = [{"id": str(i), "text": t[: 60 + 17 * (i % 31)]} for i, t in enumerate(texts)] + [
        {"id": "again", "text": texts[30]}
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return str(path)


def run(raw: str, output: Path, **options: Any) -> dict[str, Any]:
    steps = [Language(keep=["zh", "en"]), Chars(**options), ExactDedup()]
    return Pipeline(steps).run(raw, output, workers=1, quiet=True).manifest


def kept(output: Path) -> set[str]:
    return {i for s in ("train", "validation") for i in pl.read_parquet(output / s / "*.parquet")["id"]}


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ([], {}),
        (["test_chars.min_chars=150"], {"min_chars": 150}),
        (["test_chars.min_chars.zh=20"], {"min_chars": {"default": 250, "zh": 20}}),
        (["test_chars.max_digits=0", "test_chars.min_chars=null"], {"max_digits": 0, "min_chars": None}),
    ],
)
def test_it_decides_as_a_new_run_would(tmp_path: Path, raw: str, changes: list[str], options: dict[str, Any]) -> None:
    manifest = run(raw, tmp_path / "first")
    found = what_if(tmp_path / "first", manifest, changes)
    again = run(raw, tmp_path / "second", **options)
    drops = {f["step"]: f["dropped"] for f in again["funnel"]}
    assert {step: after for step, _, after in found.funnel} == drops
    assert found.kept_before == len(kept(tmp_path / "first"))
    assert found.kept_after == len(kept(tmp_path / "second"))
    saved, lost = (
        kept(tmp_path / "second") - kept(tmp_path / "first"),
        kept(tmp_path / "first") - kept(tmp_path / "second"),
    )
    assert set(found.saved["id"]) <= saved
    assert set(found.lost["id"]) <= lost
    assert (len(found.saved), len(found.lost)) == (min(3, len(saved)), min(3, len(lost)))
    assert found.saved["text"].null_count() == 0


def test_each_rule_says_what_it_drops_alone(tmp_path: Path, raw: str) -> None:
    manifest = run(raw, tmp_path / "out")
    rules = {r.rule: r for r in what_if(tmp_path / "out", manifest, []).rules}
    ledger = pl.read_parquet(tmp_path / "out/ledger/*.parquet").filter(pl.col("step") == "test_chars")
    broken = [{f["rule"] for f in row} for row in ledger["failed"].to_list()]
    for rule in ("min_chars", "max_digits"):
        assert rules[rule].fails == sum(rule in b for b in broken)
        assert rules[rule].alone == sum(b == {rule} for b in broken)
        assert rules[rule].alone > 0


def test_wrong_changes_are_named(tmp_path: Path, raw: str) -> None:
    manifest = run(raw, tmp_path / "out")
    with pytest.raises(RecipeError) as caught:
        what_if(
            tmp_path / "out",
            manifest,
            ["test_chars", "gopher.min=3", "test_chars.min_char=3", "language.keep=[en]", "test_chars.max_digits=lots"],
        )
    said = "\n".join(caught.value.problems)
    assert "'test_chars' is not STEP.RULE=VALUE" in said
    assert "no step 'gopher'" in said
    assert "did you mean 'min_chars'?" in said
    assert "language has no threshold 'keep'" in said
    assert "test_chars.max_digits" in said
