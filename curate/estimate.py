"""What a run would cost, from its plan and a small sample."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .documents import Documents, with_core_columns
from .pipeline import Pipeline
from .readers import Input, Plan, read_unit
from .stage import ROW, drop_empty, labelled, process
from .step import Global, Transform

SAMPLE_DOCUMENTS = 400
SAMPLE_UNITS = 4

UNPACKED = 3.0
"""Text is taken to be this many times the size of a compressed file; typical of gzip and zstd on prose."""


@dataclass(frozen=True)
class StepCost:
    """One step on the sample: the documents that came to it, those it would drop, seconds a megabyte of text."""

    label: str
    kind: str
    documents: int
    dropped: int
    seconds_per_mb: float


@dataclass(frozen=True)
class Estimate:
    """Costs by step, and of the whole run on one core. The decisions of Globals, made once, are not in it."""

    steps: list[StepCost]
    sample_documents: int
    text_mb: float
    seconds: float


def estimate(pipeline: Pipeline, inputs: list[Input], plan: Plan) -> Estimate:
    """Read a few hundred documents from units spread over the input, run each step on them, and scale up."""
    for step in pipeline.steps:
        step.prepare()
    units = sorted({int(i) for i in np.linspace(0, len(plan.units) - 1, SAMPLE_UNITS)}) if plan.units else []
    tables: list[pa.Table] = []
    for unit in units:
        table = next((t for t, _ in read_unit(plan.units[unit], inputs) if t.num_rows), None)
        if table is not None:
            tables.append(table.slice(0, SAMPLE_DOCUMENTS // len(units)))
    if not tables:
        return Estimate([], 0, 0.0, 0.0)
    table = with_core_columns(pa.concat_tables(tables))
    docs, _ = drop_empty(Documents(table.append_column(ROW, pa.array(np.arange(len(table))))))
    _costs(pipeline, docs)  # pays for compilation and lazy tables
    costs = _costs(pipeline, docs)
    packed = (".gz", ".zst", ".bz2", ".xz", ".tgz", ".parquet")
    files = {s.path: s.file_bytes for u in plan.units for s in u.spans}
    text_mb = sum(size * (UNPACKED if path.endswith(packed) else 1.0) for path, size in files.items()) / 1e6
    return Estimate(costs, len(table), text_mb, text_mb * sum(c.seconds_per_mb for c in costs))


def _costs(pipeline: Pipeline, docs: Documents) -> list[StepCost]:
    costs = []
    for label, step in labelled(pipeline.steps):
        if not len(docs):
            break
        size, n, dropped = docs.text.nbytes / 1e6, len(docs), 0
        started = time.perf_counter()
        if isinstance(step, Global):
            kind = "global"
            step.sketch(docs)
        else:
            kind = "transform" if isinstance(step, Transform) else "filter"
            done = process(docs, [(label, step)])
            dropped = sum(len(d) for d, _ in done.dropped)
            docs = done.kept[0] if done.kept else docs.take([])
        costs.append(StepCost(label, kind, n, dropped, (time.perf_counter() - started) / size))
    return costs
