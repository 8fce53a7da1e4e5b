"""The phases that run a task a work unit or a shard: map and write. `phases.run_task` commits their markers."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash

from ..documents import CORE_FIELDS, Documents
from ..exchange import bin_of, halves, read_batches
from ..stage import (
    EMPTY,
    ROW,
    Failure,
    Say,
    as_bytes,
    drop_empty,
    families,
    ledger_table,
    own_sketch,
    process,
    quarantine_table,
    removed_before,
    removed_table,
    sketch_table,
    to_table,
)
from ..step import Global
from .columns import carried_columns, field_kinds
from .handover import bad_table, from_input, from_stage, ids_exchange, repeated_table, repeats_of
from .job import OUTPUTS, ROW_GROUP_ROWS, SIGNATURES, SKETCH_KEY, Job, PartWriter, SketchWriter


def map_unit(job: Job, stage: int, unit: int, say: Say) -> dict[str, Any]:
    """Run one stage's Transforms and Filters over one unit: from the input, or from what the stage before kept."""
    phase, steps, cuts = f"map-{stage}", job.stages[stage].steps, job.stages[stage].cuts
    for _, step in (*steps, *cuts):
        job.prepare(step)
    kinds = ["kept", "ledger", "quarantine", "removed"]
    # Read once and thrown away: fast compression is worth more here than small files.
    out = {k: PartWriter(job.part_path(phase, unit, k), job.work, compression="lz4") for k in kinds}
    shared = SketchWriter(job.sketch_path(stage, unit), job.work)
    own = [SketchWriter(job.sketch_path(stage, unit, i), job.work) for i in range(len(cuts))]
    started, seen, appended, refused = time.perf_counter(), 0, 0, 0
    fields: dict[str, set[str]] = {}
    ids: list[pa.Table] = []

    def account(
        docs: Documents, reasons: Sequence[Sequence[Failure]], kept_ids: Sequence[str | None] | None = None
    ) -> None:
        out["ledger"].write(_ledger(job, docs, reasons, kept_ids))
        if not stage:
            ids.append(_id_hashes(docs, out["ledger"].n_rows - len(docs), kept=False))
        out["removed"].write(removed_table(docs))

    for batch in from_input(job, unit) if stage == 0 else from_stage(job, stage - 1, unit):
        docs = batch.docs
        seen += len(docs) + len(batch.bad) + sum(len(d) for d, _, _ in batch.dropped)
        if batch.bad:
            out["quarantine"].write(bad_table(batch.bad, batch.bad_rows))
            refused += sum(b.refused for b in batch.bad)
        for dropped in batch.dropped:
            account(*dropped)
        if batch.repeated is not None:
            out["quarantine"].write(batch.repeated)
        if not stage:
            field_kinds(docs.table.column("metadata"), fields)
            docs, empty = drop_empty(docs)
            if len(empty):
                account(empty, [[EMPTY]] * len(empty))
        done = process(docs, steps)
        appended += done.appended
        for kept in done.kept:
            out["kept"].write(to_table(kept, job.signals))
            sketch = sketch_table(kept)
            if stage == len(job.stages) - 1:  # the split's, which no Global needs
                sketch = sketch.append_column("family", pa.array(families(kept, job.seed)))
            shared.write(sketch)
            for i, (_, cut) in enumerate(cuts):
                own[i].write(own_sketch(cut, kept))
            out["removed"].write(removed_table(kept))
            if not stage:
                ids.append(_id_hashes(kept, out["kept"].n_rows - len(kept), kept=True))
        for gone, reasons in done.dropped:
            account(gone, reasons)
        out["quarantine"].write(quarantine_table(done.quarantined))
        out["removed"].write(removed_before(done.quarantined))
        say(len(batch.docs), batch.docs.text.nbytes)
    for writer in out.values():
        writer.close()
    for sketch_writer in (shared, *own):
        sketch_writer.close()
    if not stage:
        with ids_exchange(job).scatter("ids", unit) as scatter:
            for table in ids:
                table = table.append_column("unit", pa.array(np.full(len(table), unit)))
                scatter.add(table, bin_of(table.column("high").to_numpy(), job.partitions))
    return {
        "documents": seen,
        "kept": out["kept"].n_rows,
        "dropped": out["ledger"].n_rows,
        "quarantined": out["quarantine"].n_rows,
        "refused": refused,
        "appended": appended,
        "fields": {name: sorted(found) for name, found in sorted(fields.items())},
        "seconds": round(time.perf_counter() - started, 3),
    }


def _ledger(
    job: Job, docs: Documents, reasons: Sequence[Sequence[Failure]], kept_ids: Sequence[str | None] | None = None
) -> pa.Table:
    table = ledger_table(docs, reasons, job.signals, kept_ids)
    if job.keep_dropped_text:
        return table
    return table.set_column(table.schema.get_field_index("text"), "text", pa.nulls(len(table), pa.large_string()))


def _id_hashes(docs: Documents, start: int, *, kept: bool) -> pa.Table:
    """The ids of a batch as hashes, and where they are: from position `start` of the kept part, or of the ledger."""
    high, low = halves(map(xxhash.xxh3_128_digest, as_bytes(docs.table.column("id"))))
    return pa.table(
        {
            "high": high,
            "low": low,
            "kept": pa.array([kept] * len(docs)),
            "at": pa.array(np.arange(start, start + len(docs))),
            "source": docs.table.column("source"),
            "row": docs.table.column(ROW),
        }
    )


