"""A search over settings of fine-tuning: a small grid, or successive halving (Jamieson and Talwalkar 2016).

Settings are judged on the validation split alone. The test set is scored once, with the winner; every trial that saw it
would make its score a little less of a test.
"""

from __future__ import annotations

import html
import itertools
import json
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import xxhash
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

from ...curate.errors import InputError, RecipeError, RunError
from ..loop.distributed import refuse_torchrun
from ..loop.files import write_whole
from ..loop.progress import console, read_metrics
from ..svg import COLOURS, Line, chart
from .classification import ClassifierConfig, finetune_classifier
from .instruction import InstructConfig, finetune_instructions
from .preference import PreferenceConfig, finetune_preferences
from .tuning import FinetuneConfig

Scalar = int | float | str | None
MOST = 64
"""Trials a search makes at most; a grid of more is a mistake, or wants halving of fewer values."""

TASKS: dict[str, tuple[type[FinetuneConfig], Callable[[Any], dict[str, Any]], str, bool]] = {
    "classify": (ClassifierConfig, finetune_classifier, "f1_macro", True),
    "instruct": (InstructConfig, finetune_instructions, "answer_loss", False),
    "prefer": (PreferenceConfig, finetune_preferences, "preference_loss", False),
}
"""Each task's settings, how it is trained, its validation figure, and whether more of that is better."""


class SearchConfig(BaseModel):
    """Which settings to try."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Literal["classify", "instruct", "prefer"]
    """What is fine-tuned."""
    output: Path
    """Folder for the table, the page, and each trial's run. An interrupted search goes on."""
    values: dict[str, list[Scalar]] = Field(min_length=1)
    """The values of each setting that is tried; all combinations are."""
    settings: dict[str, Any] = {}
    """What all trials share: base, train, test, epochs ..."""
    halving: int | None = Field(default=None, ge=2)
    """Successive halving: all trials with a small budget, the best one in so many with as many times more, and so on;
    null trains all of them whole."""
    shortest: PositiveFloat = Field(default=0.5, lt=1e6)
    """Halving: the fewest epochs that a trial is judged after."""
    overwrite: bool = Field(default=False, exclude=True)
    """Delete a search that is already in `output`."""


def search_settings(config: SearchConfig) -> dict[str, Any]:
    """Try the settings; returns the table that is also written as search.json, with search.html beside it.

    `best` names the winner and its report, with the test's scores. Each trial is a run in `trials/`, from which one can go
    on; a search that was stopped goes on where it was. Raises RecipeError on settings the task does not know.
    """
    refuse_torchrun("a search")
    out = config.output
    if config.overwrite and (out / "search.json").is_file():
        shutil.rmtree(out)
    kind, train, monitor, higher = TASKS[config.task]
    epochs = _epochs(config)
    trials = [dict(zip(config.values, values, strict=True)) for values in itertools.product(*config.values.values())]
    if len(trials) > MOST:
        raise InputError(f"{len(trials)} combinations are more than the {MOST} that a search makes: try fewer values")
    # Mistakes are told before the first trial has cost its time.
    for trial in trials:
        _config(kind, config, trial, out)
    out.mkdir(parents=True, exist_ok=True)
    asked = json.loads(config.model_dump_json(exclude={"output"}))
    rows = _known(out, asked)
    status = "finished"
    rungs = _rungs(len(trials), epochs, config)
    left = trials
    best: dict[str, Any] = {}
    for rung, (kept, budget) in enumerate(rungs):
        if rung:
            left = [row["settings"] for row in _ranked(rows, rung - 1, higher)[:kept]]
        for trial in left:
            if any(row["rung"] == rung and row["settings"] == trial for row in rows):
                continue
            run = out / "trials" / _name(rung, trial)
            changed = trial if budget is None else {**trial, "epochs": budget}
            judged = {"judge": False, "baseline": False} if config.task == "classify" else {}
            try:
                report = train(_config(kind, config, {**changed, **judged}, run))
            except RunError as error:  # a rate at which nothing is finite is an answer too
                rows.append({"rung": rung, "settings": trial, "value": None, "run": str(run), "problem": str(error)})
            else:
                if report["status"] == "interrupted":
                    status = "interrupted"
                    break
                rows.append(_row(rung, trial, changed, run, report, monitor, higher))
            _write(out, asked, rows, monitor, higher, status="running")
            console().print(_told(rows[-1], monitor), highlight=False)
        if status == "interrupted":
            break
    if status == "finished":
        ranked = _ranked(rows, len(rungs) - 1, higher)
        if not ranked or ranked[0]["value"] is None:
            raise RunError(f"no trial came to an end: {rows[-1].get('problem', 'see ' + str(out))}")
        best = dict(ranked[0])
        if config.task == "classify":
            changed = best["settings"] if rungs[-1][1] is None else {**best["settings"], "epochs": rungs[-1][1]}
            # The finished run is opened again, and only its test is new.
            best["report"] = train(_config(kind, config, changed, Path(best["run"])))
    return _write(out, asked, rows, monitor, higher, status=status, best=best)


def _config(kind: type[FinetuneConfig], config: SearchConfig, trial: Mapping[str, Any], run: Path) -> FinetuneConfig:
    try:
        return kind(**{**config.settings, **trial, "output": run})
    except ValidationError as error:
        raise RecipeError([f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]) from error


