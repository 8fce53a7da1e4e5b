"""Which code runs which phase of a job: what every executor calls."""

from __future__ import annotations

import json
from typing import Any

from ..stage import Say
from . import finish, tasks, whole
from .job import Job, commit


def run_task(job: Job, phase: str, task: int, say: Say) -> dict[str, Any]:
    """Run one task and commit its marker. Runs again harmlessly: the same files replace themselves."""
    if phase.startswith("map-"):
        marker = tasks.map_unit(job, int(phase[4:]), task, say)
    elif phase == "ids":
        marker = whole.compare_ids(job, task)
    elif phase == "check":
        marker = whole.check_input(job)
    elif phase.startswith("decide-"):
        stage, cut, name = phase[7:].split("-", 2)
        marker = whole.decide(job, int(stage), int(cut), name, task)
    elif phase == "split":
        marker = whole.split(job)
    elif phase == "write":
        marker = tasks.write_shard(job, task, say)
    elif phase == "finish":
        marker = finish.finish(job)
    else:
        raise ValueError(f"no phase {phase}")
    path = job.marker_path(phase, task)
    path.parent.mkdir(parents=True, exist_ok=True)
    commit(path, json.dumps(marker, ensure_ascii=False, sort_keys=True).encode(), job.work)
    return marker
