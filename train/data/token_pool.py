"""Processes that tokenize, started by command: `python -m corpusmill.train.data.token_pool DRAFT`.

Not by multiprocessing, which would import the user's own script again. A process reads the numbers of pieces from
standard input, a line each, and answers each with a line of JSON; it ends when its input does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from ...curate.errors import CorpusmillError, InputError, RunError


def tokenize_in_processes(draft: Path, pieces: list[int], workers: int) -> Iterator[int]:
    """Have `workers` processes write the pieces of a draft; yields the number of each as it is done.

    On an error the pieces under way are dropped, those that are done stay.
    """
    mine = threading.local()
    started: list[subprocess.Popen[str]] = []

    def tokenize(number: int) -> int:
        # A thread has a process of its own and waits for it.
        if not hasattr(mine, "process"):
            mine.process = _start(draft)
            started.append(mine.process)
        process: subprocess.Popen[str] = mine.process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{number}\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it died: there is no answer to read either
        answer = process.stdout.readline()
        if not answer:
            raise RunError(
                f"a process that tokenized died (exit code {process.wait()}; -9 is usually lack of memory: use fewer "
                "workers); the pieces that are done are kept, and the same command goes on from there"
            )
        error = json.loads(answer)
        if error:
            raise {"InputError": InputError}.get(error["kind"], RunError)(error["message"])
        return number

    pool = ThreadPoolExecutor(workers)
    try:
        for done in as_completed([pool.submit(tokenize, number) for number in pieces]):
            yield done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in started:
            process.kill()  # idle, or writing a piece that nobody will name
            process.communicate()
        pool.shutdown()


def _start(draft: Path) -> subprocess.Popen[str]:
    # One thread each: the parallelism is in the processes.
    single = dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    env = {**os.environ, **single, "TOKENIZERS_PARALLELISM": "false"}
    env["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    return subprocess.Popen(
        [sys.executable, "-m", "corpusmill.train.data.token_pool", str(draft)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
        text=True,
        start_new_session=True,  # Ctrl-C is for the parent alone
    )


def _serve(draft: Path) -> None:
    from ..tokenizer.bpe import Tokenizer
    from .corpus import Unit
    from .token_cache import FULL, disk_full, write_piece

    job = json.loads((draft / "job.json").read_text("utf-8"))
    tokenizer = Tokenizer.load(draft / "tokenizer")
    for line in sys.stdin:
        error: dict[str, str] = {}
        try:
            number = int(line)
            write_piece(Path(job["corpus"]), job["split"], Unit(**job["units"][number]), tokenizer, draft, number)
        except CorpusmillError as found:
            error = {"kind": type(found).__name__, "message": str(found)}
        except Exception as found:
            full = isinstance(found, OSError) and found.errno in FULL
            message = str(disk_full(draft)) if full else f"tokenizing failed: {type(found).__name__}: {found}"
            error = {"kind": "RunError", "message": message}
        print(json.dumps(error), flush=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
