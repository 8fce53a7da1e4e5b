"""What one phase of a run hands to the next: batches with decisions applied, sketches, texts by position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .documents import Documents, with_core_columns
from .job import Job, PartWriter
from .readers import Bad, read_unit
from .stage import QUARANTINE_SCHEMA, ROW, Failure, beside, from_table

Dropped = tuple[Documents, list[list[Failure]], list[str | None]]
"""Documents, the broken rules of each, and the id kept in its place, if any."""


@dataclass(slots=True)
class Batch:
    """What flows into a phase: documents, and those that were judged before they came here."""

    docs: Documents
    at: NDArray[np.int64] | None = None
    """Position of each document in the part that it was read from."""
    bad: Sequence[Bad] = ()
    bad_rows: Sequence[int] = ()
    dropped: list[Dropped] = field(default_factory=list)
    repeated: pa.Table | None = None
    """Quarantine rows of documents whose id an earlier one has."""


def from_input(job: Job, unit: int) -> Iterator[Batch]:
    """The documents of a work unit, and what could not be read of it."""
    row = 0
    for table, bad in read_unit(job.units[unit], job.inputs):
        n = table.num_rows
        ordinals = pa.array(np.arange(row, row + n))
        docs = Documents(with_core_columns(table).append_column(ROW, ordinals))
        yield Batch(docs, bad=bad, bad_rows=range(row + n, row + n + len(bad)))
        row += n + len(bad)


def from_stage(job: Job, stage: int, unit: int) -> Iterator[Batch]:
    """What a stage kept of a unit, with the decisions of its Globals applied, and repeated ids taken out."""
    path = job.part_path(f"map-{stage}", unit, "kept")
    if not path.exists():
        return
    decided = [(label, decisions_of(job, stage, cut, unit)) for cut, (label, _) in enumerate(job.stages[stage].cuts)]
    repeats = repeats_of(job, unit) if stage == 0 else {}
    file = pq.ParquetFile(path)
    start = 0
    for group in range(file.num_row_groups):
        docs = from_table(file.read_row_group(group))
        stays = np.ones(len(docs), dtype=bool)
        batch = Batch(docs)
        for label, drops in decided:
            gone = [i for i in range(len(docs)) if start + i in drops]
            if gone:
                rows = [drops[start + i] for i in gone]
                reasons = [[Failure(label, d["rule"], None, d["value"], d["threshold"])] for d in rows]
                batch.dropped.append((docs.take(gone), reasons, [d["kept_id"] for d in rows]))
                stays[gone] = False
        twice = [i for i in range(len(docs)) if start + i in repeats]
        if twice:
            batch.repeated = repeated_table(docs.table.take(twice), [repeats[start + i] for i in twice])
            stays[twice] = False
        left = np.flatnonzero(stays)
        batch.at = left + start
        if len(left) < len(docs):
            batch.docs = docs.take(left)
        start += len(docs)
        yield batch


def decisions_of(job: Job, stage: int, cut: int, unit: int) -> dict[int, dict[str, Any]]:
    """A Global's decisions over the documents of a unit, by their position in the stage's kept part."""
    return {d["at"]: d for d in _of_unit(job, f"decide-{stage}-{cut}", "decisions", unit).iter_rows(named=True)}


def repeats_of(job: Job, unit: int, *, kept: bool = True) -> dict[int, str]:
    """Documents whose id repeats, by position in the kept part (or the ledger) of map-0: where the first one is."""
    found = _of_unit(job, "ids", "repeats", unit)
    return {r["at"]: r["first"] for r in found.iter_rows(named=True) if r["kept"] == kept}


def validation_of(job: Job, unit: int) -> set[int]:
    """Positions, in the last stage's kept part, of the documents that go to validation."""
    return {r["at"] for r in _of_unit(job, "split", "validation", unit).iter_rows(named=True)}


