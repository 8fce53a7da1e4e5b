"""What one phase of a run hands to the next: batches with decisions applied, sketches, texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..documents import Documents, with_core_columns
from ..exchange import CUT_COLUMNS, CUTS, DECISIONS, Exchange, Ints, read_batches
from ..readers import Bad, read_unit
from ..stage import QUARANTINE_SCHEMA, ROW, Failure, beside, from_table
from ..step import Global
from .cutting import cut_out, uncut
from .job import Job

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
    decided = []
    cutting: tuple[str, Global, pa.Table] | None = None
    for cut, (label, step) in enumerate(job.stages[stage].cuts):
        if step.cuts:  # the stage's last
            cutting = label, step, cuts_of(job, stage, cut, unit)
            continue
        found = decisions_of(job, stage, cut, unit)
        if found is not None:
            decided.append((label, {d["at"]: d for d in found.to_pylist()}))
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
        if cutting is not None:
            _cut(batch, batch.at, *cutting)
        start += len(docs)
        yield batch


def _cut(batch: Batch, at: Ints, label: str, step: Global, spans: pa.Table) -> None:
    """Cut these pieces out of the batch's documents, whose positions are `at`."""
    places = spans.column("at").to_numpy()
    rows = np.minimum(np.searchsorted(at, places), len(at) - 1)
    here = at[rows] == places if len(at) else np.zeros(len(places), bool)
    if not here.any():
        batch.docs = uncut(batch.docs, step)
        return
    cut = cut_out(batch.docs, label, step, rows[here], spans.filter(pa.array(here)))
    batch.docs, batch.at = cut.docs, at[cut.rows]
    if len(cut.emptied):
        batch.dropped.append((cut.emptied, cut.reasons, cut.kept_ids))


def cuts_of(job: Job, stage: int, cut: int, unit: int) -> pa.Table:
    """What a Global cuts out of the documents of a unit, with their position `at` in the stage's kept part."""
    exchange = exchange_of(job, stage, cut)
    found = exchange.gathered(CUTS, unit)
    spans = CUT_COLUMNS.empty_table() if found is None else found
    return spans.append_column("at", pc.subtract(spans.column("doc"), int(exchange.offsets[unit])))


def decisions_of(job: Job, stage: int, cut: int, unit: int) -> pa.Table | None:
    """A Global's decisions over the documents of a unit, with their position `at` in the stage's kept part."""
    exchange = exchange_of(job, stage, cut)
    found = exchange.gathered(DECISIONS, unit)
    if found is None:
        return None
    return found.append_column("at", pc.subtract(found.column("doc"), int(exchange.offsets[unit])))


def repeats_of(job: Job, unit: int, *, kept: bool = True) -> dict[int, str]:
    """Documents whose id repeats, by position in the kept part (or the ledger) of map-0: where the first one is."""
    found = ids_exchange(job).gathered("repeats", unit)
    if found is None:
        return {}
    return {r["at"]: r["first"] for r in found.to_pylist() if r["kept"] == kept}


def ids_exchange(job: Job) -> Exchange:
    """Where the ids of all units meet."""
    return Exchange(
        job.exchange_folder("ids"),
        rows=[0] * len(job.units),
        sketches=lambda unit: iter(()),
        texts=lambda unit, wanted=None: iter(()),
        partitions=job.partitions,
        memory=job.task_memory,
    )


def exchange_of(job: Job, stage: int, cut: int) -> Exchange:
    """The corpus as a stage's Global sees it: what the stage kept and the Globals before it left."""
    return Exchange(
        job.exchange_folder(f"{stage}-{cut}"),
        rows=job.kept_rows(stage),
        sketches=lambda unit: sketches(job, stage, unit, cut),
        texts=lambda unit, wanted=None: _texts(job, stage, unit, wanted),
        partitions=job.partitions,
        memory=job.task_memory,
    )


def sketches(job: Job, stage: int, unit: int, cut: int | None = None) -> Iterator[pa.Table]:
    """The sketches of a unit's documents that are left after a stage's first `cut` Globals (all of them for None).

    With `at`, the position in the unit's kept part, and that Global's own columns.
    """
    path = job.sketch_path(stage, unit)
    if not path.exists():
        return
    gone = _gone(job, stage, unit, range(len(job.stages[stage].cuts) if cut is None else cut))
    common = read_batches(path)
    own = None if cut is None else read_batches(job.sketch_path(stage, unit, cut))
    start = 0
    for table in common:
        if own is not None:
            table = beside(table, next(own))
        at = np.arange(start, start + len(table))
        start += len(table)
        table = table.append_column("at", pa.array(at))
        stays = ~np.isin(at, gone)
        yield table if stays.all() else table.filter(pa.array(stays))


def _gone(job: Job, stage: int, unit: int, cuts: Iterable[int]) -> Ints:
    """Positions in a unit's kept part of what these Globals dropped, and of repeated ids."""
    found = [decisions_of(job, stage, cut, unit) for cut in cuts if not job.stages[stage].cuts[cut][1].cuts]
    at = [d.column("at").to_numpy() for d in found if d is not None]
    if stage == 0:
        at.append(np.array(list(repeats_of(job, unit)), np.int64))
    return np.concatenate(at) if at else np.zeros(0, np.int64)


def _texts(job: Job, stage: int, unit: int, wanted: Ints | None = None) -> Iterator[pa.Table]:
    """The texts of a unit's kept part with their position `at`: all, or those at the sorted positions `wanted`."""
    path = job.part_path(f"map-{stage}", unit, "kept")
    if not path.exists():
        return
    file = pq.ParquetFile(path)
    start = 0
    for group in range(file.num_row_groups):
        rows = np.arange(start, start + file.metadata.row_group(group).num_rows)
        start += len(rows)
        if wanted is not None:
            rows = wanted[np.searchsorted(wanted, rows[0]) : np.searchsorted(wanted, rows[-1], side="right")]
            if not len(rows):
                continue
        table = file.read_row_group(group, columns=["text"])
        if len(rows) < len(table):
            table = table.take(pa.array(rows - (start - len(table))))
        yield table.append_column("at", pa.array(rows))


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
