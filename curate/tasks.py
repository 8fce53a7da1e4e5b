"""The phases of a run: map, ids, decide, split, write. Each function is one task; `phases.run_task` commits its marker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from .budget import check_bad_share
from .columns import carried_columns, field_kinds, merge_kinds
from .documents import CORE_FIELDS, Documents, with_core_columns
from .errors import RunError
from .job import ROW_GROUP_ROWS, Job, PartWriter
from .readers import Bad, read_unit
from .stage import (
    EMPTY,
    QUARANTINE_SCHEMA,
    ROW,
    Failure,
    Say,
    drop_empty,
    from_table,
    ledger_table,
    process,
    quarantine_table,
    removed_table,
    sketch_table,
    to_table,
)
from .step import DECISION_SCHEMA, Sketches

_prepared: set[int] = set()


def map_unit(job: Job, stage: int, unit: int, say: Say) -> dict[str, Any]:
    """Run one stage's Transforms and Filters over one unit: from the input, or from what the stage before kept."""
    phase, steps = f"map-{stage}", job.maps[stage]
    for _, step in steps:
        if id(step) not in _prepared:
            step.prepare()
            _prepared.add(id(step))
    out = {
        k: PartWriter(job.part_path(phase, unit, k), job.work)
        for k in ("kept", "ledger", "quarantine", "removed", "sketch", "ids")
    }
    cut = job.cuts[stage][1] if stage < len(job.cuts) else None
    started, seen, appended = time.perf_counter(), 0, 0
    kinds: dict[str, set[str]] = {}
    refused = 0

    def account(
        docs: Documents, reasons: Sequence[Sequence[Failure]], kept_ids: Sequence[str | None] | None = None
    ) -> None:
        table = ledger_table(docs, reasons, job.signals, kept_ids)
        if not job.keep_dropped_text:
            table = table.set_column(
                table.schema.get_field_index("text"), "text", pa.nulls(len(table), pa.large_string())
            )
        out["ledger"].write(table)
        if not stage:
            out["ids"].write(_id_hashes(docs, kept=False))
        out["removed"].write(removed_table(docs))

    for batch in _from_input(job, unit) if stage == 0 else _from_stage(job, stage - 1, unit):
        docs = batch.docs
        seen += len(docs) + len(batch.bad)
        if batch.bad:
            out["quarantine"].write(_bad_table(batch.bad, batch.bad_rows))
            refused += sum(b.refused for b in batch.bad)
        if batch.dropped is not None:
            account(*batch.dropped)
            seen += len(batch.dropped[0])
        if batch.repeated is not None:
            out["quarantine"].write(batch.repeated)
        if not stage:
            field_kinds(docs.table.column("metadata"), kinds)
            docs, empty = drop_empty(docs)
            if len(empty):
                account(empty, [[EMPTY]] * len(empty))
        done = process(docs, steps)
        appended += done.appended
        for kept in done.kept:
            out["kept"].write(to_table(kept, job.signals))
            out["sketch"].write(sketch_table(cut, kept))
            out["removed"].write(removed_table(kept))
            if not stage:
                out["ids"].write(_id_hashes(kept, kept=True))
        for dropped, reasons in done.dropped:
            account(dropped, reasons)
        out["quarantine"].write(quarantine_table(done.quarantined))
        say(len(batch.docs), batch.docs.text.nbytes)
    for writer in out.values():
        writer.close()
    return {
        "documents": seen,
        "kept": out["kept"].n_rows,
        "dropped": out["ledger"].n_rows,
        "quarantined": out["quarantine"].n_rows,
        "refused": refused,
        "appended": appended,
        "fields": {name: sorted(found) for name, found in sorted(kinds.items())},
        "seconds": round(time.perf_counter() - started, 3),
    }


class _Batch:
    """What flows into a stage: documents, and those that were judged before they came here."""

    __slots__ = ("bad", "bad_rows", "docs", "dropped", "repeated")

    def __init__(
        self,
        docs: Documents,
        bad: Sequence[Bad] = (),
        bad_rows: Sequence[int] = (),
        dropped: tuple[Documents, list[list[Failure]], list[str | None]] | None = None,
        repeated: pa.Table | None = None,
    ) -> None:
        self.docs, self.bad, self.bad_rows, self.dropped, self.repeated = docs, bad, bad_rows, dropped, repeated


