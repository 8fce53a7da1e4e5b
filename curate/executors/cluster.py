"""Ray and Slurm, through datatrove's executors: they run our tasks, over the same folder, with the same markers.

The output folder must be on a file system that every node sees.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtra, RecipeError, RunError
from ..progress import Display
from ..registry import suggestion
from ..run.job import Job, Phase
from ..run.phases import run_task
from . import DoneHook

if TYPE_CHECKING:
    from datatrove.executor.base import PipelineExecutor


class RunTask:
    """A datatrove pipeline step (any callable is one) that runs the rank-th of some tasks of a phase."""

    def __init__(self, output: Path, phase: str, tasks: list[int]) -> None:
        self.output, self.phase, self.tasks = output, phase, tasks

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        job = Job.load(self.output)
        task = self.tasks[rank]
        if not job.marker_path(self.phase, task).exists():
            run_task(job, self.phase, task, lambda documents, size: None)
        return iter(())


class RayExecutor:
    """Runs each phase as a datatrove RayPipelineExecutor on the cluster that `ray.init()` reaches.

    RAY_ADDRESS chooses the cluster; without one, Ray starts on this machine.
    """

    def __init__(self, workers: int) -> None:
        _require("ray")
        self._workers = workers

    def run(self, job: Job, display: Display, done: DoneHook) -> None:
        import ray

        _hush()

        ours = not ray.is_initialized()
        if ours:
            ray.init(include_dashboard=False, log_to_driver=False)
        try:
            for phase in job.phases:
                pending = job.pending(phase)
                if not pending:
                    continue
                with display.phase(phase.what, phase.tasks) as meter:
                    meter.advance(tasks=phase.tasks - len(pending))
                    if phase.tasks == 1:  # a decision over the whole corpus: an actor would only add its start
                        run_task(job, phase.name, 0, lambda documents, size: None)
                    else:
                        self._run_phase(job, phase, pending)
                    meter.advance(tasks=len(pending))
                    for task in pending:
                        done(phase, task, job.marker(phase.name, task))
        finally:
            if ours:
                ray.shutdown()

    def _run_phase(self, job: Job, phase: Phase, pending: list[int]) -> None:
        from datatrove.executor import RayPipelineExecutor

        RayPipelineExecutor(
            pipeline=[RunTask(job.output.absolute(), phase.name, pending)],
            tasks=len(pending),
            workers=min(self._workers, len(pending)),
            logging_dir=str(job.work / "ray" / f"{phase.name}-{len(pending)}"),
            skip_completed=False,  # our own markers say what is complete
            mem_per_cpu_gb=1,
        ).run()
        left = job.pending(phase)
        if left:
            raise RunError(
                f"{len(left)} of {len(pending)} tasks of {phase.name} did not finish; their logs are under "
                f"{job.work / 'ray'}; the same command goes on from there"
            )


SLURM_OPTIONS = (
    "partition", "time", "cpus_per_task", "mem_per_cpu_gb", "qos", "env_command", "condaenv", "venv_path", "sbatch_args",
    "max_array_size", "mail_user", "mail_type", "requeue", "srun_args", "tasks_per_job", "job_name",
)  # fmt: skip


class SlurmExecutor:
    """Submits each phase as a job array that depends on the one before, and returns at once."""

    def __init__(self, workers: int, options: dict[str, Any]) -> None:
        _require("datatrove")
        unknown = [o for o in options if o not in SLURM_OPTIONS]
        problems = [f"unknown Slurm option {o!r}{suggestion(o, SLURM_OPTIONS)}" for o in unknown]
        if "partition" not in options:
            problems.append("the Slurm executor needs a partition: --cluster partition=NAME")
        if problems:
            raise RecipeError(problems)
        self._workers = workers
        self._options = {"time": "24:00:00", "qos": "", **options}

    def chain(self, job: Job) -> list[PipelineExecutor]:
        """One executor a phase that still has work, each depending on the one before."""
        from datatrove.executor import SlurmPipelineExecutor

        _hush()

        out: list[PipelineExecutor] = []
        for phase in job.phases:
            pending = job.pending(phase)
            if not pending:
                continue
            out.append(
                SlurmPipelineExecutor(
                    pipeline=[RunTask(job.output.absolute(), phase.name, pending)],
                    tasks=len(pending),
                    workers=self._workers if len(pending) > 1 else -1,
                    logging_dir=str((job.work / "slurm" / f"{phase.name}-{len(pending)}").absolute()),
                    depends=out[-1] if out else None,
                    skip_completed=False,
                    **{"job_name": f"{job.name}-{phase.name}", **self._options},
                )
            )
        return out

    def run(self, job: Job, display: Display, done: DoneHook) -> None:
        chain = self.chain(job)
        if chain:
            chain[-1].run()  # submits what it depends on first
        display.say(
            f"submitted {len(chain)} job arrays; the corpus is whole when {job.output / 'manifest.json'} appears"
        )


def _require(name: str) -> None:
    for module in ("datatrove", name):
        if importlib.util.find_spec(module) is None:
            raise MissingExtra(f"the {name} executor", "cluster")


def _hush() -> None:
    """datatrove logs every launch; our own progress says what matters."""
    from datatrove.utils.logging import logger

    logger.disable("datatrove")