def write_shard(job: Job, shard: int, say: Say) -> dict[str, Any]:
    """Write one file each of train, validation, ledger, quarantine and removed text."""
    if job.signer is not None:
        job.prepare(job.signer)
    # Signatures are as random as numbers can be: there is nothing in them to compress.
    packed = dict.fromkeys(OUTPUTS, "zstd") | {SIGNATURES: "lz4"}
    out = {
        kind: PartWriter(
            job.output / kind / f"part-{shard:05d}.parquet",
            job.work,
            group_rows=ROW_GROUP_ROWS,
            compression=packed[kind],
        )
        for kind in OUTPUTS
    }
    last = len(job.stages) - 1
    fields = job.marker("check")["fields"]
    largest = job.marker("split")["largest"]
    if shard == 0:
        out["quarantine"].write(bad_table(job.refused, range(len(job.refused))).drop_columns([ROW]))
    for unit in job.shards[shard]:
        ledger: list[pa.Table] = []
        quarantine: list[pa.Table] = []
        signed = _signed(job, unit)
        for batch in from_stage(job, last, unit):
            ledger += [_ledger(job, *dropped) for dropped in batch.dropped]
            if batch.repeated is not None:
                quarantine.append(batch.repeated)
            inside = np.zeros(len(batch.docs), bool)
            if largest is not None:
                inside = families(batch.docs, job.seed) <= np.uint64(largest)
            made = batch.docs.table.column("parent_id").is_valid().to_numpy(zero_copy_only=False)
            children = np.flatnonzero(inside & made)
            if len(children):  # a validation split of real documents only
                reasons = [[Failure("split", "augmented_in_validation")]] * len(children)
                ledger.append(_ledger(job, batch.docs.take(children), reasons))
            corpus = _corpus_table(to_table(batch.docs, job.signals), job, fields)
            for split, chosen in (("train", ~inside), ("validation", inside & ~made)):
                rows = np.flatnonzero(chosen)
                if job.signer is not None and len(rows):
                    docs = batch.docs.take(rows)
                    at = None if signed is None or batch.at is None else pa.array(batch.at[rows])
                    own = own_sketch(job.signer, docs) if at is None or signed is None else signed.take(at)
                    out[SIGNATURES].write(signatures(job.signer, docs, own, split, out[split].n_rows))
                out[split].write(corpus.take(pa.array(rows)))
            say(len(batch.docs), batch.docs.text.nbytes)
        _gather(job, unit, ledger, quarantine)
        for kind, tables in (("ledger", ledger), ("quarantine", quarantine)):
            if tables:
                out[kind].write(pa.concat_tables(tables).sort_by(ROW).drop_columns([ROW]))
        for stage in range(last + 1):
            removed = job.read_part(f"map-{stage}", unit, "removed")
            if removed is not None:
                out["removed"].write(removed)
    for kind, writer in out.items():
        if not writer.close():
            (job.output / kind / f"part-{shard:05d}.parquet").unlink(missing_ok=True)
    return {kind: writer.n_rows for kind, writer in out.items()}


def _signed(job: Job, unit: int) -> pa.Table | None:
    """What the signer said of each document of a unit's kept part; None where it has changed since."""
    last = len(job.stages) - 1
    for cut, (_, step) in enumerate(job.stages[last].cuts):
        path = job.sketch_path(last, unit, cut)
        if step is job.signer and path.exists():
            return pa.concat_tables(read_batches(path))
    return None


def signatures(signer: Global, docs: Documents, own: pa.Table, split: str, row: int) -> pa.Table:
    """The sketches `own` of documents as they are written, from row `row` of a split's file on."""
    n = len(docs)
    columns = {
        "id": docs.table.column("id"),
        "source": docs.table.column("source"),
        "split": pa.repeat(pa.scalar(split), n),
        "row": pa.array(np.arange(row, row + n)),
        "length": pa.array(pl.Series(docs.text).str.len_bytes().to_numpy(), pa.int64()),
    }
    table = pa.table({**columns, **{name: own.column(name) for name in own.column_names}})
    return table.replace_schema_metadata({SKETCH_KEY: json.dumps(signer.signed_with(), sort_keys=True).encode()})


def _gather(job: Job, unit: int, ledger: list[pa.Table], quarantine: list[pa.Table]) -> None:
    """Add what every stage dropped and quarantined; dropped documents whose id repeats go to quarantine."""
    for stage in range(len(job.stages)):
        table = job.read_part(f"map-{stage}", unit, "quarantine")
        if table is not None:
            quarantine.append(table)
        table = job.read_part(f"map-{stage}", unit, "ledger")
        if table is None:
            continue
        repeats = repeats_of(job, unit, kept=False) if stage == 0 else {}
        if repeats:
            at = np.array(sorted(repeats))
            quarantine.append(repeated_table(table.take(pa.array(at)), [repeats[i] for i in at.tolist()]))
            table = table.take(pa.array(np.setdiff1d(np.arange(len(table)), at)))
        ledger.append(table)


def _corpus_table(table: pa.Table, job: Job, fields: dict[str, list[str]]) -> pa.Table:
    """The corpus columns in their order: our own, the signals, then the input's."""
    carried = carried_columns(table.column("metadata"), fields)
    drop = {ROW, "metadata", "signals"} | (set() if job.augments else {"parent_id", "augmentation"})
    columns = {n: table.column(n) for n in table.column_names if n not in drop}
    if "signals" in table.column_names:
        columns["signals"] = table.column("signals")
    return pa.table(columns | carried)


def empty_corpus(job: Job) -> pa.Table:
    """The corpus's columns without a row."""
    nothing = pa.table(
        {n: pa.array([], t) for n, t in CORE_FIELDS.items()}
        | {"metadata": pa.array([], pa.large_string()), ROW: pa.array([], pa.int64())}
    )
    return _corpus_table(to_table(Documents(nothing), job.signals), job, job.marker("check")["fields"])
