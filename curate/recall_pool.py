"""The tasks of `corpusmill recall`, one a work unit, in processes of this machine.

Workers are started by command, as those of a run are (executors/worker.py): nothing imports the user's script. A task
commits its file by renaming it, so a task that has its file is done, whoever did it and when.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from .errors import RunError
from .progress import Display, Meter

ATTEMPTS = 3


class UnitPool:
    """Runs a phase's tasks over the units of a work folder; with one worker, in this process."""

    def __init__(self, work: Path, units: int, workers: int, display: Display) -> None:
        self._work, self._units, self._workers, self._display = work, units, max(1, min(workers, units)), display
        self._idle: list[subprocess.Popen[str]] = []

    def run(self, phase: str, what: str, run_task: Callable[[Path, str, int], int]) -> None:
        """Do the tasks of a phase that have not been done. Raises RunError with what failed."""
        from .recall_tasks import result_path

        pending = [u for u in range(self._units) if not result_path(self._work, phase, u).exists()]
        with self._display.phase(what, self._units) as meter:
            meter.advance(tasks=self._units - len(pending))
            if self._workers == 1 or len(pending) < 2:
                for unit in pending:
                    meter.advance(1, run_task(self._work, phase, unit))
            else:
                self._spread(phase, pending, meter)

    def _spread(self, phase: str, pending: list[int], meter: Meter) -> None:
        todo = deque((unit, 1) for unit in pending)
        failed: list[str] = []
        lock = threading.Lock()

        def serve() -> None:
            process: subprocess.Popen[str] | None = None
            while True:
                with lock:
                    if not todo or failed:
                        break
                    unit, attempt = todo.popleft()
                    if process is None and self._idle:
                        process = self._idle.pop()
                if process is None:
                    process = self._start()
                answer = self._ask(process, phase, unit)
                with lock:
                    if answer is None:
                        code = process.wait()
                        process = None
                        if attempt < ATTEMPTS:
                            todo.append((unit, attempt + 1))
                        else:
                            failed.append(f"unit {unit}: its worker died {attempt} times (exit code {code})")
                    elif "error" in answer:
                        failed.append(f"unit {unit}: {answer['error']}")
                    else:
                        meter.advance(1, int(answer["documents"]))
            if process is not None:
                with lock:
                    self._idle.append(process)

        threads = [threading.Thread(target=serve) for _ in range(min(self._workers, len(pending)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise RunError(f"{phase}: {'; '.join(failed[:3])}. The same command goes on from what is done")

    def _start(self) -> subprocess.Popen[str]:
        single = dict.fromkeys(
            ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
        )
        env = {**os.environ, **single, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        command = [sys.executable, "-m", "corpusmill.curate.recall_worker", str(self._work)]
        return subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def _ask(self, process: subprocess.Popen[str], phase: str, unit: int) -> dict[str, str | int] | None:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{phase} {unit}\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (BrokenPipeError, OSError):
            return None
        found: dict[str, str | int] | None = json.loads(line) if line else None
        return found

    def close(self) -> None:
        """End the workers."""
        for process in self._idle:
            with contextlib.suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()  # the worker's loop ends with its input
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        self._idle.clear()
