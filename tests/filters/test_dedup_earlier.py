"""New deliveries against earlier corpora: the same as all at once, without reading the earlier ones again."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from corpusmill.curate import Pipeline
from corpusmill.curate.errors import InputError, RunError
from corpusmill.curate.step import Global
from corpusmill.filters.dedup import ExactDedup, MinHashDedup

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "io", "u") for c in ("n", "r", "sh", "lt", "ving")]
CHARACTERS = [chr(c) for c in range(0x4E00, 0x4E00 + 1500)]


def deliveries() -> dict[str, list[dict[str, str]]]:
    """Three deliveries of families of versions in both languages, each family spread over all of them."""
    rng = random.Random(5)
    out: dict[str, list[dict[str, str]]] = {"a": [], "b": [], "c": []}
    for family in range(60):
        chinese = family % 2
        tokens = rng.choices(CHARACTERS if chinese else WORDS, k=rng.choice([30, 120, 400]))
        for member in range(8):
            for _ in range(rng.choice([0, 1, 3])):
                tokens[rng.randrange(len(tokens))] = rng.choice(CHARACTERS if chinese else WORDS)
            text = ("" if chinese else " ").join(tokens)
            out[rng.choice("abc")].append({"id": f"{family}-{member}", "text": text})
    return out


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    for name, rows in deliveries().items():
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    return folder


def run(step: Global, inputs: list[Path], output: Path, **options: int) -> dict[str, tuple[str, str, float]]:
    """What was dropped: id -> rule, the id that is kept, similarity."""
    Pipeline([step], validation=0.1).run([str(i) for i in inputs], output, quiet=True, **{"workers": 1, **options})
    paths = list((output / "ledger").glob("*.parquet"))
    if not paths:
        return {}
    ledger = pl.read_parquet(paths)
    return {r["id"]: (r["rule"], r["kept_id"], r["value"]) for r in ledger.iter_rows(named=True)}


@pytest.mark.parametrize("step", [ExactDedup, MinHashDedup])
def test_one_delivery_after_another_is_all_at_once(
    step: type[ExactDedup] | type[MinHashDedup], raw: Path, tmp_path: Path
) -> None:
    a, b, c = (raw / f"{name}.jsonl" for name in "abc")
    once = run(step(source_priority=["*a.jsonl", "*b.jsonl"]), [a, b, c], tmp_path / "once")
    first = run(step(), [a], tmp_path / "a")
    second = run(step(against=[str(tmp_path / "a")]), [b], tmp_path / "b", unit_bytes=3000)
    third = run(step(against=[str(tmp_path / "a"), str(tmp_path / "b")]), [c], tmp_path / "c", workers=2)
    assert {**first, **second, **third} == once
    ids = {name: {r["id"] for r in rows} for name, rows in deliveries().items()}
    assert any(kept in ids["a"] for _, kept, _ in second.values())
    assert any(kept in ids["b"] for _, kept, _ in third.values())


def test_signatures_are_of_the_corpus(raw: Path, tmp_path: Path) -> None:
    run(MinHashDedup(), [raw / "a.jsonl", raw / "b.jsonl"], tmp_path / "out")
    signatures = pl.read_parquet(tmp_path / "out/signatures/*.parquet")
    assert signatures["minhash"].dtype == pl.Array(pl.UInt16, 128)
    for split in ("train", "validation"):
        path = next((tmp_path / "out" / split).glob("*.parquet"))
        mine = signatures.filter(split=split).sort("row")
        assert mine["row"].to_list() == list(range(pq.read_metadata(path).num_rows))
        assert mine["id"].to_list() == pl.read_parquet(path)["id"].to_list()
    run(MinHashDedup(sign=False), [raw / "a.jsonl"], tmp_path / "unsigned")
    assert not (tmp_path / "unsigned/signatures").exists()


def test_only_candidates_are_read_again(raw: Path, tmp_path: Path) -> None:
    """An earlier corpus's texts may lie where only what is like the new ones can be read."""
    run(MinHashDedup(), [raw / "a.jsonl"], tmp_path / "a")
    for path in (tmp_path / "a").glob("*/*.parquet"):
        if path.parent.name in ("train", "validation"):
            path.unlink()
    (raw / "new.jsonl").write_text(json.dumps({"id": "n", "text": "Nothing like it was ever written before " * 9}))
    assert run(MinHashDedup(against=[str(tmp_path / "a")]), [raw / "new.jsonl"], tmp_path / "new") == {}


def test_what_cannot_be_compared_is_refused(raw: Path, tmp_path: Path) -> None:
    a = raw / "a.jsonl"
    with pytest.raises(InputError, match="not a finished corpus"):
        run(MinHashDedup(against=[str(tmp_path / "nowhere")]), [a], tmp_path / "x")
    run(MinHashDedup(char_ngram=5, sign=True), [a], tmp_path / "five")
    with pytest.raises(InputError, match="signed with char_ngram=5; set the same"):
        run(MinHashDedup(against=[str(tmp_path / "five")]), [a], tmp_path / "y")
    run(MinHashDedup(sign=False), [a], tmp_path / "unsigned")
    with pytest.raises(InputError, match="has no signatures"):
        run(MinHashDedup(against=[str(tmp_path / "unsigned")]), [a], tmp_path / "z")


def test_a_changed_earlier_corpus_is_noticed(raw: Path, tmp_path: Path) -> None:
    step = MinHashDedup(against=[str(tmp_path / "a")])
    run(MinHashDedup(), [raw / "a.jsonl"], tmp_path / "a")
    run(step, [raw / "b.jsonl"], tmp_path / "b")
    Pipeline([MinHashDedup()]).run([str(raw / "c.jsonl")], tmp_path / "a", quiet=True, workers=1, overwrite=True)
    with pytest.raises(RunError, match="other steps or inputs"):
        run(step, [raw / "b.jsonl"], tmp_path / "b")
