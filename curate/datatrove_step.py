"""Our steps inside a datatrove pipeline. Imports datatrove: come here through `datatrove.as_datatrove`."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.batching import batched
from datatrove.utils.logging import logger
from datatrove.utils.typeshelper import StatHints

from .documents import Documents, with_core_columns
from .stage import ROW, Failure, labelled, process
from .step import Step


class OurStep(PipelineStep):  # type: ignore[misc]
    """A datatrove pipeline step that runs steps of ours, batch by batch.

    Statistics: total, forwarded, dropped, `dropped_<step>.<rule>` (the first broken rule), raised, appended, and
    `removed` for pieces that were cut out of texts.
    """

    type = "🧹 - CORPUSMILL"

    def __init__(self, steps: Sequence[Step], exclusion_writer: Any, batch_size: int) -> None:
        self.name = ", ".join(label for label, _ in labelled(steps))
        super().__init__()
        self.steps = list(steps)
        self.exclusion_writer = exclusion_writer
        self.batch_size = batch_size

    def run(self, data: Iterable[Any] | None, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        if data is None:
            return
        for step in self.steps:
            step.prepare()
        with self.exclusion_writer or contextlib.nullcontext() as writer:
            for batch in batched(data, self.batch_size):
                with self.track_time("batch"):
                    kept, excluded = self._process(batch)
                for document in excluded:
                    if writer is not None:
                        writer.write(document, rank)
                for document in kept:
                    self.stat_update(StatHints.forwarded)
                    self.update_doc_stats(document)
                    yield document

    def _process(self, batch: list[Any]) -> tuple[list[Any], list[Any]]:
        """(documents that go on, documents that do not), each in the order in which they came."""
        self.stat_update(StatHints.total, value=len(batch))
        done = process(_documents(batch), labelled(self.steps))
        kept: list[tuple[int, int, Any]] = []
        for docs in done.kept:
            self._count_removed(docs)
            for row, at in enumerate(docs.table.column(ROW).to_pylist()):
                child = docs.table.column("parent_id")[row].as_py() is not None
                target = _child(batch[at], docs, row) if child else batch[at]
                if child:
                    self.stat_update("appended")
                kept.append((at, row if child else -1, _update(target, docs, row)))
        excluded: list[tuple[int, Any]] = []
        for docs, reasons in done.dropped:
            self._count_removed(docs)
            for row, at in enumerate(docs.table.column(ROW).to_pylist()):
                document = _update(batch[at], docs, row)
                first = f"{reasons[row][0].step}.{reasons[row][0].rule}"
                document.metadata["filter_reason"] = first
                document.metadata["failed"] = [_failure(f) for f in reasons[row]]
                self.stat_update(StatHints.dropped, f"dropped_{first}")
                excluded.append((at, document))
        for bad in done.quarantined:
            logger.warning(f"{self.name}: document {bad.id} made {bad.step} raise: {bad.error}")
            batch[bad.row].metadata["filter_reason"] = f"{bad.step} raised {bad.error}"
            self.stat_update("raised")
            excluded.append((bad.row, batch[bad.row]))
        return (
            [d for *_, d in sorted(kept, key=lambda item: item[:2])],
            [d for _, d in sorted(excluded, key=lambda item: item[0])],
        )

    def _count_removed(self, docs: Documents) -> None:
        if docs.removed:
            self.stat_update("removed", value=len(docs.removed), unit="batch")


def _documents(batch: list[Any]) -> Documents:
    """datatrove's documents as a batch of ours. What a step may want of the metadata travels as it does in our runs on
    disk: as JSON, in the column `metadata`."""
    about = [d.metadata for d in batch]
    columns = {
        "id": pa.array([str(d.id) for d in batch], pa.string()),
        "text": pa.array([d.text for d in batch], pa.large_string()),
        "source": pa.array([_string(m.get("source", m.get("file_path"))) for m in about], pa.string()),
        "language": pa.array([two_letter_code(_string(m.get("language"))) for m in about], pa.string()),
        "script": pa.array([_string(m.get("language_script", m.get("script"))) for m in about], pa.string()),
        "language_score": pa.array([_score(m.get("language_score")) for m in about], pa.float32()),
        "metadata": pa.array([json.dumps(m, ensure_ascii=False, default=str) for m in about], pa.large_string()),
    }
    table = with_core_columns(pa.table(columns))
    return Documents(table.append_column(ROW, pa.array(np.arange(len(batch)))))


def _string(value: Any) -> str | None:
    return None if value is None else str(value)


def _score(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _update(document: Any, docs: Documents, row: int) -> Any:
    """The document as our steps left it."""
    document.text = docs.texts[row]
    for ours, theirs in (("language", "language"), ("script", "language_script"), ("language_score", "language_score")):
        found = docs.table.column(ours)[row].as_py()
        # A code that only differs in spelling (zho, zh) stays as the pipeline before us wrote it.
        if found is not None and found != two_letter_code(_string(document.metadata.get(theirs))):
            document.metadata[theirs] = found
    if docs.signals:
        document.metadata["signals"] = {
            **document.metadata.get("signals", {}),
            **{name: _finite(values[row]) for name, values in docs.signals.items()},
        }
    return document


def _finite(value: Any) -> float | None:
    number = float(value)
    return None if math.isnan(number) else number


def _child(parent: Any, docs: Documents, row: int) -> Any:
    """A new document for one that augmentation made."""
    about = {
        **{k: v for k, v in parent.metadata.items() if k != "signals"},
        "parent_id": docs.table.column("parent_id")[row].as_py(),
        "augmentation": docs.table.column("augmentation")[row].as_py(),
    }
    return type(parent)(text=docs.texts[row], id=docs.ids[row], media=list(parent.media), metadata=about)


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "step": failure.step,
        "rule": failure.rule,
        "signal": failure.signal,
        "value": failure.value,
        "threshold": failure.threshold,
    }


def two_letter_code(language: str | None) -> str | None:
    """ISO 639-1 where there is such a code: GlotLID, and so datatrove, says `zho` for `zh`."""
    from ..filters.language import iso_codes

    return iso_codes().get(language, language) if language is not None and len(language) == 3 else language
