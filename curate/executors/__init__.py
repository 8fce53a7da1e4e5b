"""Where a run's tasks are executed: processes of this machine, Ray, Slurm."""

if "." not in __name__:
    raise ImportError("import corpusmill.curate.executors instead")

from collections.abc import Callable
from typing import Any, Protocol

from ..errors import RecipeError
from ..progress import Display
from ..run.job import Job, Phase

DoneHook = Callable[[Phase, int, dict[str, Any]], None]
"""Called in the driver with each finished task's marker; raises to stop the run."""

EXECUTORS = ("local", "ray", "slurm")


class Executor(Protocol):
    """Runs a job's phases in order, each phase's pending tasks in any order."""

    def run(self, job: Job, display: Display, done: DoneHook) -> None: ...


def executor(name: str, workers: int, options: dict[str, Any] | None = None) -> Executor:
    """The executor of that name. `options` are keyword arguments of datatrove's Slurm executor (partition, time, ...)."""
    if name == "local":
        from .local import LocalExecutor

        return LocalExecutor(workers)
    if name in ("ray", "slurm"):
        from .cluster import RayExecutor, SlurmExecutor

        return RayExecutor(workers) if name == "ray" else SlurmExecutor(workers, options or {})
    raise RecipeError([f"unknown executor {name!r}. Valid: {', '.join(EXECUTORS)}"])
