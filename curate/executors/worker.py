"""A worker process: takes tasks from its parent over a pipe until the pipe closes.

Started as `python -m corpusmill.curate.executors.worker FD OUTPUT`, not by multiprocessing: the user's own script is
then never imported again, so ten lines of Python need no `if __name__ == "__main__"`.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ..errors import CorpusmillError


def serve(connection: Connection, output: Path) -> None:
    """Answer `(phase, task)` with `("done", marker)` or `("failed", message, trace)`; `("progress", documents, bytes)` between."""
    orders: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()

    def listen() -> None:
        while True:
            try:
                orders.put(connection.recv())
            except (EOFError, OSError):
                os._exit(1)  # the parent is gone: nothing half-written has a name yet

    threading.Thread(target=listen, daemon=True).start()

    from ..run.job import Job
    from ..run.phases import run_task

    job = Job.load(output)
    waiting = [0, 0]
    last = time.monotonic()

    def say(documents: int, size: int) -> None:
        nonlocal last
        waiting[0] += documents
        waiting[1] += size
        if time.monotonic() - last > 0.2:
            last = time.monotonic()
            connection.send(("progress", *waiting))
            waiting[:] = [0, 0]

    while True:
        phase, task = orders.get()
        answer: tuple[Any, ...]
        try:
            answer = ("done", run_task(job, phase, task, say))
        except CorpusmillError as error:
            answer = ("failed", str(error), "")
        except Exception as error:
            answer = ("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
        connection.send(("progress", *waiting))
        waiting[:] = [0, 0]
        connection.send(answer)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])), Path(sys.argv[2]))
