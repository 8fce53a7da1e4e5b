"""The tasks of `corpusmill recall`, one a work unit, in processes of this machine.

A task commits its file by renaming it, so a task that has its file is done, whoever did it and when.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ..executors.processes import Processes
from ..progress import Display
from .tasks import result_path, run_task


class UnitPool:
    """Runs a phase's tasks over the units of a work folder; with one worker, in this process."""

    def __init__(self, work: Path, units: int, workers: int, display: Display) -> None:
        self._work, self._units, self._workers, self._display = work, units, max(1, min(workers, units)), display
        self._processes = Processes(f"{__name__}:worker", work, self._workers)

    def __enter__(self) -> UnitPool:
        return self

    def __exit__(self, *error: Any) -> None:
        self._processes.__exit__(*error)

    def run(self, phase: str, what: str) -> None:
        """Do the tasks of a phase that have not been done. Raises RunError with what failed."""
        pending = [u for u in range(self._units) if not result_path(self._work, phase, u).exists()]
        with self._display.phase(what, self._units) as meter:
            meter.advance(tasks=self._units - len(pending))
            if self._workers == 1 or len(pending) < 2:
                for unit in pending:
                    meter.advance(1, run_task(self._work, phase, unit))
            else:
                for _, documents in self._processes.run([[phase, unit] for unit in pending]):
                    meter.advance(1, documents)


def worker(work: Path) -> Any:
    """What a process does with an order, a phase and a unit: how many documents it read."""
    return partial(_do, work)


def _do(work: Path, order: list[Any]) -> int:
    return run_task(work, order[0], order[1])
