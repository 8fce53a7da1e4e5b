"""What `corpusmill recall` does with one work unit of the pool: measure, collect, score, write.

All that a task needs is in the work folder, and its result is one file there: PHASE/00012.npz or .parquet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from ..documents import Documents, with_core_columns
from ..files import whole
from ..readers import Input, Unit, read_unit

SAMPLE_CHARS = 400
SHORT_BYTES = 300
"""A shorter text's share of keywords is taken as if it had so many: one word in a review of a line is no domain."""


def result_path(work: Path, phase: str, unit: int) -> Path:
    """The file that a task leaves."""
    suffix = "npz" if phase == "measure" or phase.startswith("score") else "parquet"
    return work / phase / f"{unit:05d}.{suffix}"


def run_task(work: Path, phase: str, unit: int) -> int:
    """Do one task; how many documents it read."""
    kind = phase.split("-")[0]
    (work / phase).mkdir(exist_ok=True)
    return {"measure": _measure, "collect": _collect, "score": _score, "found": _found}[kind](work, phase, unit)


def unit_rows(work: Path, phase: str, unit: int) -> NDArray[np.int64]:
    """The rows of a unit that a phase is about, which the parent chose."""
    path = work / phase / f"{unit:05d}.rows.npy"
    return np.load(path) if path.exists() else np.zeros(0, np.int64)


