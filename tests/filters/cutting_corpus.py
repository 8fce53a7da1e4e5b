"""What a Global that cuts decides over documents, in any order and cut, and on disk."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpusmill.curate import Documents, Pipeline
from corpusmill.curate.run.job import OUTPUTS, parts
from corpusmill.curate.run.whole import decide_in_memory
from corpusmill.curate.step import Global

Piece = tuple[str, int, int, str, str | None]
"""Id, first byte, byte after the last, rule, id of the document in which the piece stays."""


def pieces(
    step: Global,
    documents: Mapping[str, str],
    *,
    sources: Mapping[str, str] | None = None,
    shuffle: int | None = None,
    batch: int = 1000,
    partitions: int = 1,
) -> list[Piece]:
    """What the step would cut, by id and place."""
    ids = sorted(documents)
    if shuffle is not None:
        random.Random(shuffle).shuffle(ids)
    batches = []
    for start in range(0, len(ids), batch):
        part = ids[start : start + batch]
        source = pa.array([(sources or {}).get(i) for i in part], pa.string())
        batches.append(Documents.from_texts([documents[i] for i in part], id=part, source=source))
    found = decide_in_memory(step, batches, partitions=partitions).to_pylist()
    return sorted((ids[r["doc"]], r["start"], r["end"], r["rule"], r["kept_id"]) for r in found)


def applied(step: Global, documents: Mapping[str, str]) -> tuple[dict[str, str], Any]:
    """The texts that are left, by id, and all that became of the documents."""
    table = pa.table({"id": list(documents), "text": pa.array(list(documents.values()), pa.large_string())})
    found = Pipeline([step]).apply(table)
    return dict(zip(found.kept["id"].to_pylist(), found.kept["text"].to_pylist(), strict=True)), found


def on_disk(step: Global, documents: Mapping[str, str], folder: Path, workers: int) -> tuple[dict[str, bytes], Any]:
    """The files that a run leaves, and the run."""
    raw = folder / "raw.jsonl"
    rows = [{"id": i, "text": t} for i, t in documents.items()]
    raw.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    output = folder / str(workers)
    size = raw.stat().st_size // 3
    run = Pipeline([step]).run(str(raw), output, workers=workers, quiet=True, unit_bytes=size)
    return {p.relative_to(output).as_posix(): p.read_bytes() for k in OUTPUTS for p in parts(output, k)}, run
