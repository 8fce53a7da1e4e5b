"""Processes of this machine: a pool that survives a dead worker."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from collections import deque
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

from ..errors import RunError
from ..fetch import cache_dir
from ..progress import Display, Meter
from ..run.job import Job, Phase
from ..run.phases import run_task
from . import DoneHook
from .processes import worker_environment

ATTEMPTS = 3
"""How often a task is tried when its worker dies (killed for memory, a crash in native code)."""


class LocalExecutor:
    """Runs tasks in `workers` processes; with one worker, in this process."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"workers must be 1 or more, not {workers}")
        self._workers = workers

    def run(self, job: Job, display: Display, done: DoneHook) -> None:
        pool = _Pool(job, self._workers) if self._workers > 1 else None
        try:
            for phase in job.phases:
                pending = job.pending(phase)
                if not pending:
                    continue
                with display.phase(phase.what, phase.tasks) as meter:
                    meter.advance(tasks=phase.tasks - len(pending))
                    if pool is None or (phase.tasks == 1 and phase.name != "map-0"):
                        for task in pending:
                            done(phase, task, run_task(job, phase.name, task, lambda d, b: meter.advance(0, d, b)))
                            meter.advance(tasks=1)
                    else:
                        pool.run(phase, pending, meter, done)
        finally:
            if pool is not None:
                pool.close()


def _code_digest() -> str:
    """Changes with any file of the package: the kernels may then have to be compiled anew."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parents[2].glob("filters/**/*.py")):
        stat = path.stat()
        found.update(f"{path}{stat.st_size}{stat.st_mtime_ns}".encode())
    return found.hexdigest()[:16]


def _touch(path: Path) -> None:
    """A mark that only saves time: a home that cannot be written to does not stop a run."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


class _Pool:
    def __init__(self, job: Job, workers: int) -> None:
        self._job = job
        self._size = workers
        self._workers: dict[Connection, subprocess.Popen[bytes]] = {}
        self._warm_mark = cache_dir() / f"warm-{_code_digest()}"
        self._warm = self._warm_mark.exists()
        """Whether a batch has gone through: on a new machine the first one compiles the kernels for all workers."""

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        # mimalloc keeps what it once had; the system allocator gives it back, at no measurable cost here.
        env = {**worker_environment(), "ARROW_DEFAULT_MEMORY_POOL": "system"}
        command = [
            sys.executable,
            "-m",
            "corpusmill.curate.executors.worker",
            str(theirs.fileno()),
            str(self._job.output),
        ]
        # A session of its own: Ctrl-C is for the parent alone, and the worker goes when the parent's pipe closes.
        process = subprocess.Popen(
            command, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self._workers[ours] = process
        return ours

    def run(self, phase: Phase, pending: list[int], meter: Meter, done: DoneHook) -> None:
        """Run all tasks of a phase; failed ones leave their siblings unharmed and are named together at the end."""
        todo: deque[tuple[int, int]] = deque((task, 1) for task in pending)
        busy: dict[Connection, tuple[int, int]] = {}
        failed: list[str] = []

        def give(worker: Connection) -> None:
            if not todo:
                return
            try:
                worker.send((phase.name, todo[0][0]))
            except OSError:  # it died while it had nothing to do
                self._bury(worker)
                worker = self._start()
                worker.send((phase.name, todo[0][0]))
            busy[worker] = todo.popleft()

        while len(self._workers) < min(self._size, len(pending)):
            self._start()
        for worker in list(self._workers)[: None if self._warm else 1]:
            give(worker)
        while busy:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                task, attempt = busy[ready]
                try:
                    message: tuple[Any, ...] = ready.recv()
                except (EOFError, OSError):
                    code = self._bury(ready)
                    del busy[ready]
                    if attempt < ATTEMPTS:
                        todo.append((task, attempt + 1))
                    else:
                        failed.append(
                            f"task {task} of {phase.name}: its worker died {attempt} times (exit code {code}; -9 is usually lack of memory: use fewer workers)"
                        )
                    give(self._start())
                    continue
                if not self._warm:
                    self._warm = True
                    _touch(self._warm_mark)
                    for worker in list(self._workers):
                        if worker not in busy:
                            give(worker)
                if message[0] == "progress":
                    meter.advance(0, message[1], message[2])
                    continue
                del busy[ready]
                if message[0] == "done":
                    meter.advance(tasks=1)
                    done(phase, task, message[1])
                else:
                    failed.append(f"task {task} of {phase.name}: {message[1]}\n{message[2]}".rstrip())
                give(ready)
        if failed:
            raise RunError(
                "\n".join(
                    [
                        *failed[:5],
                        f"{len(failed)} of {len(pending)} tasks failed; the others are kept, and the same command goes on from there",
                    ]
                )
            )

    def _bury(self, worker: Connection) -> int:
        process = self._workers.pop(worker)
        worker.close()
        return process.wait()

    def close(self) -> None:
        for connection, process in self._workers.items():
            connection.close()  # the worker sees the pipe close and exits
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._workers.clear()