def _from_input(job: Job, unit: int) -> Iterator[_Batch]:
    row = 0
    for table, bad in read_unit(job.units[unit], job.inputs):
        n = table.num_rows
        ordinals = pa.array(np.arange(row, row + n))
        docs = Documents(with_core_columns(table).append_column(ROW, ordinals))
        yield _Batch(docs, bad, range(row + n, row + n + len(bad)))
        row += n + len(bad)


def _from_stage(job: Job, stage: int, unit: int) -> Iterator[_Batch]:
    """What a stage kept, with the decisions of the Global behind it applied, and repeated ids taken out."""
    path = job.part_path(f"map-{stage}", unit, "kept")
    if not path.exists():
        return
    drops: dict[int, dict[str, Any]] = {}
    label = ""
    if stage < len(job.cuts):
        label = job.cuts[stage][0]
        decided = _of_unit(job, f"decide-{stage}", "decisions", unit)
        drops = {d["at"]: d for d in decided.iter_rows(named=True)}
    repeats: dict[int, str] = {}
    if stage == 0:
        found = _of_unit(job, "ids", "repeats", unit).filter(pl.col("kept"))
        repeats = dict(zip(found["at"].to_list(), found["first"].to_list(), strict=True))
    file = pq.ParquetFile(path)
    start = 0
    for group in range(file.num_row_groups):
        docs = from_table(file.read_row_group(group))
        here = range(start, start + len(docs))
        start += len(docs)
        gone = [i for i in here if i in drops]
        twice = [i for i in here if i in repeats]
        batch = _Batch(docs)
        if gone:
            rows = [drops[i] for i in gone]
            reasons = [[Failure(label, d["rule"], None, d["value"], d["threshold"])] for d in rows]
            batch.dropped = (docs.take([i - here.start for i in gone]), reasons, [d["kept_id"] for d in rows])
        if twice:
            batch.repeated = _repeated_table(
                docs.table.take([i - here.start for i in twice]), [repeats[i] for i in twice]
            )
        if gone or twice:
            batch.docs = docs.take([i - here.start for i in here if i not in drops and i not in repeats])
        yield batch


def _of_unit(job: Job, phase: str, kind: str, unit: int) -> pl.DataFrame:
    """The rows of a one-task phase that speak of a unit; no file, no rows."""
    path = job.part_path(phase, 0, kind)
    if not path.exists():
        return pl.DataFrame(schema={"unit": pl.Int64, "at": pl.Int64, "kept": pl.Boolean, "first": pl.String})
    return pl.scan_parquet(path).filter(pl.col("unit") == unit).collect()


def _repeated_table(table: pa.Table, first: Sequence[str]) -> pa.Table:
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


def _bad_table(bad: Sequence[Bad], rows: Sequence[int]) -> pa.Table:
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


def _id_hashes(docs: Documents, *, kept: bool) -> pa.Table:
    hashes = [xxhash.xxh3_128_digest(i.encode()) for i in docs.ids]
    return pa.table(
        {
            "id": pa.array(hashes, pa.binary(16)),
            "kept": pa.array([kept] * len(hashes)),
            "source": docs.table.column("source"),
            ROW: docs.table.column(ROW),
        }
    )


def check_ids(job: Job) -> dict[str, Any]:
    """Find every document whose id an earlier one has, and agree on the columns that the input carried.

    `repeats` has a row for each: its unit, whether it is in `kept` or the ledger, its position there, and the
    source of the first document of that id.
    """
    frames = []
    for unit in range(len(job.units)):
        table = job.read_part("map-0", unit, "ids")
        if table is None:
            continue
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        at = pl.int_range(pl.len()).over("kept").cast(pl.Int64).alias("at")
        frames.append(frame.with_columns(at, pl.lit(unit).cast(pl.Int64).alias("unit")))
    repeats = 0
    if frames:
        whole = pl.concat(frames).sort("unit", ROW, "kept", "at")
        found = whole.with_columns(pl.col("source").first().over("id").alias("first")).filter(
            ~pl.col("id").is_first_distinct()
        )
        repeats = len(found)
        if repeats:
            _write(job, "ids", "repeats", found.select("unit", "kept", "at", "first").to_arrow())
    kinds: dict[str, set[str]] = {}
    markers = [job.marker("map-0", u) for u in range(len(job.units))]
    bad = sum(m["quarantined"] - m["refused"] for m in markers) + repeats
    check_bad_share(job, bad, sum(m["documents"] - m["refused"] for m in markers))
    for marker in markers:
        merge_kinds(kinds, marker["fields"])
    fields = {name: sorted(found) for name, found in sorted(kinds.items())}
    return {"repeats": repeats, "fields": fields}