def _of_unit(job: Job, phase: str, kind: str, unit: int) -> pl.DataFrame:
    """The rows of a one-task phase that speak of a unit; no file, no rows."""
    path = job.part_path(phase, 0, kind)
    if not path.exists():
        return pl.DataFrame()
    return pl.scan_parquet(path).filter(pl.col("unit") == unit).collect()


def sketches(job: Job, stage: int, cut: int | None = None) -> pl.DataFrame:
    """The sketches of all documents that are left after a stage's first `cut` Globals (all of them for None).

    In input order, with `unit` and `at` (the position in the unit's kept part), and that Global's own columns.
    """
    before = range(len(job.stages[stage].cuts) if cut is None else cut)
    frames = []
    for unit in range(len(job.units)):
        table = job.read_part(f"map-{stage}", unit, "sketch")
        if table is None:
            continue
        if cut is not None:
            own = job.read_part(f"map-{stage}", unit, f"sketch-{cut}")
            assert own is not None, "a sketch without the Global's own columns"
            table = beside(table, own)
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        frame = frame.with_columns(
            pl.lit(unit).cast(pl.Int64).alias("unit"), pl.int_range(pl.len(), dtype=pl.Int64).alias("at")
        )
        gone = {at for c in before for at in decisions_of(job, stage, c, unit)}
        if stage == 0:
            gone |= set(repeats_of(job, unit))
        if gone:
            frame = frame.filter(~pl.col("at").is_in(sorted(gone)))
        frames.append(frame)
    return pl.concat(frames) if frames else pl.DataFrame()


def texts_at(job: Job, stage: int, units: NDArray[np.int64], at: NDArray[np.int64]) -> list[str]:
    """Texts by unit and position, reading each row group that is touched once."""
    out: list[str] = [""] * len(units)
    for unit in np.unique(units):
        mine = np.flatnonzero(units == unit)
        with pq.ParquetFile(job.part_path(f"map-{stage}", int(unit), "kept")) as file:
            sizes = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
            starts = np.concatenate([[0], np.cumsum(sizes)])
            group_of = np.searchsorted(starts, at[mine], side="right") - 1
            for group in np.unique(group_of):
                hits = mine[group_of == group]
                column = file.read_row_group(int(group), columns=["text"]).column("text")
                found = column.take(pa.array(at[hits] - starts[group])).to_pylist()
                for i, text in zip(hits, found, strict=True):
                    out[i] = text
    return out


def repeated_table(table: pa.Table, first: Sequence[str]) -> pa.Table:
    """Quarantine rows for documents whose id was seen before."""
    n = table.num_rows
    columns = {
        "id": table.column("id"),
        "source": table.column("source"),
        "position": pa.nulls(n, pa.int64()),
        "step": pa.array(["read"] * n),
        "error": pa.array(
            [
                f"the id repeats that of an earlier document, in {s}; give documents ids of their own, or read them with id: null"
                for s in first
            ],
            pa.string(),
        ),
        "text": table.column("text"),
        "raw": pa.nulls(n, pa.large_binary()),
        ROW: table.column(ROW),
    }
    return pa.table(columns)


def bad_table(bad: Sequence[Bad], rows: Sequence[int]) -> pa.Table:
    columns = {
        "id": [b.id for b in bad],
        "source": [b.source for b in bad],
        "position": [b.position for b in bad],
        "step": ["read"] * len(bad),
        "error": [b.error for b in bad],
        "text": [None] * len(bad),
        "raw": [b.raw for b in bad],
    }
    table = pa.table({k: pa.array(v, QUARANTINE_SCHEMA.field(k).type) for k, v in columns.items()})
    return table.append_column(ROW, pa.array(list(rows), pa.int64()))


def write_part(job: Job, phase: str, kind: str, table: pa.Table) -> None:
    path = job.part_path(phase, 0, kind)
    writer = PartWriter(path, job.work)
    writer.write(table)
    if not writer.close():
        path.unlink(missing_ok=True)
