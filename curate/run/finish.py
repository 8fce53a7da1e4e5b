"""The end of a run: do the counts add up, and what is written about the corpus (manifest, report, dataset card)."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import RunError
from ..report.card import dataset_card
from ..report.duplicates import bandings, clusters, losses, pieces
from ..report.page import write_report
from ..stage import labelled
from ..step import Filter
from .budget import error_kind
from .job import OUTPUTS, Job, commit, parts

MANIFEST = "manifest.json"


def finish(job: Job) -> dict[str, Any]:
    """Check the counts against the files, then write report, card and, last of all, the manifest."""
    counts = count(job)
    check(counts)
    for split in ("train", "validation"):
        if not parts(job.output, split):
            _write_empty(job, split)
    steps = [{"label": label, **step.describe()} for label, step in labelled(job.steps)]
    manifest = {
        "corpusmill": version("corpusmill"),
        "name": job.name,
        "fingerprint": job.fingerprint,
        "counts": counts,
        "funnel": funnel(job, counts),
        "rules": dropped_by_rule(job.output),
        "quarantine": quarantine_reasons(job.output),
        "languages": languages(job.output),
        "clusters": clusters(job.output),
        "losses": losses(job.output, [step["label"] for step in steps]),
        "removed_by_rule": pieces(job.output),
        "bandings": bandings(steps),
        "steps": steps,
        "thresholds": thresholds(job),
        "validation": job.validation,
        "seed": job.seed,
        "inputs": [i.model_dump(mode="json") for i in job.inputs],
        "input_files": job.fingerprints,
        "versions": {
            "python": platform.python_version(),
            **{p: version(p) for p in ("pyarrow", "polars", "numpy", "numba", "eldc", "ftfy")},
        },
        "seconds": round(sum(_seconds(job)), 1),
        "files": files(job.output),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    write_report(job.output, manifest)
    commit(job.output / "README.md", dataset_card(manifest).encode(), job.work)
    commit(job.output / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode(), job.work)
    return {"counts": counts}


def count(job: Job) -> dict[str, int]:
    """What went in, from the markers, and what came out, from the Parquet files themselves."""
    stages = range(len(job.stages))
    markers = [job.marker("map-0", u) for u in range(len(job.units))]
    appended = sum(int(job.marker(f"map-{s}", u)["appended"]) for s in stages for u in range(len(job.units)))
    rows = {kind: sum(pq.read_metadata(p).num_rows for p in parts(job.output, kind)) for kind in OUTPUTS}
    return {
        "read": sum(int(m["documents"]) for m in markers) + len(job.refused),
        "augmented": appended,
        "train": rows["train"],
        "validation": rows["validation"],
        "dropped": rows["ledger"],
        "quarantined": rows["quarantine"],
        "removed_pieces": rows["removed"],
    }


def check(counts: dict[str, int]) -> None:
    """Every document that was read or made is in exactly one place. Raises RunError if not."""
    came = counts["read"] + counts["augmented"]
    went = counts["train"] + counts["validation"] + counts["dropped"] + counts["quarantined"]
    if came != went:
        raise RunError(
            f"the counts do not add up: {counts['read']} documents read and {counts['augmented']} made, but "
            f"{counts['train']} in train, {counts['validation']} in validation, {counts['dropped']} dropped and "
            f"{counts['quarantined']} in quarantine. The output is not to be trusted; please report this"
        )


def funnel(job: Job, counts: dict[str, int]) -> list[dict[str, Any]]:
    """How many documents came to each step, and how many it dropped (or added)."""
    drops = _by_step(job.output, "ledger")
    errors = _by_step(job.output, "quarantine")
    left = counts["read"]
    out: list[dict[str, Any]] = []
    for label in ["read", *(label for label, _ in labelled(job.steps)), "split"]:
        dropped, bad = drops.pop(label, 0), errors.pop(label, 0)
        out.append({"step": label, "documents": left, "dropped": dropped, "quarantined": bad})
        left -= dropped + bad
    added = counts["augmented"]
    if added:
        out.insert(-1, {"step": "added by augmentation", "documents": left, "dropped": -added, "quarantined": 0})
        out[-1]["documents"] += added
    return out


def _by_step(output: Path, kind: str) -> dict[str, int]:
    found = _scan(output, kind, ["step"])
    return {} if found is None else dict(found.group_by("step").len().collect().iter_rows())


def _scan(output: Path, kind: str, columns: list[str]) -> pl.LazyFrame | None:
    paths = parts(output, kind)
    return pl.scan_parquet([str(p) for p in paths]).select(columns) if paths else None


def dropped_by_rule(output: Path) -> list[dict[str, Any]]:
    """By step and rule: documents that it dropped as the first rule, and all that break it."""
    first = _scan(output, "ledger", ["step", "rule"])
    if first is None:
        return []
    failed = _scan(output, "ledger", ["failed"])
    assert failed is not None
    every = (
        failed.explode("failed")
        .select(pl.col("failed").struct.field("step", "rule"))
        .group_by("step", "rule")
        .len("fails")
    )
    both = first.group_by("step", "rule").len("dropped").join(every, on=["step", "rule"], how="full", coalesce=True)
    return (
        both.fill_null(0)
        .sort("dropped", "fails", "step", "rule", descending=[True, True, False, False])
        .collect()
        .to_dicts()
    )


def quarantine_reasons(output: Path, most: int = 50) -> list[dict[str, Any]]:
    """The commonest errors, with ids and numbers left out so that like errors count together."""
    found = _scan(output, "quarantine", ["step", "error"])
    if found is None:
        return []
    return (
        found.group_by("step", error_kind())
        .len("documents")
        .sort("documents", "step", "error", descending=[True, False, False])
        .head(most)
        .collect()
        .to_dicts()
    )


def languages(output: Path) -> list[dict[str, Any]]:
    """Documents and bytes of the corpus by language and script."""
    paths = [str(p) for split in ("train", "validation") for p in parts(output, split)]
    frame = pl.scan_parquet(paths).group_by("language", "script")
    sums = frame.agg(pl.len().alias("documents"), pl.col("text").str.len_bytes().sum().alias("bytes"))
    return sums.sort("bytes", "language", "script", descending=[True, False, False]).collect().to_dicts()


def thresholds(job: Job) -> list[dict[str, Any]]:
    """Every rule that was in force."""
    return [
        {"step": label, "rule": r.name, "signal": r.signal, "comparison": r.comparison, "threshold": r.threshold}
        for label, step in labelled(job.steps)
        if isinstance(step, Filter)
        for r in step.rules()
    ]


def files(output: Path) -> list[dict[str, Any]]:
    """Each Parquet file with its rows, bytes and SHA-256."""
    out = []
    for kind in OUTPUTS:
        for path in parts(output, kind):
            with path.open("rb") as f:
                digest = hashlib.file_digest(f, "sha256").hexdigest()
            rows = pq.read_metadata(path).num_rows
            out.append(
                {
                    "path": path.relative_to(output).as_posix(),
                    "rows": rows,
                    "bytes": path.stat().st_size,
                    "sha256": digest,
                }
            )
    return out


def _seconds(job: Job) -> list[float]:
    return [float(job.marker(f"map-{s}", u)["seconds"]) for s in range(len(job.stages)) for u in range(len(job.units))]


def _write_empty(job: Job, split: str) -> None:
    """A split without documents is still a file with the corpus's columns, so that readers find it."""
    from .tasks import empty_corpus

    path = job.output / split / "part-00000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    sink = pa.BufferOutputStream()
    pq.write_table(empty_corpus(job), sink, compression="zstd")
    commit(path, sink.getvalue().to_pybytes(), job.work)