def _write(job: Job, phase: str, kind: str, table: pa.Table) -> None:
    path = job.part_path(phase, 0, kind)
    writer = PartWriter(path, job.work)
    writer.write(table)
    if not writer.close():
        path.unlink(missing_ok=True)


def _sketches(job: Job, stage: int) -> pl.DataFrame:
    """All sketches of a stage in input order, with `unit` and `at` (the position in the unit's kept part)."""
    frames = []
    for unit in range(len(job.units)):
        table = job.read_part(f"map-{stage}", unit, "sketch")
        if table is None:
            continue
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        frame = frame.with_columns(
            pl.lit(unit).cast(pl.Int64).alias("unit"), pl.int_range(pl.len(), dtype=pl.Int64).alias("at")
        )
        if stage == 0:
            twice = _of_unit(job, "ids", "repeats", unit).filter(pl.col("kept"))["at"]
            frame = frame.filter(~pl.col("at").is_in(twice.implode()))
        frames.append(frame)
    return pl.concat(frames) if frames else pl.DataFrame()


def decide(job: Job, stage: int) -> dict[str, Any]:
    """Let a Global decide over the whole corpus."""
    label, step = job.cuts[stage]
    step.prepare()
    table = _sketches(job, stage)
    if not len(table):
        return {"dropped": 0}
    units, at = table["unit"].to_numpy(), table["at"].to_numpy()

    def texts(rows: Sequence[int]) -> list[str]:
        return _texts(job, stage, units[list(rows)], at[list(rows)])

    found = step.decide(Sketches(table.drop("unit", "at", ROW), texts)).select(*DECISION_SCHEMA)
    check_decisions(label, found, len(table))
    ids = table["id"]
    kept_ids = [None if r is None else ids[r] for r in found["kept_row"].to_list()]
    rows = found["row"].to_numpy()
    out = found.with_columns(
        pl.Series("unit", units[rows], dtype=pl.Int64),
        pl.Series("at", at[rows], dtype=pl.Int64),
        pl.Series("kept_id", kept_ids, dtype=pl.String),
    )
    _write(job, f"decide-{stage}", "decisions", out.drop("row", "kept_row").to_arrow())
    return {"dropped": len(found)}


def check_decisions(label: str, found: pl.DataFrame, n: int) -> None:
    """Decisions must name documents that exist, each once, and never drop the one that is kept in their place."""
    rows = found["row"]
    if rows.n_unique() != len(rows) or (len(rows) and (rows.min() < 0 or rows.max() >= n)):  # type: ignore[operator]
        raise RunError(
            f"step {label} decided over a document twice, or over one that does not exist: a bug in that step"
        )
    if found["kept_row"].drop_nulls().is_in(rows.implode()).any():
        raise RunError(f"step {label} dropped a document in favour of one that it drops as well: a bug in that step")


def _texts(job: Job, stage: int, units: Any, at: Any) -> list[str]:
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


def split(job: Job) -> dict[str, Any]:
    """Choose the validation documents: the share with the smallest hashes, children with their parents."""
    table = _sketches(job, len(job.cuts))
    if not len(table):
        return {"validation": 0, "documents": 0}
    if table["id"].n_unique() != len(table):
        again = table.filter(pl.col("id").is_duplicated())["id"][0]
        raise RunError(f"two documents are called {again!r} after the last step: a step makes ids that are not unique")
    chosen = validation_rows(table, job.validation, job.seed)
    _write(job, "split", "validation", table.filter(chosen).select("unit", "at").to_arrow())
    return {"validation": int(chosen.sum()), "documents": len(table)}


