"""The pool of local workers: one warms up before the others, and a worker that dies idle is replaced."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from corpusmill.curate import Pipeline
from corpusmill.curate.executors.local import _Pool
from corpusmill.curate.pipeline import as_inputs
from corpusmill.curate.progress import Silent
from corpusmill.curate.run.phases import run_task
from corpusmill.filters import Language


@pytest.fixture
def job(tmp_path: Path, texts: list[str]) -> Any:
    lines = [json.dumps({"id": str(i), "text": t}, ensure_ascii=False) for i, t in enumerate(texts)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    pipeline, given = Pipeline([Language(keep=["zh"])]), as_inputs(tmp_path / "a.jsonl")
    return pipeline._job(tmp_path / "out", given, pipeline.plan(given, 5000), "f", 1 << 28)


def test_a_worker_that_died_idle_is_replaced(job: Any) -> None:
    pool = _Pool(job, 2)
    done: list[int] = []
    try:
        first, second = job.phases[0], next(p for p in job.phases if p.name == "write")
        pool.run(first, job.pending(first), Silent(), lambda phase, task, marker: done.append(task))
        assert sorted(done) == list(range(first.tasks))
        assert first.tasks > 2
        victims = list(pool._workers.values())
        for process in victims:
            os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.3)
        for p in job.phases[1:-2]:
            for task in job.pending(p):
                run_task(job, p.name, task, lambda d, b: None)
        pool.run(second, [0], Silent(), lambda phase, task, marker: done.append(-1))
        assert done[-1] == -1
    finally:
        pool.close()


def test_workers_end_with_the_pool(job: Any) -> None:
    pool = _Pool(job, 2)
    first = job.phases[0]
    pool.run(first, job.pending(first), Silent(), lambda phase, task, marker: None)
    processes = list(pool._workers.values())
    assert len(processes) == 2
    pool.close()
    assert all(p.poll() is not None for p in processes)
