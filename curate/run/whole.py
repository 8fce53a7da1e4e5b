"""The phases that need the whole corpus: which ids repeat, what Globals decide, which documents are for validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from ..documents import Documents
from ..errors import RunError
from ..exchange import CUT_COLUMNS, CUTS, DECISION_COLUMNS, DECISIONS, Exchange, Ints, as_frame
from ..stage import beside, own_sketch, sketch_table
from ..step import Global
from .budget import check_bad_share
from .columns import merge_kinds
from .handover import exchange_of, ids_exchange, sketches
from .job import Job
from .memory import DEFAULT_TASK_MEMORY

REPEATS = "repeats"


def compare_ids(job: Job, task: int) -> dict[str, Any]:
    """Find every document whose id, of this task's part of all ids, an earlier document has.

    What it leaves has a row for each, binned by unit: whether it is in `kept` or the ledger, its position there, and
    the source of the first document of that id.
    """
    exchange = ids_exchange(job)
    found = exchange.gathered("ids", task)
    repeats = 0
    with exchange.scatter(REPEATS, task, len(job.units)) as out:
        if found is not None:
            again = (
                as_frame(found)
                .filter(pl.struct("high", "low").is_duplicated())
                .sort("unit", "row", "kept", "at")
                .with_columns(pl.col("source").first().over("high", "low").alias("first"))
                .filter(~pl.struct("high", "low").is_first_distinct())
            )
            repeats = len(again)
            out.add(again.select("kept", "at", "first").to_arrow(), again["unit"].to_numpy())
    return {"repeats": repeats}


def check_input(job: Job) -> dict[str, Any]:
    """Count the documents that are bad, and agree on the columns that the input carried."""
    kinds: dict[str, set[str]] = {}
    markers = [job.marker("map-0", u) for u in range(len(job.units))]
    repeats = sum(job.marker("ids", p)["repeats"] for p in range(job.partitions))
    bad = sum(m["quarantined"] - m["refused"] for m in markers) + repeats
    check_bad_share(job, bad, sum(m["documents"] - m["refused"] for m in markers))
    for marker in markers:
        merge_kinds(kinds, marker["fields"])
    fields = {name: sorted(found) for name, found in sorted(kinds.items())}
    return {"repeats": repeats, "fields": fields}


def decide(job: Job, stage: int, cut: int, name: str, task: int) -> dict[str, Any]:
    """Run a task of one pass of a Global, over what its stage kept and the Globals before it left."""
    _, step = job.stages[stage].cuts[cut]
    job.prepare(step)
    one = next(p for p in step.passes(len(job.units), job.partitions) if p.name == name)
    one.run(exchange_of(job, stage, cut), task)
    return {}


def decide_in_memory(
    step: Global, batches: Sequence[Documents], *, partitions: int = 1, memory: int = DEFAULT_TASK_MEMORY
) -> pa.Table:
    """What a Global decides over documents in memory, as rows of `DECISION_COLUMNS`, or of `CUT_COLUMNS` if it cuts.

    Its exchange is a temporary folder.
    """
    name, columns = (CUTS, CUT_COLUMNS) if step.cuts else (DECISIONS, DECISION_COLUMNS)

    @cache  # passes read them again and again
    def sketch(unit: int) -> pa.Table:
        docs = batches[unit]
        return at(beside(sketch_table(docs), own_sketch(step, docs)))

    def sketches(unit: int) -> Iterator[pa.Table]:
        yield sketch(unit)

    def texts(unit: int, wanted: Ints | None = None) -> Iterator[pa.Table]:
        table = at(pa.table({"text": batches[unit].text}))
        yield table if wanted is None else table.take(pa.array(wanted))

    def at(table: pa.Table) -> pa.Table:
        return table.append_column("at", pa.array(np.arange(len(table))))

    with TemporaryDirectory(prefix="corpusmill-") as folder:
        exchange = Exchange(
            Path(folder),
            rows=[len(b) for b in batches],
            sketches=sketches,
            texts=texts,
            partitions=partitions,
            memory=memory,
        )
        for one in step.passes(len(batches), partitions):
            for task in range(one.tasks):
                one.run(exchange, task)
        found = [exchange.gathered(name, unit) for unit in range(len(batches))]
        present = [t.cast(columns) for t in found if t is not None]
        # A copy: the rows lie in files that go with the folder.
        return pa.concat_tables([columns.empty_table(), *present]).combine_chunks()


def split(job: Job) -> dict[str, Any]:
    """Choose the validation documents: the families (a document and its augmented children) with the smallest hashes.

    They are `job.validation` of all families: at least one when that is above 0 and there are two or more. What it
    reports is the largest hash that is chosen, None for none.
    """
    stage = len(job.stages) - 1
    kept = sum(job.kept_rows(stage))
    if not kept:
        return {"documents": 0, "largest": None}
    share = min(1.0, 4 * (job.validation + 16 / kept))
    while True:
        documents, families, smallest = _families(job, stage, min(int(share * 2**64), 2**64 - 1))
        wanted = round(job.validation * families)
        if job.validation > 0 and families > 1:
            wanted = min(max(wanted, 1), families - 1)
        if wanted <= len(smallest) or share == 1.0:
            largest = int(smallest[wanted - 1]) if wanted else None
            return {"documents": documents, "largest": largest}
        share = min(1.0, 4 * share)


def _families(job: Job, stage: int, up_to: int) -> tuple[int, int, NDArray[np.uint64]]:
    """Documents, families, and those of the families' hashes that are not above `up_to`, sorted."""
    documents = families = 0
    found: list[NDArray[np.uint64]] = []
    ids: list[NDArray[np.uint64]] = []
    for unit in range(len(job.units)):
        for table in sketches(job, stage, unit):
            documents += len(table)
            # A family never leaves its batch, so that it is counted once.
            hashes = np.unique(table.column("family").to_numpy())
            families += len(hashes)
            found.append(hashes[hashes <= np.uint64(up_to)])
            if job.augments:
                ids.append(np.array([xxhash.xxh3_64_intdigest(i.encode()) for i in table.column("id").to_pylist()]))
    if ids and len(np.unique(whole := np.concatenate(ids))) != len(whole):
        raise RunError("two documents have the same id after the last step: a step makes ids that are not unique")
    return documents, families, np.sort(np.concatenate(found)) if found else np.zeros(0, np.uint64)
