"""How the tasks of a decision over the whole corpus hand rows to one another without holding it in memory.

A task scatters its rows over bins, each row to one; a later task gathers one bin from all of them. Bins are chosen by
what must meet: equal hashes, one cluster, one work unit. On disk that is an Arrow file a task, its batches in the order
of the bins, so that gathering reads only what it needs and copies nothing.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc
from numpy.typing import NDArray

Ints = NDArray[np.int64]

FLUSH_BYTES = 32 << 20
"""How much a task gathers before it writes: what bounds its memory, and how small the pieces of a bin get."""

DECISIONS = "decisions"
"""Under this name a Global's last pass leaves what it decided, one bin a work unit."""

DECISION_COLUMNS = pa.schema(
    [
        ("doc", pa.int64()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("kept_doc", pa.int64()),
        ("kept_id", pa.string()),
    ]
)
"""A document to drop (its number, see `Exchange.offsets`), the rule, what was measured and its limit, and the document
that is kept in its place: -1 and null for none."""


class Texts(Protocol):
    """Reads texts of a unit, in columns `text` and `at`."""

    def __call__(self, unit: int, wanted: Ints | None = None) -> Iterator[pa.Table]: ...


CUTS = "cuts"
"""Under this name a Global that cuts leaves what it decided, one bin a work unit."""

CUT_COLUMNS = pa.schema(
    [
        ("doc", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("rule", pa.string()),
        ("kept_id", pa.string()),
        ("cut", pa.bool_()),
    ]
)
"""A piece of a document: its first byte and the one after its last, the rule, the document in which the same text
stays (null: none), and whether it is cut, or only reported. Pieces of a document do not overlap."""


class Exchange:
    """What a task of a Global sees: the corpus's sketches and texts, unit by unit, and what other tasks left for it.

    Documents are numbered through the units: document `at` of unit `u` is `offsets[u] + at`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rows: Sequence[int],
        sketches: Callable[[int], Iterator[pa.Table]],
        texts: Texts,
        partitions: int,
        memory: int,
    ) -> None:
        """`rows`: documents of each unit. `sketches(unit)` and `texts(unit)` yield tables with their position `at`;
        `texts(unit, wanted)` reads only those at these positions, which must be sorted."""
        self.folder = folder
        self.rows = list(rows)
        self.sketches = sketches
        self.texts = texts
        self.partitions = partitions
        self.memory = memory
        """Bytes that a task may hold."""

    @cached_property
    def offsets(self) -> Ints:
        """The number of each unit's first document, and at the end how many there are."""
        return np.concatenate([[0], np.cumsum(self.rows, dtype=np.int64)]).astype(np.int64)

    def units_of(self, documents: Ints) -> Ints:
        """The unit of each document number."""
        return np.searchsorted(self.offsets, documents, side="right").astype(np.int64) - 1

    def scatter(self, name: str, task: int, bins: int | None = None) -> Scatter:
        """Where this task leaves rows under `name`, in as many bins as there are partitions unless given."""
        return Scatter(self.folder / name / f"{task:06d}.arrow", self.partitions if bins is None else bins)

    def gather(self, name: str, bin: int) -> Iterator[tuple[int, pa.Table]]:
        """(task, rows) of a bin, for each task that left some, in order."""
        for path in sorted((self.folder / name).glob("*.arrow")):
            table = read_bin(path, bin)
            if table.num_rows:
                yield int(path.stem), table

    def gathered(self, name: str, bin: int) -> pa.Table | None:
        """All rows of a bin; None if there are none."""
        tables = [table for _, table in self.gather(name, bin)]
        return pa.concat_tables(tables) if tables else None

    def decide(self, task: int, decisions: pa.Table) -> None:
        """Leave decisions (rows of `DECISION_COLUMNS`) for the phases that carry them out."""
        with self.scatter(DECISIONS, task, len(self.rows)) as out:
            if decisions.num_rows:
                out.add(decisions.select(DECISION_COLUMNS.names), self.units_of(decisions["doc"].to_numpy()))

    def cut(self, task: int, spans: pa.Table) -> None:
        """Leave pieces to cut (rows of `CUT_COLUMNS`), likewise."""
        with self.scatter(CUTS, task, len(self.rows)) as out:
            if spans.num_rows:
                out.add(spans.select(CUT_COLUMNS.names).cast(CUT_COLUMNS), self.units_of(spans["doc"].to_numpy()))


class Scatter:
    """A file of rows by bin. It appears whole when the block that it is opened in ends well; no rows, no file."""

    def __init__(self, path: Path, bins: int) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{os.uname().nodename}.{os.getpid()}")
        self._bins = bins
        self._waiting: list[tuple[pa.Table, Ints]] = []
        self._bytes = 0
        self._writer: Any = None

    def __enter__(self) -> Scatter:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None and self._waiting:
            self._flush()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            if kind is None:
                os.replace(self._temporary, self._path)
        elif kind is None:
            self._path.unlink(missing_ok=True)
        if kind is not None:
            self._temporary.unlink(missing_ok=True)

    def add(self, table: pa.Table, bins: NDArray[Any]) -> None:
        """Add rows, each to a bin of its own (from 0)."""
        if table.num_rows:
            self._waiting.append((table, np.asarray(bins, np.int64)))
            self._bytes += table.nbytes
            if self._bytes >= FLUSH_BYTES:
                self._flush()

    def _flush(self) -> None:
        table = pa.concat_tables([t for t, _ in self._waiting])
        bins = np.concatenate([b for _, b in self._waiting])
        self._waiting, self._bytes = [], 0
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            meta = {b"bins": str(self._bins).encode()}
            self._writer = pa.ipc.new_file(self._temporary, table.schema.with_metadata(meta))
        table = table.take(pa.array(np.argsort(bins, kind="stable"))).combine_chunks()
        ends = np.cumsum(np.bincount(bins, minlength=self._bins))
        nothing = pa.RecordBatch.from_pylist([], schema=table.schema)
        whole = table.to_batches()[0]
        start = 0
        for end in ends.tolist():
            self._writer.write_batch(whole.slice(start, end - start) if end > start else nothing)
            start = end


def read_batches(path: Path) -> Iterator[pa.Table]:
    """The batches of an Arrow file, in place: only what is looked at is read."""
    file = _opened(path)
    for i in range(file.num_record_batches):
        yield pa.Table.from_batches([file.get_batch(i)])


def _opened(path: Path) -> Any:
    with path.open("rb") as f:
        mapped = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    return pa.ipc.open_file(pa.py_buffer(mapped))


def read_bin(path: Path, bin: int) -> pa.Table:
    """The rows of one bin of a scattered file."""
    file = _opened(path)
    bins = int(file.schema.metadata[b"bins"])
    found = [file.get_batch(i) for i in range(bin, file.num_record_batches, bins)]
    return pa.Table.from_batches([b for b in found if b.num_rows], file.schema.remove_metadata())


def bin_of(hashes: NDArray[np.uint64], bins: int) -> Ints:
    """A bin for each 64-bit hash, evenly, from its high half."""
    return (((hashes >> np.uint64(32)) * np.uint64(bins)) >> np.uint64(32)).astype(np.int64)


def mixed(numbers: Ints) -> NDArray[np.uint64]:
    """A 64-bit hash of each number (the finalizer of SplitMix64)."""
    h = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


def halves(digests: Iterable[bytes]) -> tuple[pa.Array, pa.Array]:
    """128-bit hashes as two columns of 64 bits: the high halves, by which bins are chosen, and the low ones."""
    both = np.frombuffer(b"".join(digests), ">u8").astype(np.uint64).reshape(-1, 2)
    return pa.array(both[:, 0]), pa.array(both[:, 1])


def as_frame(table: pa.Table) -> pl.DataFrame:
    """What was gathered, for polars."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
