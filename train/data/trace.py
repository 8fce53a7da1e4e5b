"""Which documents a step of a run saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...curate.errors import InputError
from ..loop.checkpoint import STATE, Checkpoints
from ..loop.progress import read_metrics
from ..pretraining.pretrain import PretrainConfig, read_data


def trace_step(run: str | Path, step: int) -> list[dict[str, Any]]:
    """The pieces of documents in the batch of an optimizer step, in the order of the rows, as `Loader.trace` gives them.

    Steps after a rollback are traced by the batch that they really took. Raises InputError if the run or the step is not
    there, or the corpus is not the one that the run was trained on.
    """
    run = Path(run)
    settings = run / "config.json"
    latest = Checkpoints(run).latest()
    if not settings.is_file() or latest is None:
        raise InputError(f"{run} is not a run folder of `corpusmill train pretrain` with a checkpoint")
    records = [r for r in read_metrics(run / "metrics.jsonl") if "batch" in r]
    batch = next((int(r["batch"]) for r in reversed(records) if r["step"] == step), None)
    if batch is None:
        last = max((int(r["step"]) for r in records), default=0)
        raise InputError(f"{run} has no step {step}: it has steps 1 to {last}")
    config = PretrainConfig.model_validate(json.loads(settings.read_text("utf-8")) | {"output": run})
    data = read_data(config)
    known = json.loads((latest / STATE).read_text("utf-8"))["fingerprints"]["corpus"]
    if data.train.fingerprint != known:
        raise InputError(f"the corpus {config.corpus} has changed since {run} was trained: its steps cannot be traced")
    return data.loader.trace(batch)
