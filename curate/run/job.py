"""A run on disk: its folder, its phases, and the tasks that any executor may run in any order within a phase.

    map-0   read, Transforms and Filters, one task a work unit
    ids     which ids repeat, one task a partition of their hashes
    check   which columns the input carried, the share of bad documents (one task)
    decide-0-0-..., decide-0-1-..., map-1, ...   the passes of each Global of a stage, and the steps of the next
    split   which documents go to validation (one task)
    write   the corpus, the ledger and the quarantine, one task a shard
    finish  counts, manifest, report, dataset card (one task)

A task writes its files under temporary names, renames them, and writes its marker `<task>.json` last: a marker means
that the task is whole. So a run can be killed anywhere and resumed with any number of workers, on any executor, and
gives the same bytes.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cloudpickle
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from ..readers import Bad, Input, Unit
from ..stage import Stage, signal_names, stages
from ..step import Global, Step, Transform

SHARD_BYTES = (4 << 20, 128 << 20)
"""Least and most input bytes that go into one output file of each kind; a shard is a run of whole units."""

SHARDS = 16
"""Output files of each kind between these bounds: few to handle, enough to be written in parallel."""

ROW_GROUP_BYTES = 32 << 20
ROW_GROUP_ROWS = 16_384
"""Bounds of a row group in the corpus: large enough to compress and scan well, small enough to stream."""

SIGNATURES = "signatures"
SKETCH_KEY = b"corpusmill.sketch"
"""Key of a signature file's metadata under which the options are that decide what it holds."""

OUTPUTS = ("train", "validation", "ledger", "quarantine", "removed", SIGNATURES)


@dataclass(frozen=True)
class Phase:
    name: str
    tasks: int
    what: str
    """What it does, for the progress bar."""


