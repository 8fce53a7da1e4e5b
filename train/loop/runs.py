"""The run folder: made once, and gone on with only by the settings it was made with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Set
from pathlib import Path

from ...curate.errors import RunError
from .checkpoint import Checkpoints
from .files import write_whole
from .loop import LoopConfig

BUDGET = frozenset(
    {"max_steps", "max_tokens", "max_minutes", "epochs", "patience", "keep", "checkpoint_every", "device", "cache"}
    | {"micro_batch_tokens", "parallel", "compile", "trackers", "max_skipped", "on_spike", "max_rollbacks"}
)
"""Settings that may change when a run is resumed: they decide how long, where and how, not what a step computes."""


def open_run(config: LoopConfig, run: Path, *, overwrite: bool, checked_elsewhere: Set[str]) -> None:
    """Make the run folder with its config.json, or check that the run in it is one that these settings continue.

    `checked_elsewhere` names settings whose change is found out otherwise (a folder that moved, by fingerprint).
    Raises RunError that lists what differs.
    """
    known = run / "config.json"
    if overwrite and known.is_file():
        shutil.rmtree(run)
    run.mkdir(parents=True, exist_ok=True)
    settings = json.loads(config.model_dump_json())
    if Checkpoints(run).latest() is not None:
        if not known.is_file():
            raise RunError(f"{run} holds checkpoints but no config.json: choose another output folder")
        before = json.loads(known.read_text("utf-8"))
        may_differ = BUDGET | checked_elsewhere
        changed = [k for k in settings if k not in may_differ and settings[k] != before.get(k)]
        if changed:
            told = "; ".join(f"{k} was {before.get(k)!r} and is now {settings[k]!r}" for k in changed)
            raise RunError(
                f"{run} holds a run with other settings ({told}): choose another output folder, "
                "restore the settings, or pass overwrite"
            )
    write_whole(known, json.dumps(settings, ensure_ascii=False, indent=2))