def validation_rows(table: pl.DataFrame, share: float, seed: int) -> pl.Series:
    """True for the documents of the validation split, from columns `id` and `parent_id`.

    Whole families (a document and its augmented children) are taken, those with the smallest hashes first, until
    `share` of them is reached: at least one when the share is above 0 and there are two or more.
    """
    family = table.select(pl.coalesce("parent_id", "id").alias("family"))["family"]
    names = family.unique()
    wanted = round(share * len(names))
    if share > 0 and len(names) > 1:
        wanted = min(max(wanted, 1), len(names) - 1)
    ranked = sorted(names.to_list(), key=lambda n: (xxhash.xxh3_64_intdigest(n.encode(), seed=seed), n))
    return family.is_in(ranked[:wanted])


def write_shard(job: Job, shard: int, say: Say) -> dict[str, Any]:
    """Write one file each of train, validation, ledger, quarantine and removed text."""
    out = {
        kind: PartWriter(job.output / kind / f"part-{shard:05d}.parquet", job.work, group_rows=ROW_GROUP_ROWS)
        for kind in ("train", "validation", "ledger", "quarantine", "removed")
    }
    last = len(job.cuts)
    fields = job.marker("ids")["fields"]
    if shard == 0:
        out["quarantine"].write(_bad_table(job.refused, range(len(job.refused))).drop_columns([ROW]))
    for unit in job.shards[shard]:
        chosen = set(_of_unit(job, "split", "validation", unit)["at"].to_list())
        at = 0
        ledger: list[pa.Table] = []
        quarantine: list[pa.Table] = []
        for batch in _final(job, last, unit, quarantine):
            inside = np.array([at + i in chosen for i in range(batch.num_rows)], dtype=bool)
            at += batch.num_rows
            made = np.array(batch.column("parent_id").is_valid())
            children = np.flatnonzero(inside & made)
            if len(children):  # a validation split of real documents only
                docs = from_table(batch.take(children))
                ledger.append(
                    ledger_table(docs, [[Failure("split", "augmented_in_validation")]] * len(docs), job.signals)
                )
            corpus = _corpus_table(batch, job, fields)
            out["validation"].write(corpus.filter(pa.array(inside & ~made)))
            out["train"].write(corpus.filter(pa.array(~inside)))
            say(batch.num_rows, batch.nbytes)
        _gather(job, unit, ledger, quarantine)
        removed = [t for s in range(last + 1) if (t := job.read_part(f"map-{s}", unit, "removed")) is not None]
        for kind, tables in (("ledger", ledger), ("quarantine", quarantine)):
            if tables:
                out[kind].write(pa.concat_tables(tables).sort_by(ROW).drop_columns([ROW]))
        for table in removed:
            out["removed"].write(table)
    for kind, writer in out.items():
        if not writer.close():
            (job.output / kind / f"part-{shard:05d}.parquet").unlink(missing_ok=True)
    return {kind: writer.n_rows for kind, writer in out.items()}


def _final(job: Job, last: int, unit: int, quarantine: list[pa.Table]) -> Iterator[pa.Table]:
    """What the last stage kept of a unit, batch by batch."""
    path = job.part_path(f"map-{last}", unit, "kept")
    if not path.exists():
        return
    if last == 0:  # no Global came between: repeated ids are taken out here
        for batch in _from_stage(job, 0, unit):
            if batch.repeated is not None:
                quarantine.append(batch.repeated)
            yield to_table(batch.docs, job.signals)
        return
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        yield file.read_row_group(group)


def _gather(job: Job, unit: int, ledger: list[pa.Table], quarantine: list[pa.Table]) -> None:
    """Add what every stage dropped and quarantined; dropped documents whose id repeats go to quarantine."""
    for stage in range(len(job.cuts) + 1):
        table = job.read_part(f"map-{stage}", unit, "quarantine")
        if table is not None:
            quarantine.append(table)
        table = job.read_part(f"map-{stage}", unit, "ledger")
        if table is None:
            continue
        if stage == 0:
            found = _of_unit(job, "ids", "repeats", unit).filter(~pl.col("kept"))
            if len(found):
                at = found["at"].to_numpy()
                quarantine.append(_repeated_table(table.take(pa.array(at)), found["first"].to_list()))
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
    return _corpus_table(to_table(Documents(nothing), job.signals), job, job.marker("ids")["fields"])
