"""Pipelines: steps in order, applied to a table in memory or run over files on disk."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from .documents import MAX_BATCH_ROWS, Documents, with_core_columns
from .errors import InputError, RecipeError, RunError
from .executors import executor as executor_named
from .progress import Display
from .readers import Input, Plan, plan_units
from .run.budget import BUDGET_AFTER, check_bad_share
from .run.cutting import cut_out, uncut
from .run.finish import MANIFEST
from .run.handover import repeated_table
from .run.job import OUTPUTS, Job, Phase, clear
from .run.memory import partitions, task_memory
from .run.whole import decide_in_memory
from .stage import (
    EMPTY,
    QUARANTINE_SCHEMA,
    REMOVED_SCHEMA,
    ROW,
    Failure,
    Processed,
    drop_empty,
    ledger_table,
    process,
    quarantine_table,
    removed_before,
    removed_table,
    signal_names,
    stages,
    to_table,
)
from .step import Global, Step


@dataclass(frozen=True)
class Applied:
    """What `Pipeline.apply` returns: every document of the table is in exactly one of kept, ledger and quarantine."""

    kept: pa.Table
    ledger: pa.Table
    quarantine: pa.Table
    removed: pa.Table
    """Text that was cut out of documents that stayed."""


@dataclass(frozen=True)
class RunResult:
    """A finished run. `counts`: read, augmented, train, validation, dropped, quarantined."""

    output: Path
    manifest: dict[str, Any]

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.manifest["counts"])

    @property
    def funnel(self) -> list[tuple[str, int, int]]:
        """(step, documents that came to it, documents that it dropped or quarantined)."""
        return [(f["step"], f["documents"], f["dropped"] + f["quarantined"]) for f in self.manifest["funnel"]]


class Pipeline:
    """Steps in order.

    Args:
        steps: Transforms, Filters and Globals.
        name: goes into the manifest, the report and the dataset card.
        validation: share of the kept documents that becomes the validation split (of `run`), in [0, 1).
        max_bad_share: a run stops when more than this share of the documents cannot be read or make a step raise.
        keep_dropped_text: whether the ledger holds the text of dropped documents too, so that nothing is lost.
        seed: of the split.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        *,
        name: str = "corpus",
        validation: float = 0.01,
        max_bad_share: float = 0.05,
        keep_dropped_text: bool = True,
        seed: int = 0,
    ) -> None:
        problems = [f"step {i + 1} is {s!r}, not a step" for i, s in enumerate(steps) if not isinstance(s, Step)]
        if not 0 <= validation < 1:
            problems.append(f"validation is {validation}; it is a share, from 0 to below 1, e.g. 0.01")
        if not 0 <= max_bad_share <= 1:
            problems.append(f"max_bad_share is {max_bad_share}; it is a share, from 0 to 1, e.g. 0.05")
        if problems:
            raise RecipeError(problems)
        self.steps = list(steps)
        self.name = name
        self.validation = validation
        self.max_bad_share = max_bad_share
        self.keep_dropped_text = keep_dropped_text
        self.seed = seed

    def apply(self, table: pa.Table) -> Applied:
        """Run the steps over a table in memory; it needs a column `text`, and `id` if its ids matter.

        Other columns are carried along. Raises ValueError when `text` is missing.
        """
        table = with_core_columns(table).append_column(ROW, pa.array(np.arange(table.num_rows)))
        for step in self.steps:
            step.prepare()
        names = signal_names(self.steps)
        whole = Documents(table)
        repeats = (
            np.flatnonzero(~pl.Series(whole.ids).is_first_distinct().to_numpy())
            if len(whole)
            else np.array([], dtype=np.int64)
        )
        done = Processed()
        ledger: list[pa.Table] = []
        quarantine = []
        if len(repeats):
            twice = whole.take(repeats)
            quarantine.append(repeated_table(twice.table, ["this table"] * len(twice)))
            whole = whole.take(np.setdiff1d(np.arange(len(whole)), repeats))
        whole, empty = drop_empty(whole)
        if len(empty):
            ledger.append(ledger_table(empty, [[EMPTY]] * len(empty), names))
        batches = [
            whole.take(np.arange(i, min(i + MAX_BATCH_ROWS, len(whole)))) for i in range(0, len(whole), MAX_BATCH_ROWS)
        ]
        removed = []
        for stage in stages(self.steps):
            done = Processed()
            for batch in batches:
                done.extend(process(batch, stage.steps))
            ledger += [ledger_table(d, r, names) for d, r in done.dropped]
            removed += [removed_table(d) for d in (*done.kept, *(x for x, _ in done.dropped))]
            removed.append(removed_before(done.quarantined))
            quarantine.append(quarantine_table(done.quarantined))
            batches = [Documents(d.table, d.signals) for d in done.kept]  # what was cut out is accounted for
            for cut in stage.cuts:
                batches, rows = self._decide(cut, batches, names)
                ledger += rows
        kept = [to_table(d, names) for d in batches]
        nothing = to_table(Documents(table.slice(0, 0)), names)
        return Applied(
            kept=pa.concat_tables([nothing, *kept]).drop_columns([ROW]),
            ledger=pa.concat_tables([ledger_table(Documents(table.slice(0, 0)), [], names), *ledger])
            .sort_by(ROW)
            .drop_columns([ROW]),
            quarantine=pa.concat_tables([*quarantine]).sort_by(ROW).drop_columns([ROW])
            if quarantine
            else QUARANTINE_SCHEMA.empty_table(),
            removed=pa.concat_tables([REMOVED_SCHEMA.empty_table(), *removed]),
        )

    def _decide(
        self, cut: tuple[str, Global], batches: list[Documents], names: list[str]
    ) -> tuple[list[Documents], list[pa.Table]]:
        label, step = cut
        if not batches:
            return [], []
        if step.cuts:
            return self._cut(label, step, batches, names)
        decided = {d["doc"]: d for d in decide_in_memory(step, batches).to_pylist()}
        out, ledger, start = [], [], 0
        for docs in batches:
            gone = [i for i in range(len(docs)) if start + i in decided]
            if gone:
                rows = [decided[start + i] for i in gone]
                reasons = [[Failure(label, d["rule"], None, d["value"], d["threshold"])] for d in rows]
                ledger.append(ledger_table(docs.take(gone), reasons, names, [d["kept_id"] for d in rows]))
            left = [i for i in range(len(docs)) if start + i not in decided]
            start += len(docs)
            if left:
                out.append(docs.take(left) if gone else docs)
        return out, ledger

    def _cut(
        self, label: str, step: Global, batches: list[Documents], names: list[str]
    ) -> tuple[list[Documents], list[pa.Table]]:
        spans = decide_in_memory(step, batches)
        spans = spans.sort_by([("doc", "ascending"), ("start", "ascending")])
        documents = spans.column("doc").to_numpy()
        out, ledger, start = [], [], 0
        for docs in batches:
            first, last = np.searchsorted(documents, [start, start + len(docs)]).tolist()
            if last > first:
                cut = cut_out(docs, label, step, documents[first:last] - start, spans.slice(first, last - first))
                if len(cut.emptied):
                    ledger.append(ledger_table(cut.emptied, cut.reasons, names, cut.kept_ids))
                out += [cut.docs] if len(cut.docs) else []
            else:
                out.append(uncut(docs, step))
            start += len(docs)
        return out, ledger

    def run(
        self,
        inputs: str | Path | Input | Sequence[str | Path | Input],
        output: str | Path,
        *,
        workers: int | None = None,
        executor: str = "local",
        cluster: dict[str, Any] | None = None,
        overwrite: bool = False,
        quiet: bool = False,
        unit_bytes: int | None = None,
        memory: str | int | None = None,
    ) -> RunResult:
        """Run the steps over files and write a corpus.

        The same call goes on with a run that was interrupted, at any number of workers, and gives the same bytes.

        Args:
            inputs: files, folders, globs (any fsspec URL), or `Input`s that say how to read them.
            output: a folder, empty or holding an unfinished run of the same steps over the same inputs.
            workers: processes; the number of cores by default.
            executor: `local`, `ray` or `slurm`.
            cluster: options of the Slurm executor (partition, time, mem_per_cpu_gb, ...).
            overwrite: delete what another run left in `output` first.
            quiet: no progress.
            unit_bytes: size of a work unit in input bytes; by default it follows the input's size.
            memory: what all processes together may hold, such as `"2GB"`; by default half of what is free. Decisions
                over the whole corpus are cut into parts to keep to it; the output is the same.

        Raises:
            InputError: nothing matched, or nothing has a reader.
            RunError: too many bad documents, a failing task, another run in `output`.
        """
        given = as_inputs(inputs)
        target = Path(output)
        plan = plan_units(given, unit_bytes)
        if not plan.units:
            raise InputError(
                "none of the input files has a reader:\n"
                + "\n".join(f"{b.source}: {b.error}" for b in plan.refused[:10])
            )
        fingerprint = self._fingerprint(given, plan, unit_bytes)
        display = Display(quiet)
        if overwrite:
            clear(target)
        with _locked(target):
            done = _finished(target, fingerprint)
            if done is not None:
                display.say(f"{target} is already complete")
                clear(target, [".work"])
                return RunResult(target, done)
            workers = workers or os.cpu_count() or 1
            job = self._job(target, given, plan, fingerprint, task_memory(memory, workers))
            if plan.refused:
                display.say(
                    f"{len(plan.refused)} files have no reader and go to quarantine, e.g. {plan.refused[0].source}: {plan.refused[0].error}"
                )
            runner = executor_named(executor, workers, cluster)
            runner.run(job, display, partial(_watch, job, {"documents": 0, "bad": 0}))
            if executor == "slurm" and not (target / MANIFEST).exists():
                return RunResult(target, {"counts": {}, "funnel": []})
            manifest = json.loads((target / MANIFEST).read_bytes())
            clear(target, [".work"])
            return RunResult(target, manifest)

    def plan(self, inputs: str | Path | Input | Sequence[str | Path | Input], unit_bytes: int | None = None) -> Plan:
        """The work units that a run would have, without running it."""
        return plan_units(as_inputs(inputs), unit_bytes)

    def _fingerprint(self, inputs: Sequence[Input], plan: Plan, unit_bytes: int | None) -> str:
        """What decides the output's bytes, hashed: steps, inputs and their content, the cut into units, our version."""
        from importlib.metadata import version

        what = {
            "corpusmill": version("corpusmill"),
            "steps": [s.fingerprint() for s in self.steps],
            "inputs": [i.model_dump(mode="json") for i in inputs],
            "files": plan.fingerprints,
            "unit_bytes": unit_bytes,
            "validation": self.validation,
            "seed": self.seed,
            "keep_dropped_text": self.keep_dropped_text,
        }
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def _job(self, target: Path, inputs: list[Input], plan: Plan, fingerprint: str, memory: int) -> Job:
        """The unfinished job in the folder if it is this one, else a new one."""
        if (target / ".work" / "job.pkl").exists():
            job = Job.load(target)
            if job.fingerprint != fingerprint:
                changed = (
                    "the inputs have changed"
                    if job.fingerprints != plan.fingerprints
                    else "the steps or options differ"
                )
                raise RunError(
                    f"{target} holds an unfinished run, and {changed} since; choose another output, or overwrite (--overwrite) to start anew"
                )
            if (job.max_bad_share, job.task_memory) != (self.max_bad_share, memory):
                job.max_bad_share, job.task_memory = self.max_bad_share, memory
                job.save()
            return job
        present = [n for n in (*OUTPUTS, MANIFEST) if (target / n).exists()]
        if present:
            raise RunError(
                f"{target} already holds {', '.join(present)} of another run; choose another output, or overwrite (--overwrite)"
            )
        job = Job(
            output=target,
            name=self.name,
            steps=self.steps,
            inputs=inputs,
            units=plan.units,
            refused=plan.refused,
            fingerprints=plan.fingerprints,
            fingerprint=fingerprint,
            validation=self.validation,
            seed=self.seed,
            keep_dropped_text=self.keep_dropped_text,
            max_bad_share=self.max_bad_share,
            partitions=partitions(plan.units, memory),
            task_memory=memory,
        )
        job.save()
        return job


