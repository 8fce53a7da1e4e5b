"""What a run's outputs say about duplicates: the biggest clusters, sources that lost much, pieces cut out, the banding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ..run.job import parts

MOST_CLUSTERS = 10
SAMPLE_CHARS = 120

LEAST_DOCUMENTS = 20
"""A source with fewer documents is not warned about: a few duplicates are half of it."""

LARGE_SHARE = 0.5
TIMES_THE_REST = 3.0
"""A source is warned about when a step takes more than half of what came to it from that source, and more than three
times the share that it takes of all other sources together. Templated texts (judgments of one court, labels of one
drug) are the usual reason. Beside no other source, only steps that keep another document in place are looked at."""


def clusters(corpus: Path, most: int = MOST_CLUSTERS) -> list[dict[str, Any]]:
    """The documents that most others fell to: kept_id, removed (how many), steps, lowest and highest similarity, source
    of most of the removed, and the first line of one of them."""
    ledger = _scan(corpus, "ledger")
    if ledger is None:
        return []
    gone = ledger.filter(pl.col("kept_id").is_not_null())
    found = (
        gone.group_by("kept_id")
        .agg(
            pl.len().alias("removed"),
            pl.col("step").unique().sort().alias("steps"),
            pl.col("value").min().alias("lowest"),
            pl.col("value").max().alias("highest"),
            pl.col("id").min().alias("sample_id"),
            pl.col("source").drop_nulls().mode().min().alias("source"),
        )
        .sort("removed", "kept_id", descending=[True, False])
        .head(most)
        .collect()
    )
    sample = _first_lines(gone, found["sample_id"]) | _first_lines_of_kept(corpus, found["kept_id"])
    return [
        {
            **{k: v for k, v in row.items() if k != "sample_id"},
            "sample": sample.get(row["kept_id"]) or sample.get(row["sample_id"]),
        }
        for row in found.iter_rows(named=True)
    ]


def losses(corpus: Path, steps: Sequence[str]) -> list[dict[str, Any]]:
    """Sources that lost an unusual share to a step (labels in pipeline order): source, step, documents that came to
    it, dropped, share, and the share that the step took of all other sources (None: there are none)."""
    ledger = _scan(corpus, "ledger")
    if ledger is None:
        return []
    every = [f.select("source") for kind in ("train", "validation", "ledger") if (f := _scan(corpus, kind)) is not None]
    sizes = pl.concat(every).group_by("source").agg(pl.len().alias("documents")).collect()
    order = {label: i for i, label in enumerate(["read", *steps, "split"])}
    gone = (
        ledger.group_by("source", "step")
        .agg(pl.len().alias("dropped"), pl.col("kept_id").is_not_null().all().alias("replaced"))
        .with_columns(at=pl.col("step").replace_strict(order, default=len(order), return_dtype=pl.Int64))
        .sort("source", "at", "step")
        .with_columns(before=pl.col("dropped").cum_sum().over("source") - pl.col("dropped"))
        .collect()
    )
    # What came to a step from all sources: the funnel again, from the ledger alone.
    by_step = gone.group_by("at").agg(pl.col("dropped").sum().alias("all_dropped")).sort("at")
    by_step = by_step.with_columns(
        all_came=sizes["documents"].sum() - pl.col("all_dropped").cum_sum().shift(1, fill_value=0)
    )
    found = (
        gone.join(sizes, on="source", nulls_equal=True)
        .join(by_step, on="at")
        .with_columns(came=pl.col("documents") - pl.col("before"))
    )
    rest_came, rest_dropped = pl.col("all_came") - pl.col("came"), pl.col("all_dropped") - pl.col("dropped")
    rest = pl.when(rest_came > 0).then(rest_dropped / rest_came)
    unusual = (
        (pl.col("came") >= LEAST_DOCUMENTS)
        & (pl.col("share") > LARGE_SHARE)
        & (pl.col("share") > TIMES_THE_REST * pl.col("rest").fill_null(0.0))
        & (pl.col("rest").is_not_null() | pl.col("replaced"))
    )
    return (
        found.with_columns(share=pl.col("dropped") / pl.col("came"), rest=rest)
        .filter(unusual)
        .sort("dropped", "source", "step", descending=[True, False, False])
        .select("source", "step", pl.col("came").alias("documents"), "dropped", "share", "rest")
        .to_dicts()
    )


def pieces(corpus: Path) -> list[dict[str, Any]]:
    """What was cut out of documents (or found in them), by step and rule: pieces, documents, characters."""
    removed = _scan(corpus, "removed")
    if removed is None:
        return []
    sums = removed.group_by("step", "rule").agg(
        pl.len().alias("pieces"),
        pl.col("id").n_unique().alias("documents"),
        pl.col("text").str.len_chars().sum().alias("characters"),
    )
    return sums.sort("characters", "step", "rule", descending=[True, False, False]).collect().to_dicts()


def bandings(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each step (as `describe` gives it, with `label`) that proposes pairs by banded signatures: its label,
    threshold, bands, slots in a band, and the S-curve, [similarity, chance of becoming a candidate]."""
    found = []
    for step in steps:
        if "num_slots" in step and "threshold" in step:
            from ...filters.dedup.banding import lsh_bands, s_curve

            threshold, slots = step["threshold"], step["num_slots"]
            bands, width = lsh_bands(threshold, slots)
            curve = [list(point) for point in s_curve(threshold, slots)]
            found.append(
                {"step": step["label"], "threshold": threshold, "bands": bands, "width": width, "curve": curve}
            )
    return found


def _scan(corpus: Path, kind: str) -> pl.LazyFrame | None:
    paths = parts(corpus, kind)
    return pl.scan_parquet(list(paths)) if paths else None


def _first_lines(frame: pl.LazyFrame, ids: pl.Series) -> dict[str, str]:
    line = pl.col("text").str.strip_chars().str.extract(r"^([^\n]+)").str.slice(0, SAMPLE_CHARS)
    found = frame.filter(pl.col("id").is_in(ids.to_list())).select("id", line.alias("line")).drop_nulls().collect()
    return dict(found.iter_rows())


def _first_lines_of_kept(corpus: Path, ids: pl.Series) -> dict[str, str]:
    out: dict[str, str] = {}
    for kind in ("train", "validation"):
        frame = _scan(corpus, kind)
        if frame is not None:
            out |= _first_lines(frame, ids)
    return out