def _epochs(config: SearchConfig) -> float:
    """The passes of a whole trial, of which halving gives the first rungs a part."""
    if config.halving is None:
        return 0.0
    if "epochs" in config.values or "max_steps" in {*config.values, *config.settings}:
        raise InputError("halving sets each rung's epochs itself: try other settings, or search the whole grid")
    from . import classification, instruction, preference

    task = {"classify": classification, "instruct": instruction, "prefer": preference}[config.task]
    return float(config.settings.get("epochs") or task.EPOCHS)


def _rungs(trials: int, epochs: float, config: SearchConfig) -> list[tuple[int, float | None]]:
    """(trials, epochs) of each rung; epochs are null where a trial's own settings say."""
    if config.halving is None:
        return [(trials, None)]
    rungs: list[tuple[int, float | None]] = []
    # As many rungs as leave more than one trial to choose from, and enough training to choose by.
    by_trials = math.ceil(math.log(trials, config.halving)) if trials > 1 else 0
    by_epochs = max(0, math.floor(math.log(epochs / config.shortest, config.halving) + 1e-9))
    count = min(by_trials, by_epochs)
    for rung in range(count + 1):
        rungs.append((max(1, math.ceil(trials / config.halving**rung)), epochs / config.halving ** (count - rung)))
    return rungs


def _name(rung: int, trial: Mapping[str, Scalar]) -> str:
    return f"{rung}-{xxhash.xxh3_64_hexdigest(json.dumps(trial, sort_keys=True).encode())[:10]}"


def _row(
    rung: int, trial: Mapping[str, Scalar], given: Mapping[str, Any], run: Path, report: dict[str, Any], monitor: str, higher: bool
) -> dict[str, Any]:  # fmt: skip
    points = [[r["step"], r[monitor]] for r in read_metrics(run / "metrics.jsonl") if monitor in r]
    return {
        "rung": rung,
        "settings": dict(trial),
        "epochs": given.get("epochs"),
        "value": dict(points)[report["best_step"]],
        "best_step": report["best_step"],
        "steps": report["steps"],
        "seconds": round(report["seconds"], 1),
        "learning_rate": report["learning_rate"],
        "run": str(run),
        "curve": points,
    }


def _ranked(rows: list[dict[str, Any]], rung: int, higher: bool) -> list[dict[str, Any]]:
    """A rung's trials, the best first, failed ones last."""
    sign = -1 if higher else 1
    here = [row for row in rows if row["rung"] == rung]
    return sorted(here, key=lambda row: math.inf if row["value"] is None else sign * row["value"])


def _known(out: Path, asked: dict[str, Any]) -> list[dict[str, Any]]:
    path = out / "search.json"
    if not path.is_file():
        return []
    before = json.loads(path.read_text("utf-8"))
    if before["asked"] != asked:
        changed = ", ".join(sorted(k for k in asked if asked[k] != before["asked"].get(k)))
        raise RunError(f"{out} holds a search with another {changed}: choose another output folder, or pass overwrite")
    rows: list[dict[str, Any]] = before["trials"]
    return rows


def _write(
    out: Path, asked: dict[str, Any], rows: list[dict[str, Any]], monitor: str, higher: bool, *, status: str,
    best: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    found = {"asked": asked, "status": status, "monitor": monitor, "trials": rows, "best": best or None}
    write_whole(out / "search.json", json.dumps(found, ensure_ascii=False, indent=2))
    write_whole(out / "search.html", _page(rows, monitor, higher, asked))
    return found


def _told(row: dict[str, Any], monitor: str) -> str:
    value = "failed" if row["value"] is None else f"{monitor} {row['value']:.4f}"
    return f"rung {row['rung']}  {_settings(row)}  {value}"


def _settings(row: dict[str, Any]) -> str:
    return "  ".join(f"{name}={value}" for name, value in row["settings"].items())


def _page(rows: list[dict[str, Any]], monitor: str, higher: bool, asked: dict[str, Any]) -> str:
    last = max((row["rung"] for row in rows), default=0)
    ordered = [row for rung in range(last, -1, -1) for row in _ranked(rows, rung, higher)]
    names = list(asked["values"])
    cells = []
    for i, row in enumerate(ordered):
        value = "–" if row["value"] is None else f"{row['value']:.4f}"
        shown = [*(str(row["settings"][name]) for name in names), str(row["rung"]), str(row.get("steps", "–"))]
        shown += [str(row.get("seconds", "–")), value]
        cells.append(f"<tr{' class=best' if i == 0 else ''}>" + "".join(f"<td>{html.escape(s)}</td>" for s in shown))
    head = "".join(f"<th>{html.escape(n)}</th>" for n in (*names, "rung 轮", "steps 步", "seconds 秒", monitor))
    # The best in full strength, the others as its ground.
    drawn = [row for row in ordered if row.get("curve")]
    lines = [
        Line(_settings(row), row["curve"], COLOURS[i % len(COLOURS)], thin=i >= len(COLOURS))
        for i, row in enumerate(drawn)
    ]
    return (
        "<!doctype html><meta charset=utf-8><title>corpusmill search</title><style>"
        "body{font:15px system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse}td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}"
        ".best{font-weight:700;background:#eef6ee}svg{width:100%;height:auto}svg text{font-size:10px;fill:#556}"
        ".frame{fill:none;stroke:#bbb}.grid{stroke:#eee}.legend{font-size:13px}</style>"
        f"<h1>Search: {html.escape(asked['task'])} 参数搜索</h1>"
        f"<p>{len(rows)} trials, judged by {monitor} on the validation split "
        f"({'higher' if higher else 'lower'} is better).</p>"
        f"{chart(lines[::-1], up=monitor)}<table><tr>{head}</tr>{''.join(cells)}</table>"
    )
