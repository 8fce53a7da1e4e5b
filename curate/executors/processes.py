"""Small tasks in processes of this machine: an order in, an answer out, a line of JSON each.

A process is started by command, not by multiprocessing, which would import the user's own script again:

    python -m corpusmill.curate.executors.processes MODULE:FUNCTION ARGUMENT

It calls FUNCTION(ARGUMENT) once, for what carries orders out, and ends when its input does. Runs of a pipeline have
workers of their own (`local.py`), which report progress within a task.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import CorpusmillError, InputError, RunError

ATTEMPTS = 3
"""How often an order is given when the process that has it dies."""

serve_command = [sys.executable, "-m", "corpusmill.curate.executors.processes"]

_KINDS = {kind.__name__: kind for kind in (InputError, RunError)}


def worker_environment() -> dict[str, str]:
    """One thread a worker: the parallelism is in the processes, and threads of polars or BLAS would fight for cores."""
    names = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")
    more = {"TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return {**os.environ, **dict.fromkeys(names, "1"), **more}


class Processes:
    """Up to `workers` processes that carry out orders; they start when they are needed and stay until the block ends."""

    def __init__(self, function: str, argument: Path, workers: int) -> None:
        """`function`: `package.module:name`; called with `argument`, it returns what takes an order and answers it."""
        self._command = [*serve_command, function, str(argument)]
        self._threads = ThreadPoolExecutor(workers)
        """A thread waits for each process."""
        self._started: list[subprocess.Popen[str]] = []
        self._idle: list[subprocess.Popen[str]] = []
        self._closed = False

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._closed = True
        for process in list(self._started):
            process.kill()  # idle, or at work on what nobody will name
        self._threads.shutdown(cancel_futures=True)
        for process in self._started:
            process.kill()  # started at the last moment
            process.communicate()

    def run(self, orders: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        """(order, answer) of each order as it is done.

        Raises what an order raised, an InputError or else a RunError; orders that have not begun are then dropped.
        """
        waiting = {self._threads.submit(self._do, order): order for order in orders}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            for task in waiting:
                task.cancel()

    def _do(self, order: Any) -> Any:
        code = 0
        for _ in range(ATTEMPTS):
            process = self._idle.pop() if self._idle else self._start()
            answer = _ask(process, order)
            if answer is None:
                if self._closed:
                    break
                self._started.remove(process)
                process.communicate()
                code = process.returncode
                continue
            self._idle.append(process)
            if "error" in answer:
                raise _KINDS.get(answer["kind"], RunError)(answer["error"])
            return answer["answer"]
        raise RunError(
            f"a worker died {ATTEMPTS} times (exit code {code}; -9 is usually lack of memory: use fewer workers); what is "
            "done is kept, and the same command goes on from there"
        )

    def _start(self) -> subprocess.Popen[str]:
        if self._closed:
            raise RunError("stopped")
        # A session of its own: Ctrl-C is for the parent alone.
        process = subprocess.Popen(
            self._command,
            env=worker_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process


def _ask(process: subprocess.Popen[str], order: Any) -> dict[str, Any] | None:
    """The answer of a process; None if it died."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except (OSError, ValueError):  # its pipe is gone, or was closed
        return None
    found: dict[str, Any] | None = json.loads(line) if line else None
    return found


def serve(function: str, argument: Path) -> None:
    """Answer orders until there are no more."""
    # What libraries print goes to the error stream: the answers have the other one to themselves.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    module, _, name = function.partition(":")
    carry_out: Callable[[Any], Any] = getattr(import_module(module), name)(argument)
    for line in sys.stdin:
        try:
            answer = {"answer": carry_out(json.loads(line))}
        except CorpusmillError as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}", "kind": "RunError"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