@dataclass
class Job:
    """Everything a worker must know; pickled once into the work folder."""

    output: Path
    name: str
    steps: list[Step]
    inputs: list[Input]
    units: list[Unit]
    refused: list[Bad]
    fingerprints: dict[str, str]
    fingerprint: str
    validation: float
    seed: int
    keep_dropped_text: bool
    max_bad_share: float
    partitions: int
    """Into how many parts whole-corpus work is cut, so that a task's part fits in memory. Changes no output."""
    task_memory: int
    """Bytes that a task of whole-corpus work may hold."""

    @property
    def work(self) -> Path:
        return self.output / ".work"

    @cached_property
    def stages(self) -> list[Stage]:
        return stages(self.steps)

    @cached_property
    def signals(self) -> list[str]:
        return signal_names(self.steps)

    @cached_property
    def augments(self) -> bool:
        return any(isinstance(s, Transform) and s.appends for s in self.steps)

    @cached_property
    def signer(self) -> Global | None:
        """The Global whose sketches are kept beside the corpus: the last that wants it."""
        steps = [step for stage in self.stages for _, step in stage.cuts if step.signed_with() is not None]
        return steps[-1] if steps else None

    @cached_property
    def shards(self) -> list[list[int]]:
        """The units of each output file."""
        out: list[list[int]] = [[]]
        size = 0
        least, most = SHARD_BYTES
        bound = min(max(sum(u.n_bytes for u in self.units) // SHARDS, least), most)
        for unit in self.units:
            if out[-1] and size + unit.n_bytes > bound:
                out.append([])
                size = 0
            out[-1].append(unit.index)
            size += unit.n_bytes
        return out

    @cached_property
    def phases(self) -> list[Phase]:
        found = []
        for s, stage in enumerate(self.stages):
            found.append(Phase(f"map-{s}", len(self.units), "apply and filter" if s else "read and filter"))
            if s == 0:
                found += [Phase("ids", self.partitions, "compare ids"), Phase("check", 1, "check input")]
            for cut, (label, step) in enumerate(stage.cuts):
                passes = step.passes(len(self.units), self.partitions)
                found += [Phase(f"decide-{s}-{cut}-{p.name}", p.tasks, f"{label}: {p.name}") for p in passes]
        return [
            *found,
            Phase("split", 1, "split"),
            Phase("write", len(self.shards), "write"),
            Phase("finish", 1, "manifest and report"),
        ]

    def pending(self, phase: Phase) -> list[int]:
        """The tasks of a phase that have no marker yet."""
        return [i for i in range(phase.tasks) if not self.marker_path(phase.name, i).exists()]

    def marker_path(self, phase: str, task: int) -> Path:
        return self.work / phase / f"{task:06d}.json"

    def marker(self, phase: str, task: int = 0) -> dict[str, Any]:
        """What a finished task reported."""
        found: dict[str, Any] = json.loads(self.marker_path(phase, task).read_bytes())
        return found

    def kept_rows(self, stage: int) -> list[int]:
        """How many documents a stage kept of each unit; to be asked when it is done, and read once then."""
        known: dict[int, list[int]] = self.__dict__.setdefault("_kept_rows", {})
        if stage not in known:
            known[stage] = [int(self.marker(f"map-{stage}", u)["kept"]) for u in range(len(self.units))]
        return known[stage]

    def prepare(self, step: Step) -> None:
        """Have a step load what it needs, once in this process."""
        done: set[int] = self.__dict__.setdefault("_prepared", set())
        if id(step) not in done:
            step.prepare()
            done.add(id(step))

    def part_path(self, phase: str, task: int, kind: str) -> Path:
        return self.work / phase / f"{task:06d}.{kind}.parquet"

    def exchange_folder(self, name: str) -> Path:
        """Where tasks of whole-corpus work leave rows for one another."""
        return self.work / f"exchange-{name}"

    def sketch_path(self, stage: int, unit: int, cut: int | None = None) -> Path:
        """The sketches of a unit's documents that all Globals of a stage share, or those of one of them."""
        return self.work / f"map-{stage}" / f"{unit:06d}.sketch{'' if cut is None else f'-{cut}'}.arrow"

    def read_part(self, phase: str, task: int, kind: str) -> pa.Table | None:
        """A part written by an earlier phase, or None where that task had nothing of the kind."""
        path = self.part_path(phase, task, kind)
        return pq.read_table(path) if path.exists() else None

    def save(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        commit(self.work / "job.pkl", cloudpickle.dumps(self), self.work)

    @staticmethod
    def load(output: Path) -> Job:
        job: Job = pickle.loads((output / ".work" / "job.pkl").read_bytes())
        job.output = output  # the folder may have moved, or be mounted elsewhere on this node
        return job


def commit(path: Path, data: bytes, work: Path) -> None:
    """Write a file so that it is either absent or whole."""
    temporary = temporary_path(path, work)
    with temporary.open("wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    os.replace(temporary, path)


def temporary_path(path: Path, work: Path) -> Path:
    """Where a file is written before it is renamed: never in the corpus itself, where a kill would leave it."""
    folder = work / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{path.parent.name}-{path.name}.{os.uname().nodename}.{os.getpid()}"


class PartWriter:
    """A Parquet file that appears whole, under its name, when it is closed; no rows, no file.

    Rows are gathered into row groups by content alone, so that the bytes do not depend on how they arrived.
    """

    def __init__(self, path: Path, work: Path, *, group_rows: int | None = None, compression: str = "zstd") -> None:
        self._path = path
        self._temporary = temporary_path(path, work)
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._rows = self._bytes = 0
        self._group_rows = group_rows
        self._compression = compression
        self.n_rows = 0

    def write(self, table: pa.Table) -> None:
        """Add rows. Without `group_rows`, each call is a row group of its own."""
        if not table.num_rows:
            return
        self.n_rows += table.num_rows
        if self._group_rows is None:
            self._flush(table)
            return
        self._waiting.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        while self._rows >= self._group_rows:
            whole = pa.concat_tables(self._waiting)
            self._flush(whole.slice(0, self._group_rows))
            rest = whole.slice(self._group_rows)
            self._waiting, self._rows = ([rest], rest.num_rows) if rest.num_rows else ([], 0)
            self._bytes = rest.nbytes
        if self._bytes >= ROW_GROUP_BYTES:
            self._flush(pa.concat_tables(self._waiting))
            self._waiting, self._rows, self._bytes = [], 0, 0

    def close(self) -> bool:
        """Commit the file; returns whether there is one."""
        if self._waiting:
            self._flush(pa.concat_tables(self._waiting))
            self._waiting = []
        if self._writer is None:
            return False
        self._writer.close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self._temporary, self._path)
        return True

    def _flush(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._temporary, table.schema, compression=self._compression)
        self._writer.write_table(table.combine_chunks(), row_group_size=table.num_rows)


class SketchWriter:
    """An Arrow file that appears whole when it is closed, a batch a call: read back in place, column by column."""

    def __init__(self, path: Path, work: Path) -> None:
        self._path = path
        self._temporary = temporary_path(path, work)
        self._writer: Any = None

    def write(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = pa.ipc.new_file(self._temporary, table.schema)
        self._writer.write_batch(table.combine_chunks().to_batches()[0])

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(self._temporary, self._path)


def clear(
    output: Path, names: Iterable[str] = (*OUTPUTS, ".work", "manifest.json", "report.html", "README.md")
) -> None:
    """Delete what a run writes, and nothing else."""
    for name in names:
        path = output / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()


def parts(output: Path, kind: str) -> Sequence[Path]:
    """The files of one kind (`train`, `ledger`, ...), in order."""
    return sorted((output / kind).glob("*.parquet"))