@lru_cache(maxsize=1)
def _plan(path: Path, changed: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def load_plan(work: Path) -> dict[str, Any]:
    """What is read, and the terms of the domain."""
    path = work / "plan.json"
    return _plan(path, path.stat().st_mtime_ns)


def _batches(work: Path, unit: int) -> Iterator[tuple[int, Documents]]:
    """(row of the first, documents)."""
    plan = load_plan(work)
    inputs = [Input.model_validate(i) for i in plan["inputs"]]
    at = 0
    # What cannot be read is no document of the pool; the report counts such records in `measure`.
    for table, _ in read_unit(Unit.from_json(plan["units"][unit]), inputs):
        yield at, Documents(with_core_columns(table))
        at += table.num_rows


def _measure(work: Path, phase: str, unit: int) -> int:
    from ...domain_packs import lexicon
    from ...filters.classifier.models import lines_of
    from ...filters.domain_recall import group_of
    from ...filters.text.words import buffers_of

    terms = tuple(load_plan(work)["terms"])
    patterns = lexicon.patterns(terms) if terms else ()
    hashes, groups, density = [], [], []
    for _, docs in _batches(work, unit):
        lines = lines_of(docs)
        hashes += [xxhash.xxh3_64_intdigest(lines.document(row)) for row in range(len(lines))]
        found = group_of(docs)
        groups.append(np.where(np.diff(lines.offsets) == 0, np.int8(-1), found).astype(np.int8))
        share = lexicon.coverage(docs, patterns) if terms else np.zeros(len(docs), np.float32)
        size = np.diff(buffers_of(docs).offsets)
        density.append((share * np.minimum(size / SHORT_BYTES, 1)).astype(np.float32))
    arrays = {
        "hashes": np.array(hashes, dtype=np.uint64),
        "groups": np.concatenate([*groups, np.zeros(0, np.int8)]),
        "keywords": np.concatenate([*density, np.zeros(0, np.float32)]),
    }
    save_arrays(result_path(work, phase, unit), **arrays)
    return len(hashes)


def _collect(work: Path, phase: str, unit: int) -> int:
    """The prepared lines of the rows that were chosen, cut to what a model is trained on; for samples, the text."""
    from ...filters.classifier.models import lines_of, strings
    from ...filters.domain_recall import TRAIN_BYTES, part_of

    wanted = unit_rows(work, phase, unit)
    raw = phase.endswith("samples")
    rows: list[int] = []
    lines: list[str] = []
    if len(wanted):
        for at, docs in _batches(work, unit):
            mine = wanted[(wanted >= at) & (wanted < at + len(docs))]
            if not len(mine):
                continue
            if raw:
                lines += [text[:SAMPLE_CHARS] for text in docs.text.take(pa.array(mine - at)).to_pylist()]
            else:
                lines += [cut_line(line, TRAIN_BYTES) for line in strings(part_of(lines_of(docs), mine - at))]
            rows += mine.tolist()
    _save_table(
        result_path(work, phase, unit),
        pa.table({"row": pa.array(rows, pa.int64()), "line": pa.array(lines, pa.large_string())}),
    )
    return len(rows)


def cut_line(line: str, most: int) -> str:
    """The tokens of a line that lie in its first bytes."""
    data = line.encode()
    return line if len(data) <= most else data[:most].rpartition(b" ")[0].decode("utf-8", "ignore")


def _score(work: Path, phase: str, unit: int) -> int:
    from ...filters.classifier.models import POSITIVE, lines_of
    from ...filters.domain_grams import sums
    from ...filters.domain_recall import LONGEST, Start, part_of

    about = np.load(result_path(work, "measure", unit))
    groups, halves = about["groups"], (about["hashes"] & np.uint64(1)).astype(np.int8)
    name = phase.removeprefix("score-")
    found = np.full(len(groups), -np.inf, np.float32)
    for at, docs in _batches(work, unit):
        rows = slice(at, at + len(docs))
        lines = lines_of(docs)
        if name == "resample":
            found[rows] = sums(lines, _weights(work / "resample.npz"), longest=LONGEST, distinct=False)[0]
        elif name == "0":
            found[rows] = Start(_weights(work / "start.npz")).score(lines, groups[rows], halves[rows])
        else:
            for half in (0, 1):
                chosen = np.flatnonzero((halves[rows] != half) & (groups[rows] >= 0))
                if len(chosen):
                    model = _model(work / f"model-{name}-{half}.bin")
                    found[at + chosen] = model.line_log_odds(part_of(lines, chosen), POSITIVE)
    save_arrays(result_path(work, phase, unit), scores=found)
    return len(groups)


@lru_cache(maxsize=2)
def _weights(path: Path) -> Any:
    return np.load(path)["weights"]


@lru_cache(maxsize=4)
def _model(path: Path) -> Any:
    from ...filters.classifier.fasttext_model import load_linear
    from ...filters.classifier.models import FastTextModel

    return FastTextModel(load_linear(path), path)


def _found(work: Path, phase: str, unit: int) -> int:
    """The documents that were found, with score, round and share of keywords, as they were read."""
    wanted = unit_rows(work, phase, unit)
    marks = pl.read_parquet(work / phase / f"{unit:05d}.marks") if len(wanted) else pl.DataFrame()
    tables = []
    for at, docs in _batches(work, unit) if len(wanted) else ():
        mine = np.flatnonzero((wanted >= at) & (wanted < at + len(docs)))
        if len(mine):
            table = docs.table.select(["id", "text", "source", "metadata"]).take(pa.array(wanted[mine] - at))
            for name in ("score", "round", "keywords"):
                table = table.append_column(name, pa.array(marks[name].to_numpy()[mine]))
            tables.append(table)
    _save_table(result_path(work, phase, unit), pa.concat_tables(tables) if tables else FOUND_SCHEMA.empty_table())
    return len(wanted)


FOUND_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("source", pa.string()),
        ("metadata", pa.large_string()),
        ("score", pa.float32()),
        ("round", pa.int8()),
        ("keywords", pa.float32()),
    ]
)
"""Columns of what recall writes; `metadata` is the record's other fields as JSON."""


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write an .npz file, whole or not at all."""
    with whole(path) as draft, draft.open("wb") as f:
        np.savez(f, **arrays)


def _save_table(path: Path, table: pa.Table) -> None:
    with whole(path) as draft:
        pq.write_table(table, draft, compression="zstd")