def as_inputs(inputs: str | Path | Input | Sequence[str | Path | Input]) -> list[Input]:
    """Paths and Inputs as a list of Inputs."""
    many = [inputs] if isinstance(inputs, (str, Path, Input)) else list(inputs)
    if not many:
        raise InputError("no inputs: name files, folders or globs")
    return [i if isinstance(i, Input) else Input(path=str(i)) for i in many]


def _watch(job: Job, seen: dict[str, int], phase: Phase, task: int, marker: dict[str, Any]) -> None:
    """Stop a run early when too many documents are bad; the `ids` phase checks again over all of them."""
    if not phase.name.startswith("map-"):
        return
    seen["documents"] += marker["documents"] - marker["refused"]
    seen["bad"] += marker["quarantined"] - marker["refused"]
    if seen["documents"] >= BUDGET_AFTER:
        check_bad_share(job, seen["bad"], seen["documents"])


def _finished(target: Path, fingerprint: str) -> dict[str, Any] | None:
    path = target / MANIFEST
    if not path.exists():
        return None
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    if manifest["fingerprint"] != fingerprint:
        raise RunError(
            f"{target} holds a finished corpus of other steps or inputs; choose another output, or overwrite (--overwrite)"
        )
    return manifest


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Keep two runs from writing into one folder; the lock goes with the process, however it ends."""
    work = target / ".work"
    work.mkdir(parents=True, exist_ok=True)
    handle = os.open(work / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise RunError(f"another run is writing to {target}; wait for it or choose another output") from None
    try:
        yield
    finally:
        os.close(handle)
