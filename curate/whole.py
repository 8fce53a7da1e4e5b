"""The phases that see the whole corpus: which ids repeat, what a Global decides, which documents are validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import xxhash

from .budget import check_bad_share
from .columns import merge_kinds
from .errors import RunError
from .handover import sketches, texts_at, write_part
from .job import Job
from .stage import ROW
from .step import DECISION_SCHEMA, Sketches


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
            write_part(job, "ids", "repeats", found.select("unit", "kept", "at", "first").to_arrow())
    kinds: dict[str, set[str]] = {}
    markers = [job.marker("map-0", u) for u in range(len(job.units))]
    bad = sum(m["quarantined"] - m["refused"] for m in markers) + repeats
    check_bad_share(job, bad, sum(m["documents"] - m["refused"] for m in markers))
    for marker in markers:
        merge_kinds(kinds, marker["fields"])
    fields = {name: sorted(found) for name, found in sorted(kinds.items())}
    return {"repeats": repeats, "fields": fields}


def decide(job: Job, stage: int, cut: int) -> dict[str, Any]:
    """Let a Global decide over what its stage kept and the Globals before it left."""
    label, step = job.stages[stage].cuts[cut]
    step.prepare()
    table = sketches(job, stage, cut)
    if not len(table):
        return {"dropped": 0}
    units, at = table["unit"].to_numpy(), table["at"].to_numpy()

    def texts(rows: Sequence[int]) -> list[str]:
        return texts_at(job, stage, units[list(rows)], at[list(rows)])

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
    write_part(job, f"decide-{stage}-{cut}", "decisions", out.drop("row", "kept_row").to_arrow())
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


def split(job: Job) -> dict[str, Any]:
    """Choose the validation documents: the share with the smallest hashes, children with their parents."""
    table = sketches(job, len(job.stages) - 1)
    if not len(table):
        return {"validation": 0, "documents": 0}
    if table["id"].n_unique() != len(table):
        again = table.filter(pl.col("id").is_duplicated())["id"][0]
        raise RunError(f"two documents are called {again!r} after the last step: a step makes ids that are not unique")
    chosen = validation_rows(table, job.validation, job.seed)
    write_part(job, "split", "validation", table.filter(chosen).select("unit", "at").to_arrow())
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
